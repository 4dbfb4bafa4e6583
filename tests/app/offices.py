"""An office whose contract has due process: September issued with two fines, in a real database."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from app.jobs import assess, imports, process, statements
from app.jobs.contracts import add_folder
from app.jobs.templates import contract_files, write_contract
from rules.process.records import Record, RecordKind
from storage.connection import Connection, connect
from storage.registers import Request
from tests.narrow import CONTAINERS, FILLS_MAPPING, only, rows_of
from tests.procedure import process_terms

CONTRACT = "vega-poniente-2026"
LINE = "2026-09/container-full/VP-0401/2026-09-14"
OTHER = "2026-09/container-full/VP-0401/2026-09-15"
DIGEST = "0" * 64
NOW = datetime(2026, 12, 10, 12, tzinfo=UTC)
ISSUED = datetime(2026, 10, 5, 12, tzinfo=UTC)
OCTOBER = (date(2026, 10, 1), date(2026, 11, 1))
NO_KEY = Request("", {})


def us(text: str) -> int:
    return (datetime.fromisoformat(text) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def record(kind: str, when: str, line: str = LINE, **more: str) -> Record:
    """Write a record by who makes it, at a UTC time."""
    person, role = {
        "defence": ("Aseos", ""),
        "appeal": ("Aseos", ""),
        "decision": ("Vera", "mayor"),
        "firm": ("Rojas", "secretary"),
        "expiry": ("Rojas", "secretary"),
    }.get(kind, ("Soto", "inspector"))
    fields = {
        "person": person,
        "role": role,
        "number": f"{kind}-1",
        "document_sha256": DIGEST,
        "channel": "portal",
        "proof_sha256": DIGEST,
    }
    fields |= {"of": "notice"} if kind == "notification" else {}
    return Record(RecordKind(kind), line, us(f"{when}:00Z"), **{**fields, **more})


NOTIFIED = (
    record("alert", "2026-09-14T13:00"),
    record("notice", "2026-10-05T12:00"),
    record("notification", "2026-10-05T13:00", channel="platform"),
)


def fills() -> list[str]:
    """Half-hourly readings of a few days: emptied every night at 02:00, full on the 14th and 15th from 09:00."""
    rows: list[str] = []
    for day in range(12, 18):
        for half in range(48):
            hour, minute = divmod(half * 30, 60)
            fill = 0.97 if day in {14, 15} and 9 <= hour < 16 else (0.40 if hour < 2 else 0.02 + 0.01 * half)
            rows.append(f"24e124713b000401,2026-09-{day}T{hour:02d}:{minute:02d},{fill:.2f}")
    return rows


def load(connection: Connection, folder: Path, rows: list[str]) -> None:
    (folder / "mapping.toml").write_text(FILLS_MAPPING)
    (folder / "rows.csv").write_text("\n".join(["device,time,fill", *rows]) + "\n")
    list(imports.load(connection, folder / "rows.csv", imports.read_mapping(folder / "mapping.toml"), ISSUED))


def folder_of(tmp_path: Path) -> Path:
    """Write the contract's folder."""
    files, added = contract_files(), process_terms()
    changed = {
        "contract.toml": only(files["contract.toml"], *CONTAINERS).replace("free = 2", "free = 0"),
        "assets.csv": rows_of(files["assets.csv"], "VP-0401"),
        "installations.csv": rows_of(files["installations.csv"], "VP-0401").replace("1450,250", ","),
        "calendar.toml": added["calendar.toml"],
    }
    changed["contract.toml"] += added["contract.toml"]
    write_contract(tmp_path / "contract", changed)
    return tmp_path / "contract"


def opened(contract_folder: Path, database: str) -> Iterator[Connection]:
    """Give a database in which September is issued with two fines."""
    with closing(connect(database, "test")) as connection:
        add_folder(connection, contract_folder, ISSUED)
        load(connection, contract_folder.parent, fills())
        statements.issue(connection, CONTRACT, "2026-09", ISSUED)
        assess.run(connection, CONTRACT, OCTOBER, datetime(2026, 11, 20, tzinfo=UTC))
        yield connection


def tell(office: Connection, *records: Record, now: datetime = NOW) -> process.Recorded:
    done: process.Recorded | None = None
    for one in records:
        done = process.record(office, CONTRACT, [one], NO_KEY, now)
    assert done is not None
    return done
