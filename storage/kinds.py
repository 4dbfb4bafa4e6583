"""Tables of readings, made from the declarations of their kinds: one for readings, one for conflicting contents.

The SQL stands in `queries/kinds.sql`; only names of tables and columns are filled in, as quoted identifiers, and only
names that `check_names` let pass.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache

import psycopg
from psycopg import sql

from sensors.readings import Kind
from storage.errors import MigrationError
from storage.sql import query

# What every reading has, by name and type as the server says them.
_CORE = {
    "device_id": "bigint",
    "event_time": "timestamp with time zone",
    "sequence": "bigint",
    "event_time_source": "smallint",
    "device_time": "timestamp with time zone",
    "network_time": "timestamp with time zone",
    "sent_time": "timestamp with time zone",
    "received_time": "timestamp with time zone",
    "clock": "smallint",
    "digest": "uuid",
    "batch_seq": "bigint",
}
# Longer ones would be cut by PostgreSQL (63 bytes) where a suffix follows, and so meet each other.
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


@cache
def check_names(kind: Kind) -> None:
    """Hold the names of a declaration against what can be a table or a column.

    Raises
    ------
    MigrationError
        When one cannot.
    """
    names = [kind.name, *(one.name for one in (*kind.quantities, *kind.words))]
    if wrong := [name for name in names if not _NAME.fullmatch(name)]:
        raise MigrationError(
            f"kind {kind.name!r}: {wrong[0]!r} can be no table or column; a-z, 0-9 and _, 40 at most, a letter first"
        )
    taken = {*_CORE, "arrival"}
    if wrong := [name for place, name in enumerate(names[1:], 1) if name in taken or name in names[1:place]]:
        raise MigrationError(f"kind {kind.name!r}: column {wrong[0]!r} is there already; give it another name")
    if not names[1:]:
        raise MigrationError(f"kind {kind.name!r} declares neither quantity nor word")


@cache
def statement(kind: Kind, name: str) -> sql.Composed:
    """Fill a query of `kinds.sql` with the tables and columns of a kind."""
    check_names(kind)
    table, conflict = tables(kind)
    parts = {
        "table": sql.Identifier(table),
        "conflict": sql.Identifier(conflict),
        "stage": sql.Identifier(f"stage_{kind.name}"),
        "names": sql.SQL(", ").join(sql.Identifier(one) for one in _declared(kind)),
        "columns": _pieces(kind, "column"),
        "staged": sql.SQL(", ").join(sql.Identifier("s", one) for one in _declared(kind)),
        "said": _pieces(kind, "said"),
    }
    return sql.SQL(query("kinds", name)).format(**parts)


def copy_known(kind: Kind) -> sql.Composed:
    """Give `select_known` as a COPY."""
    return sql.SQL(query("kinds", "copy_known")).format(known=statement(kind, "select_known"))


def tables(kind: Kind) -> tuple[str, str]:
    """Name the tables of a kind: of readings, of conflicting contents."""
    return kind.name, f"{kind.name}_conflict"


def make(connection: psycopg.Connection, kinds: Iterable[Kind], *, is_timescale: bool) -> tuple[list[str], list[str]]:
    """Make the tables of those kinds that have none, and add columns declared since.

    Parameters
    ----------
    kinds : iterable of Kind
    is_timescale : bool
        Whether readings become a hypertable.

    Returns
    -------
    tuple of list of str
        Kinds with new tables; new columns as `kind.column`.

    Raises
    ------
    MigrationError
        When a table holds what the declaration does not, or as another type, or the server refuses.
    """
    made: list[str] = []
    added: list[str] = []
    for kind in kinds:
        check_names(kind)
        try:
            with connection.transaction():
                there = _there(connection, [kind])
                if not any(table in there for table in tables(kind)):
                    _create(connection, kind, is_timescale=is_timescale)
                    made.append(kind.name)
                    continue
                missing = [_missing(kind, table, there.get(table, {})) for table in tables(kind)]
                for table, names in zip(tables(kind), missing, strict=True):
                    _add(connection, kind, table, names)
                added += [f"{kind.name}.{name}" for name in missing[0]]
        except psycopg.Error as error:
            raise MigrationError(f"tables of kind {kind.name} failed and left nothing behind: {error}") from error
    return made, added


def are_made(connection: psycopg.Connection, kinds: Sequence[Kind]) -> bool:
    """Whether every kind has its tables as declared."""
    there = _there(connection, kinds)
    return all({**_CORE, **_declared(kind)} == there.get(table) for kind in kinds for table in tables(kind))


def _there(connection: psycopg.Connection, kinds: Iterable[Kind]) -> dict[str, dict[str, str]]:
    names = [name for kind in kinds for name in tables(kind)]
    found: dict[str, dict[str, str]] = {}
    for table, column, kind_of in connection.execute(query("kinds", "select_columns"), {"tables": names}):
        found.setdefault(table, {})[column] = kind_of
    return found


def _create(connection: psycopg.Connection, kind: Kind, *, is_timescale: bool) -> None:
    connection.execute(statement(kind, "create_table"))
    connection.execute(statement(kind, "create_conflict_table"))
    if is_timescale:
        connection.execute(query("kinds", "create_hypertable"), {"table": kind.name})
    for table in tables(kind):
        trigger = {"trigger": sql.Identifier(f"{table}_no_update"), "table": sql.Identifier(table)}
        connection.execute(sql.SQL(query("kinds", "create_trigger")).format(**trigger))


def _missing(kind: Kind, table: str, there: Mapping[str, str]) -> list[str]:
    """Name the declared columns that a table has not; refuse what cannot be mended without losing readings."""
    declared = {**_CORE, **_declared(kind)}
    for column, type_name in there.items():
        if column not in declared:
            raise MigrationError(
                f"table {table} has column {column}, which kind {kind.name} no longer declares; readings as said are "
                f"never dropped: declare it again, or give the new kind another name"
            )
        if declared[column] != type_name:
            raise MigrationError(
                f"column {column} of table {table} is {type_name}, declared is {declared[column]}; a column's type "
                f"never changes: give the new one another name"
            )
    missing = [column for column in declared if column not in there]
    if core := [column for column in missing if column in _CORE]:
        raise MigrationError(
            f"table {table} has no column {core[0]}: it is no table of readings; give kind {kind.name} another name"
        )
    return missing


def _add(connection: psycopg.Connection, kind: Kind, table: str, names: Iterable[str]) -> None:
    for name in names:
        column = _piece("column", _declared(kind)[name], sql.Identifier(name))
        parts = {"table": sql.Identifier(table), "column": column}
        connection.execute(sql.SQL(query("kinds", "add_column")).format(**parts))


def _declared(kind: Kind) -> dict[str, str]:
    """Columns of a declaration and their types; of a name that comes twice, one."""
    numbers = {quantity.name: "integer" for quantity in kind.quantities}
    return numbers | {word.name: "text" for word in kind.words}


def _pieces(kind: Kind, form: str) -> sql.Composed:
    return sql.SQL(", ").join(
        _piece(form, type_name, sql.Identifier(name)) for name, type_name in _declared(kind).items()
    )


def _piece(form: str, type_name: str, name: sql.Identifier) -> sql.Composed:
    what = "number" if type_name == "integer" else "word"
    return sql.SQL(query("kinds", f"{what}_{form}")).format(name=name)
