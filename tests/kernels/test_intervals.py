"""The walks over intervals, against the obvious version."""

from hypothesis import given
from hypothesis import strategies as st

from kernels import intervals
from tests import oracle
from tests.kernels.cases import Case, cases, i64, u8


@given(cases(), st.integers(-5, 45))
def test_first_after_is_the_oracles_when_the_instant_lies_anywhere(case: Case, instant: int) -> None:
    assert oracle.first_after(case.t_us, instant) == intervals.first_after(i64(case.t_us), instant)


@given(cases(), st.data())
def test_longest_is_the_oracles_when_parts_are_any(case: Case, data: st.DataObject) -> None:
    size = len(case.t_us) + 1
    part = data.draw(st.lists(st.integers(0, 3), min_size=size, max_size=size))
    expected = oracle.longest(case.t_us, part, case.scan_start_us, case.start_us, case.end_us)
    found = intervals.longest(i64(case.t_us), u8(part), i64(case.scan_start_us), i64(case.start_us), i64(case.end_us))
    assert expected == found.tolist()


@given(cases(), st.data())
def test_total_is_the_oracles_when_parts_are_any(case: Case, data: st.DataObject) -> None:
    size = len(case.t_us) + 1
    part = data.draw(st.lists(st.integers(0, 3), min_size=size, max_size=size))
    expected = oracle.total(case.t_us, part, case.start_us, case.end_us)
    assert expected == intervals.total(i64(case.t_us), u8(part), i64(case.start_us), i64(case.end_us)).tolist()
