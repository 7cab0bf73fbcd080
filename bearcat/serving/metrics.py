"""What Prometheus may know of the service: requests by status and unit, their times, and how long the queue is."""

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

SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # set by who starts several processes, before this module is imported
SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)
TEXT = CONTENT_TYPE_LATEST


class ServingMetrics:
    """The figures of one service, shared by its processes where there are several."""

    def __init__(self):
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "bearcat_requests", "Requests by HTTP status and unit.", ["status", "unit"], registry=self.registry
        )
        self.seconds = Histogram(
            "bearcat_request_seconds",
            "Time from the request's head to its answer.",
            buckets=SECONDS,
            registry=self.registry,
        )
        self.queue = Gauge(
            "bearcat_queue_length",
            "Images that are read or wait for it.",
            registry=self.registry,
            multiprocess_mode="livesum",
        )
        if SHARED_FOLDER not in os.environ:
            ProcessCollector(registry=self.registry)

    def count(self, status: int, unit: str, seconds: float) -> None:
        """Note a request that was answered."""
        self.requests.labels(str(status), unit).inc()
        self.seconds.observe(seconds)

    def text(self) -> bytes:
        """Return all figures in Prometheus' text form."""
        if SHARED_FOLDER not in os.environ:
            return generate_latest(self.registry)
        from prometheus_client import multiprocess  # only for several processes

        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)
        return generate_latest(registry)
