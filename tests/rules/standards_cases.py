"""Contracts on what people say and devices owe, who speaks in them, and the laws that every family keeps."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time
from typing import Any

from hypothesis import strategies as st

from rules.assess import assess, spans_us
from rules.assets import Register
from rules.contract import Terms
from rules.records import Determination, canonical
from sensors.columns import Columns
from sensors.readings import NO_TIME_US, NOT_SAID, Clock, EventTimeSource, Reading
from sensors.registry import kinds
from tests.rules.contracts import HOUR_US, Table, contract_table, full_standard, register_of, terms_of, utc_us
from tests.rules.field import columns_of

FAR_US = utc_us("2030-01-01T00:00+00:00")
ALL_DAY = {"start": time(0), "end": time(0), "days": "daily", "dst": "elapsed"}
STRATA = {"street": 12, "hall": 8}
POINTS = "point,zone,stratum\n" + "".join(
    f"{zone}-{stratum[0]}{n:02},{zone},{stratum}\n"
    for zone in ("VP-01", "VP-02")
    for stratum, count in STRATA.items()
    for n in range(1, count + 1)
)
ASSETS = """asset,zone,class,valid_from,valid_until
C-1,VP-01,container_1100l,2026-01-01,
C-2,VP-02,container_1100l,2026-01-01,
T-1,,inspection,2026-01-01,
T-2,,inspection,2026-01-01,
DESK,,case_desk,2026-01-01,
OFFICE,,contractor_desk,2026-01-01,
RC-1,,collector,2026-01-01,
"""
INSTALLATIONS = """source,device,asset,valid_from,valid_until,empty_mm,full_mm,full_at,signed_city,signed_contractor
net,d1,C-1,2026-01-01,,1100,100,0.9,ana,luis
net,d2,C-2,2026-01-01,,1100,100,0.9,ana,luis
net,t1,T-1,2026-01-01,,,,,ana,luis
net,t2,T-2,2026-01-01,,,,,ana,luis
net,desk,DESK,2026-01-01,,,,,ana,luis
net,office,OFFICE,2026-01-01,,,,,ana,luis
net,rc1,RC-1,2026-01-01,,,,,ana,luis
"""
# Sequence and clock of a reading; one in five clocks is wrong.
transports = st.tuples(st.integers(0, 1), st.sampled_from([Clock.AGREES] * 4 + [Clock.DISAGREES]))
# By kind and device.
Spoken = Mapping[tuple[str, str], Sequence["Told"]]


@dataclass(frozen=True, slots=True)
class Told:
    """What somebody said at one instant. [us since 1970, UTC]."""

    t_us: int
    words: tuple[tuple[str, str], ...] = ()
    numbers: tuple[tuple[str, int], ...] = ()
    sequence: int = 0
    clock: Clock = Clock.AGREES

    def is_of_key(self, other: "Told | None") -> bool:
        """Whether it was said under the same key as another of the same device."""
        return other is not None and (self.t_us, self.sequence) == (other.t_us, other.sequence)


def local_us(text: str) -> int:
    """Read a local time of a Santiago spring: 2026-09-10T18:00."""
    return utc_us(f"{text}-03:00")


def at(hour: int, words: Mapping[str, str], rest: tuple[int, Clock]) -> Told:
    """Say words so many hours after the midnight in which the 10th of September begins; empty ones are not said."""
    said = tuple(sorted((name, word) for name, word in words.items() if word))
    return Told(local_us("2026-09-10T00:00") + hour * HOUR_US, said, (), *rest)


def told(clock: str, *, sequence: int = 0, is_clock_wrong: bool = False, **said: str | int) -> Told:
    """Say words and numbers at a local time."""
    return Told(
        local_us(clock),
        tuple(sorted((name, word) for name, word in said.items() if isinstance(word, str))),
        tuple(sorted((name, number) for name, number in said.items() if isinstance(number, int))),
        sequence,
        Clock.DISAGREES if is_clock_wrong else Clock.AGREES,
    )


def readings(spoken: Spoken) -> dict[tuple[str, str, str], Columns]:
    """Lay what was said into columns, each content once, as storage gives them."""
    return {
        (kind, "net", device): columns_of(kinds()[kind], (_reading(kind, device, one) for one in said))
        for (kind, device), said in spoken.items()
    }


def _reading(name: str, device: str, one: Told) -> Reading:
    kind, words, numbers = kinds()[name], dict(one.words), dict(one.numbers)
    assert {*words, *numbers} <= {each.name for each in (*kind.words, *kind.quantities)}
    return Reading(
        kind,
        "net",
        device,
        one.t_us,
        EventTimeSource.DEVICE,
        one.sequence,
        one.t_us,
        NO_TIME_US,
        NO_TIME_US,
        one.clock,
        tuple(numbers.get(each.name, NOT_SAID) for each in kind.quantities),
        tuple(words.get(each.name, "") for each in kind.words),
    )


def standard(subject: str, measure: Table, target: Table, **changes: Any) -> Table:
    """Build a standard of people or of a data duty."""
    table = {
        **full_standard(id="judged", subject=subject, window=ALL_DAY, measure=measure, target=target),
        "tolerance": {"bound": "favour_contractor"},
        **changes,
    }
    if "completeness" not in changes:
        del table["completeness"]
    return table


def contract(*standards: Table, bearer: str = "city") -> Terms:
    """Load terms with a sampling frame."""
    return terms_of(contract_table(*standards, bearer=bearer), points=POINTS)


def register(terms: Terms, **parts: str) -> Register:
    """Load the register of all who speak."""
    return register_of(terms, **{"assets": ASSETS, "installations": INSTALLATIONS, **parts})


def judge(terms: Terms, spoken: Spoken, days: tuple[date, date], held: Register | None = None) -> list[Determination]:
    """Judge all that can be judged of some days."""
    return assess(terms, held or register(terms), readings(spoken), days, FAR_US)


def bounds(one: Determination) -> tuple[int, int, int]:
    """Give the three figures of a determination."""
    return one.proven, one.borne, one.possible


def written(found: Iterable[Determination]) -> list[tuple[str, str]]:
    """Write determinations, to the last byte."""
    return [(one.id, canonical(one.content())) for one in found]


def assert_bounded(found: Iterable[Determination]) -> None:
    """Proven <= borne <= possible, and what is held can be written."""
    for one in found:
        assert 0 <= one.proven <= one.borne <= one.possible
        assert canonical(one.content())
        assert one.received <= one.expected


def assert_order_is_free(terms: Terms, spoken: Spoken, days: tuple[date, date], random: Any) -> None:
    """The order of arrival, of devices and of rows changes nothing, nor does a reading that comes again."""
    mixed = [(key, [*said, *said[:3]]) for key, said in spoken.items()]
    random.shuffle(mixed)
    for _, said in mixed:
        random.shuffle(said)
    held = register(terms)
    turned = Register(tuple(reversed(held.assets)), tuple(reversed(held.installations)))
    first = judge(terms, spoken, days, held)
    assert_bounded(first)
    assert written(first) == written(judge(terms, dict(mixed), days, turned))


def assert_only_looked_counts(terms: Terms, spoken: Spoken, others: Spoken, days: tuple[date, date]) -> None:
    """What was said outside the span that is looked at changes nothing, ids included."""
    inside, beyond = _seen(terms, spoken, days), _seen(terms, others, days, is_inside=False)
    whole = {key: [*inside.get(key, ()), *beyond.get(key, ())] for key in {*inside, *beyond}}
    spare = {key: said for key, said in inside.items() if said}
    assert written(judge(terms, whole, days)) == written(judge(terms, spare, days))


def assert_parts_make_the_whole(terms: Terms, spoken: Spoken, parts: Sequence[tuple[date, date]]) -> None:
    """Spans judged one by one, each from what it looks at, give what they give together."""
    whole = judge(terms, spoken, (parts[0][0], parts[-1][1]))
    found = [one for days in parts for one in judge(terms, _seen(terms, spoken, days), days)]
    assert sorted(written(whole)) == sorted(written(found))


def _seen(terms: Terms, spoken: Spoken, days: tuple[date, date], *, is_inside: bool = True) -> dict[Any, list[Told]]:
    spans = spans_us(terms, days)
    return {
        (kind, device): [one for one in said if (spans[kind][0] <= one.t_us < spans[kind][1]) == is_inside]
        for (kind, device), said in spoken.items()
        if kind in spans
    }
