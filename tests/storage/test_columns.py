"""Columns: what goes into the COPY format comes out again, here and through a server."""

from collections.abc import Sequence
from contextlib import closing
from typing import Any, LiteralString

import numpy as np
import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg import sql

from sensors.readings import EVENT_TIME_MAX_US, NO_TIME_US, NOT_SAID
from storage import columns

# PostgreSQL's instants end some 292 000 years away on one side; ours are bounded long before.
_VALUES: dict[str, st.SearchStrategy[Any]] = {
    "smallint": st.integers(-(2**15), 2**15 - 1),
    "integer": st.integers(NOT_SAID + 1, 2**31 - 1),
    "bigint": st.integers(-(2**63), 2**63 - 1),
    "timestamptz": st.integers(-62_135_596_800_000_000, 253_402_300_799_999_999),
    "uuid": st.binary(min_size=16, max_size=16),
}
# What stands for "not said", and is NULL in the table.
_NOTHING = {"integer": NOT_SAID, "timestamptz": NO_TIME_US}
# As queries turn NULL back.
_SAID_OR_NOTHING: dict[str, LiteralString] = {
    "integer": "coalesce({}, -2147483648)",
    "timestamptz": "coalesce({}, '-infinity')",
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


def _column(kind: str, count: int) -> st.SearchStrategy[list[Any]]:
    """Draw a column in which nothing, everything, or something is not said, where its type can be."""
    said = st.lists(_VALUES[kind], min_size=count, max_size=count)
    if kind not in _NOTHING:
        return said
    mixed = st.lists(_VALUES[kind] | st.just(_NOTHING[kind]), min_size=count, max_size=count)
    return said | st.just([_NOTHING[kind]] * count) | mixed


_NULLED = st.tuples(st.lists(st.sampled_from(_TYPES), min_size=1, max_size=8), st.integers(0, 20)).flatmap(
    lambda drawn: st.tuples(st.just(drawn[0]), st.tuples(*(_column(kind, drawn[1]) for kind in drawn[0])))
)


def _copied(
    connection: psycopg.Connection, types: Sequence[str], stream: bytes
) -> tuple[list[np.ndarray[Any, Any]], list[int]]:
    """Copy a stream into a table; give what a query reads of it, and how many NULLs each column holds."""
    names = [sql.Identifier(f"c{place}") for place in range(len(types))]
    fields = [
        sql.SQL("{} {}").format(n, sql.Identifier(_CATALOGUE.get(t, t))) for n, t in zip(names, types, strict=True)
    ]
    listed = sql.SQL(", ").join(names)
    read = [sql.SQL(_SAID_OR_NOTHING.get(t, "{}")).format(n) for n, t in zip(names, types, strict=True)]
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("create temporary table given (place serial, {})").format(sql.SQL(", ").join(fields)))
        with cursor.copy(sql.SQL("copy given ({}) from stdin (format binary)").format(listed)) as copy:
            copy.write(stream)
        ordered = sql.SQL("copy (select {} from given order by place) to stdout (format binary)")
        with cursor.copy(ordered.format(sql.SQL(", ").join(read))) as copy:
            found = columns.decode(types, copy)
        counts = sql.SQL(", ").join(sql.SQL("count(*) - count({})").format(name) for name in names)
        nulls = cursor.execute(sql.SQL("select {} from given").format(counts)).fetchone()
        cursor.execute("drop table given")
    return found, list(nulls or ())


def test_a_server_gives_back_what_was_copied_when_something_is_not_said(database: str) -> None:
    with closing(psycopg.connect(database, autocommit=True)) as connection:

        @given(_NULLED)
        @settings(max_examples=60)
        def holds(table: tuple[list[str], tuple[list[Any], ...]]) -> None:
            types, said = table
            found, nulls = _copied(connection, types, columns.encode(types, said))
            assert list(said) == _plain(types, found)
            expected = [
                column.count(_NOTHING[kind]) if kind in _NOTHING else 0
                for kind, column in zip(types, said, strict=True)
            ]
            assert expected == nulls

        holds()


@pytest.mark.parametrize(
    "column",
    [[5, 6, 7], [NOT_SAID] * 3, [NOT_SAID, 6, NOT_SAID], [5, NOT_SAID, 7]],
    ids=["never", "always", "at_the_ends", "in_the_middle"],
)
@pytest.mark.parametrize("beside", [[1, 2, 3], [NOT_SAID] * 3, [1, NOT_SAID, 3]], ids=["never", "always", "mixed"])
def test_a_server_reads_null_when_a_number_is_not_said(database: str, column: list[int], beside: list[int]) -> None:
    stream = columns.encode(["integer", "bigint", "integer"], [column, [NOT_SAID] * 3, beside])
    with closing(psycopg.connect(database, autocommit=True)) as connection, connection.cursor() as cursor:
        cursor.execute("create temporary table given (a integer, b bigint, c integer)")
        with cursor.copy("copy given from stdin (format binary)") as copy:
            copy.write(stream)
        rows = cursor.execute("select a, b, c from given").fetchall()
    expected = [
        (None if one == NOT_SAID else one, NOT_SAID, None if other == NOT_SAID else other)
        for one, other in zip(column, beside, strict=True)
    ]
    assert expected == rows


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
        None,
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
