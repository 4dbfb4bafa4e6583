"""A small contract over two months, issued in a real database, and its bundles: made once for all tests of them."""

import csv
import hashlib
import io
import json
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.bundle import layout, manifest
from app.bundle.manifest import Bundle
from app.jobs import bundling, imports, statements
from app.jobs.contracts import add_folder
from app.jobs.templates import contract_files, write_contract
from rules.records import Act, canonical
from storage.connection import Connection, connect
from storage.ledger import entry_hash
from tests.narrow import CONTAINERS, FILLS_MAPPING, only, rows_of

CONTRACT = "vega-poniente-2026"
SEPTEMBER, OCTOBER = MONTHS = ("2026-09", "2026-10")
SIGNER = "alcaldesa-01"
NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
FINE = "2026-09/container-full/VP-0401/2026-09-14"
RESTATED = "2026-10/restatement/2026-09/container-full/VP-0401/2026-09-15"
KEY = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"the office").digest())
OTHER_KEY = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"a forger").digest())


@dataclass(frozen=True)
class Issued:
    """A database in which both months are issued, and the bundle of each."""

    dsn: str
    bundles: Mapping[str, Bundle]
    early: Bundle


def salt_of(name: str) -> bytes:
    """Give each file the same salt each time."""
    return hashlib.sha256(name.encode()).digest()[: manifest.SALT_BYTES]


def bundle_of(connection: Connection, month: str) -> Bundle:
    return manifest.build((CONTRACT, month), bundling.files(connection, CONTRACT, month), KEY, salt_of)


@contextmanager
def issued(folder: Path, dsn: str) -> Generator[Issued]:
    """Issue September, decide on its fine, let late readings come, issue October, let later ones come."""
    with connect(dsn, "test") as connection:
        files = contract_files()
        links = rows_of(files["installations.csv"], "VP-0401").replace("1450,250", ",")
        desk = [row for row in files["installations.csv"].splitlines(keepends=True) if "tablet" in row]
        assets = [row for row in files["assets.csv"].splitlines(keepends=True) if row.startswith("ITS-01")]
        changed = {
            "contract.toml": only(files["contract.toml"], *CONTAINERS, "closing-condition").replace(
                "free = 2", "free = 0"
            ),
            "assets.csv": rows_of(files["assets.csv"], "VP-0401") + "".join(assets),
            "installations.csv": links + "".join(desk),
        }
        write_contract(folder / "contract", changed)
        add_folder(connection, folder / "contract", NOW)
        (folder / "mapping.toml").write_text(FILLS_MAPPING)
        _load(connection, folder, "".join(_half_hours()))
        statements.issue(connection, CONTRACT, SEPTEMBER, NOW)
        early = bundle_of(connection, SEPTEMBER)
        statements.record_act(connection, CONTRACT, Act(FINE, "firm", "12", "2026-11-20", SIGNER, "ab"), NOW)
        late = (divmod(half * 30, 60) for half in range(18, 32))
        rows = "".join(f"2026-09-15T{hour:02d}:{minute:02d},0.97\n" for hour, minute in late)
        # And one that changes nothing of the fine but what it is judged from.
        _load(connection, folder, f"2026-09-14T10:05,0.97\n{rows}")
        statements.issue(connection, CONTRACT, OCTOBER, NOW, is_hasty=True)
        _load(connection, folder, "2026-09-13T10:10,0.99\n2026-10-13T10:10,0.99\n")
        yield Issued(dsn, {month: bundle_of(connection, month) for month in MONTHS}, early)


def _half_hours() -> Iterator[str]:
    """Say half-hourly fills: emptied at 02:00, full from 09:00 to 16:00 on the 14th, silent then on the 15th."""
    for day in range(12, 17):
        for half in range(48):
            if day == 15 and 18 <= half < 32:
                continue
            hour, minute = divmod(half * 30, 60)
            fill = 0.97 if day == 14 and 9 <= hour < 16 else (0.40 if hour < 2 else 0.02 + 0.01 * half)
            yield f"2026-09-{day}T{hour:02d}:{minute:02d},{fill:.2f}\n"


def _load(connection: Connection, folder: Path, rows: str) -> None:
    lines = [f"24e124713b000401,{row}\n" for row in rows.splitlines()]
    (folder / "rows.csv").write_text("device,time,fill\n" + "".join(lines))
    list(imports.load(connection, folder / "rows.csv", imports.read_mapping(folder / "mapping.toml"), NOW))


def forged(bundle: Bundle, change: Callable[[dict[str, bytes]], None], key: Ed25519PrivateKey = OTHER_KEY) -> Bundle:
    """Change files, and do all digests and the signature again."""
    files = dict(bundle.files)
    change(files)
    return manifest.build((bundle.manifest.contract, bundle.manifest.period), files, key, salt_of)


def rewrite(files: dict[str, bytes], name: str, change: Callable[[dict[str, Any]], None]) -> None:
    """Change a JSON file."""
    said = json.loads(files[name])
    change(said)
    files[name] = canonical(said).encode()


def rewrite_rows(files: dict[str, bytes], name: str, change: Callable[[list[dict[str, str]]], None]) -> None:
    """Change a CSV file."""
    reader = csv.DictReader(io.StringIO(files[name].decode()))
    rows, written = list(reader), io.StringIO()
    change(rows)
    writer = csv.DictWriter(written, reader.fieldnames or (), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    files[name] = written.getvalue().encode()


def ledger_of(files: Mapping[str, bytes]) -> list[tuple[str, dict[str, Any]]]:
    """Kind and content of each entry."""
    entries = [json.loads(line) for line in files[layout.LEDGER].splitlines()]
    return [(one["kind"], json.loads(one["body"])) for one in entries]


def chain_again(files: dict[str, bytes], entries: Sequence[tuple[str, dict[str, Any]]]) -> None:
    """Chain other entries, with hashes that hold, and let the issue record name the new head."""
    before, lines = "", list[str]()
    for number, (kind, content) in enumerate(entries, 1):
        body = canonical(content)
        hashed = entry_hash(before, number, kind, body)
        entry = {"entry": number, "kind": kind, "body": body, "previous_hash": before, "hash": hashed}
        lines.append(canonical(entry) + "\n")
        before = hashed
    files[layout.LEDGER] = "".join(lines).encode()
    head = {"entry": len(entries), "hash": before}
    rewrite(files, layout.ISSUE, lambda issue: issue.update(ledger_head=head))


def state_again(files: dict[str, bytes]) -> None:
    """Let issue record and ledger name body and closing state as they now are."""
    sums = {name: hashlib.sha256(files[name]).hexdigest() for name in (layout.STATEMENT, layout.CLOSING)}
    rewrite(files, layout.ISSUE, lambda issue: issue.update(body_sha256=sums[layout.STATEMENT]))
    entries = ledger_of(files)
    entries[-1][1].update(body_sha256=sums[layout.STATEMENT], closing_sha256=sums[layout.CLOSING])
    chain_again(files, entries)


def act_row(**changed: str) -> dict[str, str]:
    return {**asdict(Act(FINE, "firm", "12", "2026-11-20", SIGNER, "ab")), **changed}
