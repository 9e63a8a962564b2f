"""What Prometheus is told. Totals only: nothing says who asked what."""

from __future__ import annotations

import time
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from longread.server.api.desk import Desk

_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800)


class Meters:
    """Counts requests, and looks at what is being done when it is asked."""

    def __init__(self, desk: Desk) -> None:
        self._registry = CollectorRegistry()
        self.requests = Counter(
            "longread_requests", "Requests by route and status.", ["route", "status"], registry=self._registry
        )
        self.seconds = Histogram(
            "longread_request_seconds",
            "Until a response begins.",
            ["route"],
            buckets=_BUCKETS,
            registry=self._registry,
        )
        for name, what, value in (
            ("longread_runs_reading", "Runs that read.", lambda: desk.running),
            ("longread_runs_waiting", "Runs that wait.", lambda: desk.waiting),
        ):
            Gauge(name, what, registry=self._registry).set_function(value)
        self.runs = Counter(
            "longread_runs", "Runs that are over, by how they ended.", ["how"], registry=self._registry
        )
        self.chunks = Counter("longread_chunks_read", "Chunks that were read.", registry=self._registry)
        desk.listener = self._count

    def _count(self, name: str, data: dict[str, Any]) -> None:
        if name == "chunk":
            self.chunks.inc(not data["skipped"])
        elif name == "finished":
            self.runs.labels("stored" if data["stored"] else "finished").inc()
        elif name == "failed":
            self.runs.labels(str(data["status"])).inc()

    def text(self) -> bytes:
        """All of it in Prometheus's format."""
        return generate_latest(self._registry)


class Metered:
    """Counts the requests that an application answers, by route: paths hold ids, of which there is no end."""

    def __init__(self, app: ASGIApp, meters: Meters) -> None:
        self._app = app
        self._meters = meters

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """An ASGI application."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start = time.perf_counter()

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = getattr(scope.get("route"), "path", "other")  # the router has put it there by now
                self._meters.requests.labels(route, message["status"]).inc()
                self._meters.seconds.labels(route).observe(time.perf_counter() - start)
            await send(message)

        await self._app(scope, receive, counted)
