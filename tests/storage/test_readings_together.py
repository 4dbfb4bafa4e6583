"""Storing readings from several writers at once, and from one that is cut off."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta

import psycopg
import pytest

from sensors.readings import Outcome, Reading
from storage import sequence
from storage.connection import connect
from tests.storage.cases import START, count_rows, counted, expected_outcomes, marks, put, reading, seen, writer

_DEADLINE_S = 20.0
_WRITERS = 4
_BATCHES = 15


def _wait_until(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + _DEADLINE_S
    while not holds():
        assert time.monotonic() < until, "what was waited for did not come"
        time.sleep(0.005)


def _waits_for_a_lock(watcher: psycopg.Connection, pid: int) -> bool:
    row = watcher.execute("select wait_event_type from pg_stat_activity where pid = %s", [pid]).fetchone()
    return row == ("Lock",)


def _is_whole(watcher: psycopg.Connection) -> bool:
    """Tell whether all numbers up to the last are there, each with its reading, as who assesses sees them."""
    last = sequence.last(watcher)
    row = watcher.execute(
        "select (select count(*) from committed where seq <= %(last)s),"
        " (select count(distinct batch_seq) from fill_level where batch_seq <= %(last)s)",
        {"last": last},
    ).fetchone()
    return row == (last, last)


def test_numbers_are_in_commit_order_without_holes_when_four_write(database: str) -> None:
    done = threading.Event()
    broken: list[bool] = []

    def write(number: int) -> list[int]:
        with writer(database) as connection:
            return [
                put(connection, reading(f"bin-{number}", at=START + place * timedelta(hours=7))).batch_seq
                for place in range(_BATCHES)
            ]

    def watch() -> None:
        with closing(connect(database, "test")) as watcher:
            while not done.is_set():
                broken.extend([True] * (not _is_whole(watcher)))

    with ThreadPoolExecutor(_WRITERS + 1) as pool:
        watching = pool.submit(watch)
        taken = [future.result() for future in [pool.submit(write, number) for number in range(_WRITERS)]]
        done.set()
        watching.result()
    assert not broken
    assert [sorted(one) for one in taken] == taken
    assert sorted(number for one in taken for number in one) == list(range(1, _WRITERS * _BATCHES + 1))


def test_each_reading_is_accepted_once_when_two_write_the_same(database: str) -> None:
    several = [
        reading(f"bin-{place % 7}", at=START + (place // 7) * timedelta(hours=11), distance_mm=place % 2)
        for place in range(140)
    ]
    together = threading.Barrier(2)

    def write(mine: list[Reading]) -> int:
        accepted = 0
        with writer(database) as connection:
            together.wait(_DEADLINE_S)
            for first in range(0, len(mine), 14):
                accepted += put(connection, *mine[first : first + 14]).readings.get(Outcome.ACCEPTED, 0)
        return accepted

    with ThreadPoolExecutor(2) as pool:
        accepted = list(pool.map(write, [several, several[::-1]]))
    with writer(database) as connection:
        assert sum(accepted) == len(several)
        assert counted(connection) == expected_outcomes([*several, *several])
        assert len(seen(connection)) == len(several)


@pytest.mark.parametrize(("ends_by", "expected"), [("commit", 2), ("rollback", 1)])
def test_next_writer_waits_for_the_number_when_one_has_taken_it(database: str, ends_by: str, expected: int) -> None:
    with writer(database) as first, writer(database) as second, ThreadPoolExecutor(1) as pool:
        first.execute("begin")
        taken = sequence.take(first, "test", START)
        waiting = pool.submit(put, second, reading())
        with closing(connect(database, "test")) as watcher:
            _wait_until(lambda: _waits_for_a_lock(watcher, second.info.backend_pid))
            seen_meanwhile = sequence.last(watcher)
        first.execute(ends_by.encode())
        assert (taken, seen_meanwhile, waiting.result(_DEADLINE_S).batch_seq) == (1, 0, expected)


@pytest.mark.parametrize("table", ["ingest_count", "touched", "fill_level_conflict", "device"])
def test_nothing_is_left_when_the_connection_is_cut_in_the_middle(database: str, table: str) -> None:
    with writer(database) as connection:
        put(connection, reading("known"))
        before = (count_rows(connection), marks(connection))
    with closing(connect(database, "test")) as blocker, ThreadPoolExecutor(1) as pool:
        with writer(database) as victim:
            blocker.execute("begin")
            blocker.execute(f"lock table {table} in exclusive mode".encode())
            writing = pool.submit(put, victim, reading(), reading(distance_mm=1), reading("known", distance_mm=1))
            with closing(connect(database, "test")) as watcher:
                _wait_until(lambda: _waits_for_a_lock(watcher, victim.info.backend_pid))
                watcher.execute("select pg_terminate_backend(%s, 5000)", [victim.info.backend_pid])
            with pytest.raises(psycopg.OperationalError):
                writing.result(_DEADLINE_S)
        blocker.execute("rollback")
        assert (count_rows(blocker), marks(blocker)) == before
    with writer(database) as connection:
        assert put(connection, reading()).batch_seq == before[0]["last"] + 1


def test_a_writer_goes_on_when_another_was_cut_with_the_number_in_hand(database: str) -> None:
    with writer(database) as victim, writer(database) as other, ThreadPoolExecutor(1) as pool:
        victim.execute("begin")
        sequence.take(victim, "test", START)
        waiting = pool.submit(put, other, reading())
        with closing(connect(database, "test")) as watcher:
            _wait_until(lambda: _waits_for_a_lock(watcher, other.info.backend_pid))
            watcher.execute("select pg_terminate_backend(%s, 5000)", [victim.info.backend_pid])
        assert waiting.result(_DEADLINE_S).batch_seq == 1
