"""Prometheus metrics: requests by status and model, their durations, and the length of the queue."""

import os

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)

# prometheus_client reads it when it is imported, so it must be set before this module is
MULTIPROCESS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)  # seconds
CONTENT_TYPE = CONTENT_TYPE_LATEST


class ServingMetrics:
    """The metrics of one service, summed over its processes if there are several."""

    def __init__(self):
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "bearcat_requests", "Requests by HTTP status and model.", ["status", "unit"], registry=self.registry
        )
        self.seconds = Histogram(
            "bearcat_request_seconds",
            "Time from the head of a request to its answer.",
            buckets=BUCKETS,
            registry=self.registry,
        )
        self.queue = Gauge(
            "bearcat_queue_length",
            "Images being predicted or waiting for it.",
            registry=self.registry,
            multiprocess_mode="livesum",
        )
        if MULTIPROCESS_FOLDER not in os.environ:
            ProcessCollector(registry=self.registry)

    def count(self, status: int, model: str, seconds: float) -> None:
        """Counts a request that was answered."""
        self.requests.labels(str(status), model).inc()
        self.seconds.observe(seconds)

    def text(self) -> bytes:
        """Returns all metrics in Prometheus' text format."""
        if MULTIPROCESS_FOLDER not in os.environ:
            return generate_latest(self.registry)
        from prometheus_client import multiprocess  # only for several processes

        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)
        return generate_latest(registry)
