"""The last report of the service's health, shared by all desks."""

from __future__ import annotations

import threading
import time

from monitor.web.ports import HealthReport, ServicePort

FRESH_S = 5.0


class KnownHealth:
    """Two hundred desks that ask every few seconds must not count the outbox each by itself."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._known: tuple[float, HealthReport] | None = None

    def of(self, port: ServicePort) -> HealthReport:
        """Return a report that is at most 5 s old."""
        with self._turn:
            if self._known is None or time.monotonic() - self._known[0] > FRESH_S:
                self._known = (time.monotonic(), port.health())
            return self._known[1]
