"""Receipts are given in a thread of their own: when it fails, the worker ends instead of waiting for it."""

import json
import threading
from datetime import UTC, datetime, timedelta

import pytest

from ingest.client import Broker, Delivery, Subscriber
from ingest.decoding import Decoding
from ingest.storing import Database
from ingest.worker import Options, Storing, Tally
from sensors.topics import ROOT

_NOW = datetime(2026, 9, 5, tzinfo=UTC)
_NOW_US = int(_NOW.timestamp()) * 1_000_000


def _delivery(place: int) -> Delivery:
    said = {"v": 1, "time": (_NOW + timedelta(minutes=place)).isoformat(), "sequence": place + 1, "distance_mm": 1}
    # Of a connection that is gone: nobody is left to acknowledge to.
    return Delivery([f"{ROOT}/city/bin-1/fill_level".encode()], [json.dumps(said).encode()], [1], [_NOW_US], -1)


def test_worker_ends_when_receipts_fail(embedded_database: str) -> None:
    def at_step(step: str) -> None:
        if step == "during_receipt":
            raise RuntimeError(step)

    decoding = Decoding()
    database = Database(embedded_database, threading.Event(), at_step, decoding)
    subscriber = Subscriber(Broker("127.0.0.1", 1), "test-receipts", [], window=10)
    storing = Storing(subscriber, database, Tally(), Options())
    storing.start()
    # More than all queues hold together.
    for place in range(8):
        delivery = _delivery(place)
        storing.put(delivery, decoding.batch(delivery))
    assert storing.finish()
    database.close()
    with pytest.raises(RuntimeError, match="during_receipt"):
        storing.raise_error()
