"""Deadlines: durable timers, fired exactly once, and dropped when what they wait for has happened.

A timer's change of state and the outbox rows it causes stand in one transaction, so a crash at
any moment leaves either both or neither; after a restart exactly what is due happens, once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
from sqlalchemy import Connection, func, select

from alerts.chains.calling import WEBPUSH, Devices, called, no_devices, planned, ways
from alerts.chains.ladder import Chains, ChainStep
from alerts.database.tables import timer
from alerts.desk.attached import ASIDE, CLEARED, OPEN_TIMERS
from alerts.desk.gaps import subject_at
from alerts.desk.work import Row, Work, evidence_of, state_of
from alerts.directory.subjects import Subject, Subjects
from alerts.directory.units import Contact, Directory
from alerts.drills import marks, running
from alerts.grouping.gathering import GATHERED, WAIT_MS, Gathering
from alerts.lifecycle.moves import held
from alerts.model import SEVERITIES, AlarmState, Aside
from alerts.pages.page import Pages
from config.text import Text

FIRE_AT_ONCE = 500
Deadline = tuple[int, Text] | None
ARRIVAL_TEXT = Text("前到场", "arrival on site")


def satisfied(step: ChainStep, row: Row, answered: Iterable[str]) -> str | None:
    """Return why a step is needless now, None while it is still wanted."""
    state = state_of(row)
    if state.alarm is AlarmState.CLOSED:
        return "closed"
    if not state.active and not held(state):
        return CLEARED
    for condition in step.until:
        word, _, part = condition.partition(":")
        met = row[part] in answered if part else row[f"{word}_ms"] is not None
        if met:
            return condition
    return None


@dataclass
class Escalator:
    """Plans, fires and drops the steps of an alert's chain. Holds no state of its own."""

    chains: Chains
    directory: Directory
    subjects: Subjects
    pages: Pages
    gathering: Gathering = field(init=False)
    devices: Devices = field(init=False, default_factory=lambda: no_devices)

    def __post_init__(self) -> None:
        """Its pages are gathered in a flood."""
        self.gathering = Gathering(self.pages)

    def plan(self, work: Work, row: Row, already: Collection[str] = ()) -> None:
        """Write the timers of an alert's chain; what is due already fires now.

        The chain starts at `last_raised_ms`, the moment the present round was raised. Of an
        alert that is set aside all timers wait, and nothing fires. `already`: steps that were
        planned before, when the alert has become graver since.
        """
        start = row["last_raised_ms"]
        timers = work.of(row["id"]).timers
        aside = row["aside"] != Aside.NONE.value
        now: list[ChainStep] = []
        chain = self.chains.of(row["chain"])
        for step, due_ms in planned(self.chains, chain, row["profile"], row["severity"], start):
            if step.id in already:
                continue
            at_once = step.after_s == 0 and not aside
            if at_once:
                now.append(step)
            one = {
                "alert_id": row["id"],
                "step": step.id,
                "round": row["round"],
                "priority": marks.priority(row),
                "due_ms": due_ms,
                "state": "fired" if at_once else "waiting" if aside else "pending",
                "ended_ms": work.now_ms if at_once else None,
                "reason": None,
            }
            timers[step.id, row["round"]] = one
            work.timers.add(one)
        for step in now:
            if satisfied(step, row, work.answered(row["id"])) is None:
                self.fire(work, row, step)

    def fire_due(self, work: Work, alert_id: int) -> None:
        """Fire what is due of one alert."""
        self.fire_these(work, work.of(alert_id).due(work.now_ms))

    def fire_these(self, work: Work, due: Sequence[Due]) -> None:
        """Fire these timers; one that was fired or dropped meanwhile stays as it is."""
        work.load(ident for ident, _, _ in due)
        work.load_attached(ident for ident, _, _ in due)
        for ident, step_id, number in due:
            self._fire_one(work, work.known(ident), step_id, number)

    def _fire_one(self, work: Work, row: Row, step_id: str, number: int) -> None:
        one = work.of(row["id"]).timers[step_id, number]
        if one["state"] != "pending":
            return  # this very transaction has fired or dropped it
        if step_id == marks.END:
            work.timers.change(one, state="fired", ended_ms=work.now_ms, reason="time is up")
            running.end(work, self, row, running.TIME_IS_UP)
            return
        step = self.chains.step(row["chain"], step_id)
        if step is None or number != row["round"]:
            reason: str | None = "chain changed"
        else:
            reason = satisfied(step, row, work.answered(row["id"]))
        state = "fired" if reason is None else "cancelled"
        work.timers.change(one, state=state, ended_ms=work.now_ms, reason=reason)
        if reason is None and step is not None:
            self.fire(work, row, step)

    def fire(self, work: Work, row: Row, step: ChainStep) -> None:
        """Page everybody a step names, each person once."""
        subject = self._subject(work, row)
        calls = called(self.directory, step, subject, work.now_ms)
        for role, found in calls.roles:
            if found.fallback is not None:
                work.tell(row["id"], "fallback", role=role, text=found.fallback.as_json())
            if not found.contacts:
                text = Text(f"{role} 无人可通知", f"there is nobody to tell for {role}")
                work.tell(row["id"], "nobody", role=role, text=text.as_json())
            work.off_duty.update(found.off_duty)  # alerts of their own, see gaps.py
        due = self._deadline(work, row)
        pages = work.of(row["id"]).pages
        for contact in calls.contacts:
            work.join_unit(row["id"], contact.unit, "paged")
            for page in self._pages(work, row, step, contact, due):
                pages[page["key"]] = page
                work.pages.add(page)
        people = [{"id": c.id, "name": c.name, "unit": c.unit} for c in calls.contacts]
        work.tell(row["id"], "paged", step=step.id, text=step.text.as_json(), contacts=people)
        if step.mark == "accident" and not row["accident"]:
            work.save(row, accident=True)
            work.tell(row["id"], "accident", text=step.text.as_json())

    def _pages(
        self, work: Work, row: Row, step: ChainStep, contact: Contact, due: Deadline
    ) -> list[dict[str, Any]]:
        """The outbox rows that reach one person: one, or with every_channel one a channel."""
        waits = not step.every_channel and self.gathering.waits(work, row, step.id, contact.id)
        payload = "{}"
        if not waits:
            page = self.pages.build(row, evidence_of(row), step, contact, due, work.now_ms)
            payload = orjson.dumps(page).decode()
        name = step.id if row["round"] == 0 else f"{step.id}.{row['round']}"
        reached = [(channel, address, rest) for (channel, address), *rest in ways(step, contact)]
        if not waits:  # a gathered page goes by the contact's own channel, once
            reached += [(WEBPUSH, str(ident), []) for ident in self.devices(contact.id)]
        return [
            {
                "key": f"{row['id']}:{name}:{contact.id}:{_sign(channel, address)}",
                "alert_id": row["id"],
                "step": step.id,
                "round": row["round"],
                "unit": contact.unit,
                "contact": contact.id,
                "channel": channel,
                "origin": channel,
                "address": address,
                "rest": orjson.dumps(rest).decode(),
                "lang": contact.lang,
                "priority": marks.priority(row),
                "payload": payload,
                "state": GATHERED if waits else "due",
                "attempts": 0,
                "created_ms": work.now_ms,
                "next_ms": work.now_ms + (WAIT_MS if waits else 0),
                "reason": None,
            }
            for channel, address, rest in reached
        ]

    def _deadline(self, work: Work, row: Row) -> Deadline:
        if row["arrival_due_ms"] is not None and row["arrived_ms"] is None:
            return row["arrival_due_ms"], ARRIVAL_TEXT
        due = work.of(row["id"]).next_due()
        if due is None:
            return None
        step = self.chains.step(row["chain"], due[1])
        return (due[0], step.text) if step else None

    def subject(self, kind: str, ident: str, at_ms: int) -> Subject:
        """Return the subject of an alert with the firm that serves it at that moment."""
        return subject_at(self.directory, self.subjects, kind, ident, at_ms)

    def _subject(self, work: Work, row: Row) -> Subject:
        """As above; a firm whose contract began since the raise takes the alert over."""
        subject = self.subject(row["subject_kind"], row["subject"], work.now_ms)
        if subject.maintenance != row["maintenance"] and subject.maintenance:
            work.tell(row["id"], "firm", was=row["maintenance"], now=subject.maintenance)
            work.save(row, maintenance=subject.maintenance)
            work.join_unit(row["id"], subject.maintenance, "maintenance")
        return subject

    def drop_needless(self, work: Work, row: Row) -> None:
        """Cancel timers and withdraw unsent pages whose step has become needless.

        A page that a worker is sending at this moment is only marked: it is withdrawn if this
        attempt fails, so nothing is sent anew after what it waited for.
        """
        answered = work.answered(row["id"])
        needless: dict[str, list[str]] = {}
        for step in self.chains.of(row["chain"]).steps:
            reason = satisfied(step, row, answered)
            if reason is not None:
                needless.setdefault(reason, []).append(step.id)
        for reason, steps in needless.items():  # one reason is one statement, not one a step
            self._drop(work, row, reason, steps)

    def drop_all(self, work: Work, row: Row, reason: str) -> None:
        """Cancel and withdraw everything of the present round, before a new one is planned."""
        self._drop(work, row, reason, None)

    def _drop(self, work: Work, row: Row, reason: str, steps: list[str] | None) -> None:
        hanging = work.of(row["id"])
        for one in hanging.timers.values():
            if one["state"] in OPEN_TIMERS and (steps is None or one["step"] in steps):
                work.timers.change(one, state="cancelled", ended_ms=work.now_ms, reason=reason)
        withdrawn = self._take_back(work, row, reason, steps)
        if withdrawn:
            work.tell(row["id"], "withdrawn", steps=steps, reason=reason, pages=withdrawn)

    def _take_back(self, work: Work, row: Row, reason: str, steps: list[str] | None) -> int:
        """Withdraw unsent pages; one that is being sent is only marked. Returns how many."""
        withdrawn = 0
        for page in work.of(row["id"]).pages.values():
            if page["reason"] is not None or not (steps is None or page["step"] in steps):
                continue
            if page["state"] in ("due", GATHERED):
                work.pages.change(page, state="withdrawn", reason=reason)
                withdrawn += 1
            elif page["state"] == "leased":
                work.pages.change(page, reason=reason)
        return withdrawn

    def hurry(self, work: Work, row: Row, priority: int) -> None:
        """Its alert has become graver: what waits for it goes before what is less grave."""
        for one in work.of(row["id"]).timers.values():
            work.timers.change(one, priority=priority)
        for page in work.of(row["id"]).pages.values():
            work.pages.change(page, priority=priority)

    def rearm(self, work: Work, row: Row) -> None:
        """Bring back what was dropped only because the condition had gone for a while."""
        for one in work.of(row["id"]).timers.values():
            if one["state"] == "cancelled" and one["reason"] == CLEARED:
                work.timers.change(one, state="pending", ended_ms=None, reason=None)
        self._pages_back(work, row, CLEARED)
        self.drop_needless(work, row)  # somebody may have accepted while it was away
        if row["aside"] != Aside.NONE.value:
            self.hold(work, row)

    def hold(self, work: Work, row: Row) -> None:
        """Let the timers of an alert wait and take back its unsent pages: it is set aside."""
        for one in work.of(row["id"]).timers.values():
            if one["state"] == "pending":
                work.timers.change(one, state="waiting")
        self._take_back(work, row, ASIDE, None)

    def resume(self, work: Work, row: Row) -> None:
        """The alert is not aside any more: its chain goes on from where it would be now.

        What fell due meanwhile is pending again and past its time: it fires at the next tick, or
        by `fire_due`. Of a condition that is not seen any more nobody is called; the alert stays
        in the list, and calls if it comes back.
        """
        for one in work.of(row["id"]).timers.values():
            if one["state"] == "waiting":
                work.timers.change(one, state="pending")
        self._pages_back(work, row, ASIDE)
        self.drop_needless(work, row)
        if row["cleared_ms"] is not None:
            self._drop(work, row, CLEARED, None)

    def _pages_back(self, work: Work, row: Row, reason: str) -> None:
        """Pages that were withdrawn for this reason are due again, or gathered again."""
        for page in work.of(row["id"]).pages.values():
            if page["reason"] != reason:
                continue
            if page["state"] == "leased":
                work.pages.change(page, reason=None)
            elif page["state"] == "withdrawn" and _bare(page):
                wait = work.now_ms + WAIT_MS
                work.pages.change(page, state=GATHERED, reason=None, next_ms=wait)
            elif page["state"] == "withdrawn":
                work.pages.change(page, state="due", reason=None, next_ms=work.now_ms)


def _sign(channel: str, address: str) -> str:
    """A person has one address a channel, and any number of browsers."""
    return f"{channel}-{address}" if channel == WEBPUSH else channel


def _bare(page: Row) -> bool:
    """True for a page that was gathered: it has no text of its own."""
    return bool(page["bare"] if "bare" in page else page["payload"] == "{}")


Due = tuple[int, str, int]
"""A timer: alert, step, round."""


def due_timers(conn: Connection, now_ms: int, limit: int) -> list[Due]:
    """Return (alert, step, round) of timers that are due, the gravest alerts' first."""
    found: list[Due] = []
    for priority in range(len(SEVERITIES)):
        due = conn.execute(
            select(timer.c.alert_id, timer.c.step, timer.c.round)
            .where(timer.c.state == "pending", timer.c.priority == priority)
            .where(timer.c.due_ms <= now_ms)
            .order_by(timer.c.due_ms, timer.c.id)
            .limit(limit - len(found))
        )
        found += [(row[0], row[1], row[2]) for row in due]
    return found


# When the next timer of each priority is due: each the first entry of an index.
FIRST_DUE: Final = tuple(
    select(func.min(timer.c.due_ms))
    .where(timer.c.state == "pending", timer.c.priority == priority)
    .scalar_subquery()
    .label(f"of_{priority}")
    for priority in range(len(SEVERITIES))
)
