"""The one door to Numba: how every kernel is compiled, and where its machine code is kept.

A kernel is compiled for the one signature it declares when it is first called, by Python or while another kernel is
compiled that calls it, and the machine code is kept between runs. So a program loads what it calls and no more: what
only other kernels call lies in their machine code already. Four things are decided here and nowhere else.

*Flags.* No fastmath and no parallel loops: a statement must come out the same twice. ``error_model="python"``: a
division by zero raises, as it does in Python. The other model, ``"numpy"``, would go on with a made-up number (an
integer division by zero has no right result), and what kernels compute becomes money; the price is one comparison
for each division. ``nogil``: a kernel touches no Python object, so it lets go of Python's lock, and two threads may
each run one, over parts that have nothing to do with each other; what comes out is the same as from one thread.

*Arrays.* Arguments are declared read-only (`I64`, `I32`, `I8`, `U8`). To Numba a read-only array is another type
than a writeable one, and a kernel without this would compile twice; a writeable array passes as a read-only one, but
not the other way round.

*Cache.* Numba finds out that a kernel's own file has changed, but not that a file changed which the kernel calls
into. So the folder's name carries the Numba version and a digest of all kernel sources. It also ignores whether
bounds are checked: under ``NUMBA_BOUNDSCHECK`` nothing is kept and nothing kept is used. A ``NUMBA_CACHE_DIR`` that
the user has set is respected; whoever sets it has to empty it when the kernels change.

This is the only module below `app` that reads the environment. It must: Numba takes its cache folder from there
while it is being imported, which happens before anything could hand over a setting. No result depends on it.
"""

import hashlib
import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, Generic, ParamSpec, TypeVar, cast

P = ParamSpec("P")
R = TypeVar("R")

_PREFIX: Final = "numba-"


def sources_digest(folder: Path) -> str:
    """Digest the names and bytes of all Python sources of a folder.

    Parameters
    ----------
    folder : Path
        The folder; sub-folders are not looked into, kernels have none.

    Returns
    -------
    str
        Sixteen hexadecimal digits.
    """
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.py")):
        source = path.read_bytes()
        digest.update(f"{path.name}\0{len(source)}\0".encode())
        digest.update(source)
    return digest.hexdigest()[:16]


def _homes() -> Iterator[Path]:
    """List the folders that may hold the cache, the best first."""
    stated = os.environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(stated):  # noqa: PTH117  # the standard: a relative path is to be ignored
        yield Path(stated) / "poniente"
    else:
        home = os.path.expanduser("~")  # noqa: PTH111  # pathlib's raises for a user without a home
        if os.path.isabs(home):  # noqa: PTH117
            yield Path(home) / ".cache" / "poniente"
    if os.name == "posix":
        yield Path(tempfile.gettempdir()) / f"poniente-{os.getuid()}"


def _is_writable(folder: Path) -> bool:
    """Tell whether a folder is there, or can be made, and takes files."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _is_ours(folder: Path) -> bool:
    """Tell whether a folder can be written by this user and not by everybody.

    The cache holds machine code that will be run. In a shared temporary folder somebody else may have made the
    folder first, and would then choose what runs.
    """
    if not _is_writable(folder):
        return False
    if os.name != "posix":
        return True
    facts = folder.stat()
    owners = {facts.st_uid, folder.lstat().st_uid}  # a link belongs to whoever made it
    return owners == {os.getuid()} and not facts.st_mode & stat.S_IWOTH


def cache_folder() -> Path | None:
    """Choose the folder that keeps the machine code of these kernels.

    Returns
    -------
    Path or None
        ``$XDG_CACHE_HOME/poniente/numba-VERSION-DIGEST``, else the same below ``~/.cache``, else below a folder of
        this user in the temporary folder; None where none of them can be written.
    """
    name = f"{_PREFIX}{version('numba')}-{sources_digest(Path(__file__).parent)}"
    try:
        return next((home / name for home in _homes() if _is_ours(home)), None)
    except OSError:  # there is no temporary folder either
        return None


def _use_cache() -> bool:
    """Point Numba at the cache folder, unless the user has; tell whether to keep machine code at all."""
    if os.environ.get("NUMBA_BOUNDSCHECK", "0") not in {"", "0"}:
        return False
    stated = os.environ.get("NUMBA_CACHE_DIR", "")
    inherited = Path(stated).parent.name.startswith("poniente") and Path(stated).name.startswith(_PREFIX)
    if stated and not inherited:
        return _is_writable(Path(stated))
    # What a parent process has set may belong to other sources than ours: choose anew.
    folder = cache_folder()
    if folder is None:
        return False
    os.environ["NUMBA_CACHE_DIR"] = str(folder)
    return True


_CACHED: Final = _use_cache()

import numba  # noqa: E402  # reads NUMBA_CACHE_DIR while it is imported
from numba import config, types  # noqa: E402
from numba.core.cgutils import ir, voidptr_t  # noqa: E402
from numba.core.typing.templates import Signature  # noqa: E402
from numba.extending import intrinsic, typeof_impl  # noqa: E402

config.reload_config()  # somebody may have imported Numba before; without a change this does nothing

int64: Final = types.int64
float64: Final = types.float64
I64: Final = types.Array(types.int64, 1, "C", readonly=True)
I32: Final = types.Array(types.int32, 1, "C", readonly=True)
I8: Final = types.Array(types.int8, 1, "C", readonly=True)
U8: Final = types.Array(types.uint8, 1, "C", readonly=True)
NEW_I64: Final = types.Array(types.int64, 1, "C")
NEW_I32: Final = types.Array(types.int32, 1, "C")
NEW_I8: Final = types.Array(types.int8, 1, "C")
NEW_U8: Final = types.Array(types.uint8, 1, "C")


def pair(array: types.Array) -> types.UniTuple:
    """Declare two arrays of one type as what a kernel gives back."""
    return types.UniTuple(array, 2)


def triple(array: types.Array) -> types.UniTuple:
    """Declare three arrays of one type as what a kernel gives back."""
    return types.UniTuple(array, 3)


def several(array: types.Array, count: int) -> types.UniTuple:
    """Declare some arrays of one type as what a kernel gives back."""
    return types.UniTuple(array, count)


class Kernel(Generic[P, R]):
    """A function that is compiled, or loaded, when it is first needed.

    Parameters
    ----------
    function : callable
        What is compiled.
    compiled : callable
        Compiles it for its one signature.

    Notes
    -----
    Two threads that call it first at once make it twice, which costs time and changes nothing.
    """

    def __init__(self, function: Callable[P, R], compiled: Callable[[Callable[P, R]], Callable[P, R]]) -> None:
        self._function = function
        self._compiled = compiled
        self._made: Callable[P, R] | None = None
        _DECLARED.append(self)

    def made(self) -> Callable[P, R]:
        """Give what Numba makes of it."""
        if self._made is None:
            self._made = self._compiled(self._function)
        return self._made

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run it."""
        return self.made()(*args, **kwargs)

    def __getattr__(self, name: str) -> object:
        """Give what Numba says of it, such as ``signatures``."""
        return getattr(self.made(), name)


_DECLARED: Final[list[Kernel[..., Any]]] = []


@typeof_impl.register(Kernel)
def _typed(kernel: Kernel[..., Any], context: object) -> object:
    """Tell Numba what a kernel is that is called by the one being compiled."""
    return typeof_impl(kernel.made(), context)


def make_all() -> None:
    """Compile, or load, every kernel that has been declared by now."""
    for declared in _DECLARED:
        _ = declared.made()


def kernel(signature: Signature) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Compile a function for one signature when it is first called, or take its machine code from the cache.

    Parameters
    ----------
    signature : Signature
        What it takes and gives back, of the types above: ``NEW_I64(I64, int64)``.

    Returns
    -------
    Callable
        The decorator.

    Notes
    -----
    Called with an array of another type, a kernel raises TypeError. A floating-point number in place of an integer
    would be cut off in silence, so the public functions check their integers (`kernels._columns`).
    """
    return _declared(signature, {})


def inner(signature: Signature, *, is_laid_in: bool = False) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Compile a function that only kernels call and that makes no array, as `kernel` does.

    Parameters
    ----------
    signature : Signature
        As of `kernel`.
    is_laid_in : bool
        Whether its code is laid into each that calls it, however long. To call it, each array is handed on as seven
        numbers: some arrays take longer than a short loop over them.

    Returns
    -------
    Callable
        The decorator.

    Notes
    -----
    Numba counts the references to each array that is taken out of a tuple or handed on, by an atomic instruction of
    some twenty cycles; in short functions that was a fifth of the time. Here nothing is counted: whoever called holds
    the arrays. A function that makes one does not compile.
    """
    # A flag that Numba's types do not tell.
    return _declared(signature, {"_nrt": False, "forceinline": is_laid_in})


def _declared(signature: Signature, flags: dict[str, Any]) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Make the decorator of one signature."""
    compiled = numba.njit(
        signature, cache=_CACHED, error_model="python", fastmath=False, parallel=False, nogil=True, **flags
    )
    return lambda function: Kernel(function, compiled)


def _prefetch(context: Any, array: Any, at: Any) -> Any:  # noqa: ANN401, ARG001  # Numba's and LLVM's, without types
    """Say what `prefetch` takes, and how it becomes an instruction."""

    def generate(target: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ANN401  # as above
        data = target.make_array(signature.args[0])(target, builder, arguments[0]).data
        place = builder.bitcast(builder.gep(data, [arguments[1]]), voidptr_t)
        number, name = ir.IntType(32), "llvm.prefetch.p0"
        kind = ir.FunctionType(ir.VoidType(), [voidptr_t, number, number, number])
        function = builder.module.globals.get(name) or ir.Function(builder.module, kind, name)
        # To read, for long, data.
        builder.call(function, [place, number(0), number(3), number(1)])
        return target.get_dummy_value()

    return types.none(array, at), generate


prefetch: Final = cast("Callable[[object, int], None]", intrinsic(_prefetch))
"""Ask for the line of memory of an array's element, and do not wait for it: ``prefetch(array, at)`` within a kernel.

What is read soon and lies far apart comes at once then, and not one after the other. Nothing is read or changed, and
the element need not be there.
"""
