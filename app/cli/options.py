"""Options that several commands share, and what they open."""

from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.output import Format

if TYPE_CHECKING:
    from storage.connection import Connection

Database = Annotated[
    str | None, typer.Option("--database", help="Connection string; else PONIENTE_DATABASE.", show_default=False)
]
BrokerAddress = Annotated[
    str | None,
    typer.Option(
        "--broker", help="host:port of the MQTT broker; else PONIENTE_BROKER_HOST and _PORT.", show_default=False
    ),
]
FormatOption = Annotated[Format, typer.Option("--format", help="How rows are printed.")]
LanguageOption = Annotated[
    str | None, typer.Option("--lang", help="en, es or pt; else PONIENTE_LANGUAGE.", show_default=False)
]


def open_database(dsn: str | None, program: str) -> "Connection":
    """Connect to a database with this release's schema.

    Raises
    ------
    RefusedError
        When its schema is of another release.
    """
    from app.errors import RefusedError
    from app.settings import Settings
    from storage.connection import connect
    from storage.migrate import is_current

    connection = connect(dsn or Settings().database, program)
    if not is_current(connection):
        connection.close()
        raise RefusedError("the database does not have this release's schema; run poniente migrate")
    return connection
