"""Exact money: rounded by step and mode, written and read without loss, never a binary float."""

import decimal
import json
from decimal import Decimal
from fractions import Fraction
from typing import cast, get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.consequences import Nature
from rules.numbers import Mode, rounded
from rules.payments.money import read, written
from rules.records import Verdict, canonical, digest, utc

STEPS = (Fraction(1), Fraction(10), Fraction(1, 100), Fraction(1, 20), Fraction(3))


@pytest.mark.parametrize(
    ("amount", "half_up", "half_even", "down"),
    [
        ("0.5", 1, 0, 0),
        ("1.5", 2, 2, 1),
        ("2.5", 3, 2, 2),
        ("-0.5", -1, 0, 0),
        ("-2.5", -3, -2, -2),
        ("2.49", 2, 2, 2),
        ("-2.51", -3, -3, -2),
        ("7", 7, 7, 7),
    ],
)
def test_amount_is_rounded_by_its_mode_when_the_step_is_one(
    amount: str, half_up: int, half_even: int, down: int
) -> None:
    found = [rounded(Fraction(amount), Fraction(1), mode) for mode in get_args(Mode)]
    assert [half_up, half_even, down] == found


@given(st.fractions(), st.sampled_from(STEPS), st.sampled_from(get_args(Mode)))
def test_amount_is_a_whole_number_of_steps_near_by_when_rounded(amount: Fraction, step: Fraction, mode: Mode) -> None:
    found = rounded(amount, step, mode)
    assert 1 == (found / step).denominator
    assert abs(found - amount) < step
    assert abs(found - amount) <= step / 2 or mode == "down"
    assert -found == rounded(-amount, step, mode)
    assert found == rounded(found, step, mode)


@given(st.fractions() | st.decimals(allow_nan=False, allow_infinity=False, places=40).map(Fraction))
def test_amount_comes_back_when_written(amount: Fraction) -> None:
    assert amount == read(written(amount))


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (Fraction(34_000), "34000"),
        (Fraction(1, 10**7), "0.0000001"),
        (Fraction(-1, 8), "-0.125"),
        (Fraction(-5, 4), "-1.25"),
        (Fraction(1, 3), "1/3"),
        (Fraction(10**40 + 1, 10), "1" + "0" * 39 + ".1"),
        (Fraction(0), "0"),
    ],
)
def test_amount_is_written_plainly_when_it_ends(amount: Fraction, text: str) -> None:
    assert text == written(amount)


def test_amount_is_the_same_when_the_threads_precision_is_low() -> None:
    with decimal.localcontext() as context:
        context.prec = 3
        assert "147900.55" == written(Fraction("147900.55"))


@pytest.mark.parametrize(
    "content",
    [
        0.1,
        {"a": [{"b": (1, 2.0)}]},
        float("nan"),
        np.float64(1),
        {0.1: "a"},
        {1: "a"},
        Decimal("0.1"),
        Fraction(1, 2),
        {"a": {1, 2}},
        np.int64(1),
    ],
)
def test_canonical_refuses_when_the_content_has_no_one_form(content: object) -> None:
    with pytest.raises(TypeError):
        canonical(content)


contents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner),
)


def plainly(content: object) -> str:
    """Write canonical JSON by its definition, one value at a time."""
    match content:
        case None | bool() | int() | str():
            return json.dumps(content, ensure_ascii=False)
        case dict():
            known = cast("dict[object, object]", content)
            keys = [key for key in known if isinstance(key, str)]
            if len(keys) < len(known):
                raise TypeError("a key is no text")
            return "{" + ",".join(f"{plainly(key)}:{plainly(known[key])}" for key in sorted(keys)) + "}"
        case list() | tuple():
            return "[" + ",".join(plainly(one) for one in cast("list[object]", content)) + "]"
        case _:
            raise TypeError("it has no form")


class Number(int):
    """A number that is of no plain type."""


leaves = st.sampled_from(
    [None, True, 0, -(10**30), Number(3), "", 'ñ\n"', Verdict.MET, Nature.FINE, 1.0, float("inf")]
)
mixtures = st.recursive(
    leaves | st.sampled_from([np.float64(1), Decimal(1), {1}]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(
            st.sampled_from(["b", "a", "ñ", Verdict.MET]) | st.sampled_from([1, None]), inner, max_size=4
        )
    ),
    max_leaves=8,
)


@given(contents | st.lists(leaves, max_size=3) | mixtures)
@settings(max_examples=1000)
def test_canonical_writes_and_refuses_as_it_is_defined_when_the_content_is_any(content: object) -> None:
    try:
        expected = plainly(content)
    except TypeError:
        with pytest.raises(TypeError):
            canonical(content)
    else:
        assert expected == canonical(content)


def test_canonical_refuses_when_the_content_turns_in_a_circle() -> None:
    content: list[object] = []
    content.append({"a": content})
    with pytest.raises(RecursionError):
        canonical(content)


@given(contents)
def test_canonical_is_read_back_when_it_is_json(content: object) -> None:
    assert content == json.loads(canonical(content))
    assert canonical(content) == canonical(json.loads(canonical(content)))


@given(st.dictionaries(st.text("abñÑé漢", min_size=1), st.integers()), st.randoms(use_true_random=False))
def test_digest_is_one_when_keys_come_in_any_order(content: dict[str, int], random: object) -> None:
    names = sorted(content, key=lambda _: random.random())  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownLambdaType]
    assert digest(content) == digest({name: content[name] for name in names})


@pytest.mark.parametrize(
    ("instant_us", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (1_788_998_400_500_000, "2026-09-10T00:00:00.5Z"),
        (1_788_998_400_000_001, "2026-09-10T00:00:00.000001Z"),
        (1_788_998_400_000_000, "2026-09-10T00:00:00Z"),
    ],
)
def test_instant_is_written_as_short_as_it_is_when_in_utc(instant_us: int, text: str) -> None:
    assert text == utc(instant_us)
