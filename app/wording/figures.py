"""Amounts, durations, dates and shares as each language writes them; never through a binary float.

A figure is shown in full: what does not end as a decimal is marked with "≈". A share is rounded down so that only all
of it reads as 100 %; as a bound it is rounded away from what it bounds, and shown with as many decimals as it takes
for a miss never to read as met.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any

from babel.dates import format_date
from babel.lists import format_list
from babel.numbers import format_currency, format_decimal, format_percent, get_currency_precision

from app.wording.catalogue import LOCALES, Language
from rules.numbers import rounded
from rules.records import Unit

# Day before month in all three: an English reader may sit in Leeds or in Melbourne, and 9/11 would be two days.
_DAY = {"en": "d MMM yyyy", "es": "dd-MM-yyyy", "pt": "dd/MM/yyyy"}
_MONTH = {"en": "MMMM yyyy", "es": "MMMM 'de' yyyy", "pt": "MMMM 'de' yyyy"}
# CLDR sets a space between a currency's letters and its number; Babel leaves it out.
_LETTERS_BEFORE_NUMBER = re.compile(r"(?<=[A-Z])(?=-?\d)")
# More digits than the context of decimals keeps by default: an amount must come out as it went in.
_SPARE_DIGITS = 20
_SECOND_US = 1_000_000
_SHARE = {"en": "0.0%", "es": "0.0\N{NO-BREAK SPACE}%", "pt": "0.0%"}
_EXACT_SHARE = {"en": "0.####%", "es": "0.####\N{NO-BREAK SPACE}%", "pt": "0.####%"}
# A bound shows one decimal of a per cent where that tells it from its target, all four of a ppm where it must.
_STEPS_PPM = (1_000, 100, 10, 1)
_M_MM = 1_000


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
    days, rest_us = divmod(abs(us), 24 * 60 * 60 * _SECOND_US)
    parts = [f"{days} d"] if days else []
    return ("-" if us < 0 else "") + (" ".join([*parts, *_hours(rest_us, language)]) or "0 min")


def hours(us: int, language: Language) -> str:
    """Write a duration in hours and minutes, however many hours, as a time for an answer is agreed.

    Parameters
    ----------
    us : int
        Not negative. [us]
    language : str

    Returns
    -------
    str
        Such as `30 h 12 min`.
    """
    return " ".join(_hours(us, language)) or "0 min"


def _hours(us: int, language: Language) -> list[str]:
    minutes, rest_us = divmod(us, 60 * _SECOND_US)
    whole, minutes = divmod(minutes, 60)
    parts = [f"{whole} h"] if whole else []
    parts += [f"{minutes:02} min" if whole else f"{minutes} min"] if minutes else []
    if rest_us:
        seconds = Decimal(rest_us).scaleb(-6)
        parts.append(f"{format_decimal(seconds, format='0.######', locale=LOCALES[language])} s")
    return parts


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


def exact_share(ppm: int, language: Language) -> str:
    """Write a share in per cent with every digit it has."""
    return format_percent(
        Decimal(ppm).scaleb(-6), format=_EXACT_SHARE[language], locale=LOCALES[language], decimal_quantization=False
    )


def bound_share(ppm: int, target_ppm: int, language: Language, *, is_upper: bool) -> str:
    """Write a bound of a share so that it stays a bound, and on the side of its target where it is.

    Parameters
    ----------
    ppm, target_ppm : int
        [ppm]
    language : str
    is_upper : bool
        Rounded up with "at most", down with "at least".
    """
    shown = ppm
    for step in _STEPS_PPM:
        shown = -(-ppm // step) * step if is_upper else ppm // step * step
        if _side(shown, target_ppm) == _side(ppm, target_ppm):
            break
    return format_percent(
        Decimal(shown).scaleb(-6),
        format=_SHARE[language] if shown % _STEPS_PPM[0] == 0 else _EXACT_SHARE[language],
        locale=LOCALES[language],
        decimal_quantization=False,
    )


def quantity(value: int, unit: str, language: Language) -> str:
    """Write a value of a measure in its unit, exactly.

    Parameters
    ----------
    value : int
        [unit]
    unit : str
        See `rules.records.Unit`.
    language : str

    Raises
    ------
    ValueError
        When there is no such unit.
    """
    match Unit(unit):
        case Unit.MICROSECONDS:
            return duration(value, language)
        case Unit.PPM:
            return exact_share(value, language)
        case Unit.COUNT:
            return count(value, language)


def bound(value: int, said: Mapping[str, Any], language: Language, *, is_upper: bool) -> str:
    """Write a bound of a measure in its unit; see `bound_share`.

    Parameters
    ----------
    value : int
        [unit]
    said : mapping
        With the `unit` and the `target` of the measure.
    language : str
    is_upper : bool
    """
    match Unit(said["unit"]):
        case Unit.PPM:
            return bound_share(value, said["target"], language, is_upper=is_upper)
        case Unit.MICROSECONDS:
            return duration(_whole_seconds(value, said["target"], is_upper=is_upper), language)
        case Unit.COUNT:
            return count(value, language)


def _whole_seconds(us: int, target_us: int, *, is_upper: bool) -> int:
    """Round a bound to whole seconds, as far as it stays on its side of the target."""
    shown = -(-us // _SECOND_US) * _SECOND_US if is_upper else us // _SECOND_US * _SECOND_US
    return shown if _side(shown, target_us) == _side(us, target_us) else us


def _side(value: int, target: int) -> int:
    return (value > target) - (value < target)


def length(mm: int, language: Language) -> str:
    """Write a length in whole metres, rounded down; below ten metres with one decimal."""
    if mm < 10 * _M_MM:
        return f"{format_decimal(Decimal(mm // 100).scaleb(-1), format='0.#', locale=LOCALES[language])} m"
    return f"{count(mm // _M_MM, language)} m"


def number(value: Decimal, language: Language) -> str:
    """Write a number with every digit it has."""
    return format_decimal(value, locale=LOCALES[language], decimal_quantization=False)


def months(periods: Iterable[str], language: Language) -> str:
    """Write some months in words, as a list."""
    return format_list([month(one, language) for one in periods], locale=LOCALES[language])
