"""The worker: take a batch, decode, commit, acknowledge; for ever, until told to stop.

A message is acknowledged only after its readings, or its rejection, are committed. What is delivered again after a
crash is found to be there already.
"""

import random
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import structlog

from ingest.accept import accept
from ingest.client import Broker, Delivery, Subscriber
from storage import readings
from storage.connection import AWAY, Connection, connect
from storage.migrate import is_current
from storage.readings import Batch, Stored
from storage.refusals import Refused

_log = structlog.get_logger()
# Beyond this a batch gains nothing and a crash redelivers more.
BATCH_MESSAGES_MAX = 10_000
# The first reading of a batch waits this long at most when more keep coming.
BATCH_AGE_S = 0.5
# Brokers with a small window send nothing more until they are acknowledged.
BATCH_IDLE_S = 0.03
_RETRY_MIN_S, _RETRY_MAX_S = 0.2, 10.0
# Often enough to be seen, seldom enough not to fill a log over a night.
_AWAITED_LOG_S = 5.0


@dataclass(slots=True)
class Tally:
    """What a worker has seen since it started."""

    messages_decoded: int = 0
    messages_rejected: int = 0
    readings: Counter[str] = field(default_factory=Counter[str])
    batches: int = 0

    def add(self, stored: Stored) -> None:
        """Count a batch."""
        self.batches += 1
        self.messages_decoded += stored.messages_decoded
        self.messages_rejected += stored.messages_rejected
        self.readings.update({outcome.value: n for outcome, n in stored.readings.items()})


def run(
    dsn: str,
    broker: Broker,
    stop: threading.Event,
    *,
    client_id: str = "poniente-ingest",
    window: int = BATCH_MESSAGES_MAX,
) -> Tally:
    """Move readings from broker to database until `stop` is set.

    Parameters
    ----------
    dsn : str
        Connection string of the database.
    broker : Broker
    stop : threading.Event
    client_id : str
        Names the persistent session.
    window : int
        Most messages delivered and not yet acknowledged; bounds memory.

    Returns
    -------
    Tally

    Raises
    ------
    BrokerError
        When the broker refuses us for good.
    """
    tally = Tally()
    database = _Database(dsn, stop)
    if not database.wait_ready():
        return tally
    subscriber = Subscriber(broker, client_id, window=min(window, 65_535))
    subscriber.start()
    try:
        log_s = time.monotonic() + _AWAITED_LOG_S
        while not subscriber.wait_subscribed(0.0) and not stop.is_set():
            # What waited in the session comes before the broker's confirmation; left in a full queue it would keep
            # the confirmation out for ever.
            _step(subscriber, database, tally)
            if time.monotonic() >= log_s:
                _log.info("broker_awaited", host=broker.host, port=broker.port)
                log_s += _AWAITED_LOG_S
        if subscriber.is_subscribed:
            _log.info("ingest_ready", host=broker.host, port=broker.port)
        while not stop.is_set():
            _step(subscriber, database, tally)
        # What is here already is committed and acknowledged before leaving; the broker keeps the rest.
        until = time.monotonic() + 5.0
        while time.monotonic() < until and _step(subscriber, database, tally, patience_s=0.0):
            pass
    finally:
        subscriber.close()
        database.close()
    _log.info("ingest_stopped", batches=tally.batches, messages=tally.messages_decoded + tally.messages_rejected)
    return tally


def decode(batch: Sequence[Delivery]) -> Batch:
    """Decode a batch of messages; every one is decoded or refused, none is dropped."""
    accepted: list[readings.Arrived] = []
    refused: list[Refused] = []
    for delivery in batch:
        decoded = accept(delivery.topic, delivery.payload)
        accepted += [(reading, delivery.received_time) for reading in decoded.readings]
        if decoded.rejections:
            refused.append(
                Refused(delivery.topic, delivery.payload, delivery.received_time, tuple(decoded.rejections))
            )
    return Batch(accepted, refused, len(batch))


def _step(subscriber: Subscriber, database: "_Database", tally: Tally, *, patience_s: float = 0.2) -> bool:
    deliveries = subscriber.take(BATCH_MESSAGES_MAX, age_s=BATCH_AGE_S, idle_s=BATCH_IDLE_S, patience_s=patience_s)
    if not deliveries:
        return False
    stored = database.store(decode(deliveries))
    if stored is None:
        return False  # told to stop while the database is away: nothing is acknowledged
    subscriber.acknowledge(deliveries)
    tally.add(stored)
    _log.debug("batch_written", batch_seq=stored.batch_seq, messages=len(deliveries), **stored.readings)
    return True


class _Database:
    """A connection that comes back."""

    def __init__(self, dsn: str, stop: threading.Event) -> None:
        self._dsn = dsn
        self._stop = stop
        self._connection: Connection | None = None

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

    def store(self, batch: Batch) -> Stored | None:
        """Store a batch, however long the database is away; None when told to stop meanwhile."""
        delay_s = _RETRY_MIN_S
        while True:
            try:
                return readings.store(self._connected(), batch, datetime.now(UTC))
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
