"""Ed25519 keys: made, kept in files that only their owner reads, used to sign and to check."""

import os
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from app.errors import UsageError

PRIVATE, PUBLIC = "signing-key.pem", "public-key.pem"
_OWNER_ONLY = 0o600
_OTHERS = 0o077


def make(folder: Path) -> tuple[Path, Path]:
    """Make a key pair: a private key that only its owner reads, and the public key to give away.

    Raises
    ------
    UsageError
        When a key is there already, or the folder cannot be written to.
    """
    private, public = folder / PRIVATE, folder / PUBLIC
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Made with its mode, not given it afterwards: nobody reads it in between.
        with os.fdopen(os.open(private, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY), "wb") as file:
            file.write(pem)
        public.write_bytes(
            key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        )
    except FileExistsError as error:
        raise UsageError(f"{private} is there already; a key is never overwritten") from error
    except OSError as error:
        raise UsageError(f"no key can be made in {folder}: {error}") from error
    return private, public


def read_private(path: Path) -> Ed25519PrivateKey:
    """Read a private key.

    Raises
    ------
    UsageError
        When it is none, or others than its owner may read it.
    """
    raw = _read(path)
    if os.name == "posix" and path.stat().st_mode & _OTHERS:
        raise UsageError(f"{path} can be read by others than its owner; run chmod 600 {path}")
    try:
        key = serialization.load_pem_private_key(raw, None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise UsageError(f"{path} is no private key in PEM without a password: {error}") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise UsageError(f"{path} is no Ed25519 key; poniente key makes one")
    return key


def read_public(path: Path) -> str:
    """Read a public key, as 64 hex digits.

    Raises
    ------
    UsageError
        When it is none.
    """
    try:
        key = serialization.load_pem_public_key(_read(path))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise UsageError(f"{path} is no public key in PEM: {error}") from error
    if not isinstance(key, Ed25519PublicKey):
        raise UsageError(f"{path} is no Ed25519 key")
    return key.public_bytes_raw().hex()


def public_of(key: Ed25519PrivateKey) -> str:
    """Public key of a private one, as 64 hex digits."""
    return key.public_key().public_bytes_raw().hex()


def is_signed(content: bytes, signature: bytes, public: str) -> bool:
    """Whether a signature is of a content and a key."""
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public)).verify(signature, content)
    except (InvalidSignature, ValueError):
        return False
    return True


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error}") from error
