"""Amounts, durations, dates and shares as each language writes them; never through a binary float.

A figure is shown in full: what does not end as a decimal is marked with "≈", a share is rounded down so that only
all of it reads as 100 %.
"""

import re
from datetime import date, datetime
from decimal import Decimal, localcontext
from fractions import Fraction

from babel.dates import format_date
from babel.numbers import format_currency, format_decimal, format_percent, get_currency_precision

from app.wording.catalogue import LOCALES, Language
from rules.payments.money import rounded

# Day before month in all three: an English reader may sit in Leeds or in Melbourne, and 9/11 would be two days.
_DAY = {"en": "d MMM yyyy", "es": "dd-MM-yyyy", "pt": "dd/MM/yyyy"}
_MONTH = {"en": "MMMM yyyy", "es": "MMMM 'de' yyyy", "pt": "MMMM 'de' yyyy"}
# CLDR sets a space between a currency's letters and its number; Babel leaves it out.
_LETTERS_BEFORE_NUMBER = re.compile(r"(?<=[A-Z])(?=-?\d)")
# More digits than the context of decimals keeps by default: an amount must come out as it went in.
_SPARE_DIGITS = 20
_SECOND_US = 1_000_000
_SHARE = {"en": "0.0%", "es": "0.0\N{NO-BREAK SPACE}%", "pt": "0.0%"}


def amount(value: str, currency: str, language: Language) -> str:
    """Write an exact amount.

    Parameters
    ----------
    value : str
        As the statement holds it: `-34000`, `12.50` or `1/3`.
    currency : str
        ISO 4217.
    language : str

    Returns
    -------
    str
        With every digit that the amount has; a fraction that never ends is rounded to the currency's digits and
        marked with "≈".

    Raises
    ------
    ValueError
        When the value is no amount.
    """
    exact = Fraction(value)
    digits = get_currency_precision(currency)
    needed = _decimal_places(exact)
    shown = exact if needed is not None else rounded(exact, Fraction(1, 10**digits), "half_up")
    places = digits if needed is None else needed
    with localcontext() as context:
        context.prec = len(str(shown.numerator)) + places + _SPARE_DIGITS
        number = Decimal(shown.numerator) / Decimal(shown.denominator)
        is_finer = places > digits
        text = format_currency(
            number,
            currency,
            locale=LOCALES[language],
            currency_digits=not is_finer,
            decimal_quantization=not is_finer,
        )
    return ("≈" if needed is None else "") + _LETTERS_BEFORE_NUMBER.sub("\N{NO-BREAK SPACE}", text)


def _decimal_places(exact: Fraction) -> int | None:
    """Decimals that a number needs, None where it never ends."""
    rest, most = exact.denominator, 0
    for prime in (2, 5):
        power = 0
        while rest % prime == 0:
            rest //= prime
            power += 1
        most = max(most, power)
    return most if rest == 1 else None


def duration(us: int, language: Language) -> str:
    """Write a duration in days, hours and minutes, with seconds only where it is no whole minute.

    Parameters
    ----------
    us : int
        [us]
    language : str

    Returns
    -------
    str
        Such as `4 h 05 min`, `3 d 4 h`, `12 min 30 s`.
    """
    minutes, rest_us = divmod(abs(us), 60 * _SECOND_US)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [f"{days} d"] if days else []
    parts += [f"{hours} h"] if hours else []
    parts += [f"{minutes:02} min" if hours else f"{minutes} min"] if minutes else []
    if rest_us:
        seconds = Decimal(rest_us).scaleb(-6)
        parts.append(f"{format_decimal(seconds, format='0.######', locale=LOCALES[language])} s")
    return ("-" if us < 0 else "") + (" ".join(parts) or "0 min")


def clock(moment: datetime) -> str:
    """Write a wall-clock time as `06:00`, with seconds only where there are any."""
    return f"{moment:%H:%M:%S}" if moment.second else f"{moment:%H:%M}"


def day(iso: str, language: Language) -> str:
    """Write a date.

    Parameters
    ----------
    iso : str
        A date, or an instant of which the date is taken.
    language : str
    """
    return format_date(datetime.fromisoformat(iso).date(), format=_DAY[language], locale=LOCALES[language])


def instant(iso: str, language: Language) -> str:
    """Write an instant: date, clock, and the offset where the text says one.

    Parameters
    ----------
    iso : str
        Local time without an offset, or any time with one.
    language : str
    """
    moment = datetime.fromisoformat(iso)
    offset = f" {moment:%Z}" if moment.tzinfo else ""
    return f"{day(iso, language)} {clock(moment)}{offset}"


def month(period: str, language: Language) -> str:
    """Write a month such as `2026-09` in words."""
    first = date.fromisoformat(f"{period}-01")
    return format_date(first, format=_MONTH[language], locale=LOCALES[language])


def count(number: int, language: Language) -> str:
    """Write a whole number, its thousands set apart."""
    return format_decimal(number, locale=LOCALES[language])


def share(part: Fraction, language: Language) -> str:
    """Write a share of one in per cent with one decimal, rounded down.

    Parameters
    ----------
    part : Fraction
        From 0 to 1.
    language : str
    """
    return format_percent(Decimal(part * 1_000 // 1).scaleb(-3), format=_SHARE[language], locale=LOCALES[language])
