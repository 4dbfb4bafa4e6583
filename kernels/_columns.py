"""The one door through which columns and integers reach kernels.

It believes nothing: type, shape and order are checked, and an array that is not contiguous is copied. Arrays that are
already as a kernel wants them pass without a copy, read-only ones too. Values are integers: microseconds since 1970
as int64, parts per million as int32, codes as int8 or uint8. What the numbers mean is left to the modules that call.
"""

import operator
from typing import SupportsIndex, TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T", bound=np.generic)

_LEAST, _MOST = -(2**63), 2**63 - 1


def column(name: str, values: object, dtype: type[T], size: int | None = None) -> NDArray[T]:
    """Check a column and make it contiguous.

    Parameters
    ----------
    name : str
        Its name, for the message.
    values : ndarray
        The column. Shape (n,).
    dtype : type
        The type of its elements, in native byte order.
    size : int, optional
        The number of elements it must have.

    Returns
    -------
    ndarray
        The same array where it is contiguous and aligned, else a copy. Shape (n,).

    Raises
    ------
    TypeError
        If it is no array, or one of other elements; nothing is converted.
    ValueError
        If it has more than one dimension, or another number of elements than `size`.

    Notes
    -----
    Takes O(1), or O(n) where it has to copy.
    """
    if not isinstance(values, np.ndarray):
        raise TypeError(f"{name} is {type(values).__name__}; pass a numpy array of {dtype.__name__}")
    if values.dtype != np.dtype(dtype):
        raise TypeError(f"{name} has elements of {values.dtype}; pass {dtype.__name__}")
    if values.ndim != 1:
        raise ValueError(f"{name} has {values.ndim} dimensions; pass one")
    if size is not None and values.size != size:
        raise ValueError(f"{name} has {values.size} elements; pass {size}")
    # The question costs a tenth of what `require` does, which is asked for thousands of short columns.
    if values.flags.c_contiguous and values.flags.aligned:
        return values
    return np.require(values, requirements=["C", "A"])


def times(t_us: object) -> NDArray[np.int64]:
    """Check a column of sample times.

    Parameters
    ----------
    t_us : ndarray of int64
        Sample times. Shape (n,). [us]

    Returns
    -------
    ndarray of int64
        The column, contiguous. Shape (n,). [us]

    Raises
    ------
    TypeError
        If it is no array of int64.
    ValueError
        If it is not strictly ascending.

    Notes
    -----
    Takes O(n).
    """
    column_us = column("t_us", t_us, np.int64)
    unordered = column_us[1:] <= column_us[:-1]
    if unordered.any():
        at = int(unordered.argmax()) + 1
        raise ValueError(
            f"t_us[{at}] = {column_us[at]} does not come after t_us[{at - 1}] = {column_us[at - 1]}; "
            "sort the samples and merge those of one instant"
        )
    return column_us


def windows(**bounds_us: object) -> list[NDArray[np.int64]]:
    """Check the bounds of windows.

    Parameters
    ----------
    **bounds_us : ndarray of int64
        Two or more columns of bounds, by name, the earliest first. Shape (m,) each. [us]

    Returns
    -------
    list of ndarray of int64
        The columns, contiguous, in the order given. Shape (m,) each. [us]

    Raises
    ------
    TypeError
        If one of them is no array of int64.
    ValueError
        If they differ in length, or a bound lies after the next one.

    Notes
    -----
    Takes O(m). A window may be empty: it begins and ends at one instant, and every measure of it is nought.
    """
    checked: list[NDArray[np.int64]] = []
    before = ""
    for name, values in bounds_us.items():
        bound_us = column(name, values, np.int64, checked[0].size if checked else None)
        if checked:
            wrong = np.flatnonzero(checked[-1] > bound_us)
            if wrong.size:
                at = int(wrong[0])
                raise ValueError(
                    f"{before}[{at}] = {checked[-1][at]} lies after {name}[{at}] = {bound_us[at]}; swap the bounds"
                )
        checked.append(bound_us)
        before = name
    return checked


def whole(name: str, value: SupportsIndex, at_least: int | None = None) -> int:
    """Check an integer.

    Parameters
    ----------
    name : str
        Its name, for the message.
    value : int
        The integer, Python's or numpy's.
    at_least : int, optional
        The least value it may have.

    Returns
    -------
    int
        The integer.

    Raises
    ------
    TypeError
        If it is no integer; Numba would cut a floating-point number off in silence.
    ValueError
        If it lies below `at_least`, or does not fit into 64 bits.
    """
    try:
        number = operator.index(value)
    except TypeError as error:
        raise TypeError(f"{name} is {type(value).__name__}; pass an integer") from error
    least = _LEAST if at_least is None else at_least
    if not least <= number <= _MOST:
        raise ValueError(f"{name} = {number} lies outside {least} to {_MOST}")
    return number
