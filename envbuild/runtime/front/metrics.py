"""Counters for Prometheus, all in the process that speaks HTTP: workers say with each answer what it took."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
"""Upper bounds in seconds: from a model that only adds to the time that a prediction may take by default."""


class Metrics:
    """The counters of this server, in a registry of their own. Times in seconds.

    Labels are routes as they are declared, and statuses: what a client makes up is never one.
    """

    def __init__(self) -> None:
        # A second series for each, of when it began, is of use to nobody here; older versions have no switch.
        getattr(prometheus_client, "disable_created_metrics", lambda: None)()
        self._registry = CollectorRegistry()
        own: dict[str, Any] = {"registry": self._registry}
        self.requests = Counter("envbuild_requests", "Requests by route and status.", ("route", "status"), **own)
        self.latency = Histogram(
            "envbuild_request_seconds",
            "Time from the request's head to its answer.",
            ("route",),
            buckets=BUCKETS,
            **own,
        )
        self.seconds = Histogram(
            "envbuild_prediction_seconds", "Time in the model or script.", ("route",), buckets=BUCKETS, **own
        )
        self.rows = Counter("envbuild_rows", "Rows that the model was asked for.", ("route",), **own)
        self.in_flight = Gauge("envbuild_requests_in_progress", "Requests that are not answered yet.", **own)
        self.queue = Gauge("envbuild_queue_length", "Requests that wait for a worker.", **own)
        self.load_seconds = Gauge("envbuild_model_load_seconds", "Time that a worker took to load.", **own)
        self.workers = Gauge("envbuild_workers_ready", "Workers that have the model loaded.", **own)
        self.restarts = Counter("envbuild_worker_restarts", "Workers that ended and were replaced.", **own)
        self.timeouts = Counter("envbuild_timeouts", "Predictions that took longer than they may.", **own)
        started = Gauge("envbuild_start_time_seconds", "When the server started, in seconds since 1970.", **own)
        started.set(time.time())
        self._labels: dict[tuple[str, int], Callable[..., None]] = {}
        self._routes: dict[str, tuple[Any, Any, Any]] = {}

    def count(self, route: str, status: int, latency: float, seconds: float, rows: int) -> None:
        """Count a request that has been answered; `seconds` in the model are 0 where it was not asked."""
        increment = self._labels.get((route, status))
        if increment is None:
            increment = self._labels[route, status] = self.requests.labels(route, str(status)).inc
        increment()
        times = self._routes.get(route)
        if times is None:
            times = self._routes[route] = (
                self.latency.labels(route).observe,
                self.seconds.labels(route).observe,
                self.rows.labels(route).inc,
            )
        times[0](latency)
        if seconds:
            times[1](seconds)
        if rows:
            times[2](rows)

    def exposition(self) -> tuple[bytes, str]:
        """Return the text for Prometheus and its content type."""
        return generate_latest(self._registry), CONTENT_TYPE_LATEST
