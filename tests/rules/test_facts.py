"""Plain facts: what a clerk may hand in, and what is refused, by its line and in words."""

from pathlib import Path

import pytest

from app.jobs.contracts import load_files, read_folder
from rules.errors import CalculationError
from rules.facts import facts_of

CASES = Path(__file__).parents[1] / "cases"
COUNTED = ("W2.250", "failures", "all", "Z-1", "2026-09-01")
SHARED = ("W29.full", "share", "all", "Z-1", "2026-09-01")
TIMED = ("W13.exact", "replacement", "sweeper-1", "Z-1", "2026-09-04")


def value_of(place: tuple[str, str, str, str, str], value: str, **more: str) -> int:
    """Judge one fact of a worked example."""
    case, standard, subject, zone, day = place
    row = {"standard": standard, "subject": subject, "zone": zone, "day": day, "value": value}
    return facts_of(load_files(read_folder(CASES / case)).terms, [{**row, **more}])[0].proven


def test_value_is_read_when_written_in_the_measures_unit() -> None:
    assert 250 == value_of(COUNTED, "250")
    assert 933_333 == value_of(SHARED, "280/300")
    assert 1_000_000 == value_of(SHARED, "1")
    assert 12_240_000_000 == value_of(TIMED, "PT3H24M") == value_of(TIMED, "PT204M")


@pytest.mark.parametrize(
    ("place", "value", "more", "told"),
    [
        (COUNTED, "-3", {}, "'-3' is no whole number"),
        (COUNTED, "3.5", {}, "'3.5' is no whole number"),
        (COUNTED, "", {}, "'' is no whole number"),
        (COUNTED, "3", {"possible": "2"}, "do not rise"),
        (COUNTED, "3", {"count": "0"}, "count 0 is not between 1 and"),
        (COUNTED, "3", {"count": "x"}, "'x' is no whole number"),
        (COUNTED, "3", {"day": "01/09/2026"}, "day '01/09/2026' is not written as 2026-09-01"),
        (COUNTED, "3", {"day": "2026-09-02"}, "has no window on 2026-09-02"),
        (COUNTED, "3", {"zone": "Z-9"}, "no zone 'Z-9'"),
        (COUNTED, "3", {"standard": "other"}, "no standard 'other'"),
        (SHARED, "1.5", {}, "share 1.5 is not between 0 and 1"),
        (SHARED, "-1/2", {}, "share -1/2 is not between 0 and 1"),
        (SHARED, "1/0", {}, "'1/0' is no share such as 0.85 or 280/300"),
        (TIMED, "3.4", {}, "'3.4' is not a duration"),
        (TIMED, "-PT3H", {}, "'-PT3H' is not a duration"),
    ],
)
def test_fact_is_refused_in_words_when_it_is_none(
    place: tuple[str, str, str, str, str], value: str, more: dict[str, str], told: str
) -> None:
    with pytest.raises(CalculationError, match="line 2 is no fact") as caught:
        _ = value_of(place, value, **more)
    assert told in str(caught.value)
