"""Reading back from TimescaleDB: the product's columns beside ADBC and a bare COPY, zone by zone."""

import json
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta

import psycopg

from sensors.kinds.fill_level import KIND as FILL_LEVEL
from storage.connection import connect
from storage.kinds import copy_known
from storage.readings import read_columns
from tests.benchmarks.ingest.rig import Rig
from tests.benchmarks.kernel.contest import Bar, Contest, Setup, peer, timed

_ROWS, _DEVICES, _ZONES = 10_000_000, 2_000, 4
_FIRST = datetime(2026, 9, 1, tzinfo=UTC)
_STEP = timedelta(minutes=15)
_SEQUENCE_MAX = 2**62
_INSERT = """
insert into fill_level (device_id, event_time, sequence, event_time_source, device_time, received_time, clock,
                        distance_mm, battery_mv, temperature_mdegc, tilt_deg, digest, batch_seq)
select d.device_id, %(first)s::timestamptz + step * %(step)s::interval, step + 1, 1,
       %(first)s::timestamptz + step * %(step)s::interval, %(first)s::timestamptz, 0,
       300 + (step * 7 + d.device_id) %% 700, 3580, 19500, 3, md5(d.device_id || '-' || step)::uuid, 1
from generate_series(0, %(steps)s - 1) step, unnest(%(devices)s::bigint[]) as d (device_id)
order by 2, 1
"""


@contextmanager
def contest(setup: Setup) -> Generator[Contest]:
    """Read all rows of four zones, one zone after the other."""
    steps = setup.of(_ROWS, _DEVICES) // _DEVICES
    devices = list(range(1_000_000, 1_000_000 + _DEVICES))
    zones = [devices[k::_ZONES] for k in range(_ZONES)]
    until = _FIRST + steps * _STEP
    with Rig() as rig, rig.database() as dsn:
        with closing(psycopg.connect(dsn, autocommit=True)) as made:
            _ = made.execute(_INSERT, {"first": _FIRST, "step": _STEP, "steps": steps, "devices": devices})
            _ = made.execute("analyze fill_level")
        rig.settle()
        with closing(connect(dsn, "bench")) as connection:
            asked = {"first": _FIRST, "until": until, "known_through": _SEQUENCE_MAX}
            said = [copy_known(FILL_LEVEL).as_string(connection)]
            _ = (setup.folder / "asked.json").write_text(
                json.dumps({"dsn": dsn, "zones": zones, "copy": said[0], "first": str(_FIRST), "until": str(until)})
            )

            def columns() -> int:
                return sum(
                    len(read_columns(connection, FILL_LEVEL, zone, (_FIRST, until), _SEQUENCE_MAX)) for zone in zones
                )

            def bare() -> int:
                return sum(_copied(connection, zone, asked) for zone in zones)

            if columns() != steps * _DEVICES:
                raise AssertionError("read-back lost rows")
            with peer(setup, "readback") as others:
                runners = {
                    "poniente": timed(columns),
                    "bare COPY, bytes thrown away": timed(bare),
                    "ADBC": others.runner("ADBC"),
                }
                amounts = dict.fromkeys(runners, steps * _DEVICES)
                bars = [Bar("poniente", "ADBC", 1.0), Bar("poniente", "bare COPY, bytes thrown away", 0.8)]
                told = (
                    "The same rows, columns and order for all; processor time is the reader's, not the database's. "
                    "The bare COPY is the database's own rate: nothing is decoded."
                )
                yield Contest("Read-back from TimescaleDB", "rows", amounts, runners, bars, [told])


def _copied(connection: psycopg.Connection, zone: Sequence[int], asked: Mapping[str, object]) -> int:
    size = 0
    with connection.cursor() as cursor, cursor.copy(copy_known(FILL_LEVEL), {**asked, "device_ids": zone}) as come:
        for block in come:
            size += len(block)
    return size
