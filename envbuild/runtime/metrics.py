"""Counters for Prometheus: requests by route and status, and how long predictions take."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest


class Metrics:
    """The counters of one process, in a registry of their own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.requests = Counter(
            "envbuild_requests", "Requests by route and status.", ("route", "status"), registry=self._registry
        )
        self.seconds = Histogram(
            "envbuild_prediction_seconds", "Time in the model or script.", ("route",), registry=self._registry
        )
        self.waiting = Gauge(
            "envbuild_requests_in_progress", "Predictions running or waiting.", registry=self._registry
        )

    def exposition(self) -> tuple[bytes, str]:
        """Return the text for Prometheus and its content type."""
        return generate_latest(self._registry), CONTENT_TYPE_LATEST
