"""The MQTT side of ingest: a persistent session whose messages are acknowledged when we say so.

paho keeps session, handshake, keep-alive and reconnect in its own thread. Messages wait in a bounded queue until the
worker has committed them. An acknowledgement belongs to the connection that delivered the message: after a reconnect
the broker delivers again what was not acknowledged, under packet numbers of its own choice, so acknowledgements of an
earlier connection are dropped.
"""

import queue
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import structlog
from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from ingest.errors import BrokerError
from sensors.topics import subscription

_log = structlog.get_logger()
# A week: a worker may be away over a long week-end without the broker forgetting it.
_SESSION_EXPIRY_S = 7 * 24 * 3600
_KEEPALIVE_S = 30
# So many at once are a burst; brokers' windows begin at 100, some at 20.
BURST_MESSAGES = 20
# Arrays can be long: some 80,000 readings a transaction are plenty.
BATCH_BYTES_MAX = 8 * 2**20
_RECONNECT_MIN_S, _RECONNECT_MAX_S = 1, 30


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
    """

    host: str
    port: int
    username: str = ""
    password: str = ""
    version: int = 5


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message as the broker delivered it."""

    topic: str
    payload: bytes
    received_time: datetime
    packet: int
    qos: int
    connection: int


def new_client(broker: Broker, client_id: str, *, is_persistent: bool, manual_ack: bool = False) -> Client:
    """Make a paho client with this product's choices; the caller connects it."""
    version = MQTTProtocolVersion(broker.version)
    client = Client(
        CallbackAPIVersion.VERSION2,
        client_id=client_id,
        clean_session=None if version == MQTTProtocolVersion.MQTTv5 else not is_persistent,
        protocol=version,
        manual_ack=manual_ack,
    )
    client.reconnect_delay_set(_RECONNECT_MIN_S, _RECONNECT_MAX_S)
    if broker.username:
        client.username_pw_set(broker.username, broker.password)
    return client


class Subscriber:
    """A persistent subscription to every reading's topic.

    Parameters
    ----------
    broker : Broker
    client_id : str
        Names the session at the broker; one running worker a name.
    window : int
        Most messages delivered and not yet acknowledged.
    """

    def __init__(self, broker: Broker, client_id: str, *, window: int) -> None:
        self._broker = broker
        self._window = window
        self._queue: queue.Queue[Delivery] = queue.Queue(maxsize=window)
        self._connection = 0
        self._connection_lock = threading.Lock()
        self._is_closing = threading.Event()
        self._is_subscribed = threading.Event()
        self._refusal: str | None = None
        self._client = new_client(broker, client_id, is_persistent=True, manual_ack=True)
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message

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

    def take(self, most: int, *, age_s: float, idle_s: float, patience_s: float) -> list[Delivery]:
        """Take a batch: full by count or bytes, or its first message `age_s` old, or nothing new for `idle_s`.

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

        Returns
        -------
        list of Delivery
            Empty when nothing came.

        Raises
        ------
        BrokerError
            When the broker has refused us for good, now or after a reconnect.
        """
        self._raise_refusal()
        try:
            batch = [self._queue.get(timeout=patience_s)]
        except queue.Empty:
            return []
        until = time.monotonic() + age_s
        size = len(batch[0].payload)
        while len(batch) < most and size < BATCH_BYTES_MAX and (left := until - time.monotonic()) > 0:
            patient_s = idle_s / 10 if len(batch) >= BURST_MESSAGES else idle_s
            try:
                batch.append(self._queue.get(timeout=min(patient_s, left)))
            except queue.Empty:
                break
            size += len(batch[-1].payload)
        return batch

    def acknowledge(self, batch: Sequence[Delivery]) -> int:
        """Acknowledge what is committed; returns how many acknowledgements went out."""
        with self._connection_lock:
            mine = [delivery for delivery in batch if delivery.connection == self._connection]
            for delivery in mine:
                self._client.ack(delivery.packet, delivery.qos)
        return len(mine)

    def close(self) -> None:
        """Leave; the broker keeps the session and what was not acknowledged."""
        self._is_closing.set()
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
        client.subscribe(subscription(), qos=1)

    def _on_subscribe(
        self, _client: Client, _user: object, _mid: int, reasons: list[ReasonCode], _properties: object
    ) -> None:
        if any(reason.is_failure for reason in reasons):
            self._refusal = f"broker refused the subscription to {subscription()}: {reasons[0]}"
        self._is_subscribed.set()

    def _on_disconnect(
        self, _client: Client, _user: object, _flags: DisconnectFlags, reason: ReasonCode, _properties: object
    ) -> None:
        # Under the lock and before paho clears its outgoing packets: no acknowledgement crosses over.
        with self._connection_lock:
            self._connection += 1
        if not self._is_closing.is_set():
            _log.warning("broker_lost", reason=str(reason))

    def _on_message(self, _client: Client, _user: object, message: MQTTMessage) -> None:
        delivery = Delivery(
            _topic_of(message),
            bytes(message.payload),
            datetime.now(UTC),
            message.mid,
            message.qos,
            self._connection,
        )
        # A full queue blocks paho's thread, and so the socket: the last bound where the broker honours no window.
        while not self._is_closing.is_set():
            try:
                self._queue.put(delivery, timeout=0.2)
            except queue.Full:
                continue
            return


def _topic_of(message: MQTTMessage) -> str:
    try:
        return message.topic
    except UnicodeDecodeError:
        return ""  # no topic of ours; the payload is kept with the rejection
