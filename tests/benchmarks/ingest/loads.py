"""What is sent in a run: the same messages for everybody, made anew from a few numbers in each process.

Fill levels are single readings of some 120 bytes, as a fleet of containers sends them; traces are fixes of trackers,
60 a message. A share of messages can be sent again later, as networks do.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

DEVICES = 2_000
SOURCE = "city"
START = datetime(2026, 9, 5, 0, 0, 0, tzinfo=UTC)
STEP = timedelta(minutes=30)
FIXES = 60
_FIX_STEP = timedelta(seconds=10)
_SEED = 20_260_905


@dataclass(frozen=True, slots=True)
class Load:
    """How much of what is sent.

    Parameters
    ----------
    kind : str
        `fill_level` or `position_fix`.
    count : int
        Messages, without those sent again.
    resent : float
        How many are sent again, as a share of `count`.
    """

    kind: str
    count: int
    resent: float = 0.0

    @property
    def rows(self) -> int:
        """Readings that must be in the table afterwards."""
        return self.count * (FIXES if self.kind == "position_fix" else 1)

    @property
    def last(self) -> tuple[str, datetime]:
        """Device and event time of the reading sent last."""
        place = self.count - 1
        if self.kind == "position_fix":
            return f"truck-{place % DEVICES}", _trace_start(place) + (FIXES - 1) * _FIX_STEP
        return f"bin-{place % DEVICES}", START + place // DEVICES * STEP


def messages(load: Load) -> Iterator[tuple[str, bytes]]:
    """Give topic and payload of every message, in the order of sending."""
    make = _trace if load.kind == "position_fix" else _level
    chance = random.Random(_SEED)  # noqa: S311  # no secret; the same in every run
    for place in range(load.count):
        yield make(place)
        # The last one goes once, so that nothing follows it and its presence says that all was sent.
        if load.resent and place < load.count - 1 and chance.random() < load.resent:
            yield make(chance.randrange(place + 1))


def level(device: int, time: str, sequence: int) -> tuple[str, bytes]:
    """Make one fill level."""
    payload = (
        f'{{"v":1,"time":"{time}","sequence":{sequence},"distance_mm":{300 + sequence * 7 % 1_000},'
        f'"battery_v":3.58,"temperature_degc":19.5,"tilt_deg":3}}'
    )
    return f"poniente/v1/{SOURCE}/bin-{device}/fill_level", payload.encode()


def _level(place: int) -> tuple[str, bytes]:
    step, device = divmod(place, DEVICES)
    return level(device, f"{START + step * STEP:%Y-%m-%dT%H:%M:%SZ}", step + 1)


def _trace_start(place: int) -> datetime:
    return START + place // DEVICES * FIXES * _FIX_STEP


def _trace(place: int) -> tuple[str, bytes]:
    start, device = _trace_start(place), place % DEVICES
    fixes = ",".join(
        f'{{"time":"{start + n * _FIX_STEP:%Y-%m-%dT%H:%M:%SZ}","sequence":{n + 1},'
        f'"latitude":{-33.4288102 + n * 1e-5:.7f},"longitude":{-70.6519377 + device * 1e-5:.7f},'
        f'"speed_mps":2.1,"course_deg":92,"accuracy_m":4.5,"inputs":1,"ignition":1}}'
        for n in range(FIXES)
    )
    sent = start + FIXES * _FIX_STEP
    head = f'"sent_time":"{sent:%Y-%m-%dT%H:%M:%SZ}","network_time":"{sent:%Y-%m-%dT%H:%M:%SZ}"'
    topic = f"poniente/v1/{SOURCE}/truck-{device}/position_fix"
    return topic, f'{{"v":1,{head},"readings":[{fixes}]}}'.encode()
