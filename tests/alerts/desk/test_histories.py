"""Ten thousand random histories of lifecycle × chain × restart × double taps × shelving × time.

A RuleBasedStateMachine draws each step through its own engine, and with a migrated database a
history it makes some dozens in a minute (test_stateful.py is that one, and it shrinks). Here a
seed draws many short histories at once, each a car of its own on one shared database, and a plain
model of one car says after every round what must be: the winner of each tap, the states, and
exactly who was called. A failure names the seed and tells the car's whole history.
"""

from __future__ import annotations

import os
import random
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import orjson
import pytest
from sqlalchemy import Engine, event, select

from alerts.chains.chains_file import load_chains
from alerts.chains.ladder import Chains
from alerts.database.access import open_engine, reading
from alerts.database.tables import alert, journal, outbox
from alerts.desk import accepting
from alerts.desk.alert_desk import AlertDesk
from alerts.directory.directory_file import load_directory
from alerts.directory.subjects import Subjects
from alerts.directory.units import Directory
from alerts.journal import audit
from alerts.migrations import migrate
from alerts.model import Actor, Step, Transition
from alerts.pages.links import Links
from alerts.pages.page import Pages, plain_words
from devices.registry import Gateway, Registry
from tests.alerts.conftest import OPERATOR, RULES, T0, TZ, cleared, directory_toml, lift, raised
from tests.naive.desk import Alert, Car, Rule, Rung

HISTORIES = int(os.environ.get("LIFTWATCH_HISTORIES", "10000"))
CARS, PARTS = 250, 4
SHORT, LONG = 2, 10
"""Rounds of a night: most are short, every twentieth is long."""
SEEDS = [range(part, HISTORIES // CARS, PARTS) for part in range(PARTS)]
# Every kind of `until`, and fewer rungs than a city's: what is tested is that they are kept.
RUNGS = {
    "R": (
        ("desk", 0, "operator", "acknowledged freed"),
        ("use_unit", 0, "use_unit", "answered:use_unit freed"),
        ("maintenance", 0, "maintenance", "accepted freed"),
        ("deputy", 60, "maintenance_deputy", "answered:maintenance accepted freed"),
        ("public", 300, "bureau", "accepted freed"),
        ("overdue", 900, "street_office", "arrived freed"),
        ("accident", 7200, "bureau_leader", "freed"),
    ),
    "F": (
        ("maintenance", 0, "maintenance", "acknowledged"),
        ("manager", 900, "maintenance_manager", "acknowledged"),
        ("street_office", 86_400, "street_office", ""),
    ),
}


def chains_toml() -> str:
    parts = ["version = 1\n[profile.urban]\narrival_s = 900\n"]
    for name in "RFAOU":
        parts.append(f"[chain.{name}]\nrescue = {str(name == 'R').lower()}\n")
        parts.append('name_zh = "链"\nname_en = "chain"\n')
        for ident, after_s, role, until in RUNGS["R" if name == "R" else "F"]:
            parts.append(
                f'[[chain.{name}.step]]\nid = "{ident}"\nafter_s = {after_s}\nto = ["{role}"]\n'
                f'until = {until.split()}\nname_zh = "步"\nname_en = "step"\n'
            )
    return "".join(parts)


def _chains() -> Chains:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "chains.toml"
        file.write_text(chains_toml(), "utf-8")
        return load_chains(file)


CHAINS = _chains()
LIFTS = Registry(
    [lift(f"311050010020150{n:05d}") for n in range(CARS)], [Gateway("g1", "acme", "3 栋机房")]
)
PEOPLE = {"zhang": "maintenance", "li": "maintenance", "pm1": "use_unit"}
STEPS = (
    "acknowledge", "acknowledge", "accept", "accept", "arrive", "free", "file_cause", "verify",
    "cancel", "depart", "shelve", "shelve", "unshelve",
)  # fmt: skip
JUMPS_S = (5, 31, 65, 200, 400, 800, 1000, 3700, 7300, 90_000)


def rungs(chains: Chains, name: str) -> list[Rung]:
    steps = chains.of(name).steps
    return [Rung(s.id, s.due_ms(0, chains.profiles[chains.profile]), s.until) for s in steps]


MODEL_CHAINS = {name: rungs(CHAINS, name) for name in ("R", "F", "F+bureau")}
MODEL_RULES = [
    Rule(r.id, r.latched, r.chain, r.chain_with_people or r.chain)
    for r in (RULES[name] for name in ("1", "4", "9", "11", "16", "16"))
]


@dataclass
class History:
    """One car: what the model holds of it, what was done to it, and which alerts are its own."""

    code: str
    car: Car
    since: Transition | None = None
    told: list[str] = field(default_factory=list)
    ids: list[int] = field(default_factory=list)

    def fail(self, seed: int, why: str) -> str:
        return f"seed {seed}, rule {self.car.rule.id}: {why}\n" + "\n".join(self.told)


@dataclass
class Night:
    """All cars of one seed on one database."""

    seed: int
    url: str
    directory: Directory
    histories: list[History] = field(default_factory=list)
    engine: Engine = field(init=False)
    desk: AlertDesk = field(init=False)
    now: int = T0
    last_line: int = 0
    called: dict[int, list[str]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        self.draw = random.Random(self.seed)
        self.restart(first=True)
        for one in LIFTS.lifts:
            rule = self.draw.choice(MODEL_RULES)
            self.histories.append(History(one.reg_code, Car(rule, MODEL_CHAINS)))

    def restart(self, first: bool = False) -> None:
        if not first:
            self.engine.dispose()
        self.engine = open_engine(self.url)
        event.listen(self.engine, "connect", _fast)
        pages = Pages(Links("secret", "http://127.0.0.1:8080"), plain_words, TZ)
        self.desk = AlertDesk(
            self.engine, RULES, CHAINS, self.directory, Subjects(LIFTS), pages
        )  # fmt: skip

    def play(self) -> None:
        for _ in range(SHORT if self.seed % 20 else LONG):
            self.signals()
            self.taps()
            if self.draw.random() < 0.3:
                self.restart()
            self.time()
            self.check()
        with reading(self.engine) as conn:
            assert list(audit.check(conn)) == []
        self.engine.dispose()

    # -- what happens -------------------------------------------------------------------

    def signals(self) -> None:
        """One batch with what all cars report."""
        batch = []
        for one in self.histories:
            change = self.signal(one)
            if change is not None:
                one.told.append(f"{self.now - T0} {change.raised=} {change.with_people=}")
                batch.append(change)
        if self.draw.random() < 0.3:  # a batch may be delivered twice
            self.desk.apply(self.now, batch)
            again = self.desk.apply(self.now, batch)
            assert again == [], f"seed {self.seed}: a repeat changed things"
            return
        self.desk.apply(self.now, [one for one in batch if one.raised])
        with mock.patch.object(accepting, "AT_ONCE", 0):  # taps and time may come before them
            self.desk.accept(self.now, [one for one in batch if not one.raised])

    def signal(self, one: History) -> Transition | None:
        luck, people = self.draw.random(), self.draw.random() < 0.3
        people = people or one.car.rule.chain == "R"
        if one.since is None:
            if luck > 0.75 and one.car.alerts:
                return None
            one.since = raised(
                one.car.rule.id, one.code, self.now, self.now, people=2 if people else None
            )
            one.car.onset(self.now, people)
            return one.since
        if luck < 0.25:
            gone, one.since = cleared(one.since, self.now), None
            one.car.clear(self.now)
            return gone
        if luck < 0.40:
            one.car.people_come(self.now)
            since = one.since.since_ms
            return raised(one.car.rule.id, one.code, self.now, since, people=2)
        return None

    def taps(self) -> None:
        for one in self.histories:
            if self.draw.random() < 0.4:
                self.tap(one)
            elif self.draw.random() < 0.06:
                self.service(one)

    def tap(self, one: History) -> None:
        if len(one.ids) < len(one.car.alerts):
            self.learn_ids()
        which = self.draw.choice([-1, -1, -1, 0])
        step = self.draw.choice(STEPS)
        until = self.now + self.draw.choice((600, 3600, 86_400)) * 1000
        for _ in range(self.draw.choice((1, 1, 2))):  # somebody else taps the same
            who = self.draw.choice(("operator", "operator", "zhang", "li", "pm1"))
            expected = one.car.tap(one.car.alerts[which], step, PEOPLE.get(who), self.now, until)
            actor = self.actor(who)
            got = self.desk.act(
                one.ids[which], Step(step), actor, self.now, "c", "c", until_ms=until
            )
            one.told.append(f"{self.now - T0} {who} {step} #{which}: {expected}")
            said = "moved" if got.changed else "already" if got.ok else "refused"
            assert said == expected, one.fail(self.seed, f"{got.text.en!r} not {expected}")

    def actor(self, who: str) -> Actor:
        found = OPERATOR if who == "operator" else self.directory.actor(who)
        assert found is not None
        return found

    def service(self, one: History) -> None:
        until = self.now + self.draw.choice((900, 7200)) * 1000
        if self.draw.random() < 0.7:
            expected = one.car.take_out(self.now, until)
            got = self.desk.take_out_of_service(one.code, OPERATOR, self.now, "r", until)
        else:
            expected = one.car.return_(self.now)
            got = self.desk.return_to_service(one.code, OPERATOR, self.now)
        one.told.append(f"{self.now - T0} service: {expected} until {until - T0}")
        said = "moved" if got.changed else "already" if got.ok else "refused"
        assert said == expected, one.fail(self.seed, got.text.en)

    def time(self) -> None:
        self.now += self.draw.choice(JUMPS_S) * 1000
        for one in self.histories:
            one.car.tick(self.now)
            one.told.append(f"{self.now - T0} tick")
        self.desk.tick(self.now)
        assert self.desk.tick(self.now) == [], f"seed {self.seed}: something fired twice"

    # -- what must be -------------------------------------------------------------------

    def learn_ids(self) -> None:
        by_code = {one.code: one for one in self.histories}
        for one in self.histories:
            one.ids = []
        with reading(self.engine) as conn:
            for number, code in conn.execute(select(alert.c.id, alert.c.subject)):
                by_code[code].ids.append(number)

    def check(self) -> None:
        while self.desk.waiting:
            self.desk.work_off(self.now)
        self.learn_ids()
        with reading(self.engine) as conn:
            rows = {row["id"]: row for row in conn.execute(select(alert)).mappings()}
            lines = conn.execute(
                select(journal.c.id, journal.c.alert_id, journal.c.data)
                .where(journal.c.kind == "paged", journal.c.id > self.last_line)
                .order_by(journal.c.id)
            )
            for number, about, data in lines:
                self.last_line = number
                self.called[about].append(orjson.loads(data)["step"])
            waiting = defaultdict(set)
            due = select(outbox.c.alert_id, outbox.c.step).where(outbox.c.state == "due")
            for about, step in conn.execute(due):
                waiting[about].add(step)
        for one in self.histories:
            assert len(one.ids) == len(one.car.alerts), one.fail(self.seed, "alerts")
            for number, model in zip(one.ids, one.car.alerts, strict=True):
                self.compare(one, model, rows[number], self.called[number], waiting[number])

    def compare(
        self, one: History, model: Alert, row: Any, called: list[str], waiting: set[str]
    ) -> None:
        expected = (model.alarm, model.rescue, model.aside, model.active, model.chain)
        got = (
            row["alarm_state"], row["rescue_state"], row["aside"], row["cleared_ms"] is None,
            row["chain"],
        )  # fmt: skip
        assert got == expected, one.fail(self.seed, f"{got} not {expected}")
        assert called == model.called, one.fail(self.seed, f"called {called} not {model.called}")
        needless = {rung.id for rung in MODEL_CHAINS[model.chain] if one.car._needless(model, rung)}
        late = waiting & needless if model.aside == "none" else waiting
        assert not late, one.fail(self.seed, f"still to be sent: {late}")
        life = row["with_people"] or row["rescue_state"] != "none"
        assert not (life and row["aside"] != "none"), one.fail(self.seed, "life safety set aside")


def _fast(connection: Any, _record: Any) -> None:
    # A crash of the machine is no part of this; SIGKILL has a test of its own.
    connection.execute("PRAGMA synchronous = OFF")


@pytest.fixture(scope="module")
def blank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Directory]]:
    folder = tmp_path_factory.mktemp("histories")
    migrate(f"sqlite:///{folder / 'blank.db'}")
    (folder / "directory.toml").write_text(directory_toml(lambda _: "mqtt = true"), "utf-8")
    yield folder, load_directory(folder / "directory.toml")


@pytest.mark.parametrize("part", range(PARTS))
def test_histories(blank: tuple[Path, Directory], part: int) -> None:
    folder, directory = blank
    for seed in SEEDS[part]:
        file = folder / f"night-{part}.db"
        shutil.copy(folder / "blank.db", file)
        Night(seed, f"sqlite:///{file}", directory).play()
        for left in folder.glob(f"{file.name}*"):
            left.unlink()
