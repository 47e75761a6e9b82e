"""What a transition does to the alerts: a new one, an open one that came back, or one cleared.

Idempotent by the natural key (subject_kind, subject, rule, since_ms), kept in `occurrence`. A new
onset while an alert of the same subject and rule is open joins that alert, so nobody is called
twice within a second; but once the passengers of a car were freed, a new onset is a new rescue.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import orjson
from sqlalchemy import ColumnElement, insert, select, update

from alerts.calling import graded
from alerts.escalation import Escalator
from alerts.lifecycle import on_again, on_clear
from alerts.model import AlarmState, RescueState, RuleMeta, Step, Transition, severity_rank
from alerts.opening import new_row
from alerts.tables import alert, occurrence
from alerts.work import Row, Work, done_of, state_of
from config.text import Text

BEHIND_US = frozenset({RescueState.FREED, RescueState.CAUSE_FILED})
ON_THE_JOB = (RescueState.ACCEPTED, RescueState.ON_THE_WAY, RescueState.ARRIVED)
STEP_MS: Mapping[Step, str] = {
    Step.ACKNOWLEDGE: "acknowledged_ms",
    Step.ACCEPT: "accepted_ms",
    Step.DEPART: "departed_ms",
    Step.ARRIVE: "arrived_ms",
    Step.FREE: "freed_ms",
    Step.FILE_CAUSE: "cause_filed_ms",
    Step.VERIFY: "verified_ms",
    Step.CANCEL: "cancelled_ms",
}


@dataclass
class Raiser:
    """Applies transitions. `again_quiet_s`: how soon after its acknowledgement a latched alert
    that comes back stays quiet (chatter), in seconds; domain default 600."""

    rules: Mapping[str, RuleMeta]
    escalator: Escalator
    again_quiet_s: float = 600.0

    def apply(self, work: Work, one: Transition) -> None:
        """Apply one transition inside the transaction of `work`."""
        if one.raised:
            self._raised(work, one)
        else:
            self._cleared(work, one)

    def rule(self, ident: str) -> RuleMeta:
        """Return what is known of a rule; one that was removed still raises, as major fault."""
        text = Text(f"规则 {ident}", f"rule {ident}")
        return self.rules.get(ident) or RuleMeta(ident, text, severity="major", chain="F")

    def _raised(self, work: Work, one: Transition) -> None:
        known = work.conn.execute(select(occurrence.c.alert_id).where(*_key(one))).scalar()
        if known is not None:
            row = work.known(known)
            if row["closed_ms"] is None and not one.late:
                self._upgrade(work, row, one)
            return
        row_or_none = self._open(work, one)
        if row_or_none is None:
            self._new(work, one)
        else:
            self._again(work, row_or_none, one)

    def _open(self, work: Work, one: Transition) -> Row | None:
        """The open alert a new onset joins; none once the people it was about are free."""
        found = work.conn.execute(
            select(alert.c.id)
            .where(
                alert.c.subject == one.subject,
                alert.c.rule == one.rule,
                alert.c.subject_kind == one.subject_kind,
                alert.c.late.is_(one.late),
                alert.c.closed_ms.is_(None),
                alert.c.rescue_state.not_in([state.value for state in BEHIND_US]),
            )
            .order_by(alert.c.id.desc())
            .limit(1)
        ).scalar()
        return None if found is None else work.known(found)

    def _new(self, work: Work, one: Transition) -> None:
        subject = self.escalator.subject(one.subject_kind, one.subject, work.now_ms)
        row = work.add(new_row(work, self.escalator.chains, one, self.rule(one.rule), subject))
        self._occurs(work, one, row)
        work.join_unit(row["id"], row["maintenance"], "maintenance")
        work.join_unit(row["id"], row["use_unit"], "use_unit")
        work.tell(
            row["id"],
            "raised",
            rule=one.rule,
            subject=one.subject,
            severity=row["severity"],
            since_ms=one.since_ms,
            raised_ms=row["raised_ms"],
            with_people=one.with_people,
            incident=row["incident"],
            late=one.late,
        )
        if one.late:
            return  # nobody is called for yesterday
        self._inherit(work, row)
        self._plan(work, row)

    def _plan(self, work: Work, row: Row) -> None:
        """Start the chain, unless the rule is one that is shown and pages nobody."""
        if self.rule(row["rule"]).bell:
            self.escalator.plan(work, row)

    def _inherit(self, work: Work, row: Row) -> None:
        """A further alarm from a car whose rescue is under way starts in that rescue's state."""
        if row["rescue_state"] != RescueState.RAISED.value:
            return
        found = work.conn.execute(
            select(alert.c.id)
            .where(
                alert.c.subject == row["subject"],
                alert.c.closed_ms.is_(None),
                alert.c.rescue_state.in_([state.value for state in ON_THE_JOB]),
            )
            .order_by(alert.c.id)
            .limit(1)
        ).scalar()
        if found is None:
            return
        other = work.known(found)
        taken = {
            step.value: {"name": first.name, "at_ms": first.at_ms}
            for step, first in done_of(other).items()
            if step is not Step.ACKNOWLEDGE
        }
        times = {STEP_MS[Step(step)]: first["at_ms"] for step, first in taken.items()}
        work.save(
            row,
            rescue_state=other["rescue_state"],
            owner=other["owner"],
            owner_unit=other["owner_unit"],
            done=orjson.dumps(taken).decode(),
            **times,
        )
        work.tell(row["id"], "inherited", rescue_of=found, owner=other["owner"])

    def _again(self, work: Work, row: Row, one: Transition) -> None:
        was_seen = row["cleared_ms"] is None
        work.conn.execute(
            update(occurrence)
            .where(occurrence.c.alert_id == row["id"], occurrence.c.cleared_ms.is_(None))
            .values(cleared_ms=one.at_ms)
        )
        self._occurs(work, one, row)
        if was_seen and row["subject_kind"] == "gateway":
            return  # further lifts of a gateway that is silent anyway
        before = state_of(row)
        after = on_again(before)
        anew = before.alarm is AlarmState.LATCHED and after.alarm is AlarmState.UNACKNOWLEDGED
        if anew and self._quiet(work, row):
            anew, after = False, replace(after, alarm=AlarmState.ACKNOWLEDGED)
        work.set_state(row, after, cleared_ms=None, again_count=row["again_count"] + 1)
        work.tell(row["id"], "again", since_ms=one.since_ms, count=row["again_count"])
        if one.late:
            return
        if anew:
            self._call_anew(work, row, one, "again")
        elif not was_seen:
            self.escalator.rearm(work, row)
        self._upgrade(work, row, one)

    def _quiet(self, work: Work, row: Row) -> bool:
        seen = row["acknowledged_ms"]
        return seen is not None and work.now_ms - seen < self.again_quiet_s * 1000

    def _call_anew(self, work: Work, row: Row, one: Transition, reason: str) -> None:
        """Start the chain from its first step: a new round, with keys of its own."""
        self.escalator.drop_all(work, row, reason)
        done = orjson.loads(row["done"])
        for step in (Step.ACKNOWLEDGE, Step.ACCEPT):
            done.pop(step.value, None)
        work.save(
            row,
            round=row["round"] + 1,
            last_raised_ms=min(one.at_ms, work.now_ms),
            acknowledged_ms=None,
            accepted_ms=None,
            owner=None,
            owner_unit=None,
            done=orjson.dumps(done).decode(),
        )
        self._plan(work, row)

    def _upgrade(self, work: Work, row: Row, one: Transition) -> None:
        """People turn out to be in the car: severity and chain go up, never down."""
        if not one.with_people or row["with_people"]:
            return
        rule = self.rule(row["rule"])
        severity, chain = graded(rule, True)
        planned = {s.id for s in self.escalator.chains.of(row["chain"]).steps_for(row["severity"])}
        changes: dict[str, Any] = {"with_people": True, "people": one.people}
        if severity_rank(severity) < row["severity_rank"]:
            changes |= {"severity": severity, "severity_rank": severity_rank(severity)}
        work.save(row, **changes)
        work.tell(row["id"], "upgraded", severity=row["severity"], chain=chain, people=one.people)
        if chain == row["chain"]:
            if rule.bell and not one.late:
                self.escalator.plan(work, row, already=planned)  # steps for the graver alone
            return
        if self.escalator.chains.of(chain).rescue and row["rescue_state"] == RescueState.NONE:
            arrival = min(one.at_ms, work.now_ms) + self.escalator.chains.arrival_ms(row["profile"])
            work.save(row, rescue_state=RescueState.RAISED.value, arrival_due_ms=arrival)
        self.escalator.drop_all(work, row, "upgraded")
        work.save(row, chain=chain, alarm_state=AlarmState.UNACKNOWLEDGED.value)
        self._call_anew(work, row, one, "upgraded")

    def _occurs(self, work: Work, one: Transition, row: Row) -> None:
        work.conn.execute(
            insert(occurrence),
            {
                "subject_kind": one.subject_kind,
                "subject": one.subject,
                "rule": one.rule,
                "since_ms": one.since_ms,
                "alert_id": row["id"],
                "at_ms": one.at_ms,
            },
        )

    def _cleared(self, work: Work, one: Transition) -> None:
        found = self._to_clear(work, one)
        if found is None:
            return
        alert_id, since_ms = found
        row = work.known(alert_id)
        if one.late and not row["late"]:
            return  # of a live alert only what is live can tell that it is over
        work.conn.execute(
            update(occurrence)
            .where(*_key(replace(one, since_ms=since_ms)))
            .values(cleared_ms=one.at_ms)
        )
        before = state_of(row)
        after = on_clear(before)
        work.set_state(row, after, cleared_ms=one.at_ms)
        work.tell(alert_id, "cleared", since_ms=since_ms, cleared_ms=one.at_ms)
        if after.alarm is AlarmState.CLOSED and before.alarm is not AlarmState.CLOSED:
            work.tell(alert_id, "closed", reason="cleared")
        self.escalator.drop_needless(work, row)

    def _to_clear(self, work: Work, one: Transition) -> tuple[int, int] | None:
        """The onset a clearing ends: the one of its key, else the last one not yet cleared."""
        exact = work.conn.execute(
            select(occurrence.c.alert_id, occurrence.c.cleared_ms).where(*_key(one))
        ).first()
        if exact is not None:
            return (exact[0], one.since_ms) if exact[1] is None else None
        last = work.conn.execute(
            select(occurrence.c.alert_id, occurrence.c.since_ms)
            .join(alert, alert.c.id == occurrence.c.alert_id)
            .where(
                alert.c.late.is_(one.late),
                occurrence.c.subject == one.subject,
                occurrence.c.rule == one.rule,
                occurrence.c.subject_kind == one.subject_kind,
                occurrence.c.cleared_ms.is_(None),
                occurrence.c.at_ms <= one.at_ms,
            )
            .order_by(occurrence.c.since_ms.desc())
            .limit(1)
        ).first()
        return None if last is None else (last[0], last[1])


def _key(one: Transition) -> tuple[ColumnElement[bool], ...]:
    return (
        occurrence.c.subject_kind == one.subject_kind,
        occurrence.c.subject == one.subject,
        occurrence.c.rule == one.rule,
        occurrence.c.since_ms == one.since_ms,
    )
