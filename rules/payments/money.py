"""Exact money: fractions inside, written without loss; where it is rounded, the terms say."""

from fractions import Fraction
from functools import lru_cache

# A month's lines are read five times each; more different amounts than this are read anew.
_READ_MAX = 65_536


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
