"""Columns: what goes into the COPY format comes out again, here and through a server."""

from contextlib import closing
from typing import Any

import numpy as np
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql

from sensors.readings import EVENT_TIME_MAX_US, NO_TIME_US, NOT_SAID
from storage import columns

# PostgreSQL's instants end some 292 000 years away on one side; ours are bounded long before.
_INSTANTS = st.integers(-62_135_596_800_000_000, 253_402_300_799_999_999) | st.just(NO_TIME_US)
_VALUES: dict[str, st.SearchStrategy[Any]] = {
    "smallint": st.integers(-(2**15), 2**15 - 1),
    "integer": st.integers(-(2**31), 2**31 - 1) | st.just(NOT_SAID),
    "bigint": st.integers(-(2**63), 2**63 - 1),
    "timestamptz": _INSTANTS,
    "uuid": st.binary(min_size=16, max_size=16),
}
_TYPES = tuple(_VALUES)
# As an identifier a type goes by its name in the catalogue.
_CATALOGUE = {"smallint": "int2", "integer": "int4", "bigint": "int8"}
_TABLES = st.lists(st.sampled_from(_TYPES), min_size=1, max_size=8).flatmap(
    lambda types: st.tuples(st.just(types), st.lists(st.tuples(*(_VALUES[kind] for kind in types)), max_size=20))
)


def _columns(types: list[str], rows: list[tuple[Any, ...]]) -> list[list[Any]]:
    return [[row[place] for row in rows] for place in range(len(types))]


def _plain(types: list[str], decoded: list[np.ndarray[Any, Any]]) -> list[list[Any]]:
    return [
        [one.tobytes() for one in column] if kind == "uuid" else column.tolist()
        for kind, column in zip(types, decoded, strict=True)
    ]


@given(_TABLES)
def test_decode_is_the_inverse_when_columns_were_encoded(table: tuple[list[str], list[tuple[Any, ...]]]) -> None:
    types, rows = table
    expected = _columns(types, rows)
    assert expected == _plain(types, columns.decode(types, [columns.encode(types, expected)]))


@given(_TABLES, st.data())
def test_decode_gives_the_same_when_the_stream_comes_in_blocks(
    table: tuple[list[str], list[tuple[Any, ...]]], data: st.DataObject
) -> None:
    types, rows = table
    stream = columns.encode(types, _columns(types, rows))
    cut = data.draw(st.integers(0, len(stream)))
    blocks = [memoryview(stream)[:cut], stream[cut:]]
    assert _columns(types, rows) == _plain(types, columns.decode(types, blocks))


@given(rows=st.lists(st.tuples(*_VALUES.values()), max_size=20))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_server_gives_back_what_was_copied_when_values_are_any(database: str, rows: list[tuple[Any, ...]]) -> None:
    types = list(_TYPES)
    fields = sql.SQL(", ").join(
        sql.SQL("{} {} not null").format(sql.Identifier(f"c{place}"), sql.Identifier(_CATALOGUE.get(kind, kind)))
        for place, kind in enumerate(_TYPES)
    )
    with closing(psycopg.connect(database, autocommit=True)) as connection, connection.cursor() as cursor:
        cursor.execute(sql.SQL("create temporary table given (place serial, {})").format(fields))
        names = sql.SQL(", ").join(sql.Identifier(f"c{place}") for place in range(len(_TYPES)))
        with cursor.copy(sql.SQL("copy given ({}) from stdin (format binary)").format(names)) as copy:
            copy.write(columns.encode(types, _columns(types, rows)))
        ordered = sql.SQL("copy (select {} from given order by place) to stdout (format binary)").format(names)
        with cursor.copy(ordered) as copy:
            found = columns.decode(types, copy)
    assert _columns(types, rows) == _plain(types, found)


def test_a_server_reads_the_instant_that_was_meant_when_copied(database: str) -> None:
    said = [0, EVENT_TIME_MAX_US - 1, columns.PG_EPOCH_US, NO_TIME_US]
    with closing(psycopg.connect(database, autocommit=True)) as connection, connection.cursor() as cursor:
        cursor.execute("set timezone to 'America/Santiago'")
        cursor.execute("create temporary table given (at timestamptz)")
        with cursor.copy("copy given from stdin (format binary)") as copy:
            copy.write(columns.encode(["timestamptz"], [said]))
        rows = cursor.execute("select (at at time zone 'UTC')::text from given").fetchall()
    assert [row[0] for row in rows] == [
        "1970-01-01 00:00:00",
        "2106-02-07 06:28:15.999999",
        "2000-01-01 00:00:00",
        "-infinity",
    ]


@pytest.mark.parametrize(("kind", "value"), [("smallint", 2**15), ("integer", 2**31), ("bigint", 2**63)])
def test_encode_refuses_when_a_value_is_wider_than_its_column(kind: str, value: int) -> None:
    with pytest.raises(OverflowError):
        columns.encode([kind], [[value]])


def test_encode_refuses_when_columns_and_types_differ_in_number() -> None:
    with pytest.raises(ValueError, match="zip"):
        columns.encode(["integer", "integer"], [[1]])


def test_encode_refuses_when_columns_differ_in_length() -> None:
    with pytest.raises(ValueError, match="broadcast"):
        columns.encode(["integer", "integer"], [[1, 2], [1, 2, 3]])


def test_columns_are_native_contiguous_and_writeable_when_decoded() -> None:
    decoded = columns.decode(_TYPES, [columns.encode(_TYPES, [[1], [2], [3], [4], [bytes(range(16))]])])
    assert [(True, True, True)] * len(_TYPES) == [
        (column.dtype.isnative, column.flags.c_contiguous, column.flags.writeable) for column in decoded
    ]
