"""The manifest: which files a statement rests on, each by a salted digest, all under one signature.

A digest is the SHA-256 of 16 random bytes and the content. The salts stand in a file of their own, which the manifest
does not list: each is covered by the digest that it went into. So a file that is withheld or destroyed takes its salt
along, its digest tells nothing of what was in it, and the signature holds as before.
"""

import hashlib
import json
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, cast

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.bundle import archive, keys
from app.errors import BrokenBundleError
from rules.records import canonical

SCHEMA = "poniente.bundle/1"
MANIFEST, SIGNATURE, SALTS = "manifest.json", "manifest.sig", "salts.json"
CERTIFICATES = "certificates/"
SALT_BYTES = 16
_HEX_256 = re.compile("[0-9a-f]{64}")
_HEX_SALT = re.compile(f"[0-9a-f]{{{2 * SALT_BYTES}}}")

Salts = Callable[[str], bytes]


class Kept(StrEnum):
    """What a manifest says of a file."""

    WHOLE = "whole"
    COARSENED = "coarsened"
    WITHHELD = "withheld"


@dataclass(frozen=True, slots=True)
class Entry:
    """One file.

    Parameters
    ----------
    name : str
    kept : Kept
    size : int
        Of the content, of a withheld file that of the whole one. [bytes]
    sha256 : str
        SHA-256 of salt and content.
    whole_size, whole_sha256
        Of a coarsened file, those of the whole one; nought and empty else.
    """

    name: str
    kept: Kept
    size: int
    sha256: str
    whole_size: int = 0
    whole_sha256: str = ""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a bundle holds.

    Parameters
    ----------
    contract, period : str
    public_key : str
        Of who signs, as 64 hex digits.
    files : tuple of Entry
        Sorted by name.
    whole_sha256 : str
        SHA-256 of the manifest of the whole bundle that a public one was made from; empty of a whole one.
    """

    contract: str
    period: str
    public_key: str
    files: tuple[Entry, ...]
    whole_sha256: str = ""

    def content(self) -> dict[str, Any]:
        """What `manifest.json` holds."""
        return {**asdict(self), "schema": SCHEMA, "files": [asdict(one) for one in self.files]}


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle's files, and what they are covered by.

    Parameters
    ----------
    manifest : Manifest
    written : bytes
        The manifest as it was signed.
    signature : bytes
    salts : mapping of str to str
        By file, hex.
    files, certificates : mapping of str to bytes
        By name.
    """

    manifest: Manifest
    written: bytes
    signature: bytes
    salts: Mapping[str, str]
    files: Mapping[str, bytes]
    certificates: Mapping[str, bytes] = field(default_factory=dict[str, bytes])

    def packed(self) -> bytes:
        """The bundle as one archive."""
        covers = {MANIFEST: self.written, SIGNATURE: self.signature, SALTS: canonical(dict(self.salts)).encode()}
        return archive.pack({**self.files, **self.certificates, **covers})


def random_salt(_name: str) -> bytes:
    """Draw a salt."""
    return secrets.token_bytes(SALT_BYTES)


def salted(salt: bytes, content: bytes) -> str:
    """SHA-256 of salt and content, in hex."""
    return hashlib.sha256(salt + content).hexdigest()


def build(
    about: tuple[str, str], files: Mapping[str, bytes], key: Ed25519PrivateKey, salts: Salts = random_salt
) -> Bundle:
    """Put files under a signed manifest.

    Parameters
    ----------
    about : tuple of str
        Contract and period.
    files : mapping of str to bytes
    key : Ed25519PrivateKey
    salts : callable
        Gives each file's 16 bytes; a test hands its own over.
    """
    drawn = {name: salts(name) for name in files}
    entries = [Entry(name, Kept.WHOLE, len(content), salted(drawn[name], content)) for name, content in files.items()]
    return sign(about, entries, (files, {name: salt.hex() for name, salt in drawn.items()}), key)


def sign(
    about: tuple[str, str],
    entries: list[Entry],
    held: tuple[Mapping[str, bytes], Mapping[str, str]],
    key: Ed25519PrivateKey,
    whole_sha256: str = "",
) -> Bundle:
    """Sign a manifest of entries that are made already; `held` are the files that go along, and their salts."""
    ordered = tuple(sorted(entries, key=lambda one: one.name))
    manifest = Manifest(*about, keys.public_of(key), ordered, whole_sha256)
    written = canonical(manifest.content()).encode()
    return Bundle(manifest, written, key.sign(written), held[1], held[0])


def read(raw: bytes) -> Bundle:
    """Read an archive's manifest, and tell its files apart; whether they are as it says is not asked yet.

    Raises
    ------
    BrokenBundleError
        When the archive, the manifest or its signature do not hold.
    """
    files = archive.unpack(raw)
    covers: dict[str, bytes] = {}
    for name in (MANIFEST, SIGNATURE, SALTS):
        if name not in files:
            raise BrokenBundleError(f"{name} is missing", name)
        covers[name] = files.pop(name)
    manifest = _manifest(covers[MANIFEST])
    if not keys.is_signed(covers[MANIFEST], covers[SIGNATURE], manifest.public_key):
        raise BrokenBundleError(f"{SIGNATURE} is no signature of {MANIFEST} by the key that it names", SIGNATURE)
    salts = canonical_json(covers[SALTS], SALTS)
    if not all(isinstance(salt, str) and _HEX_SALT.fullmatch(salt) for salt in salts.values()):
        raise BrokenBundleError(f"{SALTS} holds something else than salts", SALTS)
    certificates = {name: files.pop(name) for name in sorted(files) if name.startswith(CERTIFICATES)}
    return Bundle(manifest, covers[MANIFEST], covers[SIGNATURE], salts, files, certificates)


def canonical_json(content: bytes, name: str) -> dict[str, Any]:
    """Read an object that is written as canonical JSON.

    Raises
    ------
    BrokenBundleError
        When it is not.
    """
    try:
        said: Any = json.loads(content)
        is_canonical = canonical(said).encode() == content
    except (ValueError, TypeError, RecursionError) as error:
        raise BrokenBundleError(f"{name} is no canonical JSON: {error}", name) from error
    if not (is_canonical and isinstance(said, dict)):
        raise BrokenBundleError(f"{name} is no object in canonical JSON", name)
    return cast("dict[str, Any]", said)


def _manifest(content: bytes) -> Manifest:
    said = canonical_json(content, MANIFEST)
    try:
        if said.pop("schema") != SCHEMA:
            raise BrokenBundleError(f"{MANIFEST} is not of schema {SCHEMA}", MANIFEST)
        listed: list[dict[str, Any]] = said.pop("files")
        entries = tuple(Entry(kept=Kept(one.pop("kept")), **one) for one in listed)
        manifest = Manifest(**said, files=entries)
        names = [one.name for one in entries]
        is_sound = names == sorted(set(names)) and all(map(archive.is_name, names))
        # What is left out of a whole bundle was not left out by the rules of a public one.
        is_sound &= bool(manifest.whole_sha256) or all(one.kept == Kept.WHOLE for one in entries)
        is_sound &= all(_HEX_256.fullmatch(one) for one in (manifest.public_key, *(one.sha256 for one in entries)))
        # Whoever reads the manifest otherwise must not find other files in it: its one form is that of `content`.
        is_sound &= canonical(manifest.content()).encode() == content
        is_sound &= all(type(one) is str for one in (manifest.contract, manifest.period, manifest.whole_sha256))
        is_sound &= all(type(size) is int for one in entries for size in (one.size, one.whole_size))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise BrokenBundleError(f"{MANIFEST} is no manifest: {error}", MANIFEST) from error
    if not is_sound:
        raise BrokenBundleError(f"{MANIFEST} lists its files otherwise than a manifest does", MANIFEST)
    return manifest
