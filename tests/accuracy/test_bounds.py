"""Bounds of simulated contract-months: the short cut judges as the product does, and a few months hold the truth."""

from dataclasses import replace
from datetime import timedelta

import pytest

from rules.assess import assess
from rules.assets import Asset, Register
from rules.emptyings import jump_of, screened
from rules.events import Source, samples_of
from sensors import fleet
from sensors.fleet import MINUTE_US
from tests.accuracy.bounds import (
    FIRST,
    Sensing,
    container_standards,
    installation_of,
    judged,
    plan_of,
    said_by,
    simulated,
    terms_of_template,
)

HALF_HOUR_US = 30 * MINUTE_US
DAYS = (FIRST, FIRST + timedelta(days=3))


@pytest.mark.parametrize("sensing", [Sensing.WHOLE, Sensing.TROUBLED])
def test_bounds_are_those_of_an_assessment_when_windows_are_judged_at_once(sensing: Sensing) -> None:
    plan, terms = plan_of(7, 2, is_perfect=False, days=4), terms_of_template()
    standards = container_standards()
    terms = replace(terms, file=terms.file.model_copy(update={"standard": tuple(standards)}))
    containers = fleet.containers(plan)
    said = {one.asset: said_by(plan, one, HALF_HOUR_US, sensing) for one in containers}
    hung = {one.asset: installation_of(one) for one in containers}
    register = Register(
        tuple(Asset(one.asset, one.zone, "container_1100l", 0, 2**61) for one in containers), tuple(hung.values())
    )
    readings = {("fill_level", fleet.SOURCE, one.device): said[one.asset] for one in containers}
    found = {
        (one.standard, one.subject, one.window_start_us): (one.verdict, one.proven, one.possible)
        for one in assess(terms, register, readings, DAYS, 2**61)
    }
    expected: dict[tuple[str, str, int], tuple[str, int, int]] = {}
    for asset, installation in hung.items():
        samples = screened(samples_of([Source(installation, said[asset])]), jump_of([installation]))
        for standard in standards:
            one = judged(standard, samples, HALF_HOUR_US, DAYS)
            rows = zip(one.windows, one.verdicts, one.proven, one.possible, strict=True)
            expected |= {(standard.id, asset, w.start_us): (v, int(p), int(q)) for w, v, p, q in rows}
    assert expected == found


def test_no_verdict_is_false_when_months_are_honest() -> None:
    tallies = simulated(range(1, 4), 3, HALF_HOUR_US, Sensing.LOSSY, is_perfect=False)
    assert [0, 0] == [one.verdicts["false"] + one.verdicts["false_met"] + one.outside for one in tallies.values()]


def test_every_month_is_paid_when_the_contractor_is_perfect() -> None:
    tallies = simulated(range(1, 4), 3, HALF_HOUR_US, Sensing.WHOLE, is_perfect=True)
    assert [3, 3] == [one.paid for one in tallies.values()]


def test_bounds_are_narrower_when_an_exact_sensor_reads_more_often() -> None:
    several = [
        simulated(range(1, 2), 4, minutes * MINUTE_US, Sensing.EXACT, is_perfect=False) for minutes in (60, 15, 5)
    ]
    widths = [one["container-full"].width_min() for one in several]
    assert widths == sorted(widths, reverse=True)
