"""The worker: take a batch, decode, commit, acknowledge; for ever, until told to stop.

A message is acknowledged only after its readings, or its rejection, are committed. What is delivered again after a
crash is found to be there already. Four things go on at once: paho's thread receives, this one decodes, a third
stores and acknowledges, each a batch ahead of the next, and a fourth gives receipts.
"""

import math
import queue
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TypeVar

import structlog

from ingest.client import Broker, Delivery, Subscriber
from ingest.decoding import Decoding
from ingest.failpoints import failpoints
from ingest.receipts import receipts
from ingest.storing import Database
from sensors.sources import Source
from sensors.topics import subscription
from storage.readings import Batch, Stored

_log = structlog.get_logger()
_Item = TypeVar("_Item")
# Beyond this a batch gains nothing and a crash redelivers more.
BATCH_MESSAGES_MAX = 10_000
# The first reading of a batch waits this long at most when more keep coming.
BATCH_AGE_S = 0.5
# Brokers with a small window send nothing more until they are acknowledged.
BATCH_IDLE_S = 0.03
# One batch is received while one is decoded and one is stored.
WINDOW = 3 * BATCH_MESSAGES_MAX
# Often enough to be seen, seldom enough not to fill a log over a night.
_AWAITED_LOG_S = 5.0
# What is here when the worker is told to stop is committed within this, or left to the broker.
_DRAIN_S = 5.0
# And what was handed over for storing within this: together they stay under the ten seconds that are promised.
_LAST_BATCHES_S = 4.0


@dataclass(slots=True)
class Tally:
    """What a worker has seen since it started."""

    messages_decoded: int = 0
    messages_rejected: int = 0
    readings: Counter[str] = field(default_factory=Counter[str])
    batches: int = 0
    dropped_by_broker: int = 0
    waiting: int = 0

    def add(self, stored: Stored) -> None:
        """Count a batch."""
        self.batches += 1
        self.messages_decoded += stored.messages_decoded
        self.messages_rejected += stored.messages_rejected
        self.readings.update({outcome.value: n for outcome, n in stored.readings.items()})


@dataclass(frozen=True, slots=True)
class Options:
    """How a worker works.

    Parameters
    ----------
    client_id : str
        Names the persistent session.
    window : int
        Most messages delivered and not yet acknowledged; bounds memory.
    sources : tuple of Source
        Beside the native topics.
    share : str
        Name of the group of workers that share the messages among them; empty for a worker that takes all.
    gives_receipts : bool
        Whether devices are told which of their readings are committed.
    is_bulk : bool
        Whether messages are read in bulk, else by stock paho.
    """

    client_id: str = "poniente-ingest"
    window: int = WINDOW
    sources: tuple[Source, ...] = ()
    share: str = ""
    gives_receipts: bool = True
    is_bulk: bool = True

    @property
    def filters(self) -> list[str]:
        """Topic filters to subscribe to."""
        plain = [subscription(), *(source.filter for source in self.sources)]
        return [f"$share/{self.share}/{one}" for one in plain] if self.share else plain


def run(
    dsn: str, broker: Broker, stop: threading.Event, options: Options | None = None, tally: Tally | None = None
) -> Tally:
    """Move readings from broker to database until `stop` is set.

    Parameters
    ----------
    dsn : str
        Connection string of the database.
    broker : Broker
    stop : threading.Event
    options : Options, optional
    tally : Tally, optional
        Counted in as the worker goes, for others to look at.

    Returns
    -------
    Tally

    Raises
    ------
    BrokerError
        When the broker refuses us for good.
    """
    options, tally = options or Options(), tally or Tally()
    decoding = Decoding(options.sources)
    database = Database(dsn, stop, failpoints(), decoding)
    if not database.wait_ready():
        return tally
    subscriber = Subscriber(
        broker, options.client_id, options.filters, window=min(options.window, 65_535), is_bulk=options.is_bulk
    )
    storing = Storing(subscriber, database, tally, options)
    subscriber.start()
    storing.start()
    try:
        _work(subscriber, decoding, storing, stop, broker)
        # What is here already is committed and acknowledged before leaving; the broker keeps the rest.
        until = time.monotonic() + _DRAIN_S
        while time.monotonic() < until and _step(subscriber, decoding, storing, patience_s=0.0):
            pass
    finally:
        is_done = storing.finish()
        subscriber.close()
        if is_done:
            database.close()
        else:
            _log.warning("batch_abandoned", do="nothing: it was not acknowledged and comes again")
    storing.raise_error()
    _log.info("ingest_stopped", batches=tally.batches, messages=tally.messages_decoded + tally.messages_rejected)
    return tally


def _work(
    subscriber: Subscriber, decoding: Decoding, storing: "Storing", stop: threading.Event, broker: Broker
) -> None:
    """Decode until told to stop, and say when the broker is there."""
    log_s = time.monotonic() + _AWAITED_LOG_S
    is_ready = False
    while not stop.is_set() and not storing.is_over:
        # What waited in the session comes before the broker's confirmation; left in a full queue it would keep the
        # confirmation out for ever. So the queue is emptied before it, too.
        _step(subscriber, decoding, storing, patience_s=0.2)
        if not is_ready and (is_ready := subscriber.wait_subscribed(0.0)):
            _log.info("ingest_ready", host=broker.host, port=broker.port)
        if not is_ready and time.monotonic() >= log_s:
            _log.info("broker_awaited", host=broker.host, port=broker.port)
            log_s += _AWAITED_LOG_S


def _step(subscriber: Subscriber, decoding: Decoding, storing: "Storing", *, patience_s: float) -> bool:
    """Take a batch, decode it, hand it on; False when nothing came."""
    delivery = subscriber.take(
        BATCH_MESSAGES_MAX,
        age_s=BATCH_AGE_S,
        idle_s=BATCH_IDLE_S,
        patience_s=patience_s,
        is_wanted=storing.is_free,
    )
    storing.tally.waiting = subscriber.waiting
    if delivery is None:
        return False
    storing.at_step("received")
    batch = decoding.batch(delivery)
    if decoding.dropped_by_broker > storing.tally.dropped_by_broker:
        _log.error("broker_dropped_messages", messages=decoding.dropped_by_broker, see="docs/ingest-promises.md")
    storing.tally.dropped_by_broker = decoding.dropped_by_broker
    storing.at_step("decoded")
    storing.put(delivery, batch)
    return True


class Storing:
    """Stores and acknowledges batches in a thread of its own, in their order."""

    def __init__(self, subscriber: Subscriber, database: Database, tally: Tally, options: Options) -> None:
        self._subscriber = subscriber
        self._database = database
        self._gives_receipts = options.gives_receipts
        self._deaf = frozenset(source.name for source in options.sources if source.format != "native")
        # One batch waits while one is stored: more would only lengthen what a crash delivers again.
        self._batches: queue.Queue[tuple[Delivery, Batch] | None] = queue.Queue(maxsize=1)
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="storing", daemon=True)
        # Two batches wait at most: receipts are given faster than batches are stored.
        self._confirmed: queue.Queue[Batch | None] = queue.Queue(maxsize=2)
        self._confirming = threading.Thread(target=self._confirm, name="receipts", daemon=True)
        self.tally = tally
        self.at_step = database.at_step

    def start(self) -> None:
        """Begin."""
        self._thread.start()
        self._confirming.start()

    @property
    def is_over(self) -> bool:
        """Whether storing, or giving receipts, has ended by an error."""
        return self._error is not None

    def is_free(self) -> bool:
        """Whether a batch that is handed over is the next to be stored."""
        return self.is_over or self._batches.empty()

    def put(self, delivery: Delivery, batch: Batch) -> None:
        """Hand a batch over; waits while another one waits."""
        self._hand_over(self._batches, (delivery, batch))

    def _hand_over(self, waiting: queue.Queue[_Item], item: _Item) -> None:
        """Put something into a queue, unless what takes it out has ended by an error."""
        while not self.is_over:
            try:
                waiting.put(item, timeout=0.2)
            except queue.Full:
                continue
            return

    def finish(self) -> bool:
        """Store what was handed over, and end; False where that takes too long, and the broker keeps it."""
        until = time.monotonic() + _LAST_BATCHES_S
        self._end(self._batches, self._thread, until)
        for thread in (self._thread, self._confirming):
            thread.join(max(until - time.monotonic(), 0.0))
        return not self._thread.is_alive()

    def _end(self, waiting: queue.Queue[_Item | None], taker: threading.Thread, until: float = math.inf) -> None:
        """Tell a thread that nothing more comes, unless it is over before there is room to."""
        while taker.is_alive() and time.monotonic() < until:
            try:
                waiting.put(None, timeout=0.2)
            except queue.Full:
                continue
            return

    def raise_error(self) -> None:
        """Raise what storing ended by."""
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        try:
            while (taken := self._batches.get()) is not None:
                self._store(*taken)
        except BaseException as error:  # noqa: BLE001  # raised again in the worker's own thread
            self._error = error
        self._end(self._confirmed, self._confirming)

    def _store(self, delivery: Delivery, batch: Batch) -> None:
        if not batch.messages:
            return  # the broker's words about itself
        stored = self._database.store(delivery, batch)
        if not stored:
            return  # told to stop while the database is away: nothing is acknowledged
        self.at_step("after_commit")
        # In two writes, so that a test can end the process between them.
        middle = len(delivery) // 2
        self._subscriber.acknowledge(delivery.part(0, middle))
        self.at_step("during_acknowledgement")
        self._subscriber.acknowledge(delivery.part(middle, len(delivery)))
        self.at_step("after_acknowledgement")
        for part, one in stored:
            self.tally.add(one)
            if self._gives_receipts:
                self._hand_over(self._confirmed, part)

    def _confirm(self) -> None:
        """Give receipts, while the next batch is stored."""
        try:
            while (batch := self._confirmed.get()) is not None:
                self.at_step("during_receipt")
                self._subscriber.publish(receipts(batch, self._deaf))
                self.at_step("after_receipt")
        except BaseException as error:  # noqa: BLE001  # as of storing
            self._error = error
