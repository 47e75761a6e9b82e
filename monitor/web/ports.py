"""What the web needs of the service, and nothing more.

`monitor.service` gives one object that fits `ServicePort`. All methods may be called from worker
threads; none may block longer than a query does. Texts always carry both languages.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, Protocol, TypedDict

import numpy as np
from numpy.typing import NDArray
from prometheus_client import CollectorRegistry
from sqlalchemy import Engine

from alerts.desk.alert_desk import AlertDesk
from alerts.directory.units import Directory
from alerts.lifecycle.causes import Causes
from alerts.model import Actor
from alerts.notify.channel import Channel
from alerts.notify.subscriptions import Subscriptions
from config.settings import Settings
from devices.registry import Registry
from devices.vocabulary import Vocabulary
from monitor.admin.rulebook import RuleBook
from monitor.admin.trials import Trials
from monitor.incoming import Incoming
from monitor.past import Past
from monitor.provisioning.claims import Claims
from monitor.provisioning.issuer import Issuer
from monitor.quarantine.choice import Choice
from monitor.quarantine.runs import Kind, Run
from monitor.registry.registrar import Registrar
from monitor.registry.states import Book
from monitor.store.quarantine import Group, Kept

BothLanguages = Mapping[str, str]
"""`{"zh": …, "en": …}`, as `config.text.Text.as_json` gives it."""

Readings = Mapping[str, tuple[float, int]]
"""Channel → (value, epoch ms it was measured)."""


class HistoryPort(Protocol):
    """The history store, read only."""

    def series(
        self, row: int, channel: str, from_ms: int, to_ms: int, points: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return times (epoch ms, rising) and values of one channel of one lift.

        At most about `points` of them, thinned so that extremes survive; empty when there is
        nothing. Raises KeyError for an unknown channel.
        """
        ...


class QuarantineRow(TypedDict):
    """One refused message or field; `payload` holds at most the first 4 KiB of its bytes.

    `state`: open, replayed or dropped; when and by whom it ended, and why.
    """

    id: int
    at_ms: int
    gateway: str
    topic: str
    reason: str
    field: str | None
    value: str | None
    limit: str | None
    lift: str | None
    way_out: BothLanguages
    size: int
    payload: bytes
    state: str
    ended_ms: int | None
    ended_by: str | None
    why: str | None


class QuarantinePort(Protocol):
    """What was refused and kept."""

    def recent(self, limit: int, before_id: int | None, choice: Choice) -> Sequence[QuarantineRow]:
        """Return the refusals of the newest `limit` messages that fit, newest first.

        Refusals of one message share its id; `before_id` keeps those with a smaller one.
        """
        ...

    def messages(self, limit: int, before_id: int | None, choice: Choice) -> Sequence[Kept]:
        """Return the newest `limit` messages that fit, newest first."""
        ...

    def groups(self, choice: Choice) -> Sequence[Group]:
        """Return what fits by reason, the most frequent first."""
        ...

    def one(self, number: int) -> Kept | None:
        """Return a message with all its bytes."""
        ...

    def today(self, kept: Kept) -> Mapping[str, Any]:
        """Return what today's configuration would take of it: samples, messages, bursts, and
        the refusals that remain."""
        ...

    def ask(self, kind: Kind, choice: Choice, actor: Actor, now_ms: int, why: str | None) -> int:
        """Ask for a second try (replay), a look at one (try) or an end without one (drop)."""
        ...

    def runs(self, limit: int, before: int | None = None) -> Sequence[Run]:
        """Return what was asked for, newest first."""
        ...

    def run(self, number: int) -> Run | None:
        """Return one of them."""
        ...


class LinksPort(Protocol):
    """Link quality: figures as docs/links.md tells them."""

    def gateways(self) -> Sequence[dict[str, Any]]:
        """Return today's figures of each gateway and its last hour by the minute, worst first."""
        ...

    def vendors(self) -> Sequence[dict[str, Any]]:
        """Return today's figures by vendor."""
        ...

    def lifts(self, gateway: str) -> Sequence[dict[str, Any]]:
        """Return the clocks of a gateway's lifts."""
        ...

    def days(
        self, first: date, last: date, gateway: str | None, vendor: str | None
    ) -> Sequence[dict[str, Any]]:
        """Return the figures of each day of a span."""
        ...


class HealthPart(TypedDict):
    """One part of the service; `detail` says what is wrong, or what is good, with figures."""

    name: str
    text: BothLanguages
    ok: bool
    detail: BothLanguages


class GatewayHealth(TypedDict):
    """One gateway; `state` is online, offline or unknown; ms are epoch, None = never."""

    id: str
    vendor: str
    place: str
    state: str
    last_ms: int | None
    lifts: int
    refused: int
    gaps: int


class Figure(TypedDict):
    """One number a person may ask for, e.g. samples a second."""

    name: str
    text: BothLanguages
    value: float
    unit: str


class UpstreamPort(Protocol):
    """The platforms above."""

    def report(self) -> list[dict[str, Any]]:
        """Return a row a platform: what it wants, how far behind, trouble."""
        ...

    def deliveries(self, name: str, most: int, stream: str | None = None) -> list[dict[str, Any]]:
        """Return the newest deliveries of a platform. Raises KeyError."""
        ...


class Readiness(TypedDict):
    """`ready` is False while alerts may be missed; `reasons` then says why."""

    ready: bool
    reasons: Sequence[BothLanguages]


class HealthReport(Readiness):
    """That, part by part, and figures."""

    parts: Sequence[HealthPart]
    figures: Sequence[Figure]
    gateways: Sequence[GatewayHealth]


class ServicePort(Protocol):
    """The running service as the web sees it."""

    @property
    def settings(self) -> Settings: ...
    @property
    def secret(self) -> bytes:
        """At least 32 random bytes, kept over restarts: signs sessions and links."""
        ...

    @property
    def engine(self) -> Engine:
        """The alert database, for `alerts.desk.queries` and the users' table."""
        ...

    @property
    def desk(self) -> AlertDesk: ...
    @property
    def incoming(self) -> Incoming:
        """Answers and receipts that come by HTTP."""
        ...

    @property
    def registry(self) -> Registry: ...
    @property
    def directory(self) -> Directory: ...
    @property
    def metrics(self) -> CollectorRegistry:
        """What /metrics shows."""
        ...

    @property
    def causes(self) -> Causes:
        """What people may file as a cause."""
        ...

    @property
    def vocab(self) -> Vocabulary: ...
    @property
    def history(self) -> HistoryPort: ...
    @property
    def past(self) -> Past:
        """Curves, trips, normal, messages, visits and quality of one lift."""
        ...

    @property
    def quarantine(self) -> QuarantinePort: ...
    @property
    def links(self) -> LinksPort: ...

    @property
    def registrar(self) -> Registrar:
        """What changes the registry; its acts count at once."""
        ...

    @property
    def rulebook(self) -> RuleBook:
        """The rules, by file and by desk; what is saved there counts at once."""
        ...

    @property
    def trials(self) -> Trials:
        """Back-tests of changed rules."""
        ...

    @property
    def channels(self) -> Mapping[str, Channel]:
        """The ways pages leave the house, by name."""
        ...

    @property
    def issuer(self) -> Issuer:
        """Gives out and takes back credentials of gateways."""
        ...

    @property
    def claims(self) -> Claims:
        """Codes by which gateways register themselves."""
        ...

    @property
    def push(self) -> Subscriptions:
        """Browsers that people have pushed to."""
        ...

    def book(self) -> Book:
        """Return all that is known of lifts and gateways at this moment."""
        ...

    @property
    def upstream(self) -> UpstreamPort: ...

    def now_ms(self) -> int:
        """Wall time of the service (in a demo at speed: its simulated time)."""
        ...

    def pulse_ms(self) -> int:
        """When the pipeline last finished a turn; moves on even while no data come.

        Consoles show a banner when it, or the feed itself, has not moved for 3 s.
        """
        ...

    def live(self, row: int) -> Readings:
        """Return the last value of each channel of a lift; empty before its first sample."""
        ...

    def readiness(self) -> Readiness:
        """Return whether it is ready, quickly, whatever else is going on."""
        ...

    def columns(self, names: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return of every row of the registry when it last said anything, and what.

        Times int64[N] (epoch ms, 0 = never) and values float32[N, len(names)], NaN where never
        said; copies. Raises KeyError for a channel that there is not.
        """
        ...

    def health(self) -> HealthReport: ...

    def on_journal(self, wake: Callable[[], None]) -> None:
        """Call `wake` (from any thread) after each commit that wrote to the journal.

        Only shortens the way: the feed finds new entries by itself within half a second.
        """
        ...


def fresh_ms(port: ServicePort, reg_code: str) -> int:
    """Return the age in ms beyond which the values of a lift count as stale."""
    lift = port.registry.find(reg_code)
    return stale_after_ms(lift.period_s if lift else 0.0)


def stale_after_ms(period_s: float) -> int:
    """Return `fresh_ms` of a lift that speaks every `period_s` seconds.

    Three periods, at least 10 s (domain default: rule 23 counts three periods).
    """
    return int(max(10.0, 3 * period_s) * 1000)
