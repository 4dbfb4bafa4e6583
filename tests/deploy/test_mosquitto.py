"""`deploy/mosquitto` as it is shipped: what it keeps, whom it lets write and read, and certificates."""

import gc
import queue
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from paho.mqtt.client import ConnectFlags, MQTTMessage
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from app.cli.field import broker_of
from ingest import receipts
from ingest.client import DROPPED_TOPIC, Broker, new_client
from ingest.errors import BrokerError
from ingest.publisher import publish
from ingest.worker import Options
from sensors.topics import ROOT, subscription
from tests.deploy.shipped import DEADLINE_S, ShippedMosquitto, found_authority, running
from tests.ingest.rig import CLIENT_ID, fleet, make_session, wait_until, watching

_WORKER = "poniente-ingest"
_USERS = (_WORKER, "city", "other", "bin-7", "ann", "traccar")
_COUNT = 5_000
_LISTENS = "0A"
_PAYLOAD = b'{"v":1,"time":"2026-09-05T22:00:00Z","sequence":999,"distance_mm":640}'
# A message that is written and read by whom the ACL is about.
_LEVEL = f"{ROOT}/city/bin-7/fill_level"


@pytest.fixture
def shipped(mosquitto_binary: Path, server_folder: Path) -> Iterator[ShippedMosquitto]:
    """Give the broker as it is shipped."""
    with ShippedMosquitto(mosquitto_binary, server_folder / "shipped", _USERS) as server:
        yield server


def _come(broker: Broker, client_id: str = "", *, topic: str = "") -> tuple[str, bool, list[bytes]]:
    """Come as a client for a while.

    Returns
    -------
    str
        Why not, in the broker's words; empty when it was let in.
    bool
        Whether a session of that name was there.
    list of bytes
        What came on the topic until a message on `poniente/receipt/bin-7` ended it.
    """
    answers: queue.Queue[tuple[str, bool]] = queue.Queue()
    came: queue.Queue[MQTTMessage] = queue.Queue()
    client = new_client(broker, client_id, is_persistent=True)

    def on_connect(_client: object, _user: object, flags: ConnectFlags, reason: ReasonCode, _: object) -> None:
        answers.put((str(reason) if reason.is_failure else "", flags.session_present))

    def on_end(*_: object) -> None:
        answers.put(("the line was cut", False))

    client.on_connect = on_connect
    client.on_connect_fail = client.on_disconnect = on_end
    client.on_message = lambda _client, _user, message: came.put(message)
    properties = Properties(PacketTypes.CONNECT)
    properties.SessionExpiryInterval = 0
    client.connect_async(broker.host, broker.port, clean_start=False, properties=properties)
    client.loop_start()
    try:
        why, had_session = answers.get(timeout=DEADLINE_S)
        heard: list[bytes] = []
        if topic and not why:
            client.subscribe([(topic, 1), (receipts.topic("bin-7"), 1)])
            while (message := came.get(timeout=DEADLINE_S)).topic != receipts.topic("bin-7"):
                heard.append(bytes(message.payload))
        return why, had_session, heard
    finally:
        client.disconnect()
        client.loop_stop()


def _listening(pid: int) -> set[int]:
    """Give the ports on which a process listens, by the kernel's tables."""
    mine: set[str] = set()
    for one in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # a connection that was closed meanwhile
            mine.add(str(one.readlink()))
    rows = [
        row.split() for name in ("tcp", "tcp6") for row in Path(f"/proc/net/{name}").read_text("ascii").splitlines()
    ]
    return {int(row[1].rpartition(":")[2], 16) for row in rows if row[3] == _LISTENS and f"socket:[{row[9]}]" in mine}


def test_all_arrive_when_the_worker_was_away(embedded_database: str, shipped: ShippedMosquitto) -> None:
    make_session(shipped.user(_WORKER))
    assert _COUNT == publish(shipped.user("city"), fleet(_COUNT))
    with watching(embedded_database) as watch:
        with running(embedded_database, shipped.user(_WORKER), Options(CLIENT_ID)) as tally:
            watch.wait_for(accepted=_COUNT)
        assert ({"accepted": _COUNT}, 0) == (watch.readings(), tally.dropped_by_broker)


def test_loss_is_counted_when_the_limits_are_the_default(
    embedded_database: str, mosquitto_binary: Path, server_folder: Path
) -> None:
    default = {"max_queued_messages": "", "max_queued_bytes": "", "sys_interval": "1"}
    with ShippedMosquitto(mosquitto_binary, server_folder / "default", _USERS, instead=default) as server:
        make_session(server.user(_WORKER))
        # The publisher is told that all is well.
        assert _COUNT == publish(server.user("city"), fleet(_COUNT))
        with (
            watching(embedded_database) as watch,
            running(embedded_database, server.user(_WORKER), Options(CLIENT_ID)) as tally,
        ):
            wait_until(lambda: tally.dropped_by_broker == _COUNT - 1_000, f"{DROPPED_TOPIC} says how many")
            watch.wait_for(accepted=1_000)
            assert {"accepted": 1_000} == watch.readings()


def test_all_arrive_when_the_broker_was_restarted_meanwhile(
    embedded_database: str, shipped: ShippedMosquitto
) -> None:
    make_session(shipped.user(_WORKER))
    publish(shipped.user("city"), fleet(200))
    shipped.stop()
    shipped.start()
    with watching(embedded_database) as watch:
        with running(embedded_database, shipped.user(_WORKER), Options(CLIENT_ID)):
            watch.wait_for(accepted=200)
        assert {"accepted": 200} == watch.readings()


def test_messages_wait_when_they_are_of_quality_0(embedded_database: str, shipped: ShippedMosquitto) -> None:
    make_session(shipped.user(_WORKER))
    client = new_client(shipped.user("city"), "", is_persistent=False)
    client.connect(shipped.host, shipped.port)
    client.loop_start()
    for topic, payload in fleet(100):
        client.publish(topic, payload, qos=0).wait_for_publish(DEADLINE_S)
    # Behind them on the same line, and answered: the broker has them all.
    client.publish(_LEVEL, _PAYLOAD, qos=1).wait_for_publish(DEADLINE_S)
    client.disconnect()
    client.loop_stop()
    with (
        watching(embedded_database) as watch,
        running(embedded_database, shipped.user(_WORKER), Options(CLIENT_ID)),
    ):
        watch.wait_for(accepted=101)


def test_ports_when_counted(shipped: ShippedMosquitto) -> None:
    # Some options open a listener of their own where they stand before the first one.
    assert {shipped.port, shipped.tls_port} == _listening(shipped.pid)


@pytest.mark.parametrize(
    ("user", "topic"),
    [
        ("city", _LEVEL),
        ("ann", "owntracks/ann/phone"),
        ("traccar", "traccar/positions"),
        (_WORKER, receipts.topic("bin-7")),
    ],
)
def test_message_when_allowed(shipped: ShippedMosquitto, user: str, topic: str) -> None:
    assert 1 == publish(shipped.user(user), [(topic, _PAYLOAD)])


@pytest.mark.parametrize(
    ("user", "topic"),
    [
        ("other", _LEVEL),
        ("city", receipts.topic("bin-7")),
        ("city", "traccar/positions"),
        ("city", "owntracks/ann/phone"),
        ("traccar", _LEVEL),
        (_WORKER, _LEVEL),
    ],
)
def test_client_is_told_when_a_topic_is_another_s(shipped: ShippedMosquitto, user: str, topic: str) -> None:
    with pytest.raises(BrokerError, match="Not authorized"):
        publish(shipped.user(user), [(topic, _PAYLOAD)])


def test_client_is_refused_when_it_has_no_password(shipped: ShippedMosquitto) -> None:
    assert ("Not authorized", False, []) == _come(Broker(shipped.host, shipped.port))


@pytest.mark.parametrize("user", ["city", "bin-7"])
def test_nobody_reads_readings_when_not_the_worker(
    embedded_database: str, shipped: ShippedMosquitto, user: str
) -> None:
    with running(embedded_database, shipped.user(_WORKER), Options(CLIENT_ID)) as tally:
        # A retained one comes at once to who may read it, and so before any receipt.
        publisher = new_client(shipped.user("city"), "", is_persistent=False)
        publisher.connect(shipped.host, shipped.port)
        publisher.loop_start()
        publisher.publish(_LEVEL, _PAYLOAD, qos=1, retain=True).wait_for_publish(DEADLINE_S)
        publisher.disconnect()
        publisher.loop_stop()
        worker = new_client(shipped.user(_WORKER), "", is_persistent=False)
        worker.connect(shipped.host, shipped.port)
        worker.loop_start()
        worker.publish(receipts.topic("bin-7"), b"{}", qos=1, retain=True).wait_for_publish(DEADLINE_S)
        worker.disconnect()
        worker.loop_stop()
        assert ("", False, []) == _come(shipped.user(user), topic=subscription())
        wait_until(lambda: tally.readings["accepted"] > 0, "the worker has read it")


def test_worker_and_device_meet_when_both_have_certificates(
    embedded_database: str, shipped: ShippedMosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    holder = shipped.holder(_WORKER)
    monkeypatch.setenv("PONIENTE_BROKER_HOST", holder.host)
    monkeypatch.setenv("PONIENTE_BROKER_PORT", str(holder.port))
    monkeypatch.setenv("PONIENTE_BROKER_CA_FILE", holder.ca_file)
    monkeypatch.setenv("PONIENTE_BROKER_CERT_FILE", holder.cert_file)
    monkeypatch.setenv("PONIENTE_BROKER_KEY_FILE", holder.key_file)
    broker = broker_of(None, 5)
    with watching(embedded_database) as watch:
        make_session(broker)
        publish(shipped.holder("city"), fleet(50))
        with running(embedded_database, broker, Options(_WORKER)):
            watch.wait_for(accepted=50)


def test_client_is_told_when_its_certificate_names_another(shipped: ShippedMosquitto) -> None:
    with pytest.raises(BrokerError, match="Not authorized"):
        publish(shipped.holder("other"), [(_LEVEL, _PAYLOAD)])


def test_line_is_cut_when_there_is_no_certificate(shipped: ShippedMosquitto) -> None:
    ca_file = str(shipped.certificates / "ca.crt")
    assert "the line was cut" == _come(Broker(shipped.host, shipped.tls_port, "city", ca_file=ca_file))[0]


def test_line_is_cut_when_the_certificate_is_of_another_authority(shipped: ShippedMosquitto) -> None:
    found_authority(shipped.certificates, "foreign")
    assert "the line was cut" == _come(shipped.holder("city", authority="foreign"))[0]


# paho lets go of a socket whose handshake failed without closing it.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_line_is_cut_when_the_broker_s_certificate_is_of_another_authority(shipped: ShippedMosquitto) -> None:
    found_authority(shipped.certificates, "foreign")
    holder = shipped.holder("city")
    stranger = str(shipped.certificates / "foreign.crt")
    other = Broker(holder.host, holder.port, ca_file=stranger, cert_file=holder.cert_file, key_file=holder.key_file)
    assert "the line was cut" == _come(other)[0]
    gc.collect()


def test_session_is_not_taken_over_when_another_calls_itself_the_worker(
    embedded_database: str, shipped: ShippedMosquitto
) -> None:
    worker = shipped.holder(_WORKER)
    make_session(worker)
    publish(shipped.holder("city"), fleet(10))
    # The name that it gives counts for nothing: its certificate names it.
    assert ("", False, []) == _come(shipped.holder("other"), _WORKER)
    with watching(embedded_database) as watch, running(embedded_database, worker, Options("any name")):
        watch.wait_for(accepted=10)
