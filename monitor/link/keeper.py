"""Turns the minutes of the link watch, writes its days, tells Prometheus; in its own thread."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta, tzinfo

import duckdb
import structlog

from devices.registry import Registry
from monitor.link.figures import gateway_rows, sums_of, vendor_rows
from monitor.link.watch import LinkWatch
from monitor.metrics import Metrics
from monitor.store import link_days
from monitor.store.history import History
from monitor.store.link_days import LinkDay
from monitor.worker import Worker

log = structlog.get_logger()
LOOK_S = 1.0
WRITE_EVERY = 5  # minutes
VENDORS = 30  # names that Prometheus is told; the rest is "other", however many a site writes


class LinkKeeper:
    """A look a second; at most what a minute counted is lost in a crash."""

    def __init__(
        self,
        watch: LinkWatch,
        registry: Registry,
        history: History,
        clock: Callable[[], int],
        metrics: Metrics,
        zone: tzinfo,
        retention_days: int,
    ) -> None:
        self._watch, self._registry, self._history = watch, registry, history
        self._clock, self._metrics, self._zone = clock, metrics, zone
        self._retention_days = retention_days
        self._day: date | None = None
        self.worker = Worker("links", self._turn, first_s=LOOK_S)

    def stop(self) -> None:
        """Write what the day has, and end."""
        self.worker.stop()
        if self._day is not None:
            self._write(self._day)

    def _turn(self) -> float:
        self.look()
        return LOOK_S

    def look(self) -> None:
        """Close the minute if one is over, with all that follows from it."""
        now_ms = self._clock()
        today = datetime.fromtimestamp(now_ms / 1000, self._zone).date()
        if self._day is None:
            self._day = today
            self._take_up(today)
        if not self._watch.turn(now_ms):
            return
        if today != self._day:
            self._write(self._day)
            with self._watch.reading():
                self._watch.counts.new_day()
            self._day = today
            link_days.expire(self._history, today - timedelta(days=self._retention_days))
        elif self._watch.minute % WRITE_EVERY == 0:
            self._write(today)
        self._tell()

    def _take_up(self, today: date) -> None:
        """Go on with the day as it was written, where no snapshot has brought it."""
        with self._watch.reading():
            counts = self._watch.counts
            if counts.day["count"].any():
                return
            for row in link_days.read(self._history, today, today):
                place = self._registry.gateway_index.get(row.gateway, -1)
                if 0 <= place < len(counts):
                    counts.take_day(place, row.figures, row.delays)

    def _write(self, day: date) -> None:
        sums = sums_of(self._watch, self._registry)
        rows = [
            LinkDay(day, told["gateway"], told["vendor"], told, sums.delays[i])
            for i, told in enumerate(gateway_rows(sums, self._registry))
        ]
        try:
            link_days.write(self._history, day, rows)
        except duckdb.Error as error:  # tried again in five minutes
            log.error("links.not_written", reason=str(error))

    def _tell(self) -> None:
        """Gauges of vendors: as many as there are makers, not as there are gateways."""
        metrics = self._metrics
        sums = sums_of(self._watch, self._registry)
        for told in vendor_rows(sums, self._registry, VENDORS):
            vendor = told["vendor"]
            for q in ("p50", "p99"):
                if told[f"delay_{q}_ms"] is not None:
                    metrics.link_delay.labels(vendor, q).set(told[f"delay_{q}_ms"] / 1000)
            for name in ("samples", "late", "missing", "repeats", "disordered", "rejected"):
                metrics.link_day.labels(vendor, name).set(told[name])
            for reason, n in told["refused"].items():
                metrics.link_refused.labels(vendor, reason).set(n)
            metrics.link_gaps.labels(vendor).set(told["gaps"])
            metrics.link_wrong_clocks.labels(vendor).set(told["wrong_clocks"])
