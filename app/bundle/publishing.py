"""A bundle for everybody: what tells of persons is left out or coarsened, by a list, and the rest still verifies.

What no rule names is withheld: a file of a kind that comes later is not published because nobody thought of it.
Officers' acts stay as they are: they are public acts, and the ledger's chain holds them.
"""

import csv
import hashlib
import io
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.bundle import claims, keys, layout
from app.bundle.columns import read_parquet
from app.bundle.manifest import Bundle, Entry, Kept, Salts, random_salt, salted, sign
from app.errors import UsageError
from app.export.tables import determinations_csv, read_determinations
from sensors.registry import kinds

# Kinds of reading that tell of things alone. Positions are a driver's, inspections an inspector's; a case, a report,
# a photo or a lift says who was where at what time.
PUBLIC_KINDS = ("fill_level",)
_WHOLE = {layout.STATEMENT, layout.ISSUE, layout.OPENING, layout.CLOSING, layout.ACTS, layout.LEDGER, layout.ASSETS}
_WHOLE_FOLDERS = ("terms/",)
_COARSENED = {layout.INSTALLATIONS, layout.RELIEFS}
# What of a trace the statement's lines show anyway, and what counts without saying who.
_TRACE = {
    "measure", "looked_from_us", "looked_until_us", "proven_from_us", "proven_until_us", "detail", "samples",
    "scan_start_us", "excluded",
}  # fmt: skip
_SIGNERS = ("signed_city", "signed_contractor")
_SIGNED = "signed"


def kept_of(name: str) -> Kept:
    """What becomes of a file in a public bundle."""
    if name in _WHOLE or name.startswith(_WHOLE_FOLDERS) or name in map(layout.readings_file, PUBLIC_KINDS):
        return Kept.WHOLE
    if name in _COARSENED or name.startswith(layout.DETERMINATIONS):
        return Kept.COARSENED
    return Kept.WITHHELD


def publish(bundle: Bundle, key: Ed25519PrivateKey, salts: Salts = random_salt) -> Bundle:
    """Make a public bundle of a whole one; digests of the whole files stay in its manifest.

    Raises
    ------
    UsageError
        When it is public already, something is missing of it, or the key is another.
    """
    if bundle.manifest.whole_sha256 or bundle.certificates:
        raise UsageError("a public bundle is made of a whole one, of which nothing was destroyed")
    if keys.public_of(key) != bundle.manifest.public_key:
        raise UsageError("the bundle is signed by another key")
    files: dict[str, bytes] = {}
    drawn: dict[str, str] = {}
    entries: list[Entry] = []
    for entry in bundle.manifest.files:
        kept, content = kept_of(entry.name), bundle.files[entry.name]
        if kept == Kept.WITHHELD:
            entries.append(replace(entry, kept=kept))
            continue
        files[entry.name], drawn[entry.name] = content, bundle.salts[entry.name]
        if kept == Kept.WHOLE:
            entries.append(entry)
            continue
        coarse, salt = _coarsened(entry.name, bundle.files), salts(entry.name)
        files[entry.name], drawn[entry.name] = coarse, salt.hex()
        entries.append(Entry(entry.name, kept, len(coarse), salted(salt, coarse), entry.size, entry.sha256))
    about = (bundle.manifest.contract, bundle.manifest.period)
    return sign(about, entries, (files, drawn), key, hashlib.sha256(bundle.written).hexdigest())


def coarse_trace(trace: Mapping[str, Any]) -> dict[str, Any]:
    """Leave in a determination's trace what tells of no vehicle, no device and no person."""
    return {key: value for key, value in trace.items() if key in _TRACE}


def _coarsened(name: str, files: Mapping[str, bytes]) -> bytes:
    if name == layout.RELIEFS:
        return claims.coarsened(files[name])
    content = files[name].decode()
    if name.startswith(layout.DETERMINATIONS):
        found = [replace(one, trace=coarse_trace(one.trace)) for one in read_determinations(content)]
        return determinations_csv(found).encode()
    return _without_persons(content, _published(files)).encode()


def _published(files: Mapping[str, bytes]) -> set[str]:
    """Devices whose readings are published."""
    found: set[str] = set()
    for kind in PUBLIC_KINDS:
        name = layout.readings_file(kind)
        if name in files:
            by_device, _ = read_parquet(name, kinds()[kind], files[name])
            found |= {device for _, device in by_device}
    return found


def _without_persons(installations: str, published: set[str]) -> str:
    """Say that both sides signed and not who; give trackers, tablets and desks a number in place of their name."""
    reader = csv.DictReader(io.StringIO(installations))
    written = io.StringIO()
    writer = csv.DictWriter(written, reader.fieldnames or (), lineterminator="\n")
    writer.writeheader()
    numbers: dict[str, str] = {}
    for row in reader:
        device = row["device"].lower()
        # A level sensor that was silent all month is still one: it has a depth.
        if device not in published and not (row["empty_mm"] or row["full_at"]):
            row["device"] = numbers.setdefault(device, f"withheld-{len(numbers) + 1}")
        for key in _SIGNERS:
            row[key] = _SIGNED if row[key] else ""
        writer.writerow(row)
    return written.getvalue()
