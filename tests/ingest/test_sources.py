"""Declared sources: what they come to, everything that is refused, and topics that two could claim."""

from contextlib import suppress
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.accept import accept, source_of
from ingest.errors import SourcesError
from ingest.sources import SOURCES_MAX, read_sources, subscriptions
from sensors.making import microseconds
from sensors.sources import Device, Source, matches

_LORA = """
[[source]]
name = "lora-market"
topic = "application/+/device/+/event/up"
format = "chirpstack"
codec = "milesight_em400"
time_zone = "America/Santiago"
only_known = true
[source.devices]
" 24E124713B000417" = { device = "Bin-0417", codec = "milesight_em310" }
24e124713b000418 = { device = "bin-0418" }
"""
_FLEET = """
[[source]]
name = "fleet"
topic = "traccar/positions"
format = "traccar"
"""
_THINGS = """
[[source]]
name = "things"
topic = "v1.1/#"
format = "sensorthings"
codec = "distance_mm"
[source.devices]
417 = { device = "bin-0417", codec = "fill_pct" }
"""


def _of(topic: str, name: str = "other") -> str:
    return _FLEET.replace("traccar/positions", topic).replace('"fleet"', f'"{name}"')


def test_source_when_everything_is_declared() -> None:
    (source,) = read_sources(_LORA)
    devices = {
        "24e124713b000417": Device("bin-0417", "milesight_em310"),
        "24e124713b000418": Device("bin-0418"),
    }
    expected = Source(
        "lora-market",
        "application/+/device/+/event/up",
        "chirpstack",
        "milesight_em400",
        source.zone,
        devices,
        is_closed=True,
    )
    assert expected == source


def test_zone_when_declared() -> None:
    (source,) = read_sources(_LORA)
    local = datetime.fromisoformat("2026-09-05T18:14:03")
    assert microseconds(datetime.fromisoformat("2026-09-05T22:14:03Z"))[0] == microseconds(local, source.zone)[0]


def test_source_when_the_least_is_declared() -> None:
    assert (Source("fleet", "traccar/positions", "traccar"),) == read_sources(_FLEET)


def test_sources_when_none_are_declared() -> None:
    assert ((), ["poniente/v1/+/+/+"]) == (read_sources(""), subscriptions(()))


def test_subscriptions_when_several_are_declared() -> None:
    sources = read_sources(_LORA + _FLEET + _THINGS)
    expected = ["poniente/v1/+/+/+", "application/+/device/+/event/up", "traccar/positions", "v1.1/#"]
    assert expected == subscriptions(sources)


def test_message_when_its_source_is_declared() -> None:
    sources, topic = read_sources(_LORA + _THINGS), "v1.1/Datastreams(417)/Observations"
    decoded = accept(source_of(sources, topic), topic, b'{"result":67.5,"phenomenonTime":"2026-09-05T22:14:03Z"}')
    assert [("things", "bin-0417", 675_000)] == [(one.source, one.device, one.values[1]) for one in decoded.readings]


@pytest.mark.parametrize(
    ("said", "instead", "why"),
    [
        ("only_known", "only_knwon", "source.0.only_knwon: Extra inputs"),
        ("only_known = true", 'only_known = "yes"', "source.0.only_known: Input should be a valid boolean"),
        ('device = "bin-0418"', 'device = "bin-0418", name = "x"', "name: Extra inputs"),
        ('name = "lora-market"', "", "source.0.name: Field required"),
        ('name = "lora-market"', 'name = "LoRa market"', "source 'LoRa market': its name is not 1 to 64 of a-z"),
        ("[[source]]", "[source]", "source: Input should be a valid list"),
        ("[[source]]", "[[source]", "no TOML"),
        ('"chirpstack"', '"chirpstak"', "format 'chirpstak' is none of chirpstack, ngsi, owntracks, sensorthings,"),
        ('"chirpstack"', '"native"', "format 'native' is none of"),
        ('"milesight_em400"', '"milesight"', "source 'lora-market': codec 'milesight' is none of .*milesight_em400"),
        ('"milesight_em310"', '"distance_mm"', "codec of ' 24E124713B000417' 'distance_mm' is none of"),
        ('"America/Santiago"', '"America/Vega"', "'America/Vega' is not known; write an IANA name"),
        ('"America/Santiago"', '"../zones"', "is not known"),
        ('"America/Santiago"', '""', "is not known"),
        ('"Bin-0417"', '"bin 0417"', "device 'bin 0417' of ' 24E124713B000417' is not 1 to 64 of a-z"),
        ('"Bin-0417"', '"bin-0418"', "devices are called bin-0418 more than once"),
        ("24e124713b000418", "24e124713b000417", "devices 24e124713b000417 more than once"),
        ("/up", "/up#", "has # elsewhere than alone in its last level"),
        ("+/event", "#/event", "has # elsewhere than alone in its last level"),
        ("device/+", "device/bin-+", "has [+] beside other characters"),
        ("application/+", "$share/a", "begins with [$]"),
        ("application/+/device/+/event/up", "", "is not 1 to 65535 bytes"),
        ("event/up", "event\\u0000up", "without NUL"),
        ("event/up", 65_535 * "x", "is not 1 to 65535 bytes"),
    ],
)
def test_source_when_refused(said: str, instead: str, why: str) -> None:
    assert said in _LORA
    with pytest.raises(SourcesError, match=why):
        read_sources(_LORA.replace(said, instead, 1))


def test_codec_when_format_has_none() -> None:
    with pytest.raises(SourcesError, match=r"source 'fleet': codec 'milesight_em400' means nothing: .*traccar"):
        read_sources(_FLEET + 'codec = "milesight_em400"')


@pytest.mark.parametrize("codec", ["milesight_em400", "temperature_degc"])
def test_codec_when_it_is_no_result(codec: str) -> None:
    with pytest.raises(SourcesError, match=f"'{codec}' is none of distance_mm, fill_ratio, echo_1_mm, fill_pct"):
        read_sources(_THINGS.replace("fill_pct", codec))


def test_names_when_two_sources_have_one() -> None:
    with pytest.raises(SourcesError, match="sources fleet more than once"):
        read_sources(_FLEET + _of("else", "fleet"))


def test_sources_when_too_many() -> None:
    most = [_of(f"t/{n}", f"s-{n}") for n in range(SOURCES_MAX + 1)]
    assert SOURCES_MAX == len(read_sources("".join(most[:-1])))
    with pytest.raises(SourcesError, match="at most 100 items"):
        read_sources("".join(most))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a/b", "a/b"),
        ("a/+", "+/b"),
        ("a/#", "a"),
        ("a/b/#", "a/+"),
        ("a/+/c", "a/#"),
        ("x/+/b/#", "x/+/+"),
    ],
)
def test_topics_when_two_sources_claim_one(one: str, other: str) -> None:
    for first, second in ((one, other), (other, one)):
        with pytest.raises(SourcesError, match=r"source 'b': topic .* has topics of source 'a'"):
            read_sources(_of(first, "a") + _of(second, "b"))


@pytest.mark.parametrize(
    ("one", "other"),
    [("a/b", "a/c"), ("a/+", "a/b/c"), ("a/+", "b/+"), ("a/+/c", "a/b"), ("a/b/#", "a"), ("a/", "a"), ("a/b", "A/b")],
)
def test_topics_when_no_source_claims_another_s(one: str, other: str) -> None:
    assert 2 == len(read_sources(_of(one, "a") + _of(other, "b")))


@pytest.mark.parametrize(
    "topic", ["#", "+/#", "poniente/#", "poniente/v1/+/+/+", "+/v1/city/+/fill_level", "poniente/v1/a/b/c"]
)
def test_topics_when_they_are_native(topic: str) -> None:
    with pytest.raises(SourcesError, match="has topics of native readings"):
        read_sources(_of(topic))


_LEVELS = st.lists(st.sampled_from(["a", "b", ""]), min_size=1, max_size=4)
_FILTERS = st.tuples(st.lists(st.sampled_from(["a", "b", "", "+"]), min_size=1, max_size=4), st.booleans()).map(
    lambda parts: "/".join([*parts[0], *["#"] * parts[1]])
)


@given(_FILTERS.filter(bool), _FILTERS.filter(bool), _LEVELS.map("/".join))
def test_topics_when_of_both_filters(one: str, other: str, topic: str) -> None:
    try:
        read_sources(_of(one, "a") + _of(other, "b"))
    except SourcesError:
        return
    assert not (matches(one, topic) and matches(other, topic))


@given(st.text(max_size=60))
def test_text_when_any(text: str) -> None:
    with suppress(SourcesError):
        assert () == read_sources(text)
