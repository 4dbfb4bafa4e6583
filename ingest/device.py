"""The example of a device that loses nothing: it keeps each reading until the worker has said that it is committed.

A broker's PUBACK is the broker's word; a receipt is the database's (`ingest.receipts`). What has none is sent again,
after a time that grows, through restarts of broker and worker, until it is confirmed or given up.
"""

import heapq
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self, TypeAlias

import structlog
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.reasoncodes import ReasonCode

from ingest import receipts
from ingest.client import Broker, new_client
from ingest.publisher import IN_FLIGHT_MAX
from sensors.errors import TopicError
from sensors.topics import parse

_log = structlog.get_logger()
# A device's flash holds as many, a simulated fleet's day too: some 20 MB.
UNCONFIRMED_MAX = 50_000
# So many are sent before receipts get their turn, and so long is waited where paho has enough for now.
_AT_ONCE, _FULL_S = 500, 0.2


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a device waits for a receipt, and how often it tries.

    Parameters
    ----------
    first_s, most_s : float
        Before the first time that a reading is sent again, and at most later; it doubles in between. [s]
    tries : int
        Times that a reading is sent, before it is given up.
    """

    # A worker commits within a second or two; while it is away, more often than once an hour is of no use.
    first_s: float = 10.0
    most_s: float = 3_600.0
    # With these waits some 11 hours of broker and worker together; a device with a battery may want fewer.
    tries: int = 20

    def wait_s(self, tries: int) -> float:
        """Give the wait after a reading was sent so many times; by chance, lest a fleet sends at one instant."""
        longest_s = min(self.first_s * 2 ** min(tries - 1, 30), self.most_s)
        return longest_s * random.uniform(0.75, 1.25)  # noqa: S311  # not a secret


@dataclass(frozen=True, slots=True)
class Unconfirmed:
    """A reading that nobody has confirmed yet.

    Parameters
    ----------
    topic : str
    payload : bytes
    sequence : int
        The device's own number of this reading, as it stands in the payload.
    """

    topic: str
    payload: bytes
    sequence: int


@dataclass(slots=True)
class _Kept:
    reading: Unconfirmed
    due_s: float
    tries: int = 0


# Source, device and kind: what one line of numbers counts.
_Line: TypeAlias = tuple[str, str, str]


class ReceiptPublisher:
    """Publish as a device should that can keep what it has said: until a receipt tells that it is committed.

    A PUBACK is no receipt: it says that the broker has the message, and a broker that is killed, or whose queue is
    full, loses messages that it has acknowledged. So each reading is kept here and sent again, after growing waits
    and over whatever is restarted, until its number comes on `poniente/receipt/{device}` or its tries are used up.
    What was sent twice is stored once: a reading is known by device, kind, time and number. That asks three things
    of a device: numbers that count up from 1 and never begin anew, a time of its own in the payload, and the very
    same payload when it sends again.

    Parameters
    ----------
    broker : Broker
    client_id : str
        Empty for one of the broker's choice.
    patience : Patience
    on_given_up : callable
        Called with each reading whose tries are used up, in the thread that sends; it is kept no longer.

    Examples
    --------
    >>> with ReceiptPublisher(Broker("mqtt.example.org", 1883), client_id="bin-417") as publisher:
    ...     publisher.put("poniente/v1/city/bin-417/fill_level", payload, sequence=1532)
    ...     publisher.wait(60.0)
    """

    def __init__(
        self,
        broker: Broker,
        client_id: str = "",
        *,
        patience: Patience | None = None,
        on_given_up: Callable[[Unconfirmed], None] = lambda _reading: None,
    ) -> None:
        self._broker = broker
        self._patience = patience or Patience()
        self._on_given_up = on_given_up
        # One lock for all below: paho's thread confirms, the caller's adds, ours sends.
        self._change = threading.Condition()
        self._kept: dict[_Line, dict[int, _Kept]] = {}
        self._count = 0
        # When to send what: instant on the monotonic clock, and what. Entries of what was confirmed are passed over.
        self._due: list[tuple[float, _Line, int]] = []
        self._devices: set[str] = set()
        self._full_until_s = 0.0
        self._is_connected = self._is_closing = False
        self.sent = self.confirmed = self.given_up = 0
        self._client = new_client(broker, client_id, is_persistent=False)
        self._client.max_inflight_messages_set(IN_FLIGHT_MAX)
        # We keep what is not confirmed; paho need not keep it too.
        self._client.max_queued_messages_set(IN_FLIGHT_MAX)
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message
        self._thread = threading.Thread(target=self._send_due, name="receipts", daemon=True)

    def start(self) -> None:
        """Begin connecting, for as long as it takes, and sending."""
        self._client.connect_async(self._broker.host, self._broker.port)
        self._client.loop_start()
        self._thread.start()

    def close(self) -> None:
        """Leave. What is unconfirmed by now is forgotten: `unconfirmed` gives it to who wants to keep it."""
        with self._change:
            self._is_closing = True
            self._change.notify_all()
        self._thread.join()
        self._client.disconnect()
        self._client.loop_stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def put(self, topic: str, payload: bytes, sequence: int, *, timeout_s: float = 0.0) -> bool:
        """Take a reading over: it is sent soon, and again until it is confirmed.

        Parameters
        ----------
        topic : str
            A native one.
        payload : bytes
        sequence : int
            As in the payload, 1 or more. One that is kept already is not taken twice.
        timeout_s : float
            How long to wait for room. [s]

        Returns
        -------
        bool
            False when `UNCONFIRMED_MAX` are kept: the caller decides what to forget.

        Raises
        ------
        TopicError
            When the topic is none of `poniente/v1/{source}/{device}/{kind}`.
        """
        named = parse(topic)
        if named is None or sequence < 1:
            raise TopicError(f"{topic!r} with number {sequence} is no reading's; a native topic and 1 or more are")
        line = (named.source, named.device, named.kind)
        with self._change:
            if not self._change.wait_for(lambda: self._count < UNCONFIRMED_MAX or self._is_closing, timeout_s):
                return False
            several = self._kept.setdefault(line, {})
            if sequence not in several:
                now_s = time.monotonic()
                several[sequence] = _Kept(Unconfirmed(topic, payload, sequence), now_s)
                self._count += 1
                heapq.heappush(self._due, (now_s, line, sequence))
                self._change.notify_all()
        return True

    @property
    def kept(self) -> int:
        """How many are unconfirmed."""
        return self._count

    @property
    def unconfirmed(self) -> list[Unconfirmed]:
        """What no receipt has come for, in the order of its numbers."""
        with self._change:
            return [
                several[number].reading for _, several in sorted(self._kept.items()) for number in sorted(several)
            ]

    def wait(self, timeout_s: float) -> bool:
        """Wait until everything is confirmed or given up; False when it is not within so many seconds."""
        with self._change:
            return self._change.wait_for(lambda: self._count == 0, timeout_s)

    def _send_due(self) -> None:
        while True:
            with self._change:
                wait_s = self._wait_s()
                if wait_s != 0.0:
                    self._change.wait(wait_s)
                if self._is_closing:
                    return
                found = self._take_due()
            # Outside of the lock: whoever is told may put or look.
            for reading in found:
                self._on_given_up(reading)

    def _wait_s(self) -> float | None:
        """How long nothing is due; None for as long as nothing changes."""
        if self._is_closing:
            return 0.0
        if not self._is_connected or not self._due:
            return None
        return max(0.0, max(self._due[0][0], self._full_until_s) - time.monotonic())

    def _take_due(self) -> list[Unconfirmed]:
        """Send what is due; give back what is given up. A try counts only where there is a line."""
        given_up: list[Unconfirmed] = []
        for _ in range(_AT_ONCE):
            if not self._is_connected or not self._due or self._due[0][0] > time.monotonic():
                break
            due_s, line, sequence = heapq.heappop(self._due)
            kept = self._kept.get(line, {}).get(sequence)
            if kept is None or kept.due_s != due_s:
                continue  # confirmed meanwhile
            if kept.tries >= self._patience.tries:
                given_up.append(kept.reading)
                self.given_up += 1
                self._forget(line, sequence)
                continue
            is_sent = self._send(line[1], kept.reading)
            if is_sent:
                kept.tries += 1
                self.sent += 1
                kept.due_s = time.monotonic() + self._patience.wait_s(kept.tries)
            heapq.heappush(self._due, (kept.due_s, line, sequence))
            if not is_sent:
                # So it would be with all others that are due.
                self._full_until_s = time.monotonic() + _FULL_S
                break
        return given_up

    def _send(self, device: str, reading: Unconfirmed) -> bool:
        """Hand a reading to paho; False where it has too many already, or lost the line."""
        if device not in self._devices:
            # Before the reading, on the same line: the receipt cannot come first.
            self._devices.add(device)
            self._client.subscribe(receipts.topic(device), qos=0)
        return self._client.publish(reading.topic, reading.payload, qos=1).rc == MQTTErrorCode.MQTT_ERR_SUCCESS

    def _forget(self, line: _Line, sequence: int) -> None:
        several = self._kept[line]
        del several[sequence]
        if not several:
            del self._kept[line]
        self._count -= 1
        self._change.notify_all()

    def _on_connect(
        self, _client: Client, _user: object, _flags: object, reason: ReasonCode, _properties: object
    ) -> None:
        if reason.is_failure:
            _log.warning("broker_refused", reason=str(reason), host=self._broker.host, port=self._broker.port)
            return
        with self._change:
            # A new session: the broker knows no subscription of the last one.
            self._devices.clear()
            for device in {device for _, device, _ in self._kept}:
                self._devices.add(device)
                self._client.subscribe(receipts.topic(device), qos=0)
            self._is_connected = True
            self._change.notify_all()

    def _on_disconnect(
        self, _client: Client, _user: object, _flags: object, _reason: ReasonCode, _properties: object
    ) -> None:
        with self._change:
            self._is_connected = False
            self._change.notify_all()

    def _on_subscribe(
        self, _client: Client, _user: object, _mid: int, reasons: list[ReasonCode], _properties: object
    ) -> None:
        if any(reason.is_failure for reason in reasons):
            # All that is put will be given up in the end; somebody has to allow the topic at the broker.
            _log.error("receipts_refused", reason=str(reasons[0]), topic=receipts.topic("{device}"))

    def _on_message(self, _client: Client, _user: object, message: MQTTMessage) -> None:
        receipt = receipts.parse(bytes(message.payload))
        device = message.topic.removeprefix(f"{receipts.ROOT}/")
        if receipt is None:
            return
        line = (receipt.source, device, receipt.kind)
        with self._change:
            # What is kept is looked up in the receipt, not the other way round: a run may be of any length.
            for sequence in [one for one in self._kept.get(line, {}) if receipt.holds(one)]:
                self._forget(line, sequence)
                self.confirmed += 1
