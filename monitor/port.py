"""The running service as the web sees it: fits monitor.web.ports.ServicePort."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import structlog
from numpy.typing import NDArray
from prometheus_client import CollectorRegistry
from sqlalchemy import Engine

from alerts.database.access import reading
from alerts.desk.alert_desk import AlertDesk
from alerts.directory.units import Directory
from alerts.lifecycle.causes import Causes
from alerts.notify.channel import Channel
from alerts.notify.subscriptions import Subscriptions
from alerts.rules import RuleSet
from config.settings import Settings
from devices.registry import Registry
from devices.vocabulary import Vocabulary
from monitor.admin.rulebook import RuleBook
from monitor.admin.trials import Trials
from monitor.health import readiness, report
from monitor.incoming import Incoming
from monitor.link.view import LinksView
from monitor.past import Past
from monitor.provisioning.claims import Claims
from monitor.provisioning.issuer import Issuer
from monitor.quarantine.view import QuarantineView
from monitor.registry.registrar import Registrar
from monitor.registry.sightings import read_sightings
from monitor.registry.states import Book, Live
from monitor.store.history import History
from monitor.store.series import series
from monitor.upstream.office import Upstream
from monitor.web.ports import HealthReport, Readiness, Readings

if TYPE_CHECKING:
    from monitor.service import Service

log = structlog.get_logger()
TAKE_UP_S = 10.0


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


def book_of(service: Service) -> Book:
    """Return all that is known of lifts and gateways at this moment."""
    fleet, answers = service.detector.fleet, service.answers

    def last_ms(row: int) -> int | None:
        return max(int(fleet.at_ms[row]), 0) or None

    def channels(row: int) -> set[str]:
        said = np.flatnonzero(~np.isnan(fleet.values.data[row]))
        return {fleet.values.names[i] for i in said.tolist()}

    with reading(service.engine) as conn:
        seen = read_sightings(conn)
    heard = {name: one.at_ms for name, one in list(answers.heard.items())}
    settled_ms = round(service.settings.registry.settled_hours * 3_600_000)
    return Book(
        service.registry,
        dict(service.keeper.entries),
        seen,
        service.clock(),
        settled_ms,
        Live(last_ms, channels, heard),
    )


class Port:
    """A thin view; all state is the service's."""

    def __init__(self, service: Service) -> None:
        self._service = service
        service.rulebook.take_up = self._rules
        self.history = HistoryView(service.history)
        self.past = Past(service.history, service.registry, lambda: service.detector)
        self.links = LinksView(service.link, service.registry, service.history)
        self.quarantine = QuarantineView(
            service.history, service.intake, service.engine, service.replayer.worker.wake
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
    def registrar(self) -> Registrar:
        """What changes the registry."""
        service = self._service
        folder = service.settings.site.folder
        return Registrar(service.engine, folder, service.clock, self._take_up)

    def _take_up(self) -> None:
        """Have the site's files count, and wait until they do."""
        if not self._service.take_up_site().wait(TAKE_UP_S):
            log.warning("site.slow", waited_s=TAKE_UP_S)  # it will, once the batch at hand is done
        self._service.keeper.write()

    @property
    def rulebook(self) -> RuleBook:
        """The rules: file and desk."""
        return self._service.rulebook

    def _rules(self, rules: RuleSet) -> None:
        """Have rules count, and wait until they do."""
        if not self._service.take_up_rules(rules).wait(TAKE_UP_S):
            log.warning("rules.slow", waited_s=TAKE_UP_S)  # they will, after the batch at hand

    @property
    def trials(self) -> Trials:
        """Back-tests of changed rules."""
        return self._service.trials

    @property
    def channels(self) -> Mapping[str, Channel]:
        """Ways out by name."""
        return self._service.channels

    @property
    def issuer(self) -> Issuer:
        """Gives out and takes back credentials."""
        return self._service.issuer

    @property
    def claims(self) -> Claims:
        """Codes by which gateways register themselves."""
        service = self._service
        return Claims(service.engine, service.issuer, self.registrar, service.clock, service.secret)

    @property
    def push(self) -> Subscriptions:
        """Browsers that people have pushed to."""
        return self._service.push

    def book(self) -> Book:
        """All that is known of lifts and gateways."""
        return book_of(self._service)

    @property
    def metrics(self) -> CollectorRegistry:
        """What /metrics shows."""
        return self._service.metrics.registry

    @property
    def upstream(self) -> Upstream:
        """The platforms above."""
        return self._service.upstream

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

    def readiness(self) -> Readiness:
        """Whether alerts are certain to come."""
        return readiness(self._service)

    def columns(self, names: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """When each row last said anything, and its last values."""
        fleet = self._service.detector.fleet
        chosen = [fleet.values.index[name] for name in names]
        return np.maximum(fleet.seen_ms, 0), fleet.values.data[:, chosen]

    def health(self) -> HealthReport:
        """What the service knows of itself."""
        return report(self._service)

    def on_journal(self, wake: Callable[[], None]) -> None:
        """Call `wake` after commits that wrote to the journal."""
        self._service.wakes.append(wake)
