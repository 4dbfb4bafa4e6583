"""Commands between field and database: migrate, ingest, publish, import, doctor."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.options import BrokerAddress, Database, FormatOption
from app.cli.output import Format, note, print_rows

if TYPE_CHECKING:
    from ingest.client import Broker

Mapping = Annotated[
    Path | None, typer.Option("--mapping", help="What the columns of CSV files mean (docs/import.md).")
]


def register(main: typer.Typer) -> None:
    """Hang the commands onto the command line."""
    main.command(epilog="Example: poniente migrate --database 'host=db dbname=poniente'")(migrate)
    main.command(epilog="Example: poniente ingest --broker mqtt.example.org:1883")(ingest)
    main.command(epilog="Example: poniente publish field/messages-2026-09.jsonl --broker 127.0.0.1:1883")(publish)
    main.command("import", epilog="Example: poniente import fullness.csv --mapping fullness.toml")(import_file)
    main.command(epilog="Example: poniente doctor")(doctor)


def migrate(database: Database = None) -> None:
    """Create the database's schema or bring it to this release, and say which database it is."""
    from app.settings import Settings
    from storage.migrate import migrate as run

    done = run(database or Settings().database)
    server = done.server
    edition = f" with TimescaleDB {server.timescaledb} ({server.license})" if server.timescaledb else ""
    note(
        f"PostgreSQL {server.postgresql}{edition}; {len(done.applied)} migrations applied, {done.present} were there"
    )
    for name in (*done.applied, *(f"kind {kind}" for kind in done.kinds), *(f"column {one}" for one in done.columns)):
        note(f"  {name}")


def ingest(
    broker: BrokerAddress = None,
    database: Database = None,
    status: Annotated[bool, typer.Option("--status", help="Show what has come in so far, and leave.")] = False,
    form: FormatOption = Format.TABLE,
) -> None:
    """Move readings from the broker into the database until stopped; acknowledge what is committed."""
    import gc
    import signal
    import sys
    import threading

    from app.jobs.sources import read_sources_file
    from app.metrics import serve
    from app.settings import Settings
    from ingest.worker import Options, Tally, run

    if status:
        _status(database, form)
        return
    settings = Settings()
    stop = threading.Event()

    def leave(_signal: int, _frame: object) -> None:
        stop.set()

    for one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(one, leave)
    options = Options(
        settings.client_id,
        settings.window,
        read_sources_file(settings.sources),
        settings.share,
        gives_receipts=settings.receipts,
        is_bulk=settings.client == "bulk",
    )
    # A batch is ten thousand short-lived tuples, none of which refers back: looking through them for cycles every 700
    # takes a third of the decoder's time.
    gc.freeze()
    gc.set_threshold(200_000, 20, 50)
    # A batch is a dozen questions to the database and a hundred pieces of a copy. After each the thread that stores
    # waits for the one that decodes to be interrupted: at the default of 5 ms for half of its time.
    sys.setswitchinterval(0.00005)
    tally = Tally()
    if settings.metrics_port:
        serve(settings.metrics_port, tally)
    run(database or settings.database, broker_of(broker, settings.broker_version), stop, options, tally)


def publish(
    file: Annotated[
        Path, typer.Argument(help="Messages (.jsonl); with --mapping, CSV: a file, a folder, a tar archive.")
    ],
    broker: BrokerAddress = None,
    mapping: Mapping = None,
) -> None:
    """Play recorded or simulated messages to a broker, as devices would."""
    from app.jobs.playing import messages_of
    from app.settings import Settings
    from ingest.publisher import publish as play

    settings = Settings()
    count = play(broker_of(broker, settings.broker_version), messages_of(file, mapping), progress=_say_progress)
    note(f"{count} messages published and acknowledged by the broker")


def import_file(
    file: Annotated[Path, typer.Argument(help="CSV or Parquet: a file, a folder, a tar archive.")],
    mapping: Annotated[Path, typer.Option("--mapping", help="What its columns mean (docs/import.md).")],
    database: Database = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Load history from files; rows loaded again are duplicates, counted and without effect."""
    from collections import Counter
    from datetime import UTC, datetime

    from app.cli.options import open_database
    from app.jobs import imports

    readings: Counter[str] = Counter()
    messages: Counter[str] = Counter()
    with open_database(database, "import") as connection:
        for stored in imports.load(connection, file, imports.read_mapping(mapping), datetime.now(UTC)):
            readings.update({outcome.value: n for outcome, n in stored.readings.items()})
            messages.update(decoded=stored.messages_decoded, rejected=stored.messages_rejected)
    rows = [{"unit": "message", "outcome": outcome, "n": n} for outcome, n in messages.items()]
    rows += [{"unit": "reading", "outcome": outcome, "n": n} for outcome, n in sorted(readings.items())]
    print_rows({"unit": "unit", "outcome": "outcome", "n": "count"}, rows, form, right=("n",))


def doctor(database: Database = None, form: FormatOption = Format.TABLE) -> None:
    """Say what is wrong with this installation: schema, ledgers, devices not installed, unheard of, or stale."""
    from app.cli.options import open_database
    from app.jobs.health import findings

    with open_database(database, "doctor") as connection:
        found = findings(connection)
    rows = [{"what": one.what, "where": one.where, "says": one.says} for one in found]
    if rows or form != Format.TABLE:
        print_rows({"what": "finding", "where": "where", "says": "says"}, rows, form)
    if rows:
        raise typer.Exit(1)
    note("nothing is wrong")


def broker_of(address: str | None, version: int) -> "Broker":
    """Make a broker's address of `host:port`, or of the settings.

    Raises
    ------
    UsageError
        When the port is no number.
    """
    from app.errors import UsageError
    from app.settings import Settings
    from ingest.client import Broker

    settings = Settings()
    host, port = settings.broker_host, settings.broker_port
    if address:
        host, _, digits = address.rpartition(":")
        if not host or not digits.isdigit():
            raise UsageError(f"broker {address!r} is not host:port")
        port = int(digits)
    return Broker(
        host,
        port,
        settings.broker_username,
        settings.broker_password,
        version,
        settings.broker_ca_file,
        settings.broker_cert_file,
        settings.broker_key_file,
    )


def _status(database: str | None, form: Format) -> None:
    from app.cli.options import open_database
    from app.jobs.health import counters
    from storage.readings import count_by_outcome, count_rejections

    with open_database(database, "status") as connection:
        counts = count_by_outcome(connection)
        reasons = count_rejections(connection)
        told = counters(connection)
    rows = [{"unit": unit, "outcome": outcome, "n": n} for (unit, outcome), n in counts.items()]
    rows += [{"unit": "distinct rejection", "outcome": reason, "n": n} for reason, n in reasons.items()]
    if told:
        rows += [
            {"unit": "device counter, last 7 days", "outcome": "missing", "n": told.missing},
            {"unit": "device counter, last 7 days", "outcome": "begun anew", "n": told.resets},
        ]
    print_rows({"unit": "unit", "outcome": "outcome", "n": "count"}, rows, form, right=("n",))


def _say_progress(count: int) -> None:
    if count % 10_000 == 0:
        note(f"{count} messages")
