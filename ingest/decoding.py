"""Messages to columns, a batch at a time.

Each topic is looked at once and remembered. Native messages of one kind are read together (`sensors.bulk`); what is
left of them, and every other format, goes one by one through its codec. Nothing is dropped: a message becomes
readings, or rejections that name the reason.
"""

import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ingest.accept import PAYLOAD_BYTES_MAX, accept, source_of
from ingest.client import DROPPED_TOPIC, Delivery
from sensors import bulk
from sensors.arrivals import Arrivals, joined, of_readings
from sensors.framing import formats
from sensors.readings import Decoded, EventTimeSource, Kind, Reading, Rejection
from sensors.registry import kinds
from sensors.sources import Source
from sensors.topics import parse
from storage.instants import hour_number, instant
from storage.readings import Batch
from storage.refusals import Refused

# A city has some ten thousand topics. Beyond it somebody makes topics up; then all are forgotten and looked at anew.
_TOPICS_KEPT = 200_000
# Formats whose topics name a person: neither they nor payloads that could not be read are kept.
_PERSONAL = ("owntracks",)
_DROPPED = DROPPED_TOPIC.encode()


@dataclass(frozen=True, slots=True)
class _Route:
    """What a topic means.

    Parameters
    ----------
    topic : str
        Empty where it is no text.
    source : Source, optional
    kind : Kind, optional
        Of a native topic whose messages are read together.
    device : int
        Place of that topic's device among all devices.
    """

    topic: str
    source: Source | None
    kind: Kind | None = None
    device: int = -1


class Decoding:
    """Decodes batches by the sources of an installation, and numbers the devices that it meets."""

    def __init__(self, sources: Sequence[Source] = ()) -> None:
        # All codecs now, not in the middle of the first batch.
        formats()
        self._sources = tuple(sources)
        self._routes: dict[bytes, _Route] = {}
        self._devices: list[tuple[str, str]] = []
        self._places: dict[tuple[str, str], int] = {}
        # Who stores decodes again what has to be halved, beside who decodes the next batch: two devices met at one
        # moment would get one place.
        self._lock = threading.Lock()
        self.dropped_by_broker = 0

    def batch(self, delivery: Delivery) -> Batch:
        """Decode a batch; every message is decoded or refused, none is dropped."""
        with self._lock:
            return self._batch(delivery)

    def refused(self, delivery: Delivery, rejection: Rejection) -> Refused:
        """Refuse the one message of a delivery as a whole, and keep of it what may be kept."""
        with self._lock:
            route = self._routes.get(delivery.topics[0]) or self._route(delivery.topics[0])
        return _refused(route, delivery.payloads[0], delivery.received_us[0], Decoded([], [rejection]))

    def _batch(self, delivery: Delivery) -> Batch:
        received = np.array(delivery.received_us, np.int64)
        together, alone, ours = self._sorted_out(delivery)
        parts: dict[str, list[Arrivals]] = {}
        for name, (places, devices) in together.items():
            payloads = delivery.payloads
            read = bulk.read(kinds()[name], [payloads[place] for place in places])
            alone += [places[place] for place in read.left]
            if len(read.arrivals):
                device, when = np.array(devices, np.int64), received[np.array(places, np.int64)]
                parts[name] = [read.arrivals.told(device[read.message], when[read.message])]
        alone.sort()
        refused, simulated = self._add_single(delivery, alone, parts)
        arrivals = [joined(several) for _, several in sorted(parts.items())]
        return Batch(self._devices, arrivals, refused, len(delivery) - ours, simulated).ready()

    def _sorted_out(self, delivery: Delivery) -> tuple[dict[str, tuple[list[int], list[int]]], list[int], int]:
        """Find what can be read together, by kind, as places and devices; what can't; how many are ours."""
        known, make = self._routes.get, self._route
        routes = [known(topic) or make(topic) for topic in delivery.topics]
        together: dict[str, tuple[list[int], list[int]]] = {}
        alone: list[int] = []
        ours = 0
        first = routes[0].kind if routes else None
        if first and all(route.kind is first for route in routes) and _longest(delivery) <= PAYLOAD_BYTES_MAX:
            return {first.name: (list(range(len(routes))), [route.device for route in routes])}, alone, ours
        for place, route in enumerate(routes):
            if route.kind is not None and len(delivery.payloads[place]) <= PAYLOAD_BYTES_MAX:
                places, devices = together.setdefault(route.kind.name, ([], []))
                places.append(place)
                devices.append(route.device)
            elif delivery.topics[place] == _DROPPED:
                self._hear_dropped(delivery.payloads[place])
                ours += 1
            else:
                alone.append(place)
        return together, alone, ours

    def _add_single(
        self, delivery: Delivery, places: Sequence[int], parts: dict[str, list[Arrivals]]
    ) -> tuple[list[Refused], Counter[tuple[int, str, int]]]:
        """Decode messages one by one, and add what they hold."""
        found: dict[str, list[tuple[Reading, int]]] = {}
        refused: list[Refused] = []
        simulated: Counter[tuple[int, str, int]] = Counter()
        for place in places:
            route = self._routes.get(delivery.topics[place]) or self._route(delivery.topics[place])
            payload, received_us = delivery.payloads[place], delivery.received_us[place]
            decoded = accept(route.source, route.topic, payload)
            for reading in decoded.readings:
                found.setdefault(reading.kind.name, []).append((reading, received_us))
            for reading in decoded.simulated:
                key = (self._place_of(reading.source, reading.device), reading.kind.name, _hour(reading, received_us))
                simulated[key] += 1
            if decoded.rejections:
                refused.append(_refused(route, payload, received_us, decoded))
        for name, several in found.items():
            parts.setdefault(name, []).append(of_readings(kinds()[name], several, self._place_of))
        return refused, simulated

    def _route(self, topic: bytes) -> _Route:
        if len(self._routes) >= _TOPICS_KEPT:
            self._routes.clear()
        try:
            text = topic.decode()
        except UnicodeDecodeError:
            text = ""  # no topic of ours; the payload is kept with the rejection
        source = source_of(self._sources, text)
        route = _Route(text, source)
        if source is not None and source.format == "native" and (parsed := parse(text)):
            kind = kinds().get(parsed.kind)
            if kind is not None and not kind.words:
                route = _Route(text, source, kind, self._place_of(parsed.source, parsed.device))
        self._routes[topic] = route
        return route

    def _place_of(self, source: str, device: str) -> int:
        place = self._places.setdefault((source, device), len(self._devices))
        if place == len(self._devices):
            self._devices.append((source, device))
        return place

    def _hear_dropped(self, payload: bytes) -> None:
        if payload.isdigit():
            self.dropped_by_broker = int(payload[:18])


def _longest(delivery: Delivery) -> int:
    return max(map(len, delivery.payloads))


def _refused(route: _Route, payload: bytes, received_us: int, decoded: Decoded) -> Refused:
    # A topic may name a person where its source says so; what matters of it is which source it was of.
    is_personal = route.source is not None and route.source.format in _PERSONAL
    topic = route.source.filter if is_personal and route.source else route.topic
    return Refused(topic, b"" if is_personal else payload, instant(received_us), tuple(decoded.rejections))


def _hour(reading: Reading, received_us: int) -> int:
    is_timed = reading.event_time_source != EventTimeSource.RECEIPT
    return hour_number(reading.event_time_us if is_timed else received_us)
