"""Topics: built and parsed by one grammar, and nothing else passes for ours."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensors import topics
from sensors.errors import TopicError
from sensors.topics import ReadingTopic

_PARTS = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,63}", fullmatch=True)
_TOPICS = st.builds(ReadingTopic, _PARTS, _PARTS, _PARTS)


@given(_TOPICS)
def test_parse_is_the_inverse_when_a_topic_was_built(topic: ReadingTopic) -> None:
    assert topic == topics.parse(topics.build(topic))


@given(_TOPICS)
def test_parse_gives_the_normal_form_when_the_device_is_upper_case(topic: ReadingTopic) -> None:
    said = f"{topics.ROOT}/{topic.source}/ {topic.device.upper()} /{topic.kind}"
    assert topic == topics.parse(said)


@given(st.text(max_size=300))
def test_parse_gives_a_buildable_topic_or_nothing_when_the_text_is_any(text: str) -> None:
    parsed = topics.parse(text)
    assert parsed is None or parsed == topics.parse(topics.build(parsed))


@given(st.text(max_size=70), st.text(max_size=70), st.text(max_size=70))
def test_parse_gives_a_buildable_topic_or_nothing_when_the_parts_are_any(source: str, device: str, kind: str) -> None:
    parsed = topics.parse(f"{topics.ROOT}/{source}/{device}/{kind}")
    assert parsed is None or parsed == topics.parse(topics.build(parsed))


@pytest.mark.parametrize(
    "foreign",
    [
        "",
        "/",
        "////",
        "poniente",
        "poniente/v1",
        "poniente/v1/city/bin-1",
        "poniente/v1/city/bin-1/",
        "poniente/v1//bin-1/fill_level",
        "poniente/v1/city//fill_level",
        "poniente/v1/city/bin-1/fill_level/",
        "poniente/v1/city/bin-1/fill_level/more",
        "/poniente/v1/city/bin-1/fill_level",
        "poniente/v2/city/bin-1/fill_level",
        "poniente/v10/city/bin-1/fill_level",
        "Poniente/v1/city/bin-1/fill_level",
        "poniente/v1/City/bin-1/fill_level",
        "poniente/v1/city/bin-1/Fill_Level",
        "poniente/v1/city/bin 1/fill_level",
        "poniente/v1/city/-bin/fill_level",
        "poniente/v1/city/+/fill_level",
        "poniente/v1/city/#/fill_level",
        "poniente/v1/city/bin-1/fill_level\n",
        "poniente/v1/city/" + 65 * "a" + "/fill_level",
        "poniente/v1/" + 65 * "a" + "/bin-1/fill_level",
        "application/1/device/24e124713b000417/event/up",
        "v3/vega@ttn/devices/bin-0588/up",
        "\udcff",
    ],
)
def test_parse_gives_nothing_when_the_topic_is_foreign(foreign: str) -> None:
    assert topics.parse(foreign) is None


@pytest.mark.parametrize(
    "device",
    [
        pytest.param("b\u00edn", id="accent"),
        pytest.param("\u212a1", id="kelvin_sign_whose_lower_case_is_k"),
        pytest.param("\u0130stanbul", id="dotted_capital_i"),
        pytest.param("bin\u00a0", id="no_break_space_at_the_end"),
        pytest.param("\u0661\u0662", id="arabic_digits"),
        pytest.param("\uff42\uff49\uff4e", id="full_width"),
    ],
)
def test_parse_gives_nothing_when_a_device_is_not_ascii(device: str) -> None:
    assert topics.parse(f"{topics.ROOT}/city/{device}/fill_level") is None


@pytest.mark.parametrize("part", ["", "A", "a/b", "+", "#", " a", "a ", "-a", "a\n", "\u00e1", 65 * "a"])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_build_refuses_when_a_part_is_outside_the_grammar(part: str, place: int) -> None:
    parts = ["city", "bin-1", "fill_level"]
    parts[place] = part
    with pytest.raises(TopicError, match="topic part"):
        topics.build(ReadingTopic(*parts))


def test_subscription_covers_every_built_topic_when_parts_differ() -> None:
    built = topics.build(ReadingTopic("city", "bin-1", "fill_level")).split("/")
    pattern = topics.subscription().split("/")
    assert [True] * len(built) == [wanted in ("+", part) for wanted, part in zip(pattern, built, strict=True)]
