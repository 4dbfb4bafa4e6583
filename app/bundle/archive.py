"""Files in one zip of a fixed form: of the same files there is one archive, byte for byte.

All entries are stored as they are, sorted by name, without times, comments or extra fields. What is read is packed
again and held against what came in, so that no byte of an archive is without meaning: none before, between or behind
the entries, and none in a header.
"""

import re
import struct
import zlib
from collections.abc import Mapping
from io import BytesIO
from zipfile import ZIP_STORED, ZipFile, ZipInfo

import numpy as np

from app.errors import BrokenBundleError

# The format's lengths have 32 bits; larger ones need another layout, and more memory than a bundle should.
_BYTES_MAX = 2**32 - 1
_NAME = re.compile(rb"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*(/[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*)*")
_LOCAL = struct.Struct("<4s5H3I2H")
_LOCAL_MARK = b"PK\x03\x04"
# A zip has no times before this one.
_NO_TIME = (1980, 1, 1, 0, 0, 0)
_UNIX, _PLAIN_FILE = 3, 0o100644 << 16


def is_name(name: str) -> bool:
    """Whether a file of a bundle may be called so: plain letters, no way out of a folder, no hidden file."""
    return name.isascii() and _NAME.fullmatch(name.encode()) is not None


def pack(files: Mapping[str, bytes]) -> bytes:
    """Pack files.

    Raises
    ------
    BrokenBundleError
        When a name may not stand in a bundle, or the archive would be too large.
    """
    whole = BytesIO()
    if sum(map(len, files.values())) > _BYTES_MAX // 2:
        raise BrokenBundleError(f"the bundle's files exceed {_BYTES_MAX // 2} bytes; bundle a shorter period")
    with ZipFile(whole, "w", ZIP_STORED, allowZip64=False) as made:
        for name in sorted(files):
            if not is_name(name):
                raise BrokenBundleError(f"{name!r} may not stand in a bundle", name)
            entry = ZipInfo(name, _NO_TIME)
            entry.create_system, entry.external_attr = _UNIX, _PLAIN_FILE
            made.writestr(entry, files[name])
    return whole.getvalue()


def unpack(raw: bytes) -> dict[str, bytes]:
    """Read an archive that `pack` could have written, and no other.

    Raises
    ------
    BrokenBundleError
        When a byte is not where, or what, it has to be; with the file in which it lies, if in any.
    """
    files: dict[str, bytes] = {}
    at = 0
    while raw[at : at + 4] == _LOCAL_MARK and len(raw) - at >= _LOCAL.size:
        *_, check, _, size, name_length, _ = _LOCAL.unpack_from(raw, at)
        at += _LOCAL.size
        said = raw[at : at + name_length]
        if not _NAME.fullmatch(said):
            raise BrokenBundleError(f"{said!r} is no name that a bundle may hold")
        name = said.decode()
        if name in files:
            raise BrokenBundleError(f"{name} stands in the archive twice", name)
        at += name_length
        files[name] = raw[at : at + size]
        if zlib.crc32(files[name]) != check:
            raise BrokenBundleError(f"{name} is damaged: its checksum does not hold", name)
        at += size
    if not files:
        raise BrokenBundleError("this is no bundle: it does not begin with a stored file")
    packed = pack(files)
    if packed != raw:
        raise BrokenBundleError(f"the archive is not as a bundle is laid out, from byte {_first(packed, raw)} on")
    return files


def _first(one: bytes, other: bytes) -> int:
    """First byte in which two differ."""
    shared = min(len(one), len(other))
    differs = np.flatnonzero(np.frombuffer(one, np.uint8, shared) != np.frombuffer(other, np.uint8, shared))
    return int(differs[0]) if len(differs) else shared
