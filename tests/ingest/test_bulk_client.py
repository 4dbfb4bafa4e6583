"""Reading in bulk against stock paho: of the same bytes the same messages, in the same order, with the same end."""

import json
import struct
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.properties import Properties

from app.local.broker import LocalMosquitto
from ingest import bulk
from ingest.bulk import BulkClient, Messages, packet_of
from ingest.publisher import publish
from tests.ingest.rig import DEADLINE_S, broker_of, fleet

VERSIONS = pytest.mark.parametrize("version", [4, 5])


@pytest.fixture(autouse=True)
def _no_gathering(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for no more to come together: here it comes as it is fed."""
    monkeypatch.setattr(bulk, "_GATHER_S", 0.0)


class _Line:
    """A socket that gives what it was fed, in the blocks in which it was, and keeps what is sent."""

    def __init__(self) -> None:
        self.blocks: list[bytes] = []
        self.sent = b""
        self.is_closed = False

    def recv(self, size: int) -> bytes:
        if not self.blocks:
            raise BlockingIOError
        first = self.blocks[0]
        self.blocks[0] = first[size:]
        if not self.blocks[0]:
            del self.blocks[0]
        return first[:size]

    def send(self, data: bytes) -> int:
        self.sent += data
        return len(data)

    def close(self) -> None:
        self.is_closed = True

    def fileno(self) -> int:
        return -1


@dataclass(slots=True)
class _Heard:
    """What a client made of a stream."""

    said: list[tuple[Any, ...]] = field(default_factory=list[tuple[Any, ...]])
    sent: bytes = b""
    is_over: bool = False


def _client(make: type[Client], version: int, line: _Line, heard: _Heard) -> Client:
    client = make(
        CallbackAPIVersion.VERSION2,
        client_id="x",
        clean_session=None if version == 5 else False,
        protocol=MQTTProtocolVersion(version),
        manual_ack=True,
    )
    client._sock = cast("Any", line)  # pyright: ignore[reportPrivateUsage]  # what paho reads from

    def on_message(_client: Client, _user: object, message: MQTTMessage) -> None:
        topic: bytes = message._topic  # pyright: ignore[reportPrivateUsage]  # as it came, text or not
        heard.said.append(("message", topic, bytes(message.payload), message.mid if message.qos else 0))

    def on_messages(messages: Messages) -> None:
        assert len(messages[0])
        heard.said += [("message", *one) for one in zip(*messages, strict=True)]

    def on_any(what: str) -> Any:
        def on_it(_client: Client, _user: object, *more: object) -> None:
            heard.said.append((what, *(str(one) for one in more if not isinstance(one, Properties))))

        return on_it

    client.on_message = on_message
    client.on_connect, client.on_subscribe = on_any("connected"), on_any("subscribed")
    client.on_publish, client.on_disconnect = on_any("published"), on_any("lost")
    if isinstance(client, BulkClient):
        client.on_messages = on_messages
    # Something of our own under way, so that acknowledgements mean something.
    client.publish("own", b"x", qos=1)
    client.publish("own", b"y", qos=2)
    line.sent = b""
    return client


def _hear(make: type[Client], version: int, blocks: Sequence[bytes]) -> _Heard:
    line, heard = _Line(), _Heard()
    client = _client(make, version, line, heard)
    line.blocks = [block for block in blocks if block]
    while line.blocks and not line.is_closed:
        try:
            outcome = client.loop_read()
        except Exception:  # noqa: BLE001  # paho's thread dies of what its decoders raise: the line is over
            outcome = MQTTErrorCode.MQTT_ERR_PROTOCOL
        if outcome != MQTTErrorCode.MQTT_ERR_SUCCESS:
            heard.is_over = True
            break
    heard.is_over |= line.is_closed
    # Why it ended is only said by who did not die of it.
    heard.said = [one for one in heard.said if one[0] != "lost"]
    heard.sent = line.sent
    return heard


def _assert_alike(version: int, stream: bytes, *cuts: int) -> _Heard:
    """Check that both hear the same of a stream, cut for the one that reads in bulk."""
    expected = _hear(Client, version, [stream])
    blocks = [stream[first:until] for first, until in pairwise([0, *sorted(cuts), len(stream)])]
    found = _hear(BulkClient, version, blocks)
    if found.is_over and not expected.is_over:
        # Four bytes say that a length can be none; stock paho waits for the fifth.
        expected = _hear(Client, version, [stream + b"\0"])
    assert expected == found
    return expected


# Packets


def _length(count: int) -> bytes:
    """Write a variable length (MQTT 5, section 1.5.5)."""
    low, rest = count & 0x7F, count >> 7
    return bytes([low | 0x80]) + _length(rest) if rest else bytes([low])


def _packet(command: int, body: bytes) -> bytes:
    return bytes([command]) + _length(len(body)) + body


def _publish(
    version: int,
    topic: bytes,
    payload: bytes,
    flags: int = 0,
    *,
    number: int = 0,
    properties: bytes = b"",
) -> bytes:
    """Build a PUBLISH: quality 2 is 0x04 of the flags, quality 1 0x02, retained 0x01, delivered again 0x08."""
    body = struct.pack("!H", len(topic)) + topic
    if flags & 0x06:
        body += struct.pack("!H", number)
    if version == 5:
        body += _length(len(properties)) + properties
    return _packet(0x30 | flags, body + payload)


# Payload format, expiry, content type, response topic, correlation data, subscription identifier, user property.
_PROPERTIES = (
    b"\x01\x01\x02\x00\x00\x00\x3c\x03\x00\x04json\x08\x00\x01r\x09\x00\x02\x00\xff\x0b\x81\x01\x26\x00\x01k\x00\x01v"
)


def _packets(version: int) -> list[bytes]:
    """Give one packet of everything that a broker sends."""
    of_5 = [
        _publish(5, b"a/b", b"with properties", 0x02, number=7, properties=_PROPERTIES),
        _publish(5, b"a/b", b"", 0x00, properties=b"\x01\x01"),
        _publish(5, b"", b"an alias", 0x00, properties=b"\x23\x00\x01"),
        # A length of no properties, written in two bytes.
        _packet(0x30, b"\x00\x01a\x80\x00x"),
        bytes.fromhex("9004 0001 00 01"),
        bytes.fromhex("4004 0001 00 00"),
        bytes.fromhex("4003 0001 10"),
        bytes.fromhex("b004 0001 00 00"),
        bytes.fromhex("2006 00 00 03 21 0014"),
    ]
    of_4 = [
        bytes.fromhex("9003 0001 01"),
        bytes.fromhex("9004 0002 00 80"),
        bytes.fromhex("b002 0001"),
        bytes.fromhex("2002 00 00"),
    ]
    return [
        _publish(version, b"a/b", b'{"v":1}'),
        _publish(version, b"a/b", b'{"v":1}', 0x02, number=1),
        _publish(version, b"a/b", b'{"v":1}', 0x03, number=65_535),
        _publish(version, b"a/b", b'{"v":1}', 0x0A, number=256),
        _publish(version, b"a/b", b"", 0x01),
        _publish(version, b"a", b"", 0x02, number=3),
        _publish(version, b"a/b", b"twice two", 0x04, number=9),
        bytes.fromhex("6202 0009"),
        _publish(version, 300 * b"t", b"long topic", 0x02, number=4),
        _publish(version, b"\xff\xfe", b"no text"),
        _publish(version, b"\xc3\xb1/\xf0\x9f\x97\x91", b"\x00\xff"),
        _publish(version, b"a", 121 * b"p"),
        _publish(version, b"a", 130 * b"p", 0x02, number=5),
        bytes.fromhex("d000"),
        bytes.fromhex("4002 0001"),
        bytes.fromhex("5002 0002"),
        bytes.fromhex("7002 0002"),
        bytes.fromhex("4002 0fff"),
        *(of_5 if version == 5 else of_4),
    ]


def _ends(version: int) -> list[bytes]:
    """Give packets after which there is no line: broken, of no kind, or a goodbye."""
    return [
        bytes.fromhex("30 ff ff ff ff 01"),
        bytes.fromhex("30 80 80 80 80"),
        bytes.fromhex("f000"),
        bytes.fromhex("0000"),
        bytes.fromhex("1002 0000"),
        bytes.fromhex("3000"),
        bytes.fromhex("3001 00"),
        bytes.fromhex("3002 0005"),
        bytes.fromhex("3203 0001 61"),
        bytes.fromhex("3204 0001 61 00"),
        bytes.fromhex("3605 0001 61 0001"),
        bytes.fromhex("4001 00"),
        *([bytes.fromhex("e000"), bytes.fromhex("e001 8e"), bytes.fromhex("3003 0001 61"),
           bytes.fromhex("3005 0001 61 05 01")] if version == 5 else [bytes.fromhex("3003 0000 61")]),
    ]  # fmt: skip


@VERSIONS
def test_same_is_heard_when_the_stream_is_cut_at_any_offset(version: int) -> None:
    stream = b"".join(_packets(version))
    whole = _assert_alike(version, stream)
    assert not whole.is_over
    for cut in range(len(stream) + 1):
        assert whole == _hear(BulkClient, version, [stream[:cut], stream[cut:]]), cut
    assert whole == _hear(BulkClient, version, [stream[place : place + 1] for place in range(len(stream))])


@VERSIONS
def test_same_is_heard_when_each_packet_comes_alone(version: int) -> None:
    for packet in _packets(version):
        _assert_alike(version, packet)
        _assert_alike(version, packet * 3, len(packet) - 1)


@VERSIONS
@pytest.mark.parametrize("size", [127, 128, 16_383, 16_384, 300_000, 2_097_151, 2_097_152])
def test_same_is_heard_when_a_length_takes_several_bytes(version: int, size: int) -> None:
    head = _publish(version, b"a", b"", 0x02, number=1)
    big = _publish(version, b"a", (size - len(head) + 2) * b"p", 0x02, number=1)
    assert size == len(big) - 1 - len(_length(size))
    stream = head + big + head
    expected = _hear(Client, version, [stream])
    assert 3 == len(expected.said)
    around = [len(head) + place for place in range(10)]
    for cut in [*around, *(len(head) + len(big) - place for place in range(3)), len(stream) - 1]:
        assert expected == _hear(BulkClient, version, [stream[:cut], stream[cut:]])


@VERSIONS
def test_same_end_is_come_to_when_the_stream_breaks(version: int) -> None:
    before, after = _publish(version, b"a", b"before", 0x02, number=1), _publish(version, b"a", b"after")
    for end in _ends(version):
        stream = before + end + after
        whole = _assert_alike(version, stream)
        assert (True, [("message", b"a", b"before", 1)]) == (whole.is_over, whole.said[:1]), end.hex()
        assert ("message", b"a", b"after", 0) not in whole.said
        for cut in range(len(stream)):
            assert whole == _hear(BulkClient, version, [stream[:cut], stream[cut:]]), (end.hex(), cut)


@pytest.mark.parametrize("make", [Client, BulkClient])
def test_line_is_lost_when_the_broker_hangs_up(make: type[Client]) -> None:
    line, heard = _Line(), _Heard()
    client = _client(make, 5, line, heard)
    line.blocks = [b"", b""]
    assert MQTTErrorCode.MQTT_ERR_CONN_LOST == client.loop_read()
    assert (True, "lost") == (line.is_closed, heard.said[-1][0])
    assert MQTTErrorCode.MQTT_ERR_NO_CONN == client.loop_read()


def test_half_a_packet_is_forgotten_when_the_connection_is_another() -> None:
    line, heard = _Line(), _Heard()
    client = _client(BulkClient, 5, line, heard)
    packet = _publish(5, b"a", b"x", 0x02, number=1)
    line.blocks = [packet[:4]]
    client.loop_read()
    another = _Line()
    another.blocks = [packet]
    client._sock = cast("Any", another)  # pyright: ignore[reportPrivateUsage]
    client.loop_read()
    assert [("message", b"a", b"x", 1)] == heard.said


# Any bytes


@st.composite
def _streams(draw: st.DrawFn, version: int) -> bytes:
    packets = draw(st.lists(st.sampled_from(_packets(version)) | _plain(version), max_size=8))
    if draw(st.booleans()):
        packets.append(draw(st.sampled_from(_ends(version))))
        packets += draw(st.lists(_plain(version), max_size=2))
    stream = bytearray(b"".join(packets))
    for _ in range(draw(st.integers(0, 2)) if stream else 0):
        place = draw(st.integers(0, len(stream) - 1))
        stream[place : place + draw(st.integers(0, 2))] = draw(st.binary(max_size=2))
        if not stream:
            break
    return bytes(stream) + draw(st.binary(max_size=4))


@st.composite
def _plain(draw: st.DrawFn, version: int) -> bytes:
    return _publish(
        version,
        draw(st.binary(max_size=200) | st.just(b"poniente/v1/city/bin-1/fill_level")),
        draw(st.binary(max_size=300)),
        draw(st.sampled_from([0, 1, 2, 3, 10, 11, 4, 12])),
        number=draw(st.integers(0, 65_535)),
        properties=draw(st.sampled_from([b"", b"", b"\x01\x01", _PROPERTIES])),
    )


@VERSIONS
@given(data=st.data())
@settings(max_examples=150)
def test_same_is_heard_when_bytes_are_any(version: int, data: st.DataObject) -> None:
    stream = data.draw(_streams(version))
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=4))
    _assert_alike(version, stream, *cuts)


# Recorded


class _Recorder(Client):
    """Stock paho that keeps what its broker sent."""

    recorded = b""

    def _sock_recv(self, bufsize: int) -> bytes:
        data = super()._sock_recv(bufsize)
        self.recorded += data
        return data


@pytest.fixture
def recorded(mosquitto: LocalMosquitto, request: pytest.FixtureRequest) -> Iterator[bytes]:
    """Give what Mosquitto sends to who subscribes to a fleet, with every quality of service."""
    version: int = request.getfixturevalue("version")
    publish(broker_of(mosquitto, version), fleet(5))
    client = _Recorder(CallbackAPIVersion.VERSION2, client_id="recorder", protocol=MQTTProtocolVersion(version))
    count = [0]
    client.on_message = lambda _client, _user, _message: count.__setitem__(0, count[0] + 1)
    client.connect("127.0.0.1", mosquitto.port)
    client.subscribe("#", 2)
    messages = [(topic, payload, place % 3) for place, (topic, payload) in enumerate(fleet(40))]
    until = time.monotonic() + DEADLINE_S
    while count[0] < 41:
        assert time.monotonic() < until, "the broker did not deliver"
        if client.loop(0.05) == MQTTErrorCode.MQTT_ERR_SUCCESS and messages and client.is_connected():
            topic, payload, qos = messages.pop(0)
            client.publish(topic, payload, qos, retain=not messages)
            if not messages:
                client.publish("big", json.dumps(list(range(4_000))), 1)
    yield client.recorded
    client.disconnect()


@VERSIONS
def test_same_is_heard_when_a_real_brokers_bytes_are_played_again(version: int, recorded: bytes) -> None:
    whole = _assert_alike(version, recorded)
    assert 41 == len([one for one in whole.said if one[0] == "message"])
    for cut in range(0, len(recorded), 61):
        assert whole == _hear(BulkClient, version, [recorded[:cut], recorded[cut:]])


# What is sent


@pytest.mark.parametrize("numbers", [[1], [1, 255, 256, 65_535], list(range(1, 20_001)), []])
def test_acknowledgements_are_paho_s_own_when_sent_together(numbers: list[int]) -> None:
    sent: list[bytes] = []
    for make in (Client, BulkClient):
        line = _Line()
        client = _client(make, 5, line, _Heard())
        if isinstance(client, BulkClient):
            client.acknowledge(numbers)
        else:
            for number in numbers:
                client.ack(number, 1)
        sent.append(line.sent)
    assert sent[0] == sent[1]
    assert [(0x40, 2, number) for number in numbers] == list(struct.iter_unpack("!BBH", sent[1]))


@VERSIONS
@given(st.text(min_size=1, max_size=80), st.binary(max_size=300) | st.just(20_000 * b"p"))
def test_packet_is_heard_as_it_was_meant_when_it_is_sent_back(version: int, topic: str, payload: bytes) -> None:
    packet = packet_of(topic, payload, has_properties=version == 5)
    for make in (Client, BulkClient):
        assert [("message", topic.encode(), payload, 0)] == _hear(make, version, [packet]).said


@VERSIONS
def test_packet_is_paho_s_own_when_it_says_the_same(version: int) -> None:
    line = _Line()
    client = _client(Client, version, line, _Heard())
    client.publish("poniente/receipt/bin-1", 200 * b"x", qos=0)
    assert line.sent == packet_of("poniente/receipt/bin-1", 200 * b"x", has_properties=version == 5)


def test_installed_paho_is_the_one_that_is_known() -> None:
    assert bulk.fits()
