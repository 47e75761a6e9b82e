"""The alert desk: the one door through which alerts change. Every call is one transaction.

`accept` takes the rules' transitions over for good; what calls rescuers is done with it, and of a
flood the rest waits as rows (inbox.py) for `work_off`, which does it slice by slice. After a crash
what was accepted and not worked off still stands there. `tick` fires what is due, `act` is a
person's tap; whatever changes a subject's alerts first does what waits of that subject. Several
processes may use desks on the same database: writers are serialised there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from sqlalchemy import Engine, select

from alerts.aside.asides import NEXT_END, Asides
from alerts.aside.lift_steps import LiftSteps
from alerts.chains.calling import Devices
from alerts.chains.escalation import FIRE_AT_ONCE, FIRST_DUE, Due, Escalator, due_timers
from alerts.chains.ladder import Chains
from alerts.database.access import reading
from alerts.database.bulk import parts
from alerts.desk import inbox, queries
from alerts.desk.accepting import Accepting
from alerts.desk.gaps import OFF_DUTY, Gaps
from alerts.desk.handing import Sender, transaction
from alerts.desk.noting import write_note
from alerts.desk.raising import Raiser
from alerts.desk.stepping import Said, Stepping
from alerts.desk.work import Row, Work
from alerts.directory.subjects import Subjects
from alerts.directory.units import Directory
from alerts.drills import marks, running
from alerts.grouping.folding import UNFOLD_DUE, Folding
from alerts.grouping.gathering import SUMMARY_DUE
from alerts.model import (
    Actor,
    ActResult,
    Aside,
    FeedEvent,
    LiftStep,
    Role,
    RuleMeta,
    Step,
    Transition,
    severity_rank,
)
from alerts.pages.links import LinkClaim
from alerts.pages.page import Pages
from config.text import Text

# All that an idle tick asks, as one question; each part reads from the front of an index.
_TIMES = select(*FIRST_DUE, NEXT_END)
_DUE = select(*FIRST_DUE, NEXT_END, SUMMARY_DUE, UNFOLD_DUE)


class _Rehearsed(Exception):
    """Rolls a rehearsal back."""


SLICE_OF_STEPS = 50  # of many alerts acknowledged at once, a transaction


@dataclass
class AlertDesk(Accepting):
    """See the module's text. `unfold_s`: how long after a gateway's return its lifts may still be
    silent before each gets its own alert, in seconds; domain default 120. `sender`: whoever sends
    pages in this process, if somebody does (see handing.py)."""

    engine: Engine
    rules: Mapping[str, RuleMeta]
    chains: Chains
    directory: Directory
    subjects: Subjects
    pages: Pages
    again_quiet_s: float = 600.0
    unfold_s: float = 120.0
    sender: Sender | None = None
    _escalator: Escalator = field(init=False)
    _asides: Asides = field(init=False)
    _raiser: Raiser = field(init=False)
    _stepping: Stepping = field(init=False)
    _lift_steps: LiftSteps = field(init=False)
    _folding: Folding = field(init=False)
    _gaps: Gaps = field(init=False)

    def __post_init__(self) -> None:
        """Check that every rule's chain exists; raises ConfigError."""
        self.rules = {OFF_DUTY.id: OFF_DUTY} | dict(self.rules)
        self.chains.check(self.rules.values())
        self._escalator = Escalator(self.chains, self.directory, self.subjects, self.pages)
        self._asides = Asides(self._escalator)
        self._raiser = Raiser(self.rules, self._escalator, self._asides, self.again_quiet_s)
        self._stepping = Stepping(self._escalator, self._asides, self.pages.tz)
        self._lift_steps = LiftSteps(self._asides, self.pages.tz)
        self._folding = Folding(self.subjects, self.unfold_s)
        self._gaps = Gaps(self.directory)

    def take_up(self, directory: Directory) -> None:
        """Go on with a changed directory, as between two transactions."""
        self.directory = self._escalator.directory = directory
        self._gaps = Gaps(directory)

    def take_up_rules(self, rules: Mapping[str, RuleMeta]) -> None:
        """Go on with changed rules, for what is raised from now on. Raises ConfigError."""
        known = {OFF_DUTY.id: OFF_DUTY} | dict(rules)
        self.chains.check(known.values())
        self.rules = known
        self._raiser = Raiser(known, self._escalator, self._asides, self.again_quiet_s)

    def push_to(self, devices: Devices) -> None:
        """Page the browsers of a contact beside their other channels."""
        self._escalator.devices = devices

    def rehearse(self, now_ms: int) -> None:
        """Raise an alert of a rule that rescues, and take it all back: nothing stays written.

        The first statement of each kind is compiled and the first page of an index read: some 0.1 s
        that the first real alert after a start must not wait for. Raises what writing raises.
        """
        grave = min(self.rules.values(), key=lambda rule: severity_rank(rule.severity))
        one = Transition("lift", "rehearsal", grave.id, True, now_ms, now_ms, True, 1)
        with suppress(_Rehearsed), transaction(self.engine, now_ms, None) as work:
            self._raiser.apply_all(work, [one])
            inbox.put(work, [], [replace(one, subject="waits")])
            self._raiser.apply_all(work, inbox.of(work, [("lift", "waits")]))
            work.finish()
            raise _Rehearsed

    def tick(self, now_ms: int) -> list[FeedEvent]:
        """End what is over of what was set aside, and fire every timer that is due, each exactly
        once; return the journal lines."""
        events: list[FeedEvent] = []
        while self._due(now_ms):
            with transaction(self.engine, now_ms, self.sender) as work:
                self._catch_up_rows(work, self._asides.due(work))
                self._take(work, [*self._folding.unfold(work), *self._gaps.over(work.conn, now_ms)])
                self._asides.end_due(work)
                due = self._due_timers(work)
                self._escalator.fire_these(work, due)
                self._escalator.gathering.sum_up(work)
                events += self._finish(work)
            if len(due) < FIRE_AT_ONCE:
                break
        return events

    def _due_timers(self, work: Work) -> list[Due]:
        """Return the timers to fire, with what waits of their subjects done before: a deadline
        must not call anybody for what was heard to be over."""
        due = due_timers(work.conn, work.now_ms, FIRE_AT_ONCE)
        idents = [ident for ident, _, _ in due]
        work.load(idents)
        self._catch_up_rows(work, map(work.known, idents))
        return due

    def _catch_up_rows(self, work: Work, rows: Iterable[Row]) -> None:
        self._catch_up(work, [(row["subject_kind"], row["subject"]) for row in rows])

    # Most calls find nothing to do: they only read, and take no writer's lock.
    def _due(self, now_ms: int) -> bool:
        with reading(self.engine) as conn:
            *times, summary, unfold = conn.execute(_DUE, {"now_ms": now_ms}).one()
            if summary is not None or unfold is not None:
                return True
            if any(time is not None and time <= now_ms for time in times):
                return True
            return bool(self._gaps.over(conn, now_ms))

    def next_due_ms(self) -> int | None:
        """Return when the next timer is due or the next shelf ends, None if nothing is pending."""
        with reading(self.engine) as conn:
            times = conn.execute(_TIMES).one()
            return min((time for time in times if time is not None), default=None)

    def actor(self, claim: LinkClaim) -> Actor | None:
        """Return who acts through a page's link; None if the directory no longer has them.

        Who answers a page by mail or MQTT is the same with `origin=Origin.REPLY`.
        """
        return self.directory.actor(claim.contact)

    def act(
        self,
        alert_id: int,
        step: Step,
        actor: Actor,
        at_ms: int,
        comment: str | None = None,
        cause: str | None = None,
        until_ms: int | None = None,
    ) -> ActResult:
        """Take one step for a person; see ActResult for double taps and refusals.

        `until_ms`: when a shelf ends, for `shelve`. Raises ValueError for a step that does not
        exist.
        """
        step = Step(step)  # a name from outside is as good as the member
        said = Said(comment, cause, until_ms)
        with transaction(self.engine, at_ms, self.sender) as work:
            row = work.alert(alert_id)
            if row is not None:
                self._catch_up(work, [(row["subject_kind"], row["subject"])])
            result = self._stepping.take(work, alert_id, step, actor, said)
            self._finish(work)
            if result.alert is None:
                return result
            shown = queries.get_alert(work.conn, alert_id, chains=self.chains)
            return replace(result, alert=shown)

    def note(
        self, alert_id: int, text: str, actor: Actor, at_ms: int, version: int | None = None
    ) -> ActResult:
        """Write, change or take off (empty text) an alert's hand-over note, see noting.py."""
        with transaction(self.engine, at_ms, self.sender) as work:
            result = write_note(work, alert_id, text, actor, version, self.pages.tz)
            self._finish(work)
            return result

    def act_all(
        self,
        alert_ids: Sequence[int],
        step: Step,
        actor: Actor,
        at_ms: int,
        comment: str | None = None,
        until_ms: int | None = None,
    ) -> list[ActResult]:
        """Take the same step on many alerts; return a result for each, without its alert.

        Each is taken, or refused, as if it stood alone; a repeat changes nothing. They are
        committed in slices, so a rescue that comes meanwhile waits for one slice at most.
        """
        step, said = Step(step), Said(comment, None, until_ms)
        results: list[ActResult] = []
        for some in parts(alert_ids, SLICE_OF_STEPS):
            with transaction(self.engine, at_ms, self.sender) as work:
                rows = [row for one in some if (row := work.alert(one)) is not None]
                self._catch_up(work, {(row["subject_kind"], row["subject"]) for row in rows})
                results += [self._stepping.take(work, one, step, actor, said) for one in some]
                self._finish(work)
        return [replace(result, alert=None) for result in results]

    def drill(
        self,
        now_ms: int,
        lift: str,
        actor: Actor,
        rule: str = "1",
        people: int = 2,
        minutes: int = running.MINUTES,
    ) -> ActResult:
        """Begin an exercise: the true chain with real pages, marked as what it is.

        It ends when its cause is filed, when it is stopped, after `minutes`, or when something
        real happens on that lift. `ActResult.alert` is the drill's alert.
        """
        with transaction(self.engine, now_ms, self.sender) as work:
            known = self.subjects.gateway_of(lift) is not None
            self._catch_up(work, [("lift", lift)])
            why = running.refused(work, self.rules, lift, known, rule, people, minutes, actor)
            if why is not None:
                self._finish(work)
                return ActResult(False, False, why)
            row = self._raiser.raise_drill(work, marks.transition(lift, rule, people, now_ms))
            running.plan_end(work, row, minutes)
            work.tell(row["id"], "exercise", actor, rule=rule, people=people, minutes=minutes)
            self._finish(work)
            shown = queries.get_alert(work.conn, row["id"], chains=self.chains)
            return ActResult(True, True, Text("演练已开始", "the exercise has begun"), shown)

    def stop_drill(self, alert_id: int, actor: Actor, at_ms: int) -> ActResult:
        """End an exercise before its time; refused for anything real."""
        with transaction(self.engine, at_ms, self.sender) as work:
            row = work.alert(alert_id)
            if row is None or not row["exercise"]:
                return ActResult(False, False, Text("没有这场演练", "there is no such exercise"))
            self._catch_up(work, [(row["subject_kind"], row["subject"])])
            if actor.role not in (Role.ADMIN, Role.SYSTEM):
                text = Text("演练须由管理员停止", "an exercise is stopped by an administrator")
                return ActResult(False, False, text)
            text = Text("演练已停止", "the exercise was stopped")
            changed = running.end(work, self._escalator, row, text, actor)
            self._finish(work)
            over = Text("演练早已结束", "the exercise was over already")
            shown = queries.get_alert(work.conn, alert_id, chains=self.chains)
            return ActResult(True, changed, text if changed else over, shown)

    def take_out_of_service(
        self, subject: str, actor: Actor, at_ms: int, reason: str, until_ms: int | None,
        subject_kind: str = "lift",
    ) -> ActResult:  # fmt: skip
        """Take a lift out of service until a time: its alerts but life safety page nobody."""
        subject_of, step = (subject_kind, subject), LiftStep.TAKE_OUT
        return self._on_lift(
            at_ms,
            subject_of,
            lambda work: self._lift_steps.begin(work, step, subject_of, actor, reason, until_ms),
        )

    def return_to_service(
        self, subject: str, actor: Actor, at_ms: int, subject_kind: str = "lift"
    ) -> ActResult:
        """End a lift's time out of service: what is still active pages now."""

        def end(work: Work) -> ActResult:
            found = self._asides.standing(work, Aside.OUT_OF_SERVICE, subject_kind, subject)
            return self._lift_steps.end(work, LiftStep.RETURN, found, actor)

        return self._on_lift(at_ms, (subject_kind, subject), end)

    def suppress(
        self, subject: str, actor: Actor, at_ms: int, reason: str, until_ms: int | None,
        rules: Sequence[str] = (), subject_kind: str = "lift",
    ) -> ActResult:  # fmt: skip
        """Suppress by design (a visit, fire service): these rules, or all but life safety."""
        subject_of, step = (subject_kind, subject), LiftStep.SUPPRESS
        return self._on_lift(
            at_ms,
            subject_of,
            lambda work: self._lift_steps.begin(
                work, step, subject_of, actor, reason, until_ms, rules
            ),
        )

    def release(self, order: int, actor: Actor, at_ms: int) -> ActResult:
        """End a suppression by its id (`ActResult.order`)."""

        def end(work: Work) -> ActResult:
            found = self._asides.by_id(work, order)
            if found is not None:
                self._catch_up(work, [(found["subject_kind"], found["subject"])])
            return self._lift_steps.end(work, LiftStep.RELEASE, found, actor)

        return self._on_lift(at_ms, None, end)

    def _on_lift(
        self, at_ms: int, subject: inbox.Of | None, take: Callable[[Work], ActResult]
    ) -> ActResult:
        with transaction(self.engine, at_ms, self.sender) as work:
            self._catch_up(work, [] if subject is None else [subject])
            result = take(work)
            self._finish(work)
            return result
