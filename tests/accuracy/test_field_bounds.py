"""Bounds of streets, people and reports: a month of an honest contractor and one of a perfect one hold the truth."""

import pytest

from tests.accuracy.field_bounds import MEASURES, month_of, tallied


@pytest.mark.parametrize("is_perfect", [False, True])
def test_truth_lies_between_the_bounds_of_every_standard_when_a_month_is_whole(*, is_perfect: bool) -> None:
    tallies = tallied([month_of(3, is_perfect=is_perfect)])
    assert set(MEASURES) == set(tallies)
    for name, one in tallies.items():
        assert (0, 0, []) == (one.verdicts["false"], one.verdicts["false_met"], one.outside), name
        assert one.windows > 0, name
        assert one.checked > 0 or name == "tracker-feed"
    assert is_perfect == all(one.uncharged for one in tallies.values())
