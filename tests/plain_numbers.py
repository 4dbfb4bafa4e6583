"""Numbers of the terms read by day, and rounding, for the plain calculations."""

from datetime import date
from fractions import Fraction
from typing import Any, cast


def number(said: object, day: date) -> Fraction:
    """Value of a number of the terms on a day."""
    if not isinstance(said, list):
        return Fraction(str(said))
    rows = cast("list[dict[str, Any]]", said)
    value = rows[0]["value"]
    for row in rows:
        if row.get("from") is None or row["from"] <= day:
            value = row["value"]
    return Fraction(str(value))


def to_step(amount: Fraction, step: Fraction, mode: str) -> Fraction:
    """Round a sum that is not negative."""
    whole, rest = divmod(amount, step)
    is_up = {"half_up": 2 * rest >= step, "down": False}.get(
        mode, 2 * rest > step or (2 * rest == step and whole % 2 == 1)
    )
    return (whole + 1 if is_up else whole) * step
