"""Topic filters as in MQTT 5, section 4.7, and the names by which a source knows its devices."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensors.making import device_of
from sensors.sources import Device, Source, matches


@pytest.mark.parametrize(
    ("topic_filter", "matching", "foreign"),
    [
        ("a/b", ["a/b"], ["a", "a/", "a/b/", "/a/b", "a/b/c", "A/b", "a/B", "", "b/a"]),
        ("a/+", ["a/b", "a/", "a/+", "a/$b"], ["a", "a/b/", "a/b/c", "/a/b", "b/a"]),
        ("+/b", ["a/b", "/b", "b/b"], ["b", "a/b/c", "$a/b", "$/b"]),
        ("+", ["a", "", "a b"], ["/", "a/", "/a", "$SYS", "$"]),
        ("+/+", ["a/b", "/", "/a", "a/"], ["a", "a/b/c", "$SYS/x", "//"]),
        ("a/+/c", ["a/b/c", "a//c"], ["a/c", "a/b/b/c", "a/b/c/", "a/b"]),
        ("a/#", ["a", "a/", "a/b", "a/b/c/d", "a/$b", "a/#"], ["ab", "b/a", "/a", "", "A", "$a/b"]),
        ("a/b/#", ["a/b", "a/b/", "a/b/c"], ["a", "a/", "a/bc", "a/c/b"]),
        ("a/+/#", ["a/b", "a/", "a/b/c"], ["a", "b/a"]),
        ("+/#", ["a", "a/b", "/", ""], ["$SYS", "$SYS/broker"]),
        ("#", ["a", "/", "a/b/c", ""], ["$SYS", "$SYS/broker/uptime", "$"]),
        ("/#", ["/", "/a", "/a/b", ""], ["a", "a/b"]),
        ("$SYS/#", ["$SYS", "$SYS/broker"], ["SYS", "a", "$SYSTEM"]),
        ("$SYS/+", ["$SYS/broker"], ["$SYS", "$SYS/broker/uptime", "$other/broker"]),
        ("$SYS", ["$SYS"], ["$SYS/"]),
        ("\u00f1/+", ["\u00f1/\U0001f5d1"], ["n/x"]),
    ],
)
def test_filter_has_its_topics_and_no_others_when_matched(
    topic_filter: str, matching: list[str], foreign: list[str]
) -> None:
    topics = [*matching, *foreign]
    assert [True] * len(matching) + [False] * len(foreign) == [matches(topic_filter, topic) for topic in topics]


_LEVEL = st.text(st.characters(exclude_characters="/+#\0", exclude_categories=["Cs"]), max_size=4)
_TOPIC = st.lists(_LEVEL, min_size=1, max_size=5)


@given(_TOPIC, st.data())
def test_filter_has_the_topic_that_it_was_made_of_when_levels_become_wildcards(
    levels: list[str], data: st.DataObject
) -> None:
    wanted = [data.draw(st.sampled_from([level, "+"])) for level in levels]
    if data.draw(st.booleans()):
        wanted[data.draw(st.integers(0, len(wanted))) :] = ["#"]
    is_hidden = levels[0].startswith("$") and wanted[0] in ("+", "#")
    assert matches("/".join(wanted), "/".join(levels)) is not is_hidden


@given(_TOPIC, _TOPIC)
def test_filter_without_wildcards_has_itself_alone_when_matched(one: list[str], other: list[str]) -> None:
    assert matches("/".join(one), "/".join(other)) is (one == other)


_KNOWN = {"ab": Device("bin-1"), "cd": Device("bin-2", "dragino_ldds")}
_OPEN = Source("net", "net/#", "chirpstack", "milesight_em400", devices=_KNOWN)
_CLOSED = Source("net", "net/#", "chirpstack", "milesight_em400", devices=_KNOWN, is_closed=True)


@pytest.mark.parametrize(
    ("said", "of_open", "of_closed"),
    [
        ("ab", Device("bin-1", "milesight_em400"), Device("bin-1", "milesight_em400")),
        (" AB ", Device("bin-1", "milesight_em400"), Device("bin-1", "milesight_em400")),
        ("cd", Device("bin-2", "dragino_ldds"), Device("bin-2", "dragino_ldds")),
        ("EF", Device("ef", "milesight_em400"), None),
        ("bin-1", Device("bin-1", "milesight_em400"), None),
        ("", None, None),
        ("a/b", None, None),
        ("e f", None, None),
        (65 * "a", None, None),
        ("\u212a1", None, None),
        ("bin\u00a0", None, None),
    ],
)
def test_device_is_known_by_its_normal_name_when_said(
    said: str, of_open: Device | None, of_closed: Device | None
) -> None:
    assert [of_open, of_closed] == [device_of(_OPEN, said), device_of(_CLOSED, said)]
