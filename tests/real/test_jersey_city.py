"""Half a day of Jersey City's trucks through a broker: the database holds what was said, each thing once."""

import csv
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.jobs import health, imports
from app.local.broker import LocalMosquitto
from storage.connection import Connection, connect
from tests.ingest import rig
from tests.real import jersey_city
from tests.real.jersey_city import Content, Key

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"
ARCHIVE = DATA / "jersey_city_trucks" / "polls_first_12h.tar.xz"
MAPPING = ROOT / "docs" / "examples" / "jersey-city" / "trucks.toml"
NOW = datetime(2016, 1, 1, tzinfo=UTC)
PICTURE = "jersey-city.svg"
DEADLINE_S = 120.0
_STORED = """
select device, event_time, latitude_e7, longitude_e7 from device join position_fix using (device_id)
where source = %(source)s
union all
select device, event_time, latitude_e7, longitude_e7 from device join position_fix_conflict using (device_id)
where source = %(source)s
"""

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the sibling folder shared/data is not there")


@pytest.fixture(scope="module")
def lines() -> list[jersey_city.Line]:
    return jersey_city.read(ARCHIVE)


def test_lines_when_counted(lines: list[jersey_city.Line]) -> None:
    assert (720, 139) == (len({line.polled for line in lines}), len({line.key[0] for line in lines}))
    assert (100_080, 4_475) == (len(lines), len({line.text for line in lines}))
    assert {"accepted": 3_850, "conflict": 625, "duplicate": 95_605} == jersey_city.outcomes(lines)
    # No truck is told apart by capitals alone, so small letters lose none.
    assert 139 == len({line.truck for line in lines})


def test_clocks_when_compared(lines: list[jersey_city.Line]) -> None:
    newest: dict[datetime, datetime] = {}
    for line in lines:
        newest[line.polled] = max(line.wall_clock, newest.get(line.polled, line.wall_clock))
    ahead = sorted(polled.replace(tzinfo=None) - wall_clock for polled, wall_clock in newest.items())
    # Never less than five hours, mostly seconds more: the names' clock is the one five hours ahead of Jersey City's.
    assert timedelta(hours=5, seconds=3) == ahead[0]
    assert timedelta(hours=5, seconds=22) == ahead[len(ahead) // 2]


def test_feed_when_published(
    timescale_database: str,
    mosquitto_binary: Path,
    server_folder: Path,
    lines: list[jersey_city.Line],
    tmp_path: Path,
) -> None:
    with (
        LocalMosquitto(mosquitto_binary, server_folder / "mosquitto") as broker,
        rig.watching(timescale_database) as watch,
    ):
        rig.make_session(rig.broker_of(broker))
        with rig.working_apart(timescale_database, rig.broker_of(broker)) as worker:
            command = [sys.executable, "-m", "app.cli.main", "publish", str(ARCHIVE), "--mapping", str(MAPPING)]
            address = f"{broker.host}:{broker.port}"
            subprocess.run([*command, "--broker", address], check=True, timeout=DEADLINE_S, cwd=ROOT)
            _wait(watch, len(lines), worker)
        assert {"decoded": 100_080} == watch.messages()
        assert jersey_city.outcomes(lines) == {outcome: n for outcome, n in watch.readings().items() if n}
    with closing(connect(timescale_database, "test")) as connection:
        assert jersey_city.contents(lines) == _stored(connection)
        # Nothing was observed after it was received: no zone is declared some hours wrong in that direction.
        assert [(0,)] == connection.execute("select distinct clock from position_fix").fetchall()
        found = health.findings(connection)
    stale = {one.where.removeprefix("jersey-city/") for one in found if one.what == "device_stale"}
    assert 69 == len(stale)
    assert jersey_city.stale(lines) == stale
    _draw(timescale_database, found, tmp_path)
    assert (ROOT / "docs" / "real-data" / PICTURE).read_text() == (tmp_path / PICTURE).read_text()


def test_polls_when_in_another_order(embedded_database: str, tmp_path: Path) -> None:
    # Ten minutes of the morning, forwards and backwards: what is stored does not depend on what came first.
    minutes = [(name, text) for name, text in jersey_city.polls(ARCHIVE) if "jc-data-121015-130" in name]
    mapping = imports.read_mapping(MAPPING)
    counted: list[dict[str, int]] = []
    stored: list[dict[Key, set[Content]]] = []
    for source, polls in (("forwards", minutes), ("backwards", minutes[::-1])):
        with closing(connect(embedded_database, "test")) as connection:
            counts: Counter[str] = Counter()
            for name, text in polls:
                (tmp_path / name).write_text(text)
                own = mapping.model_copy(update={"source": source})
                for one in imports.load(connection, tmp_path / name, own, NOW):
                    counts.update({outcome.value: n for outcome, n in one.readings.items() if n})
            counted.append(dict(counts))
            stored.append(_stored(connection, source))
    assert counted[0] == counted[1]
    assert stored[0] == stored[1]
    assert 0 < counted[0]["conflict"]


def _wait(watch: rig.Watch, count: int, worker: subprocess.Popen[bytes]) -> None:
    """Wait until so many messages are stored: longer than for a few, but not on a dead worker."""
    until = time.monotonic() + DEADLINE_S
    while watch.messages().get("decoded", 0) < count:
        assert worker.poll() is None, "the worker ended"
        assert time.monotonic() < until, f"waited {DEADLINE_S:g} s in vain"
        time.sleep(0.05)


def _draw(database: str, found: list[health.Ailment], folder: Path) -> None:
    """Draw the map of what is stored."""
    with (folder / "doctor.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([("what", "where", "says"), *((one.what, one.where, one.says) for one in found)])
    command = [sys.executable, MAPPING.parent / "picture.py", folder / "doctor.csv", "--out", folder]
    subprocess.run([*command, "--database", database], check=True, timeout=DEADLINE_S)


def _stored(connection: Connection, source: str = "jersey-city") -> dict[Key, set[Content]]:
    """Give what the database holds under each key, conflicting contents included."""
    found: dict[Key, set[Content]] = {}
    for device, at, *content in connection.execute(_STORED, {"source": source}):
        found.setdefault((device, at), set()).add((content[0], content[1]))
    return found
