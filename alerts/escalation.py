"""Deadlines: durable timers, fired exactly once, and dropped when what they wait for has happened.

A timer's change of state and the outbox rows it causes stand in one transaction, so a crash at
any moment leaves either both or neither; after a restart exactly what is due happens, once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection, func, insert, select, update

from alerts.calling import called, planned, ways
from alerts.chains import Chains, ChainStep
from alerts.directory import Contact, Directory
from alerts.gaps import subject_at
from alerts.lifecycle import held
from alerts.model import AlarmState
from alerts.page import Pages
from alerts.subjects import Subject, Subjects
from alerts.tables import outbox, timer
from alerts.work import Row, Work, evidence_of, state_of
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
        return "cleared"
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

    def plan(self, work: Work, row: Row, already: Collection[str] = ()) -> None:
        """Write the timers of an alert's chain; what is due already fires now.

        The chain starts at `last_raised_ms`, the moment the present round was raised. `already`:
        steps that were planned before, when the alert has become graver since.
        """
        start, rows = row["last_raised_ms"], []
        now: list[ChainStep] = []
        chain = self.chains.of(row["chain"])
        for step, due_ms in planned(self.chains, chain, row["profile"], row["severity"], start):
            if step.id in already:
                continue
            at_once = step.after_s == 0
            if at_once:
                now.append(step)
            rows.append(
                {
                    "alert_id": row["id"],
                    "step": step.id,
                    "round": row["round"],
                    "due_ms": due_ms,
                    "state": "fired" if at_once else "pending",
                    "ended_ms": work.now_ms if at_once else None,
                }
            )
        if rows:
            work.conn.execute(insert(timer), rows)
        for step in now:
            if satisfied(step, row, work.answered(row["id"])) is None:
                self.fire(work, row, step)

    def fire_due(self, work: Work) -> int:
        """Fire what is due; returns how many timers were taken (at most 500 a call)."""
        due = work.conn.execute(
            select(timer.c.id, timer.c.alert_id, timer.c.step, timer.c.round)
            .where(timer.c.state == "pending", timer.c.due_ms <= work.now_ms)
            .order_by(timer.c.due_ms, timer.c.id)
            .limit(FIRE_AT_ONCE)
        ).all()
        for ident, alert_id, step_id, number in due:
            taken = work.conn.execute(
                update(timer)
                .where(timer.c.id == ident, timer.c.state == "pending")
                .values(state="fired", ended_ms=work.now_ms)
            )
            if taken.rowcount != 1:
                continue
            row = work.known(alert_id)
            step = self.chains.step(row["chain"], step_id)
            if step is None or number != row["round"]:
                self._not_fired(work, ident, "chain changed")
                continue
            reason = satisfied(step, row, work.answered(alert_id))
            if reason is not None:
                self._not_fired(work, ident, reason)
                continue
            self.fire(work, row, step)
        return len(due)

    def _not_fired(self, work: Work, ident: int, reason: str) -> None:
        work.conn.execute(
            update(timer).where(timer.c.id == ident).values(state="cancelled", reason=reason)
        )

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
        rows: list[dict[str, Any]] = []
        for contact in calls.contacts:
            work.join_unit(row["id"], contact.unit, "paged")
            rows += self._pages(work, row, step, contact, due)
        if rows:
            work.conn.execute(insert(outbox), rows)
        people = [{"id": c.id, "name": c.name, "unit": c.unit} for c in calls.contacts]
        work.tell(row["id"], "paged", step=step.id, text=step.text.as_json(), contacts=people)
        if step.mark == "accident" and not row["accident"]:
            work.save(row, accident=True)
            work.tell(row["id"], "accident", text=step.text.as_json())

    def _pages(
        self, work: Work, row: Row, step: ChainStep, contact: Contact, due: Deadline
    ) -> list[dict[str, Any]]:
        """The outbox rows that reach one person: one, or with every_channel one a channel."""
        page = self.pages.build(row, evidence_of(row), step, contact, due, work.now_ms)
        payload = orjson.dumps(page).decode()
        name = step.id if row["round"] == 0 else f"{step.id}.{row['round']}"
        return [
            {
                "key": f"{row['id']}:{name}:{contact.id}:{channel}",
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
                "priority": row["severity_rank"],
                "payload": payload,
                "state": "due",
                "attempts": 0,
                "created_ms": work.now_ms,
                "next_ms": work.now_ms,
            }
            for (channel, address), *rest in ways(step, contact)
        ]

    def _deadline(self, work: Work, row: Row) -> Deadline:
        if row["arrival_due_ms"] is not None and row["arrived_ms"] is None:
            return row["arrival_due_ms"], ARRIVAL_TEXT
        due = next_due(work, row["id"])
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
        for step in self.chains.of(row["chain"]).steps:
            reason = satisfied(step, row, answered)
            if reason is not None:
                self._drop(work, row, reason, step.id)

    def drop_all(self, work: Work, row: Row, reason: str) -> None:
        """Cancel and withdraw everything of the present round, before a new one is planned."""
        self._drop(work, row, reason, None)

    def _drop(self, work: Work, row: Row, reason: str, step: str | None) -> None:
        timers = [timer.c.alert_id == row["id"], timer.c.state == "pending"]
        pages = [outbox.c.alert_id == row["id"], outbox.c.reason.is_(None)]
        if step is not None:
            timers.append(timer.c.step == step)
            pages.append(outbox.c.step == step)
        work.conn.execute(
            update(timer)
            .where(*timers)
            .values(state="cancelled", ended_ms=work.now_ms, reason=reason)
        )
        due = work.conn.execute(
            update(outbox)
            .where(*pages, outbox.c.state == "due")
            .values(state="withdrawn", reason=reason)
        )
        work.conn.execute(
            update(outbox).where(*pages, outbox.c.state == "leased").values(reason=reason)
        )
        if due.rowcount:
            work.tell(row["id"], "withdrawn", step=step, reason=reason, pages=due.rowcount)

    def rearm(self, work: Work, row: Row) -> None:
        """Bring back what was dropped only because the condition had gone for a while."""
        work.conn.execute(
            update(timer)
            .where(timer.c.alert_id == row["id"], timer.c.state == "cancelled")
            .where(timer.c.reason == "cleared")
            .values(state="pending", ended_ms=None, reason=None)
        )
        work.conn.execute(
            update(outbox)
            .where(outbox.c.alert_id == row["id"], outbox.c.reason == "cleared")
            .where(outbox.c.state == "withdrawn")
            .values(state="due", reason=None, next_ms=work.now_ms)
        )
        work.conn.execute(
            update(outbox)
            .where(outbox.c.alert_id == row["id"], outbox.c.reason == "cleared")
            .where(outbox.c.state == "leased")
            .values(reason=None)
        )
        self.drop_needless(work, row)  # somebody may have accepted while it was away


def next_due(work: Work, alert_id: int) -> tuple[int, str] | None:
    """Return (due_ms, step) of the next pending timer of an alert."""
    found = work.conn.execute(
        select(timer.c.due_ms, timer.c.step)
        .where(timer.c.alert_id == alert_id, timer.c.state == "pending")
        .order_by(timer.c.due_ms, timer.c.id)
        .limit(1)
    ).first()
    return (found[0], found[1]) if found else None


def next_timer_ms(conn: Connection) -> int | None:
    """Return when the next timer of all is due."""
    return conn.execute(select(func.min(timer.c.due_ms)).where(timer.c.state == "pending")).scalar()
