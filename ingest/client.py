"""The MQTT side of ingest: a persistent session whose messages are acknowledged when we say so.

paho keeps session, handshake, keep-alive and reconnect in its own thread. Messages wait, in the lists in which they
came, until the worker has committed them. An acknowledgement belongs to the connection that delivered the message:
after a reconnect the broker delivers again what was not acknowledged, under packet numbers of its own choice, so
acknowledgements of an earlier connection are dropped.
"""

import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from ingest.bulk import BulkClient, Messages, fits, packet_of
from ingest.errors import BrokerError

_log = structlog.get_logger()
# A week: a worker may be away over a long week-end without the broker forgetting it.
_SESSION_EXPIRY_S = 7 * 24 * 3600
_KEEPALIVE_S = 30
# So many at once are a burst; brokers' windows begin at 100, some at 20.
BURST_MESSAGES = 20
# Arrays can be long: some 30,000 readings a transaction are plenty, and with twice as many memory passes 300 MB.
BATCH_BYTES_MAX = 3 * 2**20
# The broker's window counts messages, and arrays are long: so many bytes wait at most, two batches beside the one
# that is decoded and the one that is stored.
WAITING_BYTES_MAX = 2 * BATCH_BYTES_MAX
_RECONNECT_MIN_S, _RECONNECT_MAX_S = (1, 3), 30
# Mosquitto's count of messages that it has thrown away: the one loss that nobody else can see.
DROPPED_TOPIC = "$SYS/broker/publish/messages/dropped"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Broker:
    """Where the broker is and how to speak to it.

    Parameters
    ----------
    host : str
    port : int
    username, password : str
        Empty where the broker asks for none.
    version : int
        5 or 4; 4 is MQTT 3.1.1, for brokers that know no other.
    ca_file, cert_file, key_file : str
        For TLS: whom to trust, and our own certificate where the broker asks for one. Without `ca_file` the line is
        plain.
    """

    host: str
    port: int
    username: str = ""
    password: str = ""
    version: int = 5
    ca_file: str = ""
    cert_file: str = ""
    key_file: str = ""


@dataclass(frozen=True, slots=True)
class Delivery:
    """Messages as the broker delivered them, in order.

    Parameters
    ----------
    topics, payloads : list of bytes
    numbers : list of int
        Packet numbers; 0 of what is not to be acknowledged.
    received_us : list of int
        [us since 1970, UTC]
    connection : int
        Which connection they came by; a batch holds messages of one.
    """

    topics: list[bytes]
    payloads: list[bytes]
    numbers: list[int]
    received_us: list[int]
    connection: int

    def __len__(self) -> int:
        return len(self.topics)

    def part(self, first: int, until: int) -> "Delivery":
        """Some of the messages."""
        cut = slice(first, until)
        return Delivery(
            self.topics[cut], self.payloads[cut], self.numbers[cut], self.received_us[cut], self.connection
        )

    def add(self, more: "Delivery") -> None:
        """Put more messages of the same connection behind these."""
        self.topics.extend(more.topics)
        self.payloads.extend(more.payloads)
        self.numbers.extend(more.numbers)
        self.received_us.extend(more.received_us)


def new_client(
    broker: Broker, client_id: str, *, is_persistent: bool, manual_ack: bool = False, is_bulk: bool = False
) -> Client:
    """Make a paho client with this product's choices; the caller connects it."""
    version = MQTTProtocolVersion(broker.version)
    make = BulkClient if is_bulk and fits() else Client
    client = make(
        CallbackAPIVersion.VERSION2,
        client_id=client_id,
        clean_session=None if version == MQTTProtocolVersion.MQTTv5 else not is_persistent,
        protocol=version,
        manual_ack=manual_ack,
    )
    # Doubled each time; by chance, so that not all come back at one moment.
    client.reconnect_delay_set(random.randint(*_RECONNECT_MIN_S), _RECONNECT_MAX_S)  # noqa: S311  # no secret
    if broker.username:
        client.username_pw_set(broker.username, broker.password)
    if broker.ca_file:
        client.tls_set(  # pyright: ignore[reportUnknownMemberType]  # paho leaves one of its types open
            broker.ca_file, broker.cert_file or None, broker.key_file or None
        )
    return client


class Subscriber:
    """A persistent subscription to the topics of all sources.

    Parameters
    ----------
    broker : Broker
    client_id : str
        Names the session at the broker; one running worker a name.
    filters : sequence of str
        Topic filters.
    window : int
        Most messages delivered and not yet acknowledged.
    is_bulk : bool
        Whether messages are read in bulk, else by stock paho.
    """

    def __init__(
        self, broker: Broker, client_id: str, filters: Sequence[str], *, window: int, is_bulk: bool = True
    ) -> None:
        self._broker = broker
        self._filters = list(filters)
        self._window = window
        self._waiting: deque[Delivery] = deque()
        self._waiting_count = self._waiting_bytes = 0
        self._change = threading.Condition()
        self._connection = 0
        self._connection_lock = threading.Lock()
        self._is_closing = threading.Event()
        self._is_subscribed = threading.Event()
        self._subscription: int | None = None
        self._asks_dropped = True
        self._asked_dropped: int | None = None
        self._refusal: str | None = None
        self._client = new_client(broker, client_id, is_persistent=True, manual_ack=True, is_bulk=is_bulk)
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message
        if isinstance(self._client, BulkClient):
            self._client.on_messages = self._put

    def start(self) -> None:
        """Begin connecting, in paho's thread, for as long as it takes."""
        properties = None
        if self._broker.version == MQTTProtocolVersion.MQTTv5:
            properties = Properties(PacketTypes.CONNECT)
            properties.SessionExpiryInterval = _SESSION_EXPIRY_S
            properties.ReceiveMaximum = self._window
        clean: dict[str, Any] = {"clean_start": False, "properties": properties} if properties else {}
        self._client.connect_async(self._broker.host, self._broker.port, keepalive=_KEEPALIVE_S, **clean)
        self._client.loop_start()

    @property
    def is_subscribed(self) -> bool:
        """Whether the broker has confirmed the subscription."""
        return self._is_subscribed.is_set()

    def wait_subscribed(self, timeout_s: float) -> bool:
        """Wait for the broker's confirmation.

        Raises
        ------
        BrokerError
            When the broker refuses us for good.
        """
        confirmed = self._is_subscribed.wait(timeout_s)
        self._raise_refusal()
        return confirmed

    @property
    def waiting(self) -> int:
        """How many messages are here and not yet taken."""
        return self._waiting_count

    def take(
        self,
        most: int,
        *,
        age_s: float,
        idle_s: float,
        patience_s: float,
        is_wanted: Callable[[], bool] = lambda: True,
    ) -> Delivery | None:
        """Take a batch: full by count or bytes, or its first message `age_s` old, or nothing new for `idle_s`.

        While nobody wants it, because the one before is not stored yet, it goes on growing until it is full.

        A broker's window can be smaller than a batch (100 with some); waiting for more would then wait for ever. A
        burst that stops is such a window, full: it is waited for a tenth as long as a trickle.

        Parameters
        ----------
        most : int
            Messages at most.
        age_s, idle_s : float
            [s]
        patience_s : float
            How long to wait for a first message. [s]
        is_wanted : callable
            Whether a batch could be stored at once.

        Returns
        -------
        Delivery or None
            None when nothing came.

        Raises
        ------
        BrokerError
            When the broker has refused us for good, now or after a reconnect.
        """
        self._raise_refusal()
        taken: Delivery | None = None
        until = ends = time.monotonic() + patience_s
        size = 0
        while True:
            with self._change:
                if not self._waiting and not self._change.wait_for(lambda: self._waiting, until - time.monotonic()):
                    if taken is None or is_wanted():
                        return taken
                    until = time.monotonic() + idle_s
                    continue
                part = self._next(most - (len(taken) if taken else 0), taken)
            if part is None:
                return taken  # of another connection: a batch of its own
            size += sum(map(len, part.payloads))
            if taken is None:
                taken = part
                ends = time.monotonic() + age_s
            else:
                taken.add(part)
            if len(taken) >= most or size >= BATCH_BYTES_MAX or (time.monotonic() >= ends and is_wanted()):
                return taken
            patient_s = idle_s / 10 if len(taken) >= BURST_MESSAGES else idle_s
            until = time.monotonic() + patient_s

    def _next(self, most: int, taken: Delivery | None) -> Delivery | None:
        """Take the first list that waits, or so much of it as there is room for."""
        first = self._waiting[0]
        if taken is not None and taken.connection != first.connection:
            return None
        if len(first) > most:
            self._waiting[0] = first.part(most, len(first))
            first = first.part(0, most)
        else:
            self._waiting.popleft()
        self._waiting_count -= len(first)
        self._waiting_bytes -= sum(map(len, first.payloads))
        self._change.notify_all()
        return first

    def acknowledge(self, delivery: Delivery) -> int:
        """Acknowledge what is committed; returns how many acknowledgements went out."""
        with self._connection_lock:
            if delivery.connection != self._connection:
                return 0
            numbers = [number for number in delivery.numbers if number]
            if isinstance(self._client, BulkClient):
                self._client.acknowledge(numbers)
            else:
                for number in numbers:
                    self._client.ack(number, 1)
        return len(numbers)

    def publish(self, messages: Iterable[tuple[str, bytes]]) -> None:
        """Send messages once and forget them: what is lost is asked for again."""
        if not isinstance(self._client, BulkClient):
            for topic, payload in messages:
                self._client.publish(topic, payload, qos=0)
            return
        has_properties = self._broker.version == MQTTProtocolVersion.MQTTv5
        packets = b"".join(packet_of(*one, has_properties=has_properties) for one in messages)
        if packets:
            self._client.send(packets)

    def close(self) -> None:
        """Leave; the broker keeps the session and what was not acknowledged."""
        self._is_closing.set()
        with self._change:
            self._change.notify_all()
        self._client.disconnect()
        self._client.loop_stop()

    def _raise_refusal(self) -> None:
        if self._refusal:
            raise BrokerError(self._refusal)

    def _on_connect(
        self, client: Client, _user: object, flags: ConnectFlags, reason: ReasonCode, _properties: object
    ) -> None:
        if reason.is_failure:
            _log.warning("broker_refused", reason=str(reason), host=self._broker.host, port=self._broker.port)
            if reason.value in (0x86, 0x87):  # bad user name or password, not authorised: no use in trying again
                self._refusal = f"broker {self._broker.host}:{self._broker.port} refused us: {reason}"
                self._is_subscribed.set()
            return
        with self._connection_lock:
            self._connection += 1
        _log.info("broker_connected", host=self._broker.host, port=self._broker.port, session=flags.session_present)
        self._subscription = client.subscribe(self._wishes())[1]

    def _wishes(self) -> list[Any]:
        """What to subscribe to; a topic and a quality, or with MQTT 5 options, whose types paho leaves open."""
        if self._broker.version != MQTTProtocolVersion.MQTTv5:
            return [(one, 1) for one in self._filters]
        # A retained message is no news. The broker sends it to a session once, not after each reconnect.
        once = SubscribeOptions(qos=1, retainHandling=SubscribeOptions.RETAIN_SEND_IF_NEW_SUB)
        return [(one, once) for one in self._filters]

    def _on_subscribe(
        self, client: Client, _user: object, mid: int, reasons: list[ReasonCode], _properties: object
    ) -> None:
        if mid == self._asked_dropped:
            self._asked_dropped = None
        if mid != self._subscription:
            return
        if refused := [one for one, reason in zip(self._filters, reasons, strict=True) if reason.is_failure]:
            self._refusal = f"broker refused the subscription to {', '.join(refused)}: {reasons[0]}"
        # Of its own, for a broker may refuse it and still be good.
        if self._asks_dropped:
            self._asked_dropped = client.subscribe(DROPPED_TOPIC, qos=0)[1]
        self._is_subscribed.set()

    def _on_disconnect(
        self, _client: Client, _user: object, _flags: DisconnectFlags, reason: ReasonCode, _properties: object
    ) -> None:
        # Under the lock and before paho clears its outgoing packets: no acknowledgement crosses over.
        with self._connection_lock:
            self._connection += 1
        if self._asked_dropped is not None and not self._is_closing.is_set():
            # iotcore hangs up on who asks for what it does not know.
            self._asks_dropped, self._asked_dropped = False, None
            _log.warning("broker_tells_no_drops", topic=DROPPED_TOPIC)
        if not self._is_closing.is_set():
            _log.warning("broker_lost", reason=str(reason))

    def _on_message(self, _client: Client, _user: object, message: MQTTMessage) -> None:
        # Its topic as it came: paho refuses to give one that is no UTF-8.
        topic: bytes = message._topic  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        self._put(([topic], [bytes(message.payload)], [message.mid if message.qos else 0]))

    def _put(self, messages: Messages) -> None:
        """Let messages wait to be taken. Called in paho's thread."""
        topics, payloads, numbers = messages
        now_us = (datetime.now(UTC) - _EPOCH) // timedelta(microseconds=1)
        delivery = Delivery(topics, payloads, numbers, [now_us] * len(topics), self._connection)
        with self._change:
            # Waiting here blocks paho's thread, and so the socket: the last bound where the broker honours no window.
            self._change.wait_for(self._has_room)
            self._waiting.append(delivery)
            self._waiting_count += len(topics)
            self._waiting_bytes += sum(map(len, payloads))
            self._change.notify_all()

    def _has_room(self) -> bool:
        is_low = self._waiting_count < self._window and self._waiting_bytes < WAITING_BYTES_MAX
        return is_low or self._is_closing.is_set()
