"""Collection masks: what may be kept of a vehicle, held against windows written down by hand."""

from dataclasses import replace
from functools import cache

import pytest

from app.jobs.templates import contract_files
from rules.assets import Asset, Installation, Register
from rules.contract import Terms
from rules.load import load_terms
from rules.masks import MARGIN_E7, MARGIN_US, Mask, masks_of
from rules.register import load_register
from tests.rules.contracts import HOUR_US, MINUTE_US, SANTIAGO, utc_us, zone_of

TRACKER = ("sim", "gps-862531047718305")
STREETS = ("night-sweep", "worst-streets", "time-without-pass")
FROM_US, FAR_US = utc_us("2026-08-01T00:00-04:00"), utc_us("2200-01-01T00:00Z")
# Summer time begins on 6 September 2026 at midnight: the night before it is an hour short.
NIGHTS = [
    ("2026-09-01T22:00-04:00", "2026-09-02T05:00-04:00"),
    ("2026-09-04T22:00-04:00", "2026-09-05T05:00-04:00"),
    ("2026-09-05T22:00-04:00", "2026-09-06T05:00-03:00"),
    ("2026-09-06T22:00-03:00", "2026-09-07T05:00-03:00"),
]
FEED = """
[[standard]]
id = "feed"
goal = "open-books"
level = "data_duty"
clause = "18.9"
subject = "vehicle"
zones = "all"
window = { start = 10:00:00, end = 12:00:00, days = "daily", dst = "elapsed" }
measure = { kind = "feed_completeness", of = "position_fix", assets = "collector", every = "PT30M" }
target = { op = ">=", value = "0.90" }
tolerance = { bound = "favour_contractor" }
inconclusive = "by_cause"
count_window = { kind = "calendar_month", reset = "period" }
overlap = { group = "none", keep = "sum" }

  [[standard.consequence]]
  nature = "price"
  tariff = { kind = "per_event", amount = "1", unit = "CLP" }
"""


@cache
def template(*changes: tuple[str, str], more: str = "") -> Terms:
    """Load the template's terms with parts of their text replaced."""
    text = contract_files()["contract.toml"] + more
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return load_terms({**contract_files(), "contract.toml": text}, zone_of(SANTIAGO))


def only(terms: Terms, *names: str) -> Terms:
    kept = tuple(one for one in terms.file.standard if one.id in names)
    assert len(kept) == len(names)
    return replace(terms, file=terms.file.model_copy(update={"standard": kept}))


def successor(first: str, until: str = "2028-09-01") -> Terms:
    """Terms whose service is from midnight to three, from a later day on."""
    return template(
        ("version = 1 ", "version = 2 "),
        ("from = 2026-09-01, until = 2028-09-01", f"from = {first}, until = {until}"),
        ("start = 22:00:00, end = 05:00:00", "start = 00:00:00, end = 03:00:00"),
    )


def asset(since_us: int = FROM_US, until_us: int = FAR_US, asset_class: str = "sweeper", zone: str = "") -> Asset:
    return Asset("BA-01", zone, asset_class, since_us, until_us)


def installed(since_us: int = FROM_US, until_us: int = FAR_US, name: str = "BA-01") -> Installation:
    return Installation(*TRACKER, name, since_us, until_us, None, None, None, "ana", "luis")


def mask(terms: Terms, *rows: Asset | Installation, successors: tuple[Terms, ...] = ()) -> Mask | None:
    """Mask of the only tracker there is."""
    assets = tuple(one for one in rows if isinstance(one, Asset)) or (asset(),)
    held = tuple(one for one in rows if isinstance(one, Installation)) or (installed(),)
    found = masks_of(terms, Register(assets, held), successors)
    assert [(one.source, one.device) for one in found] in ([], [TRACKER])
    return found[0] if found else None


def holds(one: Mask | None, *texts: str) -> list[bool]:
    assert one is not None
    return [any(since <= utc_us(text) < until for since, until in one.spans_us) for text in texts]


def test_sweeper_has_a_mask_when_the_template_is_whole() -> None:
    terms = template()
    masks = masks_of(terms, load_register(contract_files(), terms))
    found = {(one.source, one.device): one for one in masks}
    kept = holds(found[TRACKER], "2026-09-10T23:00-03:00", "2026-09-10T14:00-03:00", "2026-08-31T23:00-04:00")
    assert kept == [True, False, False]
    assert [*found] == [TRACKER]


@pytest.mark.parametrize(("start", "end"), NIGHTS)
def test_spans_are_the_nights_with_their_margin(start: str, end: str) -> None:
    one = mask(only(template(), *STREETS))
    assert one is not None
    assert (utc_us(start) - 30 * MINUTE_US, utc_us(end) + 30 * MINUTE_US) in one.spans_us


def test_spans_are_one_for_each_night() -> None:
    one = mask(only(template(), *STREETS))
    assert one is not None
    lengths = [until - since for since, until in one.spans_us]
    assert (len(lengths), MARGIN_US) == (731, 30 * MINUTE_US)
    # Two springs and two autumns.
    assert [sum(length == hours * HOUR_US for length in lengths) for hours in (7, 8, 9)] == [2, 727, 2]


def test_position_is_kept_in_a_service_window_and_not_an_hour_after() -> None:
    one = mask(only(template(), "night-sweep"))
    assert holds(one, "2026-09-10T03:00-03:00", "2026-09-10T05:29-03:00") == [True, True]
    assert holds(one, "2026-09-10T05:30-03:00", "2026-09-10T06:00-03:00") == [False, False]


def test_box_holds_all_streets() -> None:
    terms = template()
    one = mask(terms)
    assert one is not None
    assert terms.network is not None
    edges = (one.box.south_e7, one.box.north_e7, one.box.west_e7, one.box.east_e7)
    # Out of the file: the depot road reaches farthest to the south and west.
    assert edges[0] == -334_338_823 - MARGIN_E7
    assert edges[2] == -706_609_383 - MARGIN_E7
    west, south, east, north = terms.network.bounds_e7
    assert (edges[1], edges[3]) == (north + MARGIN_E7, east + MARGIN_E7)
    assert (south, west) == (-334_338_823, -706_609_383)


@pytest.mark.parametrize("name", STREETS)
def test_each_measure_of_streets_gives_a_mask(name: str) -> None:
    assert holds(mask(only(template(), name)), "2026-09-10T23:00-03:00", "2026-09-10T14:00-03:00") == [True, False]


def test_feed_of_positions_gives_a_mask() -> None:
    terms = only(template(more=FEED), "feed", "night-sweep")
    noon, night = "2026-09-10T11:00-03:00", "2026-09-10T23:00-03:00"
    assert holds(mask(terms, asset(asset_class="collector")), noon, night) == [True, False]
    assert holds(mask(terms), noon, night) == [False, True]


def test_both_measures_count_when_they_look_at_one_class() -> None:
    terms = only(template(more=FEED.replace("collector", "sweeper")), "feed", "night-sweep")
    found = holds(mask(terms), "2026-09-10T11:00-03:00", "2026-09-10T23:00-03:00", "2026-09-10T14:00-03:00")
    assert found == [True, True, False]


def test_there_are_no_masks_when_nothing_looks() -> None:
    assert mask(replace(template(), network=None)) is None
    assert mask(template(), asset(asset_class="desk")) is None
    assert mask(only(template(), "container-full")) is None


CHANGE = "2026-10-01T00:00-03:00"


@pytest.mark.parametrize("is_reversed", [False, True])
def test_spans_end_when_the_class_changes(*, is_reversed: bool) -> None:
    rows = [asset(until_us=utc_us(CHANGE)), asset(since_us=utc_us(CHANGE), asset_class="spare")]
    one = mask(only(template(), *STREETS), *(rows[::-1] if is_reversed else rows))
    assert holds(one, "2026-09-30T23:59-03:00", "2026-10-01T00:00-03:00", "2026-11-01T23:00-03:00") == [True, 0, 0]


def test_spans_begin_when_the_class_changes() -> None:
    rows = [asset(until_us=utc_us(CHANGE), asset_class="spare"), asset(since_us=utc_us(CHANGE))]
    one = mask(only(template(), *STREETS), *rows)
    assert holds(one, "2026-09-30T23:59-03:00", "2026-10-01T00:00-03:00", "2026-11-01T23:00-03:00") == [0, True, True]


def test_windows_are_those_of_the_class_of_the_time() -> None:
    terms = only(template(more=FEED), "feed", "night-sweep")
    rows = [asset(until_us=utc_us(CHANGE)), asset(since_us=utc_us(CHANGE), asset_class="collector")]
    nights = holds(mask(terms, *rows), "2026-09-10T23:00-03:00", "2026-10-10T23:00-03:00")
    noons = holds(mask(terms, *rows), "2026-09-10T11:00-03:00", "2026-10-10T11:00-03:00")
    assert (nights, noons) == ([True, False], [False, True])


def test_spans_stay_when_the_asset_only_moves() -> None:
    rows = [asset(until_us=utc_us(CHANGE), zone="VP-01"), asset(since_us=utc_us(CHANGE), zone="VP-02")]
    assert mask(template(), *rows) == mask(template())


def test_nothing_is_kept_when_the_asset_was_watched_only_before_the_device_came() -> None:
    rows = [asset(until_us=utc_us(CHANGE)), asset(since_us=utc_us(CHANGE), asset_class="spare")]
    one = mask(template(), *rows, installed(since_us=utc_us(CHANGE)))
    assert one is not None
    assert one.spans_us == ()


def test_spans_are_cut_to_the_installation() -> None:
    one = mask(
        only(template(), *STREETS), installed(utc_us("2026-09-10T23:00-03:00"), utc_us("2026-09-11T01:00-03:00"))
    )
    assert one is not None
    assert one.spans_us == ((utc_us("2026-09-10T23:00-03:00"), utc_us("2026-09-11T01:00-03:00")),)


def test_windows_end_when_a_successor_takes_effect() -> None:
    terms, later = only(template(), *STREETS), successor("2026-10-01")
    one = mask(terms, successors=(later,))
    # The night that begins on the last day of September is September's: all of it is judged by the first version.
    assert holds(one, "2026-09-30T23:00-03:00", "2026-10-01T05:29-03:00") == [True, True]
    assert holds(one, "2026-10-01T05:30-03:00", "2026-10-01T22:00-03:00", "2026-11-10T22:40-03:00") == [0, 0, 0]
    assert one is not None
    assert len(one.spans_us) == 30


def test_windows_come_back_when_a_successor_ends_before() -> None:
    one = mask(only(template(), *STREETS), successors=(successor("2026-10-01", "2026-11-01"),))
    assert holds(one, "2026-09-10T23:00-03:00", "2026-10-10T23:00-03:00", "2026-11-10T23:00-03:00") == [True, 0, True]


def test_nothing_is_kept_when_a_successor_holds_from_the_first_day() -> None:
    one = mask(template(), successors=(successor("2026-09-01"),))
    assert one is not None
    assert one.spans_us == ()
