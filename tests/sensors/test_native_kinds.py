"""Native JSON of every kind: decoded as said from its declaration alone, words held against their patterns."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensors.quantities import NAME_PATTERN, Word
from sensors.readings import Kind, Reason
from sensors.registry import kinds
from tests.sensors.cases import Said, decode_native, least, message_of, numbers_of, said_by, word_of, words_of

_TIME = "2026-09-05T22:00:00Z"
_WORDS = [pytest.param(kind, word, id=f"{kind.name}.{word.name}") for kind in kinds().values() for word in kind.words]
_KINDS = pytest.mark.parametrize("kind", kinds().values(), ids=lambda kind: kind.name)


def _least(kind: Kind) -> dict[str, Any]:
    return {"v": 1, "time": _TIME, **message_of(kind, least(kind))}


@_KINDS
@given(st.data())
def test_reading_is_what_was_said_when_any_kind_says_it(kind: Kind, data: st.DataObject) -> None:
    said: Said = data.draw(said_by(kind))
    payload = json.dumps({"v": 1, "time": _TIME, **message_of(kind, said)}).encode()
    decoded = decode_native(payload, kind.name)
    assert [(numbers_of(kind, said), words_of(kind, said))] == [(one.values, one.words) for one in decoded.readings]


@pytest.mark.parametrize(("kind", "word"), _WORDS)
@given(text=st.text(max_size=70))
def test_word_is_kept_or_rejected_when_it_is_any_text(kind: Kind, word: Word, text: str) -> None:
    decoded = decode_native({**_least(kind), word.said: text}, kind.name)
    kept = [text] if re.fullmatch(word.pattern, text) else []
    assert kept == [one.words[kind.words.index(word)] for one in decoded.readings]
    assert [Reason.VALUE_OUT_OF_RANGE] * (1 - len(kept)) == [rejection.reason for rejection in decoded.rejections]


@pytest.mark.parametrize(("kind", "word"), _WORDS)
@pytest.mark.parametrize("after", ["\n", "\0", " ", "\u00e9", "\u0661"])
def test_word_is_rejected_when_something_follows_it(kind: Kind, word: Word, after: str) -> None:
    message = {**_least(kind), word.said: word_of(word.pattern) + after}
    decoded = decode_native(message, kind.name)
    assert [rejection.reason for rejection in decoded.rejections] == [Reason.VALUE_OUT_OF_RANGE]


@pytest.mark.parametrize("said", [1, 1.5, True, ["x"], {"x": 1}])
@pytest.mark.parametrize(("kind", "word"), _WORDS)
def test_decode_rejects_when_a_word_is_no_text(kind: Kind, word: Word, said: object) -> None:
    decoded = decode_native({**_least(kind), word.said: said}, kind.name)
    assert [rejection.reason for rejection in decoded.rejections] == [Reason.READING_MALFORMED]


@pytest.mark.parametrize(
    ("kind", "group"),
    [pytest.param(kind, group, id=f"{kind.name}.{group}") for kind in kinds().values() for group in kind.needs],
)
def test_decode_rejects_when_one_group_of_needs_is_not_said(kind: Kind, group: tuple[str, ...]) -> None:
    said = {name: value for name, value in least(kind).items() if name not in group}
    payload = json.dumps({"v": 1, "time": _TIME, **message_of(kind, said)}).encode()
    decoded = decode_native(payload, kind.name)
    assert [rejection.reason for rejection in decoded.rejections] == [Reason.VALUE_MISSING]


@pytest.mark.parametrize("message", [{"x" * 50_000: 1}, {"zone": "x" * 50_000}, {"zone": "\u00e9" * 5_000}])
def test_detail_is_short_when_the_payload_is_long(message: dict[str, object]) -> None:
    lift = kinds()["lift"]
    decoded = decode_native({"v": 1, "time": _TIME, **message}, lift.name)
    (detail,) = (rejection.detail for rejection in decoded.rejections)
    assert (True, False) == (len(detail) <= 200, "\u00e9" in detail)


def test_names_have_one_form_when_people_gave_them() -> None:
    names = ["V-0007", "a", "a/b:c_d.e-f", "x" * 64, "", "-a", "a b", "x" * 65, "\u00f1"]
    assert [True] * 4 + [False] * 5 == [re.fullmatch(NAME_PATTERN, name) is not None for name in names]
