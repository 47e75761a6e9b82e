"""A running web over the real alert desk and a real database, with signals we set ourselves.

`House` fits monitor.web.ports.ServicePort. Only what lies below the alert line is stood in for:
values of lifts are set by the test, history is a drawn curve.
"""

from __future__ import annotations

import atexit
import csv
import json
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import uvicorn
from numpy.typing import NDArray
from prometheus_client import CollectorRegistry, Counter
from sqlalchemy import insert

from alerts.chains.chains_file import load_chains
from alerts.database.access import open_engine, reading, writing
from alerts.database.tables import app_user
from alerts.desk.alert_desk import AlertDesk
from alerts.directory.directory_file import load_directory
from alerts.directory.subjects import Subjects
from alerts.lifecycle.causes import load_causes
from alerts.migrations import migrate
from alerts.model import Evidence, FeedEvent, Transition
from alerts.notify.channel import Channel
from alerts.pages.links import Links
from alerts.pages.page import Pages, vocabulary_words
from alerts.replies.answers import Replies
from config.notify_settings import Notify
from config.settings import Ingest, Settings, Site
from config.text import Text
from devices.batch import TelemetryBatch
from devices.registry import cells, load_registry
from devices.registry.files import FILES, names_of
from devices.vocabulary import load_vocabulary
from monitor.channels import callbacks, open_push, reply_tokens
from monitor.detector import Detector
from monitor.incoming import Incoming
from monitor.intake import Intake
from monitor.link.view import LinksView
from monitor.link.watch import LinkWatch
from monitor.metrics import Metrics
from monitor.past import Past
from monitor.provisioning.claims import Claims
from monitor.provisioning.issuer import Issuer
from monitor.quarantine.view import QuarantineView
from monitor.registry.keeper import Keeper
from monitor.registry.registrar import Registrar
from monitor.registry.sightings import read_sightings
from monitor.registry.states import Book, Live
from monitor.store.history import History, QuarantineRow
from monitor.store.ledger import Ledger
from monitor.upstream.office import Upstream
from monitor.web.passwords import hash_password
from monitor.web.ports import HealthReport, Readiness, Readings
from monitor.web.server import Server
from tests.monitor.web.town import (
    FIRM_A,
    FIRM_B,
    PASSWORD,
    RULES,
    directory_of,
    reg_code,
    registry_of,
)
from tests.monitor.web.with_rules import WithRules


@cache
def _hash() -> str:
    """One costly hash for all tests; test_auth makes its own."""
    return hash_password(PASSWORD)


@cache
def _migrated() -> Path:
    """One database with all tables, copied for each test."""
    file = Path(tempfile.mkdtemp(prefix="liftwatch-")) / "empty.db"
    atexit.register(shutil.rmtree, file.parent, ignore_errors=True)
    migrate(f"sqlite:///{file}")
    return file


class DrawnHistory:
    """A lift that rides for a while and then stands between two floors."""

    def series(
        self, row: int, channel: str, from_ms: int, to_ms: int, points: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        load_vocabulary().index(channel)
        times = np.linspace(from_ms, to_ms, min(points, 400)).astype(np.int64)
        phase = (times - from_ms) / max(1, to_ms - from_ms)
        ride = np.where(phase < 0.55, np.sin(phase * 60 + row), 0.0)
        curves = {
            "speed": 1.75 * ride,
            "car_position": np.round(9 + 8 * np.where(phase < 0.55, np.sin(phase * 30), 0.4)),
            "door_state": np.where((phase < 0.55) & (np.abs(ride) < 0.2), 4.0, 2.0),
            "door_zone": (phase < 0.55) * 1.0,
            "people": np.round(3 * phase + 0.5),
        }
        return times, curves.get(channel, 5 + ride).astype(np.float32)


class KeptQuarantine(QuarantineView):
    """A real quarantine over a real history, opened when somebody looks."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._engine = house.engine
        self._wake = lambda: None

    @cached_property
    def _history(self) -> History:  # type: ignore[override]
        return History(self._house.settings.data_dir / "history", self._house.vocab)

    @cached_property
    def _intake(self) -> Intake:  # type: ignore[override]
        house = self._house
        return Intake(
            house.registry, house.vocab, Ledger(), Ingest(), 100, house.now_ms, Metrics()
        )  # fmt: skip

    def add(self, **changes: Any) -> None:
        row: dict[str, Any] = {
            "at_ms": int(time.time() * 1000), "gateway": "gw-1",
            "topic": "lift/v1/gw-1/telemetry", "reason": "out_of_range", "field": "speed",
            "value": "35.0", "limit": "-20..20 m/s", "lift": reg_code(0),
            "way_out": {"zh": "速度单位应为 m/s", "en": "speed is in m/s"},
            "payload": b'{"v":1,"boot":1,"seq":7,"values":{"speed":35.0}}',
        }  # fmt: skip
        row |= changes
        names = ("reason", "field", "value", "limit", "lift", "way_out")
        refusals = json.dumps([{name: row[name] for name in names}])
        told = QuarantineRow(
            row["at_ms"], row["gateway"], row["topic"], 1, 7, row["reason"], refusals,
            row["payload"], len(row["payload"]),
        )  # fmt: skip
        empty = TelemetryBatch.empty(len(self._house.vocab))
        self._history.append(empty, row["at_ms"], {}, [told])


class House(WithRules):
    """See the module's text."""

    def __init__(
        self, folder: Path, lifts: int = 24, notify: Notify | None = None, **web: Any
    ) -> None:
        self.settings = Settings(
            data_dir=folder,
            site=Site(folder=folder, name_zh="九龙坡区", name_en="Jiulongpo"),
            web=web,
            notify=notify or Notify(),
        )
        self.secret = b"s" * 32
        self.registry, self.directory = registry_of(lifts), directory_of()
        self.vocab, self.causes = load_vocabulary(), load_causes()
        shutil.copy(_migrated(), folder / "liftwatch.db")
        self.engine = open_engine(self.settings.database)
        self._write_site(folder)
        self.known = [lift.reg_code for lift in self.registry.lifts]
        self.keeper = Keeper(self.engine, self.registry, self.settings.registry, self.now_ms).open()
        links = Links(self.secret.hex(), "http://127.0.0.1", 24.0, prefix="/p/")
        pages = Pages(links, vocabulary_words(self.vocab), ZoneInfo("Asia/Shanghai"))
        self.desk = AlertDesk(
            self.engine, {r.id: r for r in RULES}, load_chains(), self.directory,
            Subjects(self.registry), pages,
        )  # fmt: skip
        replies = Replies(self.desk, reply_tokens(self.settings, self.secret), self.wake)
        self.channels: dict[str, Channel] = {}
        self.push = open_push(self.settings, self.desk, self.channels)
        self.incoming = Incoming(
            self.settings, replies, callbacks(self.settings, self.secret), self.channels
        )
        self.history, self.quarantine = DrawnHistory(), KeptQuarantine(self)
        self.metrics = CollectorRegistry()
        Counter("liftwatch_samples", "samples stored", registry=self.metrics).inc(3)
        self.values: dict[int, Readings] = {}
        self.wakes: list[Callable[[], None]] = []
        self.pulse_stands = False
        self.reasons: list[Text] = []

    @cached_property
    def link(self) -> LinkWatch:
        return LinkWatch(self.registry, Ledger(), 120_000)

    @cached_property
    def detector(self) -> Detector:
        return Detector(self.vocab, self.registry.columns(), len(self.registry))

    @cached_property
    def past(self) -> Past:
        return Past(self.quarantine._history, self.registry, lambda: self.detector)

    @cached_property
    def links(self) -> LinksView:
        return LinksView(self.link, self.registry, self.quarantine._history)

    @cached_property
    def upstream(self) -> Upstream:
        return Upstream(
            self.settings, self.quarantine._history, self.engine, self.registry, self.vocab,
            self.now_ms,
        )  # fmt: skip

    def _write_site(self, folder: Path) -> None:
        kinds: dict[str, list[Any]] = {
            "lifts.csv": self.registry.lifts,
            "gateways.csv": self.registry.gateways,
        }
        for name, ones in kinds.items():
            with (folder / name).open("w", encoding="utf-8", newline="") as stream:
                writer = csv.DictWriter(stream, names_of(FILES[name]))
                writer.writeheader()
                writer.writerows(cells(one) for one in ones)

    @property
    def issuer(self) -> Issuer:
        return Issuer(self.engine, self.settings, self.now_ms)

    @property
    def claims(self) -> Claims:
        return Claims(self.engine, self.issuer, self.registrar, self.now_ms, self.secret)

    @property
    def registrar(self) -> Registrar:
        return Registrar(self.engine, self.settings.site.folder, self.now_ms, self.take_up)

    def take_up(self) -> None:
        newer = load_registry(self.settings.site.folder, self.known)
        self.known += [lift.reg_code for lift in newer.lifts if lift.reg_code not in self.known]
        answered = self.keeper.answers()
        self.keeper.take_up(newer, self.now_ms(), answered)
        self.keeper.settle(answered)
        self.registry.take_up(newer)
        self.keeper.turn()
        book = self.settings.site.folder / "directory.toml"
        if book.exists():
            self.directory = load_directory(book, self.settings.site.timezone)
            self.desk.take_up(self.directory)

    def spoke(self, *rows: int) -> None:
        """These lifts have spoken, and so have their gateways."""
        mask = np.zeros(len(self.registry), np.bool_)
        mask[list(rows)] = True
        self.keeper.saw_rows(mask)
        self.keeper.turn()

    def book(self) -> Book:
        with reading(self.engine) as conn:
            seen = read_sightings(conn)
        live = Live(lambda row: None, lambda row: set(self.values.get(row, {})))
        return Book(self.registry, dict(self.keeper.entries), seen, self.now_ms(), 86_400_000, live)

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def pulse_ms(self) -> int:
        return 1 if self.pulse_stands else self.now_ms()

    def live(self, row: int) -> Readings:
        return self.values.get(row, {})

    def columns(self, names: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        last = np.zeros(len(self.registry), np.int64)
        values = np.full((len(self.registry), len(names)), np.nan, np.float32)
        for row, readings in list(self.values.items()):
            last[row] = max((at_ms for _, at_ms in readings.values()), default=0)
            values[row] = [readings.get(name, (np.nan, 0))[0] for name in names]
        return last, values

    def on_journal(self, wake: Callable[[], None]) -> None:
        self.wakes.append(wake)

    def readiness(self) -> Readiness:
        reasons = [reason.as_json() for reason in self.reasons]
        return {"ready": not reasons, "reasons": reasons}

    def health(self) -> HealthReport:
        return {
            **self.readiness(),
            "parts": [
                {"name": "broker", "text": {"zh": "消息服务器", "en": "broker"}, "ok": True,
                 "detail": {"zh": "已连接", "en": "connected"}},
            ],
            "figures": [
                {"name": "samples", "text": {"zh": "采样", "en": "samples"}, "value": 18234567.0,
                 "unit": ""},
            ],
            "gateways": [
                {"id": "gw-1", "vendor": "acme", "place": "龙湖花园", "state": "online",
                 "last_ms": self.now_ms() - 1200, "lifts": 12, "refused": 3, "gaps": 0},
                {"id": "gw-2", "vendor": "otis", "place": "万达广场", "state": "offline",
                 "last_ms": self.now_ms() - 600_000, "lifts": 12, "refused": 0, "gaps": 4},
            ],
        }  # fmt: skip

    # What tests do to it

    def users(self) -> None:
        for name, role, unit in (
            ("operator", "operator", None), ("admin", "admin", None),
            ("firm-a", "firm", FIRM_A), ("firm-b", "firm", FIRM_B),
        ):  # fmt: skip
            row = {"name": name, "role": role, "unit": unit, "password_hash": _hash()}
            with writing(self.engine) as connection:
                connection.execute(insert(app_user).values(row | {"created_ms": self.now_ms()}))

    def say(self, row: int, age_ms: int = 0, **values: float) -> None:
        at_ms = self.now_ms() - age_ms
        known = {"service_mode": 1.0, "car_status": 0.0, "door_state": 2.0, "people": 0.0}
        told = known | {"car_position": 5.0, "speed": 0.0} | values
        self.values[row] = {name: (value, at_ms) for name, value in told.items()}

    def raise_alert(
        self, lift: int = 0, rule: str = "1", people: int | None = 3, ago_s: float = 31
    ) -> int:
        """Raise an alert by a real transition; return its id."""
        now, since = self.now_ms(), self.now_ms() - round(ago_s * 1000)
        evidence = (
            Evidence("people", float(people or 0), since - 40_000),
            Evidence("door_zone", 0.0, since),
            Evidence("door_state", 2.0, since - 9_000),
            Evidence("speed", 0.0, since),
        )
        one = Transition(
            "lift", reg_code(lift), rule, True, now, since, bool(people), people, evidence
        )  # fmt: skip
        return self._told(self.desk.apply(now, [one]))

    def clear_alert(self, lift: int, rule: str, since_ms: int) -> None:
        now = self.now_ms()
        one = Transition("lift", reg_code(lift), rule, False, now, since_ms)
        self.desk.apply(now, [one])
        self.wake()

    def _told(self, events: list[FeedEvent]) -> int:
        self.wake()
        return next(e.alert_id for e in events if e.kind == "raised" and e.alert_id)

    def wake(self) -> None:
        for wake in self.wakes:
            wake()


class Running:
    """uvicorn in a thread, on a free port."""

    def __init__(self, app: Any, port: int) -> None:
        config = uvicorn.Config(
            app, "127.0.0.1", port, log_level="warning", timeout_graceful_shutdown=20
        )
        self.server = Server(config)
        self.url = f"http://127.0.0.1:{port}"
        self.thread = threading.Thread(target=self.server.run, daemon=True)

    def stop(self) -> None:
        self.server.should_exit = True
        self.thread.join(10)
        assert not self.thread.is_alive()
