"""Any order, any repetition, any delay of one history: the same readings, determinations and statement.

Each example is stored within one transaction that is rolled back: so one database with one contract serves them all.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from app.jobs import assess, statements
from app.jobs.contracts import add_folder
from app.jobs.templates import contract_files, write_contract
from rules.records import Determination
from sensors.kinds.fill_level import KIND
from sensors.making import Times, make
from sensors.readings import Reading
from sensors.registry import kinds
from sensors.uplinks import frame_sequence
from storage import readings
from storage.connection import Connection, connect
from storage.instants import microseconds
from storage.sequence import ALL_KNOWN
from tests.narrow import CONTAINERS, only, rows_of

_CONTRACT = "vega-poniente-2026"
_MONTH = (date(2026, 9, 1), date(2026, 10, 1))
_NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
_DEVICE = ("sim", "24e124713b000401")
_START = datetime(2026, 9, 12, tzinfo=UTC)
_DAYS = 5
_EVER = (datetime(1970, 1, 1, tzinfo=UTC), datetime(2107, 1, 1, tzinfo=UTC))
_DELAY_MAX_S = 7 * 86_400
_BATCH_MAX = 60


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What must be the same however the history came."""

    columns: tuple[bytes, ...]
    determinations: list[Determination]
    statement: str


def _reading(
    at: datetime, fill: float, *, network_s: float | None = None, sequence: int = 0, sent_s: float = 0.0
) -> Reading:
    """Make a reading of a device's time, or of the network's when that is given and no device time is."""
    network_us = microseconds(at + timedelta(seconds=network_s)) if network_s is not None else None
    times = Times(microseconds(at), sent_us=microseconds(at + timedelta(seconds=sent_s)))
    if network_us is not None:
        times = Times(microseconds(at), network_us, microseconds(at + timedelta(seconds=sent_s)))
    made = make(KIND, _DEVICE, times, {"fill_ratio": round(fill, 2)}, sequence=sequence)
    assert isinstance(made, Reading)
    return made


def _frame(at: datetime, fill: float, counter: int, later_s: float = 0.0) -> Reading:
    """Make what a network says of one frame: its time, and a number of session and counter."""
    times = Times(network_us=microseconds(at + timedelta(seconds=later_s)))
    made = make(KIND, _DEVICE, times, {"fill_ratio": round(fill, 2)}, sequence=frame_sequence("session", counter))
    assert isinstance(made, Reading)
    return made


def _untimed(fill: float) -> Reading:
    made = make(KIND, _DEVICE, Times(), {"fill_ratio": round(fill, 2)})
    assert isinstance(made, Reading)
    return made


def _history(seed: int) -> list[Reading]:
    """Half-hourly readings of some days, with all that a field does to them."""
    chance = random.Random(seed)  # noqa: S311  # not a secret
    found: list[Reading] = []
    fill = 0.1
    for half in range(48 * _DAYS):
        at = _START + timedelta(minutes=30 * half)
        fill = 0.02 if fill > 1.0 or chance.random() < 0.02 else fill + chance.uniform(0.0, 0.05)
        lot = chance.random()
        if lot < 0.03:
            continue  # a gap
        if lot < 0.33:
            found.append(_frame(at, fill, half))
            if chance.random() < 0.5:  # heard by two gateways
                found.append(_frame(at, fill, half, chance.uniform(0.1, 500.0)))
            if chance.random() < 0.1:  # with other bytes under the same counter
                found.append(_frame(at, fill + 0.3, half, chance.uniform(0.1, 500.0)))
        elif lot < 0.40:  # a clock that disagrees with the network's
            found.append(_reading(at, fill, network_s=chance.uniform(1.0, 30.0), sent_s=7_200.0))
        elif lot < 0.45:  # one instant, several contents
            found += [_reading(at, fill + 0.1 * more) for more in range(chance.randint(2, 3))]
        elif lot < 0.50:
            found.append(_untimed(fill))
        else:
            found.append(_reading(at, fill))
    # A clock that was never set.
    found.append(_reading(datetime(1970, 1, 2, tzinfo=UTC), 0.5))
    return found


def _arrivals(history: Sequence[Reading], chance: random.Random) -> list[tuple[Reading, datetime]]:
    """Let a history come in any order, up to half of it again, with any delay."""
    several = [*history, *(one for one in history if chance.random() < chance.choice((0.0, 0.1, 0.5)))]
    chance.shuffle(several)
    return [(one, _received(one, chance.randint(0, _DELAY_MAX_S))) for one in several]


def _received(one: Reading, delay_s: int) -> datetime:
    event_us = max(one.event_time_us, microseconds(_START))
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=event_us, seconds=delay_s)


def _in_batches(
    several: Sequence[tuple[Reading, datetime]], chance: random.Random
) -> list[list[tuple[Reading, datetime]]]:
    found: list[list[tuple[Reading, datetime]]] = []
    place = 0
    while place < len(several):
        size = chance.randint(1, _BATCH_MAX)
        found.append(list(several[place : place + size]))
        place += size
    return found


def _outcome(dsn: str, batches: Sequence[Sequence[tuple[Reading, datetime]]]) -> _Outcome:
    """Store batches, assess and issue the month, and take all of it back."""
    # A connection of its own: what one has met is not there after a rollback.
    with connect(dsn, "test") as connection:
        readings.prepare(connection)
        with connection.transaction(force_rollback=True):
            delivered = 0
            for batch in batches:
                stored = readings.store(connection, readings.batch_of(batch, (), len(batch)), _NOW)
                delivered += stored.messages_decoded
                assert len(batch) == sum(stored.readings.values())
            assert delivered == sum(map(len, batches))
            found = assess.run(connection, _CONTRACT, _MONTH, _NOW).found
            issued = statements.issue(connection, _CONTRACT, "2026-09", _NOW, is_hasty=True)
            return _Outcome(_columns(connection), found, issued.body)


def _columns(connection: Connection) -> tuple[bytes, ...]:
    """Give all that is known of the device as bytes, but for the number that the database calls it by."""
    device_id = readings.device_ids(connection, [_DEVICE])[_DEVICE]
    known = readings.read_columns(connection, kinds()["fill_level"], [device_id], _EVER, ALL_KNOWN)
    numbers = [known.numbers[name].tobytes() for name in sorted(known.numbers)]
    return (
        known.event_time_us.tobytes(),
        known.sequence.tobytes(),
        known.clock.tobytes(),
        known.digest.tobytes(),
        *numbers,
    )


def _add_contract(dsn: str, folder: Path) -> None:
    files = contract_files()
    changed = {
        "contract.toml": only(files["contract.toml"], *CONTAINERS).replace("free = 2", "free = 0"),
        "assets.csv": rows_of(files["assets.csv"], "VP-0401"),
        "installations.csv": rows_of(files["installations.csv"], "VP-0401").replace("1450,250", ","),
    }
    write_contract(folder, changed)
    with connect(dsn, "test") as connection:
        add_folder(connection, folder, _NOW)


def _check(dsn: str, folder: Path, examples: int) -> None:
    _add_contract(dsn, folder)
    # Each history is held against several arrivals of it.
    clean: dict[int, _Outcome] = {}

    # A run shows what the run before it has shown; a smaller seed is no simpler history, so nothing is shrunk.
    @settings(max_examples=examples, derandomize=True, database=None, phases=[Phase.generate])
    @given(st.integers(0, examples // 5), st.integers(0, 2**32 - 1))
    def check(history_seed: int, arrival_seed: int) -> None:
        history = _history(history_seed)
        chance = random.Random(arrival_seed)  # noqa: S311  # not a secret
        if history_seed not in clean:
            in_order = sorted(history, key=lambda one: one.event_time_us)
            clean[history_seed] = _outcome(dsn, [[(one, _received(one, 0)) for one in in_order]])
        assert clean[history_seed] == _outcome(dsn, _in_batches(_arrivals(history, chance), chance))

    check()


def test_order_repetition_and_delay_decide_nothing(embedded_database: str, tmp_path: Path) -> None:
    _check(embedded_database, tmp_path / "contract", 25)


@pytest.mark.soak
@pytest.mark.timeout(3_600)
def test_order_repetition_and_delay_decide_nothing_in_many_histories(embedded_database: str, tmp_path: Path) -> None:
    _check(embedded_database, tmp_path / "contract", 500)
