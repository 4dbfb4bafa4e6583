"""Lawful destruction: which files of a bundle were destroyed, when, by whose act; signed like the manifest.

A certificate names the manifest and the salted digests in it, so that it speaks of these files and no others. The
manifest and its signature stay as they were.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import cast

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.bundle import archive, keys
from app.bundle.manifest import CERTIFICATES, Bundle, Kept, canonical_json
from app.errors import BrokenBundleError, UsageError
from rules.records import canonical

SCHEMA = "poniente.destruction/1"
KEYS = {"schema", "manifest_sha256", "files", "date", "act", "signer", "reason", "public_key", "signature"}


@dataclass(frozen=True, slots=True)
class Destruction:
    """The act that orders a destruction.

    Parameters
    ----------
    date : str
        Of the destruction, ISO.
    act, signer : str
        Number of the act, and who signed it.
    reason : str
        The ground in law.
    """

    date: str
    act: str
    signer: str
    reason: str


def destroy(bundle: Bundle, names: Iterable[str], act: Destruction, key: Ed25519PrivateKey) -> Bundle:
    """Leave files and their salts out of a bundle, and put a certificate in their place.

    Raises
    ------
    UsageError
        When a file is not in the bundle, the act is incomplete, or the key is not the bundle's.
    """
    gone = sorted(set(names))
    if missing := [name for name in gone if name not in bundle.files]:
        raise UsageError(
            f"{', '.join(missing)} is no file of this bundle; it holds {', '.join(sorted(bundle.files))}"
        )
    if not gone or not all(part.strip() for part in asdict(act).values()):
        raise UsageError("a destruction needs files, a date, the number of an act, who signed it and why")
    if keys.public_of(key) != bundle.manifest.public_key:
        raise UsageError("the bundle is signed by another key; a certificate is signed by the same")
    digests = {one.name: one.sha256 for one in bundle.manifest.files}
    said = {
        **asdict(act),
        "schema": SCHEMA,
        "manifest_sha256": hashlib.sha256(bundle.written).hexdigest(),
        "files": {name: digests[name] for name in gone},
        "public_key": bundle.manifest.public_key,
    }
    signature = key.sign(canonical(said).encode()).hex()
    name = f"{CERTIFICATES}{len(bundle.certificates) + 1:03d}.json"
    written = canonical({**said, "signature": signature}).encode()
    return replace(
        bundle,
        files={one: content for one, content in bundle.files.items() if one not in gone},
        salts={one: salt for one, salt in bundle.salts.items() if one not in gone},
        certificates={**bundle.certificates, name: written},
    )


def certified(bundle: Bundle, name: str, content: bytes) -> dict[str, Destruction]:
    """Read which files of a bundle a certificate says were destroyed.

    Raises
    ------
    BrokenBundleError
        When it is not signed by the bundle's key, or speaks of another bundle or other content.
    """
    said = canonical_json(content, name)
    if said.keys() != KEYS or said["schema"] != SCHEMA or not isinstance(said["files"], Mapping):
        raise BrokenBundleError(f"{name} is no certificate of schema {SCHEMA}", name)
    signature = str(said.pop("signature"))
    public = bundle.manifest.public_key
    try:
        is_signed = signature == signature.lower() and keys.is_signed(
            canonical(said).encode(), bytes.fromhex(signature), public
        )
        day = date.fromisoformat(str(said["date"])).isoformat()
    except ValueError as error:
        raise BrokenBundleError(f"{name}: {error}", name) from error
    if not is_signed or said["public_key"] != public:
        raise BrokenBundleError(f"{name} is not signed by the bundle's key", name)
    if said["manifest_sha256"] != hashlib.sha256(bundle.written).hexdigest():
        raise BrokenBundleError(f"{name} speaks of another bundle", name)
    digests = {one.name: one.sha256 for one in bundle.manifest.files if one.kept != Kept.WITHHELD}
    named = cast("dict[str, object]", said["files"])
    files = {one: str(digest) for one, digest in named.items()}
    if wrong := [one for one, digest in files.items() if digests.get(one) != digest or not archive.is_name(one)]:
        raise BrokenBundleError(f"{name} names {', '.join(sorted(wrong))} otherwise than the manifest does", name)
    act = Destruction(day, str(said["act"]), str(said["signer"]), str(said["reason"]))
    return dict.fromkeys(files, act)
