"""What a worker counts, for Prometheus: on loopback, read when asked for."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ingest.worker import Tally


class _Counts(Collector):
    def __init__(self, tally: Tally) -> None:
        self._tally = tally

    def collect(self) -> Iterator[Metric]:
        """Give what the worker has counted by now."""
        tally = self._tally
        messages = CounterMetricFamily("poniente_messages", "Messages committed, by outcome.", labels=["outcome"])
        messages.add_metric(["decoded"], tally.messages_decoded)
        messages.add_metric(["rejected"], tally.messages_rejected)
        yield messages
        readings = CounterMetricFamily("poniente_readings", "Readings committed, by outcome.", labels=["outcome"])
        for outcome, n in sorted(tally.readings.copy().items()):
            readings.add_metric([outcome], n)
        yield readings
        yield CounterMetricFamily("poniente_batches", "Batches committed.", tally.batches)
        yield GaugeMetricFamily("poniente_waiting_messages", "Messages received and not yet taken.", tally.waiting)
        yield GaugeMetricFamily(
            "poniente_broker_dropped_messages",
            "Messages that the broker says it has thrown away: any is a loss that no worker can find.",
            tally.dropped_by_broker,
        )


def serve(port: int, tally: Tally) -> None:
    """Answer on 127.0.0.1 until the process ends."""
    registry = CollectorRegistry()
    registry.register(_Counts(tally))
    start_http_server(port, "127.0.0.1", registry)
