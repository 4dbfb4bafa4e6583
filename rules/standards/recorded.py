"""Figures that people record: judged where they are handed in (`rules.facts`), never found in readings."""

from collections.abc import Sequence

from rules.calendar import Window
from rules.contract import Standard
from rules.records import Determination
from rules.standards.judging import Facts, Family


def _looks(_standard: Standard, window: Window) -> tuple[int, int]:
    return window.start_us, window.end_us


def _judge(_facts: Facts, _standard: Standard, _windows: Sequence[Window]) -> list[Determination]:
    return []


FAMILY = Family(kinds=(), looks=_looks, subjects=None, judge=_judge)
