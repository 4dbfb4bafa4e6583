"""Batches into the database, whatever it is up to: away, full, read-only, or refusing one message.

While the database is away nothing is acknowledged and the batch waits; what is received meanwhile is bounded by the
broker's window. A batch that the server refuses for what is in it is halved until the message is found that it cannot
take; that one is kept as a rejection, and the others go on.
"""

import random
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import structlog

from ingest.client import Delivery
from ingest.decoding import Decoding
from sensors.arrivals import Arrivals
from sensors.readings import Reason, Rejection
from storage import readings
from storage.connection import AWAY, UNACCEPTABLE, Connection, connect
from storage.migrate import is_current
from storage.readings import Batch, Stored

_log = structlog.get_logger()
_RETRY_MIN_S, _RETRY_MAX_S = 0.2, 10.0
# Each week of event time is a chunk, and a transaction holds locks on each it writes to: some 5 of the server's 64
# times `max_connections`. A year at a time leaves room for everybody else.
WEEKS_MAX = 52
_WEEK_US = 7 * 86_400 * 1_000_000


class Database:
    """A connection that comes back.

    Parameters
    ----------
    dsn : str
    stop : threading.Event
        Ends all waiting.
    at_step : callable
        Told of each step, for tests that end the process there.
    decoding : Decoding
        Decodes again the messages of a batch that has to be halved.
    """

    def __init__(self, dsn: str, stop: threading.Event, at_step: Callable[[str], None], decoding: Decoding) -> None:
        self._dsn = dsn
        self._stop = stop
        self._decoding = decoding
        self._connection: Connection | None = None
        self.at_step = at_step

    def wait_ready(self) -> bool:
        """Wait for a database with this release's schema; False when told to stop first."""
        delay_s = _RETRY_MIN_S
        while not self._stop.is_set():
            try:
                if is_current(self._connected()):
                    return True
                _log.info("schema_awaited", do="run poniente migrate")
            except AWAY as error:
                self.close()
                _log.info("database_awaited", error=str(error).strip())
            delay_s = self._pause(delay_s)
        return False

    def store(self, delivery: Delivery, batch: Batch) -> list[tuple[Batch, Stored]] | None:
        """Store a batch, however long the database is away: the parts that it took, and what became of each.

        None when told to stop meanwhile.
        """
        stored: list[tuple[Batch, Stored]] = []
        try:
            for part in parts(batch):
                one = self._store_part(part)
                if one is None:
                    return None
                stored.append((part, one))
        except UNACCEPTABLE as error:
            return self._store_halves(delivery, error)
        return stored

    def _store_halves(self, delivery: Delivery, error: Exception) -> list[tuple[Batch, Stored]] | None:
        """Store the two halves of a batch that was refused; of a single message, that it was."""
        if len(delivery) == 1:
            _log.error("message_not_storable", error=type(error).__name__)
            rejection = Rejection(Reason.NOT_STORABLE, f"the database refused it: {type(error).__name__}")
            refusal = Batch((), (), (self._decoding.refused(delivery, rejection),), 1)
            one = self._store_part(refusal)
            return None if one is None else [(refusal, one)]
        middle = len(delivery) // 2
        stored: list[tuple[Batch, Stored]] = []
        for half in (delivery.part(0, middle), delivery.part(middle, len(delivery))):
            several = self.store(half, self._decoding.batch(half))
            if several is None:
                return None
            stored += several
        return stored

    def _store_part(self, batch: Batch) -> Stored | None:
        delay_s = _RETRY_MIN_S
        while True:
            try:
                return readings.store(self._connected(), batch, datetime.now(UTC), at_step=self.at_step)
            except AWAY as error:
                self.close()
                _log.warning("database_lost", error=str(error).strip(), messages_held=batch.messages)
            if self._stop.is_set():
                return None
            delay_s = self._pause(delay_s)

    def close(self) -> None:
        """Drop the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connected(self) -> Connection:
        if self._connection is None or self._connection.closed:
            self._connection = connect(self._dsn, "ingest")
            # Before the schema is there, too: the same connection goes on when it comes.
            readings.prepare(self._connection)
        return self._connection

    def _pause(self, delay_s: float) -> float:
        """Wait, then say how long to wait next time: twice as long, with chance so that workers spread."""
        self._stop.wait(delay_s * random.uniform(0.5, 1.0))  # noqa: S311  # not a secret
        return min(2 * delay_s, _RETRY_MAX_S)


def parts(batch: Batch) -> Iterator[Batch]:
    """Cut a batch into such as reach over few enough weeks; nearly every batch is one."""
    weeks = [np.unique(one.event_time_us // _WEEK_US) for one in batch.arrivals]
    found = np.unique(np.concatenate(weeks)) if weeks else np.empty(0, np.int64)
    if len(found) <= WEEKS_MAX:
        yield batch
        return
    # What was laid out is of all rows; a part is laid out anew.
    rest = replace(batch, arrivals=(), laid={})
    for first in range(0, len(found), WEEKS_MAX):
        chosen = found[first : first + WEEKS_MAX]
        laid = [_within(one, int(chosen[0]), int(chosen[-1])) for one in batch.arrivals]
        yield replace(rest, arrivals=[one for one in laid if len(one)])
        # Counted with the first part.
        rest = Batch(batch.devices, (), (), 0)


def _within(arrivals: Arrivals, first: int, last: int) -> Arrivals:
    week = arrivals.event_time_us // _WEEK_US
    return arrivals.rows((week >= first) & (week <= last))
