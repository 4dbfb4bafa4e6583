"""Whether bounds of streets, people and reports hold: whole contract-months of the virtual field, held against truth.

`python -m tests.accuracy.field_bounds` prints two tables as Markdown: false verdicts, months without a charge and
truths outside the bounds by standard, and how wide the bounds of sweeping are by how often a tracker speaks. All that
the field publishes is decoded, assessed by the template's terms and settled as the product does; no server is needed.
Containers have their own page of months (`tests.accuracy.bounds`).
"""

import argparse
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cached_property
from typing import NamedTuple
from unittest.mock import patch

from app.jobs.demo_field import FIRST, MONTHS, Field, drawn_of, field_of, messages_of, register_of
from rules.assess import assess
from rules.contract import Standard
from rules.measures import PassMeasure, ReportMeasure, RespondMeasure
from rules.numbers import PPM, value_on
from rules.payments.statement import settle
from rules.records import Determination, Op, Verdict
from rules.register import load_register
from rules.standards import passes
from rules.sweeps import VISIT_US
from rules.windows import standard_windows
from sensors import people, sweepers
from sensors.fleet import DAY_US
from sensors.sweepers import Swept
from tests.acceptance import truth
from tests.acceptance.perfect import FAR_US, stored

DAYS = 30
SECOND_US = 1_000_000
CONTAINER = "container"
GOOD = ("A", "B+", "B")
# The map is in whole millimetres of a projection, the field's streets are floats. [mm a segment]
SLACK_MM = 300
# Streets are driven in whole milliseconds.
SLACK_US = SECOND_US


@dataclass(frozen=True)
class Month:
    """One contract-month: what was truly done, what was judged, and which standards cost something."""

    field: Field
    found: Sequence[Determination]
    charged: frozenset[str]

    @cached_property
    def swept(self) -> list[Swept]:
        """What was truly swept."""
        return sweepers.swept(self.field.plan, self.field.streets)

    @cached_property
    def reports(self) -> list[people.Report]:
        """The contractor's reports, as they were."""
        return people.reported(self.field.plan, people.lifted(self.field.plan))

    @cached_property
    def mistold(self) -> Counter[tuple[str, int]]:
        """Lifts of each zone and day that the truck did not tell, told on another day, or told of nothing."""
        plan = self.field.plan
        days = [
            (one.zone, {None if us is None else plan.day_of(us) for us in (one.emptied_us, one.said_us)})
            for one in people.lifted(plan)
        ]
        return Counter((zone, day) for zone, found in days if len(found) > 1 for day in found if day is not None)

    @cached_property
    def delays_us(self) -> dict[str, int | None]:
        """How long each case waited."""
        return truth.case_delays_us(people.complained(self.field.plan))

    @cached_property
    def inspected(self) -> list[people.Inspected]:
        """What inspectors found."""
        return people.inspected(self.field.plan, [*drawn_of(self.field)])


def month_of(seed: int, *, is_perfect: bool, only: Collection[str] = ()) -> Month:
    """Simulate a contract-month, judge it by all standards, or by some only, and settle it."""
    made = field_of(seed, 4, is_perfect=is_perfect, days=DAYS)
    judged = tuple(
        one for one in made.terms.file.standard if one.subject != CONTAINER and (not only or one.id in only)
    )
    terms = replace(made.terms, file=made.terms.file.model_copy(update={"standard": judged}))
    register = load_register(register_of(made), made.terms)
    readings = stored(made, messages_of(made, seed))
    found = assess(terms, register, readings, (FIRST, FIRST + timedelta(days=DAYS)), FAR_US)
    blocks = settle(terms, found, MONTHS[0]).body["blocks"]
    lines = [line for block in blocks.values() for line in block["lines"]]
    charged = frozenset(line["standard"] for line in lines if line["standard"] and line["amount"].startswith("-"))
    return Month(replace(made, terms=terms), found, charged)


class Known(NamedTuple):
    """The truth of what a determination judges.

    Parameters
    ----------
    true : float or None
        None where nobody can know it.
    rounding : float
        The simulation's own: within it of a bound or the target, all is well.
    mistold : float
        What sensors told wrongly, and the terms' margin is there for: the truth may lie further outside by as much,
        but a verdict may not be wrong for it.
    """

    true: float | None
    rounding: float = 0
    mistold: float = 0


Measure = Callable[[Month, Standard, Determination], Known]


def _night(month: Month, _standard: Standard, one: Determination) -> Known:
    """Share of a zone's streets that was swept in a night."""
    lengths_mm = {name: length_mm for name, length_mm, *_ in one.trace["segments"]}
    whole_mm = sum(lengths_mm.values())
    swept_mm = sum(
        min(1_000 * truth.swept_m(month.swept, name, one.window_start_us, one.window_end_us), length_mm)
        for name, length_mm in lengths_mm.items()
    )
    return Known(PPM * swept_mm / whole_mm, PPM * SLACK_MM * len(lengths_mm) / whole_mm)


def _worst(month: Month, _standard: Standard, one: Determination) -> Known:
    """Mean share of the tenth of a zone's streets that were swept least over all nights."""
    nights = [night for night in month.found if night.standard == "night-sweep" and night.zone == one.zone]
    shares: list[float] = []
    for name, length_mm, *_ in nights[0].trace["segments"]:
        swept_mm = sum(
            min(1_000 * truth.swept_m(month.swept, name, night.window_start_us, night.window_end_us), length_mm)
            for night in nights
        )
        shares.append(PPM * swept_mm / (length_mm * len(nights)))
    chosen = sorted(shares)[: -(-len(shares) // 10)]
    lengths_mm = [length_mm for _, length_mm, *_ in nights[0].trace["segments"]]
    return Known(sum(chosen) / len(chosen), PPM * SLACK_MM / min(lengths_mm))


def _without_pass(month: Month, standard: Standard, one: Determination) -> Known:
    """Longest time that a segment went without a pass."""
    if not isinstance(standard.measure, PassMeasure):
        raise TypeError(f"{standard.measure.kind} is no measure of passes")
    (street,) = [street for street in month.field.streets if street.segment_id == one.subject]
    length_m = sweepers.town_of([street]).ways_from[street.points[0]][0].length_m
    needed_m = float(value_on(standard.measure.pass_share, FIRST)) * length_m
    (window,) = [
        window
        for window in standard_windows(month.field.terms, standard, (FIRST, FIRST + timedelta(days=DAYS)))
        if window.start_us == one.window_start_us
    ]
    scan_us = passes._begin_us(month.field.terms, standard, window)  # pyright: ignore[reportPrivateUsage]
    services = passes._services(month.field.terms, standard, window)  # pyright: ignore[reportPrivateUsage]
    swept = [each for each in month.swept if each.segment_id == one.subject]
    # A night that began before the contract did is none of its nights, and nothing of it counts.
    passed_us = [us for service in services for us in _passed_us(swept, (service.start_us, service.end_us), needed_m)]
    true_us = truth.longest_without_pass_us(passed_us, scan_us, one.window_start_us, one.window_end_us)
    return Known(true_us, SLACK_US)


def _passed_us(swept: Iterable[Swept], service: tuple[int, int], needed_m: float) -> Iterator[int]:
    """When visits of a segment ended in which enough of it was swept; a street of two directions has two a night."""
    start_us, end_us = service
    stays: dict[str, list[list[Swept]]] = defaultdict(list)
    for one in sorted(swept, key=lambda one: one.enter_us):
        if one.leave_us <= start_us or end_us <= one.enter_us:
            continue
        known = stays[one.vehicle]
        if known and one.enter_us - known[-1][-1].leave_us <= VISIT_US:
            known[-1].append(one)
        else:
            known.append([one])
    for stay in (stay for known in stays.values() for stay in known):
        if truth.swept_m(stay, stay[0].segment_id, start_us, end_us) >= needed_m:
            yield min(stay[-1].leave_us, end_us)


def _case(month: Month, standard: Standard, one: Determination) -> Known:
    """Time to the answer of a case, no longer than the terms look for one."""
    if not isinstance(standard.measure, RespondMeasure):
        raise TypeError(f"{standard.measure.kind} is no measure of answers")
    delay_us, horizon_us = month.delays_us[one.subject], float(value_on(standard.measure.horizon, FIRST, "us"))
    return Known(horizon_us if delay_us is None else min(delay_us, horizon_us))


def _report(month: Month, standard: Standard, one: Determination) -> Known:
    """Whether a report was late, or missing, or by how many lifts more than the margin it was off."""
    measure, key = standard.measure, (one.subject, (date.fromisoformat(one.day) - FIRST).days)
    if not isinstance(measure, ReportMeasure):
        raise TypeError(f"{measure.kind} is no measure of reports")
    if measure.kind == "report_contradicted":
        margin = int(value_on(measure.margin, FIRST)) if measure.margin else 0
        # What is put right after the day on which a report counts as missing comes too late.
        heard = [one for one in month.reports if one.said_us is None or one.said_us <= one.due_us + DAY_US]
        return Known(max(truth.lifts_off(heard).get(key, 0) - margin, 0), mistold=month.mistold[key])
    late = truth.late_reports if measure.kind == "report_late" else truth.missing_reports
    return Known(float(key in late(month.reports, DAY_US)))


def _inspected(month: Month, _standard: Standard, one: Determination) -> Known:
    """Share of good points among those inspected; points that nobody went to are in doubt."""
    good, seen = truth.good_share(month.inspected, one.zone, MONTHS[0], GOOD)
    return Known(PPM * good / seen, 1) if seen else Known(None)


def _feed(_month: Month, _standard: Standard, _one: Determination) -> Known:
    """What arrived is itself what is judged."""
    return Known(None)


MEASURES: Mapping[str, Measure] = {
    "night-sweep": _night,
    "worst-streets": _worst,
    "time-without-pass": _without_pass,
    "closing-condition": _inspected,
    "time-to-respond": _case,
    "report-in-time": _report,
    "report-given": _report,
    "report-true": _report,
    "tracker-feed": _feed,
}


@dataclass(slots=True)
class Tally:
    """What one standard's months add up to.

    Parameters
    ----------
    months, uncharged : int
        Contract-months, and those in which the standard cost nothing.
    verdicts : Counter of str
        Of all windows; `false` are those not met whose truth meets the target, `false_met` the other way round.
    outside : list of str
        Windows whose truth lies outside the bounds: which, and its bounds with the truth between.
    checked : int
        Windows of which the truth is known.
    width : float
        Possible less proven, all windows together.
    """

    months: int = 0
    uncharged: int = 0
    verdicts: Counter[str] = field(default_factory=Counter[str])
    outside: list[str] = field(default_factory=list[str])
    checked: int = 0
    width: float = 0.0

    @property
    def windows(self) -> int:
        """Windows judged."""
        return sum(self.verdicts[verdict.value] for verdict in Verdict)


def tallied(months: Iterable[Month]) -> dict[str, Tally]:
    """Hold months against the truth, standard by standard."""
    tallies: defaultdict[str, Tally] = defaultdict(Tally)
    for month in months:
        standards = {one.id: one for one in month.field.terms.file.standard}
        for name in standards:
            tallies[name].months += 1
            tallies[name].uncharged += name not in month.charged
        for one in month.found:
            _count(
                tallies[one.standard],
                one,
                MEASURES[one.standard](month, standards[one.standard], one),
                month.field.plan.seed,
            )
    return dict(tallies)


def _count(tally: Tally, one: Determination, known: Known, seed: int) -> None:
    tally.verdicts[one.verdict.value] += 1
    tally.width += one.possible - one.proven
    if known.true is None:
        return
    # Within the simulation's own roundings of the target either verdict is true.
    off = known.true - one.target if one.op == Op.AT_MOST else one.target - known.true
    tally.verdicts["false"] += one.verdict == Verdict.NOT_MET and off <= -known.rounding
    tally.verdicts["false_met"] += one.verdict == Verdict.MET and off > known.rounding
    tally.checked += 1
    slack = known.rounding + known.mistold
    if not one.proven - slack <= known.true <= one.possible + slack:
        tally.outside.append(f"seed {seed}, {one.id}: {one.proven} to {one.possible}, and truly {known.true:.0f}")


def verdict_rows(operations: str, tallies: Mapping[str, Tally]) -> Iterator[str]:
    """Write what became of the months of a kind, a row for each standard."""
    for standard, one in tallies.items():
        said = one.verdicts
        judged = f"{one.months} | {one.windows} | {said['not_met']} | {said['inconclusive']}"
        false = f"{said['false'] / one.months:.3f} | {said['false_met']}"
        uncharged = f"{one.uncharged / one.months:.2%}"
        outside = f"{len(one.outside)} of {one.checked}"
        yield f"| {operations} | {standard} | {judged} | {false} | {uncharged} | {outside} |"


def width_rows(seeds: Sequence[int], steps_s: Sequence[int]) -> Iterator[str]:
    """Write how wide the bounds of sweeping are when a tracker speaks each so many seconds; a perfect contractor."""
    for step_s in steps_s:
        with patch.object(sweepers, "_MOVING_US", step_s * SECOND_US):
            tallies = tallied(month_of(seed, is_perfect=True) for seed in seeds)
        night, worst, without = (tallies[one] for one in ("night-sweep", "worst-streets", "time-without-pass"))
        yield (
            f"| {step_s} s | {night.width / night.windows / PPM:.2%} | {worst.width / worst.windows / PPM:.2%} "
            f"| {without.width / without.windows / SECOND_US / 60:.1f} min "
            f"| {sum(len(one.outside) for one in (night, worst, without))} "
            f"of {sum(one.checked for one in (night, worst, without))} |"
        )


def tables(months: int, first: int, only: Collection[str]) -> Iterator[str]:
    """Write the tables, and below them what lies outside of its bounds."""
    yield (
        "| operations | standard | months | windows | not met | inconclusive | false not met a month | false met "
        "| months without a charge | truth outside |"
    )
    yield "|---|---|---|---|---|---|---|---|---|---|"
    seeds, outside = range(first, first + months), list[str]()
    for name, is_perfect in (("honest", False), ("perfect", True)):
        tallies = tallied(month_of(seed, is_perfect=is_perfect, only=only) for seed in seeds)
        yield from verdict_rows(name, tallies)
        outside += [f"{name}, {text}" for one in tallies.values() for text in one.outside]
    if not only:
        yield ""
        yield from width_table(range(first, first + max(months // 50, 1)))
    yield from outside


def width_table(seeds: Sequence[int]) -> Iterator[str]:
    """Write how wide the bounds of sweeping are."""
    yield "| a fix each | swept share of a night | of the worst tenth | time without a pass | truth outside |"
    yield "|---|---|---|---|---|"
    yield from width_rows(seeds, (10, 5, 2, 1))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--months", type=int, default=200)
    parser.add_argument("--first", type=int, default=1, help="first seed")
    parser.add_argument("--only", nargs="*", default=(), metavar="STANDARD", help="standards to judge; else all")
    asked = parser.parse_args()
    for line in tables(asked.months, asked.first, asked.only):
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
