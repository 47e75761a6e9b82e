"""What nobody should find out by an outage: credentials that run out, told in good time.

Once a minute: overlaps and expiries that ended reach the brokers' files, figures are renewed; once
a day each credential that ends soon is told in the log.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import structlog

from config.text import Text
from monitor.metrics import Metrics
from monitor.provisioning.credentials import Credential
from monitor.provisioning.issuer import DAY_MS, Issuer
from monitor.registry.entries import GATEWAY, LIFT
from monitor.registry.states import Book, counts

log = structlog.get_logger()
EVERY_S = 60.0


class Watch:
    """`soon` is what the last look found, the first to end first."""

    def __init__(
        self, issuer: Issuer, metrics: Metrics, clock: Callable[[], int], book: Callable[[], Book]
    ) -> None:
        self._issuer, self._metrics, self._clock, self._book = issuer, metrics, clock, book
        self._next = 0.0
        self._told: dict[str, int] = {}
        self.soon: list[Credential] = []
        self.given = 0

    def turn(self) -> None:
        """Look, if a minute has passed."""
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + EVERY_S
            self.look()

    def look(self) -> None:
        """Renew files, figures and warnings."""
        now_ms = self._clock()
        every = self._issuer.credentials()
        self.given = len({c.gateway for c in every if c.good(now_ms)})
        if every:
            self._issuer.publish()
        self.soon = self._issuer.warnings()
        gauge = self._metrics.credential_days
        gauge.clear()
        for one in self.soon:
            days = ((one.last_ms or 0) - now_ms) / DAY_MS
            gauge.labels(one.gateway).set(round(days, 2))
            self._tell(one, days, now_ms // DAY_MS)
        book = self._book()
        self._metrics.registry_states.clear()
        for kind in (LIFT, GATEWAY):
            for state, number in counts(book.rows(kind)).items():
                self._metrics.registry_states.labels(kind, state).set(number)

    def _tell(self, one: Credential, days: float, today: int) -> None:
        if self._told.get(one.username) == today:
            return
        self._told[one.username] = today
        log.warning(
            "credential.ends",
            gateway=one.gateway,
            user=one.username,
            kind=one.kind,
            days=round(days, 1),
        )

    def verdict(self) -> tuple[bool, Text]:
        """Return whether all is well, and a sentence for the health page."""
        if not self.soon:
            return True, Text(
                f"{self.given} 个网关有凭据，近期无到期",
                f"{self.given} gateways have credentials, none ends soon",
            )
        now_ms = self._clock()
        told = [
            f"{c.gateway} {max(0.0, ((c.last_ms or 0) - now_ms) / DAY_MS):.0f} d"
            for c in self.soon[:5]
        ]
        more = f" … +{len(self.soon) - 5}" if len(self.soon) > 5 else ""
        names = ", ".join(told) + more
        return False, Text(
            f"凭据即将到期或已到期：{names}；请轮换：liftwatch gateway rotate",
            f"credentials end soon or have ended: {names}; liftwatch gateway rotate",
        )
