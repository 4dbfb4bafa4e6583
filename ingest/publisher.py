"""Publishing as devices would: QoS 1, a bounded number in flight, the broker's acknowledgement awaited.

It sends what is there and is done. How a device makes sure that nothing is lost behind the broker, `ingest.device`
shows.
"""

import threading
from collections.abc import Callable, Iterable

import structlog
from paho.mqtt.client import Client
from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.reasoncodes import ReasonCode

from ingest.client import Broker, new_client
from ingest.errors import BrokerError

_log = structlog.get_logger()
# A hundred messages on the wire keep the broker busy. paho looks over all of them at each acknowledgement: with a
# thousand that took a good part of its time.
IN_FLIGHT_MAX = 100
_ANSWER_S = 30.0


def publish(
    broker: Broker,
    messages: Iterable[tuple[str, bytes]],
    *,
    client_id: str = "",
    progress: Callable[[int], None] = lambda _count: None,
) -> int:
    """Publish messages and wait until the broker has acknowledged each.

    Parameters
    ----------
    broker : Broker
    messages : iterable of (str, bytes)
        Topic and payload, in this order.
    client_id : str
        Empty for one of the broker's choice.
    progress : callable
        Called with the number published so far, now and then.

    Returns
    -------
    int
        How many were acknowledged.

    Raises
    ------
    BrokerError
        When the broker is away, refuses us or a message, or stops answering for 30 s.
    """
    client = new_client(broker, client_id, is_persistent=False)
    slots = threading.BoundedSemaphore(IN_FLIGHT_MAX)
    connected = threading.Event()
    refusals: list[str] = []

    def on_connect(_client: Client, _user: object, _flags: object, reason: ReasonCode, _properties: object) -> None:
        if reason.is_failure:
            refusals.append(f"the connection: {reason}")
        connected.set()

    def on_publish(_client: Client, _user: object, _mid: int, reason: ReasonCode, _properties: object) -> None:
        # Success, or "nobody subscribes": MQTT 5 tells that apart, and neither is a refusal.
        if reason.is_failure:
            refusals.append(f"a message: {reason}")
        slots.release()

    client.on_connect = on_connect
    client.on_publish = on_publish
    client.max_inflight_messages_set(IN_FLIGHT_MAX)
    try:
        client.connect(broker.host, broker.port)
    except OSError as error:
        raise BrokerError(f"no broker at {broker.host}:{broker.port}: {error}") from error
    client.loop_start()
    try:
        if not connected.wait(_ANSWER_S):
            raise BrokerError(
                f"broker {broker.host}:{broker.port} did not answer within {_ANSWER_S:g} s; "
                f"if it knows MQTT 3.1.1 only, set PONIENTE_BROKER_VERSION=4"
            )
        _raise_refused(broker, refusals)
        count = 0
        for topic, payload in messages:
            _take(slots)
            # A broker may close the line after each refusal, so the first one ends it.
            _raise_refused(broker, refusals)
            _send(client, topic, payload)
            count += 1
            if count % 500 == 0:
                progress(count)
        progress(count)
        for _ in range(IN_FLIGHT_MAX):
            _take(slots)
            _raise_refused(broker, refusals)
    finally:
        client.disconnect()
        client.loop_stop()
    return count


def _raise_refused(broker: Broker, refusals: list[str]) -> None:
    if refusals:
        raise BrokerError(f"broker {broker.host}:{broker.port} refused {refusals[0]}")


def _send(client: Client, topic: str, payload: bytes) -> None:
    info = client.publish(topic, payload, qos=1)
    if info.rc not in (MQTTErrorCode.MQTT_ERR_SUCCESS, MQTTErrorCode.MQTT_ERR_NO_CONN):
        raise BrokerError(f"message on {topic} was not taken: {info.rc.name}")


def _take(slots: threading.BoundedSemaphore) -> None:
    if not slots.acquire(timeout=_ANSWER_S):
        raise BrokerError(f"the broker acknowledged nothing for {_ANSWER_S:g} s")
