"""A person's step on an alert: taken, shared with the car's other rescues, and journalled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any

import orjson

from alerts.aside import inhibition
from alerts.aside.asides import Asides, Order, check_end
from alerts.chains.escalation import Escalator
from alerts.desk.raising import STEP_MS
from alerts.desk.work import Row, Work, done_of, state_of
from alerts.drills import running
from alerts.lifecycle import moves
from alerts.lifecycle.moves import Already, Done, Moved, Refusal
from alerts.model import Actor, ActResult, AlarmState, Aside, RescueState, Role, Step
from config.text import Text

# One rescue frees the car, whichever of its alerts the mechanic's link belongs to.
SHARED_STEPS = frozenset({Step.ACCEPT, Step.DEPART, Step.ARRIVE, Step.FREE, Step.FILE_CAUSE})
PAST: Mapping[Step, str] = {
    Step.ACKNOWLEDGE: "acknowledged",
    Step.ACCEPT: "accepted",
    Step.DEPART: "departed",
    Step.ARRIVE: "arrived",
    Step.FREE: "freed",
    Step.FILE_CAUSE: "cause_filed",
    Step.VERIFY: "verified",
    Step.CANCEL: "cancelled",
}


@dataclass(frozen=True, slots=True)
class Said:
    """What was said with a step: `until_ms` is when a shelf ends."""

    comment: str | None = None
    cause: str | None = None
    until_ms: int | None = None


@dataclass
class Stepping:
    """Takes steps inside a transaction; `tz` is the site's zone, for hours in answers."""

    escalator: Escalator
    asides: Asides
    tz: tzinfo

    def take(self, work: Work, alert_id: int, step: Step, actor: Actor, said: Said) -> ActResult:
        """Take one step. `alert` of the result is {} where the actor may see the alert."""
        row = work.alert(alert_id)
        if row is None:
            return ActResult(False, False, Text("没有这条警情", "there is no such alert"))
        if not self._may_see(work, row, actor):
            _tapped(work, row, step, actor, "not_your_unit")
            text = Text("该警情不属于贵单位", "this alert is not your unit's")
            return ActResult(False, False, text)
        if step in (Step.SHELVE, Step.UNSHELVE):
            outcome = self._shelf(work, row, step, actor, said)
        else:
            outcome = self._step(work, row, step, actor, said)
        if isinstance(outcome, Moved):
            if step in SHARED_STEPS:
                self._share(work, row, step, actor, said)
            if step is Step.FILE_CAUSE:
                running.end(work, self.escalator, row, running.DONE)
            self._answer(work, row, actor, told=True)
            return ActResult(True, True, _thanks(step), {})
        _tapped(work, row, step, actor, getattr(outcome, "code", "already"))
        if isinstance(outcome, Already):
            self._answer(work, row, actor, told=False)
        return ActResult(isinstance(outcome, Already), False, outcome.text, {})

    def _may_see(self, work: Work, row: Row, actor: Actor) -> bool:
        return actor.role is not Role.FIRM or work.takes_part(row["id"], actor.unit)

    def _step(
        self,
        work: Work,
        row: Row,
        step: Step,
        actor: Actor,
        said: Said,
        shared_from: int | None = None,
    ) -> Moved | Already | Refusal:
        done = done_of(row)
        outcome = moves.apply(
            state_of(row), step, actor.role, tz=self.tz, origin=actor.origin,
            comment=said.comment, cause=said.cause, done=done,
        )  # fmt: skip
        if not isinstance(outcome, Moved):
            return outcome
        changes: dict[str, Any] = {}
        for taken in (*outcome.implied, step):
            done[taken] = Done(actor.name, work.now_ms)
            changes[STEP_MS[taken]] = work.now_ms
            if taken is Step.ACCEPT:
                changes |= {"owner": actor.name, "owner_unit": actor.unit}
        if step is Step.FILE_CAUSE:
            changes["cause"] = said.cause
        changes["done"] = orjson.dumps(
            {s.value: {"name": d.name, "at_ms": d.at_ms} for s, d in done.items()}
        ).decode()
        was_open = row["closed_ms"] is None
        work.set_state(row, outcome.state, **changes)
        for implied in outcome.implied:
            work.tell(row["id"], PAST[implied], actor, implied_by=step.value)
        words = _said(said, shared_from)
        work.tell(row["id"], PAST[step], actor, **words, via=actor.origin.value)
        if was_open and outcome.state.alarm is AlarmState.CLOSED:
            work.tell(row["id"], "closed", actor, reason=PAST[step])
            inhibition.end(work, self.asides, row)
        self.escalator.drop_needless(work, row)
        return outcome

    def _shelf(
        self,
        work: Work,
        row: Row,
        step: Step,
        actor: Actor,
        said: Said,
    ) -> Moved | Already | Refusal:
        """Shelve one alert or take it from the shelf."""
        outcome = moves.apply(
            state_of(row), step, actor.role, tz=self.tz, origin=actor.origin, comment=said.comment
        )
        if not isinstance(outcome, Moved):
            return outcome
        if step is Step.UNSHELVE:
            order = self.asides.by_id(work, row["aside_id"])
            if order is not None:
                self.asides.end(work, order, actor, step.value)
            return outcome
        refused = check_end(Aside.SHELVED, work.now_ms, said.until_ms)
        if refused is not None or said.until_ms is None:
            return refused or moves.life_safety()
        why = (said.comment or "").strip()
        order_of = Order(
            Aside.SHELVED, row["subject_kind"], row["subject"], why, said.until_ms, (), row["id"]
        )
        made = self.asides.begin(work, order_of, actor)
        return made if isinstance(made, Refusal) else outcome

    def _share(self, work: Work, row: Row, step: Step, actor: Actor, said: Said) -> None:
        """Take the same step in the other open rescues of the same car."""
        if row["rescue_state"] == RescueState.NONE:
            return
        for sibling in work.open_of(row["subject_kind"], row["subject"]):
            if sibling["id"] == row["id"] or sibling["rescue_state"] == RescueState.NONE:
                continue
            if bool(sibling["exercise"]) is not bool(row["exercise"]):
                continue  # what is practised frees nobody
            self._step(work, sibling, step, actor, said, shared_from=row["id"])
            self._answer(work, sibling, actor, told=True)

    def _answer(self, work: Work, row: Row, actor: Actor, told: bool) -> None:
        """Keep that a unit has answered, even when another was first with the step itself."""
        if not work.mark_answered(row["id"], actor.unit, actor.name):
            return
        if not told:
            work.tell(row["id"], "answered", actor)
        self.escalator.drop_needless(work, row)


def _said(said: Said, shared_from: int | None) -> dict[str, Any]:
    told = {"comment": said.comment, "cause": said.cause, "shared_from": shared_from}
    return {name: value for name, value in told.items() if value is not None}


def _tapped(work: Work, row: Row, step: Step, actor: Actor, outcome: str) -> None:
    """The audit trail has every tap, also one that changed nothing."""
    work.tell(row["id"], "tapped", actor, step=step.value, outcome=outcome, via=actor.origin.value)


def _thanks(step: Step) -> Text:
    words = moves.DONE_WORDS[step]
    return Text(f"已{words.zh}", f"done: {words.en}")
