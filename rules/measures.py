"""What a standard measures: hours, measure, target, what is tolerated.

Each measure says in which unit it counts and which way its target points. Lists of choices hold what this release
can compute: a term it cannot is refused, never approximated.
"""

from datetime import date, time, timedelta
from decimal import Decimal
from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field

from rules.calendar import Window, Zone
from rules.days import MarketState, Weekdays
from rules.numbers import (
    Count,
    Duration,
    Every,
    Fall,
    Grain,
    Limit,
    Metres,
    Mode,
    Ratio,
    Slip,
    Speed,
    Table,
    Threshold,
    exact,
    value_on,
)
from rules.records import Op, Unit


class WindowHolidays(Table):
    """Whether a standard rests on holidays, or holds on them alone."""

    list: str = Field(description="Of `calendar.toml`.")
    on: Literal["skip", "only"]


class WindowState(Table):
    """The state of a market that a standard goes by."""

    list: str = Field(description="Market of `calendar.toml`.")
    state: MarketState


class Hours(Table):
    """Hours in which a standard holds: its own, or those of a market's state."""

    start: time | None = None
    end: time | None = None
    days: Weekdays | None = None
    state: WindowState | None = Field(None, description="In place of start and end: hours of `calendar.toml`.")
    holidays: WindowHolidays | None = None
    dst: Literal["elapsed"]
    span: Literal["day", "month"] = Field("day", description="Judged for each of its windows, or once a month.")


class FullMeasure(Table):
    """How long a container was at or above a fill."""

    unit: ClassVar[Unit] = Unit.MICROSECONDS
    op_needed: ClassVar[Op] = Op.AT_MOST
    subjects: ClassVar[tuple[str, ...]] = ("container",)
    spans: ClassVar[tuple[str, ...]] = ("day",)
    needs: ClassVar[tuple[str, ...]] = ("signal_error", "completeness")

    kind: Literal["longest_run", "total_time"]
    of: Literal["fill_ratio"]
    op: Literal[">="]
    value: Threshold = Field(description='A ratio, or "installation": the fill at which each one counts as full.')
    max_gap: Duration = Field(description="Readings further apart say nothing of the time between.")
    across_windows: bool = Field(description="Whether a run carries in from before the window.")
    look_back: Duration | None = Field(None, description="How far back a run may begin, with across_windows.")


class EmptiedMeasure(Table):
    """Longest time that a container was not emptied."""

    unit: ClassVar[Unit] = Unit.MICROSECONDS
    op_needed: ClassVar[Op] = Op.AT_MOST
    subjects: ClassVar[tuple[str, ...]] = ("container",)
    spans: ClassVar[tuple[str, ...]] = ("day",)
    needs: ClassVar[tuple[str, ...]] = ("signal_error", "completeness")

    kind: Literal["longest_unemptied"]
    of: Literal["fill_ratio"]
    drop: Fall = Field(description="A fall of the fill by this much is an emptying.")
    residual: Ratio = Field(description="At or below this fill an emptying could pass unseen.")
    max_gap: Duration
    look_back: Duration = Field(description="How far back is looked; more than the target.")


class SpeedBand(Table):
    """Slowest and fastest speed at which work counts."""

    min: Speed
    max: Speed


class SweptMeasure(Table):
    """Share of a zone's street length that was swept, or of its worst tenth of segments over a month."""

    unit: ClassVar[Unit] = Unit.PPM
    op_needed: ClassVar[Op] = Op.AT_LEAST
    subjects: ClassVar[tuple[str, ...]] = ("zone",)
    spans: ClassVar[tuple[str, ...]] = ("day", "month")
    needs: ClassVar[tuple[str, ...]] = ("gps_m",)

    kind: Literal["swept_share", "swept_share_worst_tenth"]
    vehicles: str = Field(description="Class of the assets that do it.")
    working: Literal["broom_down"] = Field(description="Signal that counts; which input it is, installations say.")
    speed_mps: SpeedBand
    sides: Literal["either"]
    every: Every = Field(description="How often a vehicle on its way reports: further apart, the way is unknown.")
    max_gap: Duration = Field(description="Fixes further apart say nothing, even of a vehicle that stands.")
    travel_mps: Speed = Field(description="No vehicle is faster: bounds where it may have been in a gap.")


class PassMeasure(Table):
    """Longest time that a segment went without a pass."""

    unit: ClassVar[Unit] = Unit.MICROSECONDS
    op_needed: ClassVar[Op] = Op.AT_MOST
    subjects: ClassVar[tuple[str, ...]] = ("segment",)
    spans: ClassVar[tuple[str, ...]] = ("month",)
    needs: ClassVar[tuple[str, ...]] = ("gps_m",)

    kind: Literal["longest_without_pass"]
    vehicles: str = Field(description="Class of the assets that do it.")
    working: Literal["broom_down"]
    speed_mps: SpeedBand
    pass_share: Fall = Field(description="Share of a segment's length that makes a pass.")
    every: Every
    max_gap: Duration
    travel_mps: Speed
    look_back: Duration = Field(description="How far back is looked before the window; more than the target.")


class SpeedMeasure(Table):
    """Time in which a vehicle worked above a speed."""

    unit: ClassVar[Unit] = Unit.MICROSECONDS
    op_needed: ClassVar[Op] = Op.AT_MOST
    subjects: ClassVar[tuple[str, ...]] = ("vehicle",)
    spans: ClassVar[tuple[str, ...]] = ("day",)
    needs: ClassVar[tuple[str, ...]] = ("gps_m", "speed_mps")

    kind: Literal["time_above_speed"]
    vehicles: str = Field(description="Class of the assets that are judged.")
    working: Literal["broom_down"]
    above_mps: Speed = Field(description="Faster than this counts, at this not yet.")
    max_gap: Duration = Field(description="Fixes further apart say nothing of the time between.")
    travel_mps: Speed = Field(description="No vehicle is faster: bounds how short a dash between two places may be.")


class Grade(Table):
    """One grade of a scale, and what it is worth."""

    grade: str = Field(pattern=r"^[A-Za-z0-9+-]{1,8}$")
    weight: Annotated[Decimal, BeforeValidator(exact), Field(ge=0, le=1)]
    up_to: Count | None = Field(
        None, description="Most pieces of the grade, where inspectors say how many there are."
    )


class Stratum(Table):
    """Part of the points that is sampled by itself."""

    id: str
    n: Count = Field(description="Points drawn in a zone and month.")


class Confidence(Table):
    """How sure the sample must be of all points before anything follows from it."""

    level: Fall = Field(description="On each side; below 1.")
    method: Literal["hypergeometric"]


class Agreement(Table):
    """How far two inspectors must agree on points that both grade, neither knowing of the other."""

    share: Fall = Field(description="Of the points drawn in each stratum, at least one, the first of the draw.")
    min: Fall = Field(description="Share of these on which they must agree, else nothing follows from the month.")
    within: Count = Field(description="Grades apart at which they still agree.")


class FigureRounding(Table):
    """How a share is rounded before it is held against its target."""

    step: Grain
    mode: Mode


class Sample(Table):
    """Which points are inspected."""

    strata: Annotated[tuple[Stratum, ...], Field(min_length=1)]
    draw: Literal["seeded"]
    seed: str = Field(min_length=1, description="Published before the month begins.")
    min_n: Count = Field(description="Fewer inspected points conclude nothing.")
    off_plan_counts: Literal[False]
    confidence: Confidence | None = None
    agreement: Agreement | None = None


class InspectedMeasure(Table):
    """Share of the sampled points at or above a grade, or their mean worth."""

    unit: ClassVar[Unit] = Unit.PPM
    op_needed: ClassVar[Op] = Op.AT_LEAST
    subjects: ClassVar[tuple[str, ...]] = ("zone",)
    spans: ClassVar[tuple[str, ...]] = ("month",)
    needs: ClassVar[tuple[str, ...]] = ()

    kind: Literal["share_at_or_above", "mean_grade"]
    scale: str = Field(description="Name of the scale, as the clause has it.")
    grades: Annotated[tuple[Grade, ...], Field(min_length=2)] = Field(description="From the best to the worst.")
    grade: str = Field("", description="With share_at_or_above: the lowest grade that is good.")
    sample: Sample
    rounding: FigureRounding | None = None


class RespondMeasure(Table):
    """Time from a case's opening to its answer."""

    unit: ClassVar[Unit] = Unit.MICROSECONDS
    op_needed: ClassVar[Op] = Op.AT_MOST
    subjects: ClassVar[tuple[str, ...]] = ("case",)
    spans: ClassVar[tuple[str, ...]] = ("day",)
    needs: ClassVar[tuple[str, ...]] = ()

    kind: Literal["time_to_respond"]
    until: Literal["responded", "resolved", "confirmed"]
    priority: tuple[str, ...] = Field((), description="Only cases of these; all where none is named.")
    horizon: Duration = Field(description="How long an answer is waited for; more than the target.")

    def closes_us(self, _zone: Zone, window: Window) -> int:
        """From when on no answer to a case of a window counts any more. [us since 1970, UTC].

        Parameters
        ----------
        _zone : Zone
        window : Window
        """
        return window.end_us + int(value_on(self.horizon, window.day, "us"))


class Due(Table):
    """When a day's report is due, local time."""

    days_after: Annotated[int, Field(ge=0, le=31)]
    at: time


class ReportMeasure(Table):
    """Whether the contractor's report of a day was late, missing, or says what the sensors contradict."""

    unit: ClassVar[Unit] = Unit.COUNT
    op_needed: ClassVar[Op] = Op.AT_MOST
    subjects: ClassVar[tuple[str, ...]] = ("zone",)
    spans: ClassVar[tuple[str, ...]] = ("day",)
    needs: ClassVar[tuple[str, ...]] = ()

    kind: Literal["report_late", "report_missing", "report_contradicted"]
    report: str = Field(description="Which report.")
    due: Due
    missing_after: Duration = Field(description="So long after it was due a report is missing, no more late.")
    claim: Literal["", "lifts"] = Field("", description="With report_contradicted: what is held against the sensors.")
    margin: Count | None = Field(None, description="With report_contradicted: how far off is no contradiction.")

    def due_us(self, zone: Zone, day: date) -> int:
        """When a day's report is due. [us since 1970, UTC].

        Parameters
        ----------
        zone : Zone
            The contract's.
        day : date
        """
        return zone.instant(day + timedelta(days=self.due.days_after), self.due.at)

    def closes_us(self, zone: Zone, window: Window) -> int:
        """Last instant at which a report is late and not missing. [us since 1970, UTC].

        Parameters
        ----------
        zone : Zone
            The contract's.
        window : Window
        """
        return self.due_us(zone, window.day) + int(value_on(self.missing_after, window.day, "us"))


class FeedMeasure(Table):
    """Share of the readings that a device owes."""

    unit: ClassVar[Unit] = Unit.PPM
    op_needed: ClassVar[Op] = Op.AT_LEAST
    subjects: ClassVar[tuple[str, ...]] = ("container", "vehicle")
    spans: ClassVar[tuple[str, ...]] = ("day",)
    needs: ClassVar[tuple[str, ...]] = ()

    kind: Literal["feed_completeness"]
    of: Literal["fill_level", "position_fix"]
    assets: str = Field(description="Class of the assets whose devices owe them.")
    every: Every


_COUNTS_IN = {"count": Unit.COUNT, "duration": Unit.MICROSECONDS, "share": Unit.PPM}


class RecordedMeasure(Table):
    """A figure that people record and no sensor tells: complaints, tonnes, hours until a spill was cleared."""

    subjects: ClassVar[tuple[str, ...]] = ("container", "zone", "segment", "case", "vehicle")
    spans: ClassVar[tuple[str, ...]] = ("day", "month")
    needs: ClassVar[tuple[str, ...]] = ()

    kind: Literal["recorded"]
    what: str = Field(min_length=1, description="What is recorded, in the contract's words.")
    counts_in: Literal["count", "duration", "share"]
    rounding: FigureRounding | None = None

    @property
    def unit(self) -> Unit:
        """What it counts in."""
        return _COUNTS_IN[self.counts_in]

    @property
    def op_needed(self) -> Op:
        """Which way its target mostly points: a share is to be reached, all else not to be passed."""
        return Op.AT_LEAST if self.counts_in == "share" else Op.AT_MOST


Measure = (
    FullMeasure | EmptiedMeasure | SweptMeasure | PassMeasure | InspectedMeasure | RespondMeasure | ReportMeasure
    | FeedMeasure | SpeedMeasure | RecordedMeasure
)  # fmt: skip


class Target(Table):
    """What the measure is held against."""

    op: Op
    value: Limit


class Tolerance(Table):
    """Error of the signal, and who has the benefit of the bound."""

    signal_error: Ratio | None = Field(None, description="Of a fill level.")
    gps_m: Metres | None = Field(None, description="Of a position that states no accuracy of its own.")
    speed_mps: Slip | None = Field(None, description="Of a speed that a device says.")
    bound: Literal["favour_contractor"]


class Completeness(Table):
    """Share of expected readings under which a check is inconclusive; what it pays, the terms say."""

    min: Ratio
    every: Every
