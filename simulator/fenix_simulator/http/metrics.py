"""``/metrics`` for Prometheus: counted while answering, put together only when somebody looks."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from flask import Blueprint, Response

from fenix_simulator.domain.errors import UnknownSession
from fenix_simulator.http import auth
from fenix_simulator.http.needs import Service
from fenix_simulator.http.web import Web

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry, Metric

#: A client may make up methods; each would be a time series.
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"})


class RequestCounts:
    """How many requests were answered, by surface, method and status; safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[tuple[str, str, str]] = Counter()

    def add(self, surface: str, method: str, status: int | None) -> None:
        """Count one answer; None is none."""
        key = (surface, method if method in _METHODS else "other", "none" if status is None else str(status))
        with self._lock:
            self._counts[key] += 1

    def all(self) -> Mapping[tuple[str, str, str], int]:
        """What was counted so far."""
        with self._lock:
            return dict(self._counts)


def blueprint(web: Web, counts: RequestCounts) -> Blueprint:
    """The surface. prometheus-client is imported by the first scrape: most servers are never scraped."""
    surface = Blueprint("metrics", __name__)
    surface.before_request(auth.require_admin)
    registries: list[CollectorRegistry] = []
    making = threading.Lock()

    @surface.get("/metrics")
    def metrics() -> Response:
        from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

        with making:
            if not registries:
                registries.append(_registry(web, counts))
        return Response(generate_latest(registries[0]), content_type=CONTENT_TYPE_LATEST)

    return surface


def _registry(web: Web, counts: RequestCounts) -> CollectorRegistry:
    from prometheus_client import CollectorRegistry, ProcessCollector

    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(web, counts))
    ProcessCollector(registry=registry)
    return registry


class _Collector:
    """Makes the metrics of what the service and the surfaces know at the moment."""

    def __init__(self, web: Web, counts: RequestCounts) -> None:
        self._web = web
        self._counts = counts

    def collect(self) -> Iterator[Metric]:
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily

        yield InfoMetricFamily("fenix_simulator", "The server.", {"version": self._web.config.version})

        requests = CounterMetricFamily(
            "fenix_http_requests", "Requests answered.", labels=("surface", "method", "status")
        )
        for (surface, method, status), count in sorted(self._counts.all().items()):
            requests.add_metric((surface, method, status), count)
        yield requests

        sessions = GaugeMetricFamily("fenix_sessions", "Sessions by their workflow state.", labels=("state",))
        for state, count in sorted(_session_states(self._web.service).items()):
            sessions.add_metric((state,), count)
        yield sessions

        deliveries = CounterMetricFamily(
            "fenix_alarm_deliveries", "Attempts to deliver an alarm, by outcome.", labels=("outcome",)
        )
        for outcome, count in sorted(self._web.config.delivery_counts().items()):
            deliveries.add_metric((outcome,), count)
        yield deliveries

        yield CounterMetricFamily(
            "fenix_journal_entries", "Entries ever written to the journal.", value=self._web.service.journal.last
        )


def _session_states(service: Service) -> Counter[str]:
    states: Counter[str] = Counter()
    for session_id in service.list_sessions():
        try:
            states[service.session_state(session_id)] += 1
        except UnknownSession:
            continue  # deleted since it was listed
    return states
