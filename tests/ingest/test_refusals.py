"""A broker that says no: the publisher and the worker say so instead of going on as if nothing were."""

import threading
from pathlib import Path

import pytest

from app.local.broker import LocalMosquitto
from ingest.errors import BrokerError
from ingest.publisher import publish
from ingest.worker import Options, run
from tests.ingest.rig import CLIENT_ID, broker_of, fleet

VERSIONS = pytest.mark.parametrize("version", [4, 5])


@VERSIONS
def test_publisher_says_so_when_the_broker_lets_nobody_in(
    mosquitto_binary: Path, server_folder: Path, version: int
) -> None:
    with (
        LocalMosquitto(mosquitto_binary, server_folder, settings={"allow_anonymous": "false"}) as closed,
        pytest.raises(BrokerError, match="refused the connection"),
    ):
        publish(broker_of(closed, version), fleet(10))


def test_publisher_says_so_when_the_broker_refuses_the_messages(mosquitto_binary: Path, server_folder: Path) -> None:
    """MQTT 5 tells the publisher; MQTT 3.1.1 cannot (docs: ingest)."""
    nobody = server_folder / "nobody.acl"
    nobody.write_text("topic read #\n")
    nobody.chmod(0o644)
    with (
        LocalMosquitto(mosquitto_binary, server_folder / "broker", settings={"acl_file": str(nobody)}) as deaf,
        pytest.raises(BrokerError, match=r"refused a message: Not authorized"),
    ):
        publish(broker_of(deaf), fleet(10))


@VERSIONS
def test_worker_says_so_when_the_broker_lets_nobody_in(
    embedded_database: str, mosquitto_binary: Path, server_folder: Path, version: int
) -> None:
    with (
        LocalMosquitto(mosquitto_binary, server_folder, settings={"allow_anonymous": "false"}) as closed,
        pytest.raises(BrokerError, match="refused us"),
    ):
        run(embedded_database, broker_of(closed, version), threading.Event(), Options(CLIENT_ID))
