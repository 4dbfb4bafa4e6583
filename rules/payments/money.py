"""Exact money: fractions inside, rounded where the terms say and nowhere else, written without loss."""

from fractions import Fraction
from functools import lru_cache
from typing import Literal, assert_never

Mode = Literal["half_up", "half_even", "down"]
# A month's lines are read five times each; more different amounts than this are read anew.
_READ_MAX = 65_536


def rounded(amount: Fraction, step: Fraction, mode: Mode) -> Fraction:
    """Round to a whole number of steps.

    Parameters
    ----------
    amount : Fraction
        Negative amounts are rounded as the same sum owed the other way.
    step : Fraction
        Smallest unit paid, above nought.
    mode : str
        `half_up` away from nought at one half, `half_even` to the even step, `down` towards nought.
    """
    steps = abs(amount) / step
    if steps.denominator == 1:
        return amount
    match mode:
        case "half_up":
            whole = (2 * steps + 1) // 2
        case "half_even":
            whole = round(steps)
        case "down":
            whole = steps // 1
        case other:  # pyright: ignore[reportUnnecessaryComparison]
            assert_never(other)
    return whole * step if amount >= 0 else -whole * step


def written(amount: Fraction) -> str:
    """Write an amount without loss: as a decimal where it ends, else as a fraction `n/d`."""
    rest = amount.denominator
    places = 0
    for prime in (2, 5):
        count = 0
        while rest % prime == 0:
            rest //= prime
            count += 1
        places = max(places, count)
    if rest != 1:
        return f"{amount.numerator}/{amount.denominator}"
    if not places:
        return str(amount.numerator)
    # By digits: arithmetic of `Decimal` rounds to its context's precision and may write an exponent.
    digits = str(abs(amount.numerator) * 10**places // amount.denominator).zfill(places + 1)
    return f"{'-' if amount < 0 else ''}{digits[:-places]}.{digits[-places:]}"


@lru_cache(maxsize=_READ_MAX)
def read(text: str) -> Fraction:
    """Read what `written` wrote.

    Raises
    ------
    ValueError
        When the text is no number.
    """
    return Fraction(text)
