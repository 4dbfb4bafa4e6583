"""Where the money of a contract lies before anything has happened: the most that each level can cost in a month."""

from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from app.jobs.contracts import Loaded
from rules.assess import opportunities
from rules.calendar import DAY_US, month_days, month_of
from rules.consequences import PlanTariff
from rules.contract import Level, Standard
from rules.measures import EmptiedMeasure, FullMeasure, PassMeasure, RecordedMeasure, RespondMeasure, SpeedMeasure
from rules.numbers import PPM, value_on
from rules.payments.exposure import Exposure, exposure, share_by_level
from rules.records import Unit

# Cases come as they come; as many as no cap can bear.
_MANY = 1_000_000


@dataclass(frozen=True, slots=True)
class Stake:
    """What is at stake at one level.

    Parameters
    ----------
    level : Level
    standards : tuple of str
    amount : Fraction
        The most that they can cost in a month. [currency]
    share : Fraction
        Of all levels together.
    unforeseen : tuple of str
        Standards that are not in the amount: nobody knows how often they are judged, and no cap bounds them.
    """

    level: Level
    standards: tuple[str, ...]
    amount: Fraction
    share: Fraction
    unforeseen: tuple[str, ...]


def stakes(loaded: Loaded) -> list[Stake]:
    """Sum up the most that a month can cost by level, in the first month of the terms.

    Parameters
    ----------
    loaded : Loaded

    Raises
    ------
    CalculationError
        When an index or a base sum has no value.
    """
    exposures, unforeseen = exposed(loaded)
    terms = loaded.terms
    shares = share_by_level(exposures)
    return [
        Stake(
            level,
            tuple(one.id for one in terms.file.standard if one.level == level),
            sum((one.amount for one in exposures if one.level == level), Fraction(0)),
            shares[level],
            tuple(one.id for one in terms.file.standard if one.level == level and one.id in unforeseen),
        )
        for level in Level
    ]


def exposed(loaded: Loaded) -> tuple[list[Exposure], set[str]]:
    """Find the most that each consequence can cost in the first month, and which standards nobody can foresee.

    Parameters
    ----------
    loaded : Loaded

    Raises
    ------
    CalculationError
        When an index or a base sum has no value.
    """
    terms, register = loaded.terms, loaded.register
    days = month_days(month_of(terms.file.contract.effective.since))
    counts = {standard.id: 0 for standard in terms.file.standard}
    for name in opportunities(terms, register, days):
        counts[name.split("/", 2)[1].partition("@")[0]] += 1
    unforeseen: set[str] = set()
    for standard in terms.file.standard:
        if isinstance(standard.measure, RespondMeasure | RecordedMeasure):
            # A plan's checks share a base sum, however many there are.
            is_bounded = all(one.cap or isinstance(one.tariff, PlanTariff) for one in standard.consequence)
            counts[standard.id] = _MANY if is_bounded else 0
            unforeseen |= set() if is_bounded else {standard.id}
    containers = len({one.asset for one in register.assets if one.zone})
    most = {standard.id: _largest(standard, containers, days) for standard in terms.file.standard}
    return exposure(terms, counts, most), unforeseen


def _largest(standard: Standard, containers: int, days: tuple[date, date]) -> int:
    """Largest value that a measure can take in a month. [measure's unit]."""
    match standard.measure:
        case FullMeasure() | SpeedMeasure():
            return DAY_US
        case EmptiedMeasure() as measure:
            return int(value_on(measure.look_back, days[0], "us"))
        case PassMeasure() as measure:
            return int(value_on(measure.look_back, days[0], "us")) + (days[1] - days[0]).days * DAY_US
        case RespondMeasure() as measure:
            return int(value_on(measure.horizon, days[0], "us"))
        case measure:
            # Of lifts, as many as there are containers; a report is late, or missing, once.
            return PPM if measure.unit == Unit.PPM else max(containers, 1)
