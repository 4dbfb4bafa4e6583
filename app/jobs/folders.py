"""Files that belong together: one alone, those of a folder, those of a tar archive; nothing is unpacked to disk.

Names that begin with a dot are left alone: systems keep notes of their own so, beside the files and in archives.
"""

import lzma
import tarfile
import zlib
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO

from app.errors import UsageError

# A poll a minute for two months; more only fills memory with names.
FILES_MAX = 100_000
# What reading may end in, of the world's making: files that are not there, archives cut short or damaged.
UNREADABLE = (OSError, EOFError, tarfile.TarError, lzma.LZMAError, zlib.error)
Opener = Callable[[], IO[bytes]]


@contextmanager
def opened(path: Path) -> Generator[Mapping[str, Opener]]:
    """Look into a file, a folder or a tar archive (plain, gzip, bzip2, xz); give how to open each file by its name.

    Parameters
    ----------
    path : Path
        Folders are read with all that is below them.

    Raises
    ------
    UsageError
        When there are no files or too many, or an archive holds links.
    OSError and others of `UNREADABLE`
        When it cannot be read.
    """
    if path.is_dir():
        yield _bounded(path, ((one.relative_to(path).as_posix(), partial(one.open, "rb")) for one in _below(path)))
    # A pipe is left alone: what a look takes out of it is gone.
    elif path.is_file() and tarfile.is_tarfile(path):
        with tarfile.open(path) as archive:
            yield _bounded(path, _members(path, archive))
    else:
        yield {path.name: partial(path.open, "rb")}


def _below(folder: Path) -> Iterator[Path]:
    return (one for one in folder.rglob("*") if one.is_file())


def _members(path: Path, archive: tarfile.TarFile) -> Iterator[tuple[str, Opener]]:
    for member in archive:
        if member.isfile():
            yield member.name, partial(_member, archive, member)
        elif not member.isdir():
            raise UsageError(f"{path} holds {member.name}, a link or a device; archive the files themselves")


def _member(archive: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    stream = archive.extractfile(member)
    if stream is None:
        raise tarfile.ReadError(f"{member.name} is no file")
    return stream


def _bounded(path: Path, found: Iterator[tuple[str, Opener]]) -> dict[str, Opener]:
    files: dict[str, Opener] = {}
    for name, opener in found:
        if any(part.startswith(".") and part != "." for part in PurePosixPath(name).parts):
            continue
        files[name] = opener
        if len(files) > FILES_MAX:
            raise UsageError(f"{path} holds more than {FILES_MAX} files; play it in parts")
    if not files:
        raise UsageError(f"{path} holds no files")
    return files
