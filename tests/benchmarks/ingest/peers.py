"""What people write instead: a subscriber on paho that decodes with `json` and inserts with psycopg.

Run with one argument, JSON. Acknowledges after its commit, as the worker does. It is spared what the worker does
beside: no checks, no digest of the content (a constant fills the column), no counts, no look for conflicts, no
rejections; and the numbers of the devices are read once, before the first message.
"""

import json
import sys
import time
from typing import Any

import psycopg
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

INSERT = """
insert into fill_level (device_id, event_time, sequence, event_time_source, device_time, received_time, clock,
                        distance_mm, battery_mv, temperature_mdegc, tilt_deg, digest, batch_seq)
values (%s, %s, %s, 1, %s, now(), 0, %s, %s, %s, %s, '00000000-0000-0000-0000-000000000000', 0)
on conflict do nothing
"""
# A batch that does not fill is written after this much silence. [s]
_IDLE_S = 0.05


class Peer:
    """A subscriber that inserts `batch` messages at a time.

    Parameters
    ----------
    dsn : str
    batch : int
        1: one INSERT and one commit a message; more: executemany, one commit a batch.
    """

    def __init__(self, dsn: str, batch: int) -> None:
        self._connection = psycopg.connect(dsn, autocommit=batch == 1)
        self._cursor = self._connection.cursor()
        rows = self._cursor.execute("select device, device_id from device where source = 'city'").fetchall()
        self._connection.commit()
        self._ids: dict[str, int] = dict(rows)
        self._batch = batch
        self._waiting: list[tuple[Any, ...]] = []
        self._unanswered: list[int] = []
        self.last_s = 0.0

    def on_message(self, client: Client, _user: object, message: MQTTMessage) -> None:
        """Write a message, or keep it for its batch."""
        said: dict[str, Any] = json.loads(message.payload)
        row = self._row(message.topic, said)
        if self._batch == 1:
            _ = self._cursor.execute(INSERT, row)
            _ = client.ack(message.mid, message.qos)
            return
        self._waiting.append(row)
        self._unanswered.append(message.mid)
        self.last_s = time.monotonic()
        if len(self._waiting) >= self._batch:
            self.flush(client)

    def flush(self, client: Client) -> None:
        """Write and acknowledge what waits."""
        if self._waiting:
            self._cursor.executemany(INSERT, self._waiting)
            self._connection.commit()
            for number in self._unanswered:
                _ = client.ack(number, 1)
            self._waiting.clear()
            self._unanswered.clear()

    def _row(self, topic: str, said: dict[str, Any]) -> tuple[Any, ...]:
        return (
            self._ids[topic.split("/")[3]],
            said["time"],
            said["sequence"],
            said["time"],
            said["distance_mm"],
            round(said["battery_v"] * 1_000),
            round(said["temperature_degc"] * 1_000),
            said["tilt_deg"],
        )


def _subscribe(client: Client, *_: object) -> None:
    _ = client.subscribe("poniente/v1/+/+/+", qos=1)


def main() -> None:
    """Subscribe and write until stopped."""
    options: dict[str, Any] = json.loads(sys.argv[1])
    peer = Peer(options["dsn"], int(options["batch"]))
    version = MQTTProtocolVersion(int(options["version"]))
    client = Client(
        CallbackAPIVersion.VERSION2,
        client_id="bench-peer",
        clean_session=None if version == MQTTProtocolVersion.MQTTv5 else False,
        protocol=version,
        manual_ack=True,
    )
    client.on_message = peer.on_message
    client.on_connect = _subscribe
    if version == MQTTProtocolVersion.MQTTv5:
        properties = Properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = 3_600
        properties.ReceiveMaximum = int(options["window"])
        _ = client.connect("127.0.0.1", int(options["port"]), clean_start=False, properties=properties)
    else:
        _ = client.connect("127.0.0.1", int(options["port"]))
    while client.loop(_IDLE_S) == MQTTErrorCode.MQTT_ERR_SUCCESS:
        if time.monotonic() - peer.last_s > _IDLE_S:
            peer.flush(client)
    raise ConnectionError("the broker left")


if __name__ == "__main__":
    main()
