"""The archive's fixed form, and keys."""

import io
import os
import zipfile
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from hypothesis import given
from hypothesis import strategies as st

from app.bundle import keys
from app.bundle.archive import is_name, pack, unpack
from app.errors import BrokenBundleError, UsageError

_PART = st.text("abcXYZ019_-", min_size=1, max_size=8)
_NAMES = st.lists(_PART, min_size=1, max_size=3).map("/".join)
_FILES = st.dictionaries(_NAMES, st.binary(max_size=200), min_size=1, max_size=6)


@given(_FILES)
def test_files_come_back_when_packed(files: dict[str, bytes]) -> None:
    assert files == unpack(pack(files))
    assert pack(files) == pack(dict(reversed(files.items())))


@given(_FILES)
def test_archive_opens_when_read_by_others(files: dict[str, bytes]) -> None:
    with zipfile.ZipFile(io.BytesIO(pack(files))) as opened:
        assert opened.testzip() is None
        assert files == {name: opened.read(name) for name in opened.namelist()}


@given(_FILES, st.data())
def test_archive_is_refused_when_any_byte_is_another(files: dict[str, bytes], data: st.DataObject) -> None:
    whole = bytearray(pack(files))
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(BrokenBundleError):
        unpack(bytes(whole))


@given(st.binary(max_size=300))
def test_bytes_are_refused_when_no_archive(raw: bytes) -> None:
    with pytest.raises(BrokenBundleError):
        unpack(raw)


@pytest.mark.parametrize(
    "name", ["../x", "/x", "a//b", "a/../b", ".x", "a/.x", "x.", "a\\b", "ü", "", "a b", "C:x", "a\0b"]
)
def test_name_is_refused_when_it_plays_a_trick(name: str) -> None:
    assert not is_name(name)
    with pytest.raises(BrokenBundleError):
        pack({name: b"x"})


def _zip(*entries: tuple[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", compression) as opened:
        for name, content in entries:
            opened.writestr(zipfile.ZipInfo(name), content, compression)
    return made.getvalue()


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_archive_is_refused_when_not_as_packed() -> None:
    for raw in (
        _zip(("a", b"1"), ("a", b"2")),
        _zip(("b", b"1"), ("a", b"2")),
        _zip(("a", b"1" * 1000), compression=zipfile.ZIP_DEFLATED),
        _zip(("../a", b"1")),
        pack({"a": b"1"}) + pack({"b": b"2"}),
    ):
        with pytest.raises(BrokenBundleError):
            unpack(raw)


def test_key_is_its_owners_when_made(tmp_path: Path) -> None:
    private, public = keys.make(tmp_path / "keys")
    key = keys.read_private(private)

    assert 0o600 == private.stat().st_mode & 0o777
    assert keys.public_of(key) == keys.read_public(public)
    assert keys.is_signed(b"text", key.sign(b"text"), keys.public_of(key))
    assert not keys.is_signed(b"other", key.sign(b"text"), keys.public_of(key))
    with pytest.raises(UsageError, match="never overwritten"):
        keys.make(tmp_path / "keys")


def test_key_is_refused_when_others_can_read_it(tmp_path: Path) -> None:
    private, _ = keys.make(tmp_path)
    private.chmod(0o640)
    with pytest.raises(UsageError, match="chmod 600"):
        keys.read_private(private)


def test_key_is_refused_when_none_of_ours(tmp_path: Path) -> None:
    other = tmp_path / "other.pem"
    encodings = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    with os.fdopen(os.open(other, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
        file.write(generate_private_key(SECP256R1()).private_bytes(*encodings))
    with pytest.raises(UsageError, match="no Ed25519 key"):
        keys.read_private(other)
    with pytest.raises(UsageError, match="no public key"):
        keys.read_public(other)
    with pytest.raises(UsageError, match="cannot be read"):
        keys.read_private(tmp_path / "none.pem")
