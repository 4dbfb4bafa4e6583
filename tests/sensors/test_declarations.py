"""Kinds and quantities: what is declared holds together, and nothing declared reaches a sentinel."""

import hashlib
import re
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensors import kinds as folder
from sensors.columns import Columns, nothing
from sensors.kinds.fill_level import KIND as FILL_LEVEL
from sensors.quantities import Quantity, Word
from sensors.readings import NOT_SAID, Clock, Kind, content_digest
from sensors.registry import kinds
from tests.sensors.cases import declared

_QUANTITIES = [
    pytest.param(quantity, id=f"{kind.name}.{quantity.name}")
    for kind in kinds().values()
    for quantity in kind.quantities
]
_WORDS = [pytest.param(word, id=f"{kind.name}.{word.name}") for kind in kinds().values() for word in kind.words]
_KINDS = pytest.mark.parametrize("kind", kinds().values(), ids=lambda kind: kind.name)
# Of a message and of an element; a kind's own fields stand beside these.
_TAKEN = {"v", "readings", "time", "sequence", "sent_time", "network_time"}
_INT32 = st.integers(-(2**31), 2**31 - 1)
_VALUES = st.lists(_INT32, min_size=6, max_size=6).map(tuple)


@pytest.mark.parametrize("quantity", _QUANTITIES)
def test_range_fits_its_column_and_misses_the_sentinel_when_declared(quantity: Quantity) -> None:
    assert NOT_SAID < quantity.minimum < quantity.maximum < 2**31


@pytest.mark.parametrize("word", _WORDS)
def test_word_is_short_ascii_when_declared(word: Word) -> None:
    # The empty word stands for "not said"; the longest must fit an index and a line.
    outside = ["", "\u00e9", "x" * 129, "0" * 129, "a\n", "\0"]
    assert [False] * len(outside) == [re.fullmatch(word.pattern, text) is not None for text in outside]


@_KINDS
def test_needed_names_are_declared_when_there_are_needs(kind: Kind) -> None:
    assert {name for group in kind.needs for name in group} <= set(declared(kind))
    assert all(kind.needs)


@_KINDS
def test_names_are_unique_when_declared(kind: Kind) -> None:
    both = [*kind.quantities, *kind.words]
    for names in ([one.name for one in both], [one.said for one in both]):
        assert sorted(set(names)) == sorted(names)
    # A name of one thing that is another's field would be taken for a misspelling, or worse.
    assert not {one.name for one in both if one.said != one.name} & {one.said for one in both}
    assert not _TAKEN & {one.said for one in both}


def test_every_file_declares_the_kind_that_it_is_called_when_found() -> None:
    files = {path.stem for path in Path(folder.__path__[0]).glob("*.py")} - {"__init__"}
    assert files == set(kinds())
    assert list(kinds()) == sorted(kinds())


@given(_VALUES, _VALUES)
def test_digest_is_equal_only_when_the_values_are(first: tuple[int, ...], second: tuple[int, ...]) -> None:
    is_equal = content_digest(first, Clock.AGREES) == content_digest(second, Clock.AGREES)
    assert (first == second) is is_equal


@given(_VALUES)
def test_digest_differs_when_the_clock_is_found_wrong(values: tuple[int, ...]) -> None:
    digests = {clock: content_digest(values, clock) for clock in Clock}
    wrong = {digest for clock, digest in digests.items() if clock.is_wrong}
    right = {digest for clock, digest in digests.items() if not clock.is_wrong}
    # How it is wrong depends on what else a message says, and on the release that looked at it.
    assert (1, 1, set[bytes]()) == (len(wrong), len(right), wrong & right)


def test_clock_is_wrong_when_it_disagrees_or_was_never_set() -> None:
    wrong = [Clock.DISAGREES, Clock.UNSET, Clock.ROLLED_OVER, Clock.REPLAYED]
    assert wrong == [clock for clock in Clock if clock.is_wrong]


@given(_VALUES, st.integers(1, 50))
def test_digest_stays_when_quantities_are_declared_later(values: tuple[int, ...], more: int) -> None:
    assert content_digest(values, Clock.AGREES) == content_digest((*values, *[NOT_SAID] * more), Clock.AGREES)


@given(st.lists(st.text(max_size=5), max_size=3), st.integers(1, 3))
def test_digest_stays_when_words_are_declared_later(words: list[str], more: int) -> None:
    later = (*words, *[""] * more)
    assert content_digest((1,), Clock.AGREES, tuple(words)) == content_digest((1,), Clock.AGREES, later)


def test_digest_is_the_same_for_ever_when_the_content_is() -> None:
    # Stored digests outlive releases: another digest would make a conflict of every old duplicate.
    content = (640, NOT_SAID, 3600, 19_500, 2, 4)
    assert content_digest(content, Clock.UNCHECKED).hex() == "c7450977f835d5e5931e26c1e8f1fc5d"
    # The mask of what is said, what is said, and whether the clock is wrong, little-endian.
    said = bytes.fromhex("3d00000000000000" "80020000" "100e0000" "2c4c0000" "02000000" "04000000" "00")  # fmt: skip
    assert hashlib.blake2b(said, digest_size=16).digest() == content_digest(content, Clock.UNCHECKED)


def test_digest_refuses_when_a_value_is_wider_than_its_column() -> None:
    with pytest.raises(struct.error):
        content_digest((2**31,), Clock.UNCHECKED)


@given(st.lists(st.text(max_size=5), min_size=2, max_size=2), st.lists(st.text(max_size=5), min_size=2, max_size=2))
def test_digest_is_equal_only_when_the_words_are(first: list[str], second: list[str]) -> None:
    digests = [content_digest((1,), Clock.AGREES, tuple(words)) for words in (first, second)]
    assert (first == second) is (digests[0] == digests[1])


def test_digest_of_words_is_the_same_for_ever_when_the_content_is() -> None:
    digest = content_digest((NOT_SAID,), Clock.UNCHECKED, ("", "VP-1", ""))
    assert digest.hex() == "38156ae10ccf52cab3b183629a355793"
    said = bytes(8) + b"\0" + b"\0\0" + b"\4\0VP-1"
    assert hashlib.blake2b(said, digest_size=16).digest() == digest


def _levels(device_id: list[int]) -> Columns:
    n = len(device_id)
    numbers = {quantity.name: np.arange(n, dtype=np.int32) for quantity in FILL_LEVEL.quantities}
    return Columns(
        FILL_LEVEL,
        np.array(device_id, np.int64),
        np.arange(n, dtype=np.int64),
        np.zeros(n, np.int64),
        np.zeros(n, np.int16),
        numbers,
        {"zone": np.array(["a"] * n, np.str_)},
        np.zeros(n, "V16"),
    )


@given(st.lists(st.integers(0, 5), max_size=30), st.integers(-1, 6))
def test_of_device_gives_all_and_only_its_rows_when_sorted(device_id: list[int], wanted: int) -> None:
    device_id.sort()
    expected = [place for place, one in enumerate(device_id) if one == wanted]
    assert expected == _levels(device_id).of_device(wanted).numbers["distance_mm"].tolist()


@given(st.integers(0, 10), st.integers(-1, 11), st.integers(-1, 11))
def test_between_is_half_open_when_the_bounds_are_any(n: int, first_us: int, until_us: int) -> None:
    expected = [instant for instant in range(n) if first_us <= instant < until_us]
    assert expected == _levels([1] * n).between(first_us, until_us).event_time_us.tolist()


def test_rows_keep_every_column_when_cut() -> None:
    cut = _levels([1, 1, 2]).rows(slice(1, 3))
    arrays = [cut.device_id, cut.event_time_us, cut.sequence, cut.clock, cut.digest]
    arrays += [*cut.numbers.values(), *cut.words.values()]
    assert [2] * (6 + len(FILL_LEVEL.quantities)) == [len(array) for array in arrays]


@_KINDS
def test_nothing_has_every_column_when_made(kind: Kind) -> None:
    empty = nothing(kind)
    assert (0, set(declared(kind))) == (len(empty), {*empty.numbers, *empty.words})
