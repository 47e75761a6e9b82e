"""What a transition does to the alerts: a new one, an open one that came back, or one cleared.

Idempotent by the natural key (subject_kind, subject, rule, since_ms), kept in `occurrence`. A new
onset while an alert of the same subject and rule is open joins that alert, so nobody is called
twice within a second; but once the passengers of a car were freed, a new onset is a new rescue.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import select

from alerts.aside import inhibition
from alerts.aside.asides import Asides
from alerts.chains.calling import graded
from alerts.chains.escalation import Escalator
from alerts.database.tables import alert, occurrence
from alerts.desk.opening import new_row
from alerts.desk.work import KEY, Row, Work, done_of, state_of
from alerts.drills import marks, running
from alerts.grouping.gathering import lately_closed
from alerts.lifecycle.moves import State, on_again, on_clear, on_people
from alerts.model import AlarmState, RescueState, RuleMeta, Step, Transition, severity_rank
from config.text import Text

BEHIND_US = frozenset({RescueState.FREED.value, RescueState.CAUSE_FILED.value})
ON_THE_JOB = frozenset(
    state.value for state in (RescueState.ACCEPTED, RescueState.ON_THE_WAY, RescueState.ARRIVED)
)
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
    asides: Asides
    again_quiet_s: float = 600.0

    def gravest_first(self, transitions: list[Transition]) -> tuple[list[Transition], int]:
        """Put what calls rescuers first, with what its lift said before: each lift's own order
        stays. Returns all in the new order, and how many of them are urgent in this sense."""
        last: dict[tuple[str, str], int] = {}  # of a lift: its last transition that calls rescuers
        rescues = {rule: self._rescues(rule) for rule in {one.rule for one in transitions}}
        for i, one in enumerate(transitions):
            if one.raised and not one.late and (one.with_people or rescues[one.rule]):
                last[one.key[:2]] = i
        urgent, others = list[Transition](), list[Transition]()
        for i, one in enumerate(transitions):
            (urgent if i <= last.get(one.key[:2], -1) else others).append(one)
        return urgent + others, len(urgent)

    def _rescues(self, rule: str) -> bool:
        return self.escalator.chains.of(self.rule(rule).chain).rescue

    def apply_all(self, work: Work, transitions: Sequence[Transition]) -> None:
        """Apply transitions in order inside the transaction of `work`."""
        self._look_up(work, transitions)
        for one in transitions:
            if one.raised:
                self._raised(work, one)
            else:
                self._cleared(work, one)

    def _look_up(self, work: Work, transitions: Sequence[Transition]) -> None:
        """Read all that these transitions may touch, in a handful of queries."""
        work.load_onsets(one.key for one in transitions)
        for kind in {one.subject_kind for one in transitions}:
            subjects = {one.subject for one in transitions if one.subject_kind == kind}
            work.load_subjects(kind, subjects)
            self.asides.look_up(work, kind, subjects)
            work.lately_closed |= lately_closed(work.conn, kind, subjects, work.now_ms)
        touched = {one.key[:3] for one in transitions}
        inhibiting = {one.key[:2] for one in transitions if self.rule(one.rule).inhibits}
        work.load_attached(
            row["id"]
            for kind, subject in {key[:2] for key in touched}
            for row in work.open_of(kind, subject)
            if (kind, subject, row["rule"]) in touched or (kind, subject) in inhibiting
        )

    def rule(self, ident: str) -> RuleMeta:
        """Return what is known of a rule; one that was removed still raises, as major fault."""
        text = Text(f"规则 {ident}", f"rule {ident}")
        found = self.rules.get(marks.real_rule(ident))
        return found or RuleMeta(ident, text, severity="major", chain="F")

    def _raised(self, work: Work, one: Transition) -> None:
        known = work.onset(one.key)
        if known is not None:
            row = work.known(known["alert_id"])
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
        joins = [
            row
            for row in work.open_of(one.subject_kind, one.subject)
            if row["rule"] == one.rule
            and bool(row["late"]) is one.late
            and row["rescue_state"] not in BEHIND_US
        ]
        return joins[-1] if joins else None

    def raise_drill(self, work: Work, one: Transition) -> Row:
        """Raise an exercise: always an alert of its own."""
        return self._new(work, one)

    def _new(self, work: Work, one: Transition) -> Row:
        subject = self.escalator.subject(one.subject_kind, one.subject, work.now_ms)
        row = work.add(new_row(work, self.escalator.chains, one, self.rule(one.rule), subject))
        self._occurs(work, one, row)
        if one.key[:3] in work.lately_closed:
            work.chatter.add(row["id"])
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
            people=one.people,
            incident=row["incident"],
            late=one.late,
            exercise=one.exercise,
        )
        if one.late:
            return row  # nobody is called for yesterday
        self._inherit(work, row)
        self.asides.cover_new(work, row)
        self._plan(work, row)
        inhibition.begin(work, self.asides, row, self.rule(row["rule"]))
        running.give_way(work, self.escalator, row)
        return row

    def _plan(self, work: Work, row: Row) -> None:
        """Start the chain, unless the rule is one that is shown and pages nobody."""
        if self.rule(row["rule"]).bell:
            self.escalator.plan(work, row)

    def _inherit(self, work: Work, row: Row) -> None:
        """A further alarm from a car whose rescue is under way starts in that rescue's state."""
        if row["rescue_state"] != RescueState.RAISED.value:
            return
        others = [
            other
            for other in work.open_of(row["subject_kind"], row["subject"])
            if other["rescue_state"] in ON_THE_JOB
            and bool(other["exercise"]) is bool(row["exercise"])
        ]
        if not others:
            return
        other = others[0]
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
        work.tell(row["id"], "inherited", rescue_of=other["id"], owner=other["owner"])

    def _again(self, work: Work, row: Row, one: Transition) -> None:
        was_seen = row["cleared_ms"] is None
        for onset in work.unended(row["id"]):
            work.onsets.change(onset, cleared_ms=one.at_ms)
        self._occurs(work, one, row)
        if was_seen and row["subject_kind"] == "gateway":
            return  # further lifts of a gateway that is silent anyway
        before = state_of(row)
        after = on_again(before, self._quiet(work, row))
        anew = before.alarm is AlarmState.LATCHED and after.alarm is AlarmState.UNACKNOWLEDGED
        work.set_state(row, after, cleared_ms=None, again_count=row["again_count"] + 1)
        work.tell(row["id"], "again", since_ms=one.since_ms, count=row["again_count"])
        if one.late:
            return
        inhibition.begin(work, self.asides, row, self.rule(row["rule"]))
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
        work.forget_answers(row["id"])
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
        running.give_way(work, self.escalator, row)

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
            self.escalator.hurry(work, row, severity_rank(severity))
        before = state_of(row)
        work.save(row, **changes)
        work.tell(row["id"], "upgraded", severity=row["severity"], chain=chain, people=one.people)
        self.asides.come_out(work, row, "people")
        if chain != row["chain"]:
            self._to_chain(work, row, one, before, chain)
        elif rule.bell and not one.late:
            self.escalator.plan(work, row, already=planned)  # steps for the graver alone
        self.escalator.fire_due(work, row["id"])  # what waited while the alert was set aside

    def _to_chain(self, work: Work, row: Row, one: Transition, before: State, chain: str) -> None:
        after = on_people(before, self.escalator.chains.of(chain).rescue)
        changes: dict[str, Any] = {"chain": chain}
        if after.rescue is not before.rescue:
            arrival = min(one.at_ms, work.now_ms) + self.escalator.chains.arrival_ms(row["profile"])
            changes["arrival_due_ms"] = arrival
        self.escalator.drop_all(work, row, "upgraded")
        work.set_state(row, after, **changes)
        self._call_anew(work, row, one, "upgraded")

    def _occurs(self, work: Work, one: Transition, row: Row) -> None:
        work.add_onset(
            {
                "subject_kind": one.subject_kind,
                "subject": one.subject,
                "rule": one.rule,
                "since_ms": one.since_ms,
                "alert_id": row["id"],
                "at_ms": one.at_ms,
                "cleared_ms": None,
            }
        )

    def _cleared(self, work: Work, one: Transition) -> None:
        found = self._to_clear(work, one)
        if found is None:
            return
        alert_id, since_ms = found["alert_id"], found["since_ms"]
        row = work.known(alert_id)
        if one.late and not row["late"]:
            return  # of a live alert only what is live can tell that it is over
        work.onsets.change(found, cleared_ms=one.at_ms)
        before = state_of(row)
        after = on_clear(before)
        work.set_state(row, after, cleared_ms=one.at_ms)
        work.tell(alert_id, "cleared", since_ms=since_ms, cleared_ms=one.at_ms)
        if after.alarm is AlarmState.CLOSED and before.alarm is not AlarmState.CLOSED:
            work.tell(alert_id, "closed", reason="cleared")
        self.escalator.drop_needless(work, row)
        inhibition.end(work, self.asides, row)

    def _to_clear(self, work: Work, one: Transition) -> Row | None:
        """The onset a clearing ends: the one of its key, else the last one not yet cleared."""
        exact = work.onset(one.key)
        if exact is not None:
            return exact if exact["cleared_ms"] is None else None
        ended = [
            onset
            for row in work.open_of(one.subject_kind, one.subject)
            if row["rule"] == one.rule and bool(row["late"]) is one.late
            for onset in work.unended(row["id"])
            if onset["at_ms"] <= one.at_ms
        ]
        return max(ended, key=lambda onset: onset["since_ms"], default=None) or self._of_closed(
            work, one
        )

    def _of_closed(self, work: Work, one: Transition) -> Row | None:
        """The same for an alert that a person closed while its condition was still seen."""
        work.flush()
        last = work.conn.execute(
            select(*(occurrence.c[name] for name in KEY))
            .join(alert, alert.c.id == occurrence.c.alert_id)
            .where(
                alert.c.late.is_(one.late),
                alert.c.closed_ms.is_not(None),
                occurrence.c.subject == one.subject,
                occurrence.c.rule == one.rule,
                occurrence.c.subject_kind == one.subject_kind,
                occurrence.c.cleared_ms.is_(None),
                occurrence.c.at_ms <= one.at_ms,
            )
            .order_by(occurrence.c.since_ms.desc())
            .limit(1)
        ).first()
        if last is None:
            return None
        key = (last[0], last[1], last[2], last[3])
        work.load_onsets((key,))
        return work.onset(key)
