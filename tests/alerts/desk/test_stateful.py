"""Lifecycle × chain × restart × double taps × failing receivers, in any order."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path
from typing import Any
from unittest import mock

import hypothesis.strategies as st
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import select

from alerts.chains.chains_file import load_chains
from alerts.database.access import reading
from alerts.database.tables import alert, outbox, timer
from alerts.desk import accepting
from alerts.directory.directory_file import load_directory
from alerts.journal import audit, journal
from alerts.lifecycle.moves import RESCUE_ORDER
from alerts.model import RescueState, Step, Transition
from alerts.notify.channel import Receipt
from alerts.notify.queue import RetryPolicy
from tests.alerts.conftest import CAR, CAR_2, OPERATOR, T0, House, cleared, directory_toml, raised
from tests.support import by_hand

POLICY = RetryPolicy(attempts=50, first_s=1, cap_s=10, lease_s=20)
CARS, RULE_IDS = (CAR, CAR_2), ("1", "3", "4", "9", "11", "16")
PEOPLE = ("operator", "operator", "zhang", "li", "pm1", "station1")
STEPS = (
    Step.ACKNOWLEDGE, Step.ACKNOWLEDGE, Step.ACCEPT, Step.ACCEPT, Step.ARRIVE, Step.FREE,
    Step.FILE_CAUSE, Step.VERIFY, Step.CANCEL, Step.SHELVE, Step.UNSHELVE,
)  # fmt: skip
CHAINS = load_chains()
ACCEPTED_STOPS = {step.id for step in CHAINS.of("R").steps if "accepted" in step.until}
FREED_STOPS = {step.id for step in CHAINS.of("R").steps if "freed" in step.until}


class Night(RuleBasedStateMachine):
    """One night at the desk; `active` is what the rule engine holds true."""

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        file = Path(self.folder.name) / "directory.toml"
        file.write_text(directory_toml(lambda _: "mqtt = true"), "utf-8")
        self.house = House(f"sqlite:///{self.folder.name}/night.db", load_directory(file))
        self.now = T0
        self.active: dict[tuple[str, str], Transition] = {}
        self.sent: list[tuple[str, int]] = []  # (key, newest journal line when it was sent)
        self.rescue: dict[int, int] = {}
        for which in ("1", "9"):
            self.active[(CAR, which)] = raised(which, CAR, T0)
            self.apply(self.active[(CAR, which)])

    def teardown(self) -> None:
        if not hasattr(self, "house"):
            return
        try:
            self.check_the_journal()
        finally:
            self.house.engine.dispose()
            self.folder.cleanup()

    @rule(car=st.sampled_from(CARS), which=st.sampled_from(RULE_IDS), people=st.booleans())
    def condition_comes(self, car: str, which: str, people: bool) -> None:
        self.now += 500
        count = 2 if people or which in ("1", "3", "11") else None
        if (car, which) not in self.active:
            self.active[(car, which)] = raised(which, car, self.now, people=count)
            self.apply(self.active[(car, which)])

    @precondition(lambda self: self.active)
    @rule(data=st.data())
    def condition_goes(self, data: st.DataObject) -> None:
        self.now += 500
        key = data.draw(st.sampled_from(sorted(self.active)))
        self.apply(cleared(self.active.pop(key), self.now))

    @precondition(lambda self: self.active)
    @rule(data=st.data())
    def condition_goes_and_waits(self, data: st.DataObject) -> None:
        """Accepted, and worked off after a tap, after a time, or after a restart."""
        self.now += 500
        one = cleared(self.active.pop(data.draw(st.sampled_from(sorted(self.active)))), self.now)
        with mock.patch.object(accepting, "AT_ONCE", 0):
            self.house.desk.accept(self.now, [one])

    @rule()
    def work_off(self) -> None:
        self.now += 500
        while self.house.desk.waiting:
            self.house.desk.work_off(self.now)

    def apply(self, one: Transition) -> None:
        self.work_off()
        self.house.desk.apply(self.now, [one])
        assert self.house.desk.apply(self.now, [one]) == []  # the batch is delivered twice

    @rule(data=st.data(), step=st.sampled_from(STEPS), who=st.sampled_from(PEOPLE))
    def tap_twice(self, data: st.DataObject, step: Step, who: str) -> None:
        self.now += 1000
        number = data.draw(st.sampled_from([a["id"] for a in self.house.alerts(open_only=False)]))
        said = {"comment": "c", "cause": "c", "until_ms": self.now + 1_800_000}
        first = self.house.act(number, step, who, self.now, **said)
        second = self.house.act(number, step, who, self.now + 1, **said)
        assert first.text.zh and first.text.en
        assert not second.changed
        assert second.ok or not first.ok

    @rule(seconds=st.sampled_from([1, 20, 31, 130, 700, 3600]))
    def time_passes(self, seconds: int) -> None:
        self.now += seconds * 1000
        self.house.desk.tick(self.now)
        assert self.house.desk.tick(self.now) == []

    @rule(car=st.sampled_from(CARS), out=st.booleans())
    def service(self, car: str, out: bool) -> None:
        self.now += 1000
        if out:
            self.house.desk.take_out_of_service(car, OPERATOR, self.now, "c", self.now + 900_000)
        else:
            self.house.desk.return_to_service(car, OPERATOR, self.now)

    @rule()
    def restart(self) -> None:
        self.house.restart()

    @rule(outcome=st.sampled_from(["delivered", "failed", "vanished"]), count=st.integers(1, 8))
    def deliver(self, outcome: str, count: int) -> None:
        engine = self.house.engine
        rows = by_hand.claim(engine, "mqtt", count, self.now, "w", 20_000)
        with reading(engine) as conn:
            newest = journal.last_id(conn)
        for row in rows:
            if outcome == "delivered":
                self.sent.append((row["key"], newest))
                assert by_hand.delivered(engine, row, "w", self.now, Receipt("ok"))
            elif outcome == "failed":
                assert by_hand.failed(engine, row, "w", self.now, POLICY, "down", False)

    @invariant()
    def nothing_is_told_twice_or_too_late(self) -> None:
        if not hasattr(self, "house"):
            return
        with reading(self.house.engine) as conn:
            alerts = {row["id"]: dict(row) for row in conn.execute(select(alert)).mappings()}
            pages = [dict(row) for row in conn.execute(select(outbox)).mappings()]
            timers = [dict(row) for row in conn.execute(select(timer)).mappings()]
        assert max(Counter(key for key, _ in self.sent).values(), default=0) <= 1
        for row in alerts.values():
            self.check_alert(row, [one for one in pages if one["alert_id"] == row["id"]])
        for one in timers:
            if one["state"] == "pending":
                assert alerts[one["alert_id"]]["closed_ms"] is None
                assert one["round"] == alerts[one["alert_id"]]["round"]
        waiting = Counter(
            (row["subject"], row["rule"])
            for row in alerts.values()
            if row["closed_ms"] is None and row["rescue_state"] not in ("freed", "cause_filed")
        )
        assert max(waiting.values(), default=0) <= 1

    def check_alert(self, row: dict[str, Any], pages: list[dict[str, Any]]) -> None:
        due = {page["step"] for page in pages if page["state"] == "due"}
        if row["aside"] != "none":
            assert due == set(), "a page of an alert that is set aside"
            assert not row["with_people"]
            assert row["rescue_state"] == "none"
        if row["closed_ms"] is not None:
            assert due == set()
            ended = row["verified_ms"] is not None or row["cancelled_ms"] is not None
            assert ended or not row["latched"]
        if row["accepted_ms"] is not None and row["chain"] == "R":
            assert not due & ACCEPTED_STOPS
        if row["freed_ms"] is not None:
            assert not due & FREED_STOPS
        state = RescueState(row["rescue_state"])
        if state in RESCUE_ORDER:
            place = RESCUE_ORDER.index(state)
            assert place >= self.rescue.get(row["id"], 0)
            self.rescue[row["id"]] = place

    def check_the_journal(self) -> None:
        """It is sound, tells of each call once, and of none after acceptance."""
        with reading(self.house.engine) as conn:
            assert list(audit.check(conn)) == []
            ids = list(conn.execute(select(alert.c.id)).scalars())
        accepted: dict[int, int] = {}
        for ident in ids:
            for line in self.house.alert(ident)["timeline"]:
                self.check_line(ident, line, accepted)
        for key, newest in self.sent:
            number, step = key.split(":")[:2]
            if step in ACCEPTED_STOPS and int(number) in accepted:
                assert newest < accepted[int(number)]

    def check_line(self, ident: int, line: dict[str, Any], accepted: dict[int, int]) -> None:
        if line["kind"] in ("accepted", "inherited"):
            accepted.setdefault(ident, line["id"])
        if line["kind"] == "upgraded":
            accepted.pop(ident, None)  # acceptance of a fault is not that of a rescue
        if line["kind"] == "paged" and line["data"]["step"] in ACCEPTED_STOPS - {"maintenance"}:
            assert ident not in accepted


TestNight = Night.TestCase
TestNight.settings = settings(
    max_examples=8,
    stateful_step_count=22,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
