"""The running service as the web sees it: fits monitor.web.ports.ServicePort."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from prometheus_client import CollectorRegistry
from sqlalchemy import Engine

from alerts.desk.alert_desk import AlertDesk
from alerts.directory.units import Directory
from alerts.lifecycle.causes import Causes
from config.settings import Settings
from devices.registry import Registry
from devices.vocabulary import Vocabulary
from monitor.health import report
from monitor.incoming import Incoming
from monitor.link.view import LinksView
from monitor.quarantine.view import QuarantineView
from monitor.store.history import History
from monitor.store.series import series
from monitor.web.ports import HealthReport, Readings

if TYPE_CHECKING:
    from monitor.service import Service


class HistoryView:
    """History for charts."""

    def __init__(self, history: History) -> None:
        self._history = history

    def series(
        self, row: int, channel: str, from_ms: int, to_ms: int, points: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return times and values; a bucket with a spread gives its least and its greatest."""
        found = series(self._history, row, channel, from_ms, to_ms, max(1, points // 2))
        spread = found.lo != found.hi
        times = np.concatenate([found.ts_ms, found.ts_ms[spread] + 1])
        values = np.concatenate([np.where(spread, found.lo, found.mean), found.hi[spread]])
        order = np.argsort(times, kind="stable")
        return times[order], values[order].astype(np.float32)


class Port:
    """A thin view; all state is the service's."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self.history = HistoryView(service.history)
        self.links = LinksView(service.link, service.registry, service.history)
        self.quarantine = QuarantineView(
            service.history, service.intake, service.engine, service.replayer.wake
        )

    @property
    def settings(self) -> Settings:
        """The site's settings."""
        return self._service.settings

    @property
    def secret(self) -> bytes:
        """Signs sessions and links."""
        return self._service.secret

    @property
    def engine(self) -> Engine:
        """The alert database."""
        return self._service.engine

    @property
    def desk(self) -> AlertDesk:
        """The alert desk."""
        return self._service.desk

    @property
    def incoming(self) -> Incoming:
        """Answers and receipts that come by HTTP."""
        return self._service.incoming

    @property
    def registry(self) -> Registry:
        """Lifts and gateways."""
        return self._service.registry

    @property
    def directory(self) -> Directory:
        """Units and contacts."""
        return self._service.directory

    @property
    def causes(self) -> Causes:
        """What people may file as a cause."""
        return self._service.causes

    @property
    def vocab(self) -> Vocabulary:
        """Channels and codes."""
        return self._service.vocab

    @property
    def metrics(self) -> CollectorRegistry:
        """What /metrics shows."""
        return self._service.metrics.registry

    def now_ms(self) -> int:
        """The service's time."""
        return self._service.clock()

    def pulse_ms(self) -> int:
        """When the pipeline last finished a turn."""
        return self._service.pipeline.pulse_ms

    def live(self, row: int) -> Readings:
        """Last value of each channel of a lift.

        Straight from the tables: a wall of lifts asks for hundreds, every two seconds.
        """
        fleet = self._service.detector.fleet
        values, times = fleet.values.data[row].tolist(), fleet.reported.data[row].tolist()
        said = zip(fleet.values.names, values, times, strict=True)
        return {name: (value, at_s * 1000) for name, value, at_s in said if not math.isnan(value)}

    def health(self) -> HealthReport:
        """What the service knows of itself."""
        return report(self._service)

    def on_journal(self, wake: Callable[[], None]) -> None:
        """Call `wake` after commits that wrote to the journal."""
        self._service.wakes.append(wake)
