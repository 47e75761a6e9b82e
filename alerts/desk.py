"""The alert desk: the one door through which alerts change. Every call is one transaction.

Only a flood is taken in slices, the lifts with people in them first: their pages must not wait
for the commit of ten thousand others. A crash between two slices costs nothing: the batch was not
acknowledged, comes again, and what is known already changes nothing.

`apply` takes the rules' transitions, `tick` fires what is due, `act` is a person's tap. Several
processes may use desks on the same database: writers are serialised there.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import chain, repeat
from typing import Any

import orjson
from sqlalchemy import Engine, select

from alerts import lifecycle, queries
from alerts.chains import Chains
from alerts.directory import Directory
from alerts.escalation import FIRE_AT_ONCE, Escalator, next_timer_ms
from alerts.folding import Folding
from alerts.gaps import OFF_DUTY, Gaps
from alerts.lifecycle import Already, Done, Moved, Refusal
from alerts.links import LinkClaim
from alerts.model import (
    Actor,
    ActResult,
    AlarmState,
    FeedEvent,
    RescueState,
    Role,
    RuleMeta,
    Step,
    Transition,
)
from alerts.page import Pages
from alerts.raising import STEP_MS, Raiser
from alerts.subjects import Subjects
from alerts.tables import alert, reading, writing
from alerts.work import Row, Work, done_of, state_of
from config.text import Text

# Transitions a transaction, slice by slice: the first pages are on their way after some ms, and
# later slices take some 0.2 s, so that whoever sends pages gets a turn between.
SLICES = (20, 100)
SLICE = 400
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


@dataclass
class AlertDesk:
    """See the module's text. `unfold_s`: how long after a gateway's return its lifts may still be
    silent before each gets its own alert, in seconds; domain default 120."""

    engine: Engine
    rules: Mapping[str, RuleMeta]
    chains: Chains
    directory: Directory
    subjects: Subjects
    pages: Pages
    again_quiet_s: float = 600.0
    unfold_s: float = 120.0
    _escalator: Escalator = field(init=False)
    _raiser: Raiser = field(init=False)
    _folding: Folding = field(init=False)
    _gaps: Gaps = field(init=False)

    def __post_init__(self) -> None:
        """Check that every rule's chain exists; raises ConfigError."""
        self.rules = {OFF_DUTY.id: OFF_DUTY} | dict(self.rules)
        self.chains.check(self.rules.values())
        self._escalator = Escalator(self.chains, self.directory, self.subjects, self.pages)
        self._raiser = Raiser(self.rules, self._escalator, self.again_quiet_s)
        self._folding = Folding(self.subjects, self.unfold_s)
        self._gaps = Gaps(self.directory)

    def take_up(self, directory: Directory) -> None:
        """Go on with a changed directory, as between two transactions."""
        self.directory = self._escalator.directory = directory
        self._gaps = Gaps(directory)

    def apply(
        self,
        now_ms: int,
        transitions: Iterable[Transition],
        silent: Collection[str] | None = None,
        committed: Callable[[], None] = lambda: None,
    ) -> list[FeedEvent]:
        """Apply transitions, those of one lift in order; return the journal lines they caused.

        Args:
            now_ms: wall time.
            transitions: of one batch or tick; repeats change nothing.
            silent: ids of the gateways that are silent as a whole now; None = not known here,
                then nothing is folded and no gateway returns.
            committed: called after each slice: pages may go out, consoles be told.
        """
        todo = list(transitions)
        if not todo and self._nothing_to_fold(silent):
            return []
        events: list[FeedEvent] = []
        fresh, sizes = True, chain(SLICES, repeat(SLICE))
        while fresh or todo:
            with writing(self.engine) as conn:
                work = Work(conn, now_ms)
                if fresh and silent is not None:
                    todo = self._folding.fold(work, todo, silent)
                if fresh:
                    todo = self._raiser.gravest_first(todo)
                size, fresh = next(sizes), False
                now, todo = todo[:size], todo[size:]
                self._folding.note_cleared(work, now)
                self._raiser.apply_all(work, now)
                events += self._finish(work)
            committed()
        return events

    def tick(self, now_ms: int) -> list[FeedEvent]:
        """Fire every timer that is due, each exactly once; return the journal lines."""
        events: list[FeedEvent] = []
        while self._due(now_ms):
            with writing(self.engine) as conn:
                work = Work(conn, now_ms)
                self._raiser.apply_all(
                    work, [*self._folding.unfold(work), *self._gaps.over(conn, now_ms)]
                )
                taken = self._escalator.fire_due(work)
                self._escalator.gathering.sum_up(work)
                events += self._finish(work)
            if taken < FIRE_AT_ONCE:
                break
        return events

    def _finish(self, work: Work) -> list[FeedEvent]:
        """Raise what the fired steps have found (which may find the bureau off duty too)."""
        while found := self._gaps.found(work):
            self._raiser.apply_all(work, found)
        return work.finish()

    # Most calls find nothing to do: they only read, and take no writer's lock.
    def _nothing_to_fold(self, silent: Collection[str] | None) -> bool:
        if silent is None:
            return True
        with reading(self.engine) as conn:
            return self._folding.at_rest(conn)

    def _due(self, now_ms: int) -> bool:
        with reading(self.engine) as conn:
            first_ms = next_timer_ms(conn)
            if first_ms is not None and first_ms <= now_ms:
                return True
            gathering = self._escalator.gathering
            if gathering.due(conn, now_ms) or self._folding.due(conn, now_ms):
                return True
            return bool(self._gaps.over(conn, now_ms))

    def next_due_ms(self) -> int | None:
        """Return when the next timer is due, None if none is pending."""
        with reading(self.engine) as conn:
            return next_timer_ms(conn)

    def actor(self, claim: LinkClaim) -> Actor | None:
        """Return who acts through a page's link; None if the directory no longer has them."""
        return self.directory.actor(claim.contact)

    def act(
        self,
        alert_id: int,
        step: Step,
        actor: Actor,
        at_ms: int,
        comment: str | None = None,
        cause: str | None = None,
    ) -> ActResult:
        """Take one step for a person; see ActResult for double taps and refusals.

        Raises ValueError for a step that does not exist.
        """
        step = Step(step)  # a name from outside is as good as the member
        with writing(self.engine) as conn:
            work = Work(conn, at_ms)
            row = work.alert(alert_id)
            if row is None:
                return ActResult(False, False, Text("没有这条警情", "there is no such alert"))
            if not self._may_see(work, row, actor):
                text = Text("该警情不属于贵单位", "this alert is not your unit's")
                return ActResult(False, False, text)
            outcome = self._step(work, row, step, actor, comment, cause)
            if not isinstance(outcome, Refusal):
                self._answer(work, row, actor, told=isinstance(outcome, Moved))
            if isinstance(outcome, Moved) and step in SHARED_STEPS:
                self._share(work, row, step, actor, comment, cause)
            work.finish()
            changed = isinstance(outcome, Moved)
            text = _thanks(step) if isinstance(outcome, Moved) else outcome.text
            shown = queries.get_alert(conn, alert_id, chains=self.chains)
            return ActResult(not isinstance(outcome, Refusal), changed, text, shown)

    def _may_see(self, work: Work, row: Row, actor: Actor) -> bool:
        return actor.role is not Role.FIRM or work.takes_part(row["id"], actor.unit)

    def _step(
        self,
        work: Work,
        row: Row,
        step: Step,
        actor: Actor,
        comment: str | None,
        cause: str | None,
        shared_from: int | None = None,
    ) -> Moved | Already | Refusal:
        done = done_of(row)
        outcome = lifecycle.apply(
            state_of(row), step, actor.role, tz=self.pages.tz, comment=comment, cause=cause,
            done=done,
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
            changes["cause"] = cause
        changes["done"] = orjson.dumps(
            {s.value: {"name": d.name, "at_ms": d.at_ms} for s, d in done.items()}
        ).decode()
        was_open = row["closed_ms"] is None
        work.set_state(row, outcome.state, **changes)
        for implied in outcome.implied:
            work.tell(row["id"], PAST[implied], actor, implied_by=step.value)
        work.tell(row["id"], PAST[step], actor, **_said(comment, cause, shared_from))
        if was_open and outcome.state.alarm is AlarmState.CLOSED:
            work.tell(row["id"], "closed", actor, reason=PAST[step])
        self._escalator.drop_needless(work, row)
        return outcome

    def _share(
        self, work: Work, row: Row, step: Step, actor: Actor, comment: str | None, cause: str | None
    ) -> None:
        """Take the same step in the other open rescues of the same car."""
        if row["rescue_state"] == RescueState.NONE:
            return
        others = work.conn.execute(
            select(alert.c.id)
            .where(
                alert.c.subject == row["subject"],
                alert.c.subject_kind == row["subject_kind"],
                alert.c.id != row["id"],
                alert.c.closed_ms.is_(None),
                alert.c.rescue_state != RescueState.NONE.value,
            )
            .order_by(alert.c.id)
        )
        for other in others.scalars().all():
            sibling = work.known(other)
            self._step(work, sibling, step, actor, comment, cause, shared_from=row["id"])
            self._answer(work, sibling, actor, told=True)

    def _answer(self, work: Work, row: Row, actor: Actor, told: bool) -> None:
        """Keep that a unit has answered, even when another was first with the step itself."""
        if not work.mark_answered(row["id"], actor.unit, actor.name):
            return
        if not told:
            work.tell(row["id"], "answered", actor)
        self._escalator.drop_needless(work, row)


def _said(comment: str | None, cause: str | None, shared_from: int | None) -> dict[str, Any]:
    said = {"comment": comment, "cause": cause, "shared_from": shared_from}
    return {name: value for name, value in said.items() if value is not None}


def _thanks(step: Step) -> Text:
    words = lifecycle.DONE_WORDS[step]
    return Text(f"已{words.zh}", f"done: {words.en}")
