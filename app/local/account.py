"""The account that servers run as, and folders that it can reach.

PostgreSQL refuses to run as root. When we are root, servers run as an account that already is on the
machine: nothing is created and no permission of a folder that is not ours is changed.
"""

import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NotRequired, TypedDict

from app.local.errors import LocalServerError, ServerNotFoundError

_ACCOUNTS = ("postgres", "nobody")
# Not the temporary folder: that may be a session's own, closed to others, and emptied at restart.
_STATE_PARENT = Path("/var/tmp")  # noqa: S108  # owner and type are checked before use
_RUN_PREFIX = "run-"
# Reading a folder's permissions is instant; longer means a dead network drive.
_PROBE_MAX_S = 10


class LaunchOptions(TypedDict):
    """The arguments of ``Popen`` that make a child a server's program."""

    cwd: str
    env: dict[str, str]
    start_new_session: bool
    user: NotRequired[int]
    group: NotRequired[int]
    extra_groups: NotRequired[list[int]]


@dataclass(frozen=True, slots=True)
class Account:
    """An unprivileged account of this machine."""

    name: str
    uid: int
    gid: int


def server_account() -> Account | None:
    """Find the account that servers run as; None when it is our own.

    Raises
    ------
    ServerNotFoundError
        When we are root and none of the known accounts exists.
    """
    if os.getuid() != 0:
        return None
    for name in _ACCOUNTS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name=name, uid=entry.pw_uid, gid=entry.pw_gid)
    raise ServerNotFoundError(
        f"running as root and none of the accounts {', '.join(_ACCOUNTS)} exists;"
        " run as a plain user, or install the package base-passwd"
    )


def launch_options(account: Account | None) -> LaunchOptions:
    """Give the ``Popen`` arguments for a program of a server.

    The environment is small and fixed, so that no PG… variable of the caller reaches the server, and
    the working folder is one that every account can enter (initdb fails in one it cannot read).
    """
    options = LaunchOptions(
        cwd="/",
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/", "LC_ALL": "C.UTF-8"},
        start_new_session=True,
    )
    if account is not None:
        options["user"] = account.uid
        options["group"] = account.gid
        options["extra_groups"] = []
    return options


def state_folder() -> Path:
    """Make, if needed, our folder for servers, which every account can enter and only we can change.

    Raises
    ------
    LocalServerError
        When somebody else has made it: what is started from there would be theirs.
    """
    folder = _STATE_PARENT / f"poniente-{os.getuid()}"
    folder.mkdir(mode=0o755, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise LocalServerError(
            f"{folder} is not a folder of ours: it belongs to user {found.st_uid}, we are {os.getuid()};"
            " have its owner remove it"
        )
    folder.chmod(0o755)
    return folder


def make_run_folder() -> Path:
    """Make a new folder for the servers of this process, named so that a later run can clear it."""
    folder = Path(tempfile.mkdtemp(prefix=f"{_RUN_PREFIX}{os.getpid()}-", dir=state_folder()))
    folder.chmod(0o755)
    return folder


def clear_dead_runs() -> None:
    """Remove the run folders of processes that no longer exist."""
    for folder in state_folder().glob(f"{_RUN_PREFIX}*-*"):
        if not _is_alive(int(folder.name.split("-")[1])):
            shutil.rmtree(folder, ignore_errors=True)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def can_reach(account: Account | None, paths: Iterable[Path]) -> bool:
    """Tell whether the account can read and enter (or run) every path, by trying it as that account."""
    if account is None:
        return True
    script = 'for path; do test -r "$path" && test -x "$path" || exit 1; done'
    command = ["/bin/sh", "-c", script, "sh", *(str(path) for path in paths)]
    probe = subprocess.run(command, check=False, timeout=_PROBE_MAX_S, **launch_options(account))  # noqa: S603
    return probe.returncode == 0


def make_owned_folder(folder: Path, account: Account | None) -> None:
    """Make a folder that belongs to the servers' account alone.

    Raises
    ------
    ServerNotFoundError
        When the account cannot enter it because a parent is closed.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if account is None:
        return
    os.chown(folder, account.uid, account.gid)
    if not can_reach(account, [folder]):
        raise ServerNotFoundError(
            f"account {account.name} cannot enter {folder}: a folder above it is closed;"
            f" choose one below {state_folder()}, or run as a plain user"
        )


def reachable_root(root: Path, parts: Sequence[str], *, name: str) -> Path:
    """Give a folder where the servers' account can read the parts: ``root`` itself, or a copy.

    A venv below a closed home, root's for one, cannot be entered by that account. Its parents are not
    ours to open, so the parts are copied, once per name, at the same places relative to each other:
    programs find their libraries that way.

    Parameters
    ----------
    root : Path
        The folder that the parts are in.
    parts : Sequence of str
        Folders below ``root``, relative to it.
    name : str
        Name of the copy; must change with the content, so it holds the version.
    """
    account = server_account()
    if can_reach(account, [root / part for part in parts]):
        return root
    copy = state_folder() / name
    if not copy.is_dir():
        _copy_parts(root, parts, copy)
    return copy


def _copy_parts(root: Path, parts: Sequence[str], copy: Path) -> None:
    """Copy beside, then rename: a copy is there whole or not at all, also when two run at once."""
    beside = Path(tempfile.mkdtemp(prefix=f"{copy.name}.", dir=copy.parent))
    try:
        for part in parts:
            _ = shutil.copytree(root / part, beside / part, symlinks=True)
        _open_for_reading(beside)
        try:
            _ = beside.rename(copy)
        except OSError:
            # Somebody else's copy came first. It is the same: the name holds the version.
            if not copy.is_dir():
                raise
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _open_for_reading(tree: Path) -> None:
    for path in (tree, *tree.rglob("*")):
        if path.is_symlink():
            continue
        mode = path.stat().st_mode
        path.chmod(mode | (0o555 if mode & stat.S_IXUSR else 0o444))
