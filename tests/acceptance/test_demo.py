"""The demo as a user runs it: real broker, real database, held against the fleet's truth."""

import csv
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import pytest

from app.export.tables import read_determinations
from app.jobs.demo import Wish, plan_of
from rules.records import Determination, Verdict
from sensors.fleet import Container, containers
from tests.acceptance.truth import longest_full_us, longest_unemptied_us
from tests.servers import BrokerAddress

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(300)]

HOUR_US = 3_600_000_000
# Curves are floats, the product's measures are integers. [us]
SLACK_US = 1_000
SEED = 7


@dataclass(frozen=True)
class Demo:
    """One finished demo."""

    out: Path
    printed: str

    @property
    def statement(self) -> bytes:
        return (self.out / "statement.json").read_bytes()

    @property
    def determinations(self) -> list[Determination]:
        return read_determinations((self.out / "determinations.csv").read_text())


def poniente(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PONIENTE_")}
    return subprocess.run(
        [sys.executable, "-m", "app.cli.main", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
        timeout=200,
    )


def run_demo(out: Path, *more: str, scale: str = "0.25") -> Demo:
    done = poniente("demo", "--out", str(out), "--seed", str(SEED), "--scale", scale, *more)
    assert done.returncode == 0, done.stderr
    return Demo(out, done.stdout)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    return run_demo(tmp_path_factory.mktemp("demo") / "out", "--delivery-seed", "1")


@pytest.fixture(scope="module")
def fleet() -> dict[str, Container]:
    plan = plan_of(Wish(Path(), SEED, 0.25, 1, "", "", is_perfect=False))
    return {one.asset: one for one in containers(plan)}


def true_us(one: Container, determination: Determination) -> float:
    start_us, end_us = determination.window_start_us, determination.window_end_us
    if determination.standard == "container-full":
        return longest_full_us(one, start_us, end_us, 0.90)
    return longest_unemptied_us(one, determination.trace["scan_start_us"], start_us, end_us)


def test_bounds_hold_the_truth_when_field_misbehaves(demo: Demo, fleet: dict[str, Container]) -> None:
    wrong = [
        (one.id, one.proven, true, one.possible)
        for one in demo.determinations
        if not one.proven - SLACK_US <= (true := true_us(fleet[one.subject], one)) <= one.possible + SLACK_US
    ]

    assert [] == wrong
    assert 15 * 30 * 2 == len(demo.determinations)


def test_verdicts_are_true_when_conclusive(demo: Demo, fleet: dict[str, Container]) -> None:
    judged = [one for one in demo.determinations if one.verdict != Verdict.INCONCLUSIVE]

    false = [
        one.id
        for one in judged
        if (true_us(fleet[one.subject], one) > one.target) != (one.verdict == Verdict.NOT_MET)
    ]

    assert [] == false
    assert {Verdict.MET, Verdict.NOT_MET} == {one.verdict for one in judged}


def test_breaches_escape_only_when_unseen(demo: Demo, fleet: dict[str, Container]) -> None:
    """An unpunished breach lies in a gap, or within the sampling and the error of the signal."""
    escaped = [
        one
        for one in demo.determinations
        if one.verdict != Verdict.NOT_MET and true_us(fleet[one.subject], one) > one.target + 3 * HOUR_US
    ]

    assert [] == [one.id for one in escaped if not one.trace["gaps"] and one.standard == "container-full"]
    assert all(one.verdict == Verdict.INCONCLUSIVE for one in escaped)


def test_money_is_that_of_true_breaches_when_recomputed(demo: Demo, fleet: dict[str, Container]) -> None:
    """Independent arithmetic over breaches that are true and proven: allowance, tariff, UTM, cap."""
    breaches = sorted(
        (one.window_start_us, one.subject, one.zone, one.standard)
        for one in demo.determinations
        if one.verdict == Verdict.NOT_MET and true_us(fleet[one.subject], one) > one.target
    )
    fines = prices = Fraction(0)
    seen: dict[str, int] = {}
    for _, _, zone, standard in breaches:
        if standard == "container-full":
            seen[zone] = seen.get(zone, 0) + 1
            if seen[zone] > 2:
                fines = min(fines + Fraction("0.5") * 68_000, Fraction(41_000_000) * 5 / 100)
        else:
            prices = min(prices + 12_000, Fraction(41_000_000) * 10 / 100)
    totals = json.loads(demo.statement)["totals"]

    assert (str(-fines), str(41_000_000 - prices)) == (totals["in_procedure"], totals["net"])
    assert fines > 0
    assert prices > 0


def test_body_is_the_same_when_order_and_servers_are_others(
    demo: Demo, tmp_path: Path, timescale_database: str, broker: BrokerAddress
) -> None:
    """Another order of arrival, through Mosquitto into TimescaleDB: the same statement, byte for byte."""
    servers = ("--database", timescale_database, "--broker", f"{broker.host}:{broker.port}")
    other = run_demo(tmp_path / "out", "--delivery-seed", "2", *servers)
    field = [(one.out / "field" / "messages.jsonl").read_text() for one in (demo, other)]

    assert "TimescaleDB" in other.printed
    assert field[0] != field[1]
    assert demo.statement == other.statement


def test_statement_is_the_same_when_computed_from_files_alone(demo: Demo) -> None:
    done = poniente("pay", str(demo.out / "contract"), str(demo.out / "determinations.csv"), "--period", "2026-09")

    assert demo.statement == done.stdout.encode()


def test_lines_add_up_when_read_from_csv(demo: Demo) -> None:
    with (demo.out / "statement.csv").open(encoding="utf-8-sig", newline="") as stream:
        lines = list(csv.DictReader(stream))
    paid = sum(Fraction(line["amount"]) for line in lines if line["block"] in ("A", "B"))

    assert json.loads(demo.statement)["totals"]["net"] == str(paid)
    assert all(line["sentence_es"] and line["sentence_en"] and line["sentence_pt"] for line in lines)


def test_counts_are_complete_when_printed(demo: Demo) -> None:
    for word in ("accepted", "duplicate", "conflict", "rejected", "container-full", "Net to pay"):
        assert word in demo.printed


def test_contractor_is_paid_in_full_when_perfect(tmp_path: Path) -> None:
    perfect = run_demo(tmp_path / "out", "--perfect", scale="0.1")
    body = json.loads(perfect.statement)

    assert ("41000000", "0") == (body["totals"]["net"], body["totals"]["in_procedure"])
    assert 0 == body["determinations"]["not_met"]
