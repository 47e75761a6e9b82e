"""The life of an alert: how a step or an event moves its states. Pure, no I/O.

What is allowed stands in the table of `allowed.py`; here it is applied, and refusals and double
taps get their words. Rescuers may skip steps (a mechanic in the building never "departs"); what
lies behind is implied. Sources: ISA-18.2 / IEC 62682 (alarm states), EN 81-28 (an alarm stays until
it was verified clear), the 96333 practice (rescue states).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo

from alerts.lifecycle.allowed import (
    BUSY,
    FREE,
    HELD,
    Cause,
    Event,
    alarm_after,
    rescue_rows,
    who_may,
)
from alerts.model import AlarmState as A
from alerts.model import Aside, LiftStep, Origin, Role, Step
from alerts.model import RescueState as R
from config.text import Text


@dataclass(frozen=True, slots=True)
class State:
    """All that decides which steps are allowed.

    `active`: the condition is still seen. `latched`: only a person's verification ends it.
    `with_people`: people were known to be in the car at some time of this alert.
    """

    alarm: A = A.UNACKNOWLEDGED
    rescue: R = R.NONE
    active: bool = True
    latched: bool = False
    aside: Aside = Aside.NONE
    with_people: bool = False

    @property
    def life(self) -> bool:
        """True for a life-safety alarm: it can never be set aside."""
        return self.with_people or self.rescue is not R.NONE


@dataclass(frozen=True, slots=True)
class Done:
    """Who took a step first, and when."""

    name: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class Moved:
    """The step is allowed; `implied` are the steps it silently includes, in order."""

    state: State
    implied: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Already:
    """A double tap: nothing changes, and the text names who was first."""

    text: Text


@dataclass(frozen=True, slots=True)
class Refusal:
    """Not allowed; `code` for programs, `text` for people."""

    code: str
    text: Text


Outcome = Moved | Already | Refusal

RESCUE_ORDER = (R.RAISED, R.ACCEPTED, R.ON_THE_WAY, R.ARRIVED, R.FREED, R.CAUSE_FILED, R.VERIFIED)
RESCUE: Mapping[Step, tuple[frozenset[R], R]] = {
    step: rows for step in Step if step is not Step.CANCEL and (rows := rescue_rows(step))
}
RESCUE_STEPS = frozenset({Step.DEPART, Step.ARRIVE, Step.FREE})
UNDER_WAY = frozenset({R.ACCEPTED, R.ON_THE_WAY, R.ARRIVED, R.FREED, R.CAUSE_FILED})
MAY: Mapping[Step, frozenset[Role]] = {step: frozenset(who_may(step)) for step in Step}

DONE_WORDS: Mapping[Step, Text] = {
    Step.ACKNOWLEDGE: Text("确认", "acknowledged"),
    Step.ACCEPT: Text("接单", "accepted"),
    Step.DEPART: Text("出发", "set out"),
    Step.ARRIVE: Text("到场", "arrived"),
    Step.FREE: Text("解困", "freed the passengers"),
    Step.FILE_CAUSE: Text("填报原因", "filed the cause"),
    Step.VERIFY: Text("复查", "verified"),
    Step.CANCEL: Text("取消", "cancelled"),
    Step.SHELVE: Text("搁置", "shelved"),
    Step.UNSHELVE: Text("取消搁置", "unshelved"),
}
ASIDE_WORDS: Mapping[Aside, Text] = {
    Aside.SHELVED: Text("搁置", "shelved"),
    Aside.SUPPRESSED: Text("按计划抑制", "suppressed by design"),
    Aside.OUT_OF_SERVICE: Text("停用", "out of service"),
}


def held(state: State) -> bool:
    """True while only a person's verification or cancellation can end the alert."""
    return state.latched or state.rescue in UNDER_WAY


def clock_text(at_ms: int, tz: tzinfo) -> str:
    """Hours and minutes in the site's zone, e.g. `03:12`."""
    return datetime.fromtimestamp(at_ms / 1000, tz).isoformat()[11:16]


def may(by: Step | LiftStep, role: Role, origin: Origin) -> bool:
    """True if somebody of this role may do this from there."""
    return origin in who_may(by).get(role, frozenset())


def on_clear(state: State) -> State:
    """Return the state after the condition was definitely false for its clear time."""
    if state.alarm is A.CLOSED or not state.active:
        return replace(state, active=False)
    return _settle(replace(state, active=False, alarm=_alarm(state, Event.CLEAR)))


def on_again(state: State, quiet: bool = False) -> State:
    """Return the state of an open alert after its condition came back.

    `quiet`: it was acknowledged a moment ago, so nobody is called a second time.
    """
    return replace(state, active=True, alarm=_alarm(state, Event.AGAIN, quiet))


def on_people(state: State, rescue: bool) -> State:
    """Return the state after people turned out to be in the car: a call of its own.

    `rescue`: the chain in force from now on is one that frees people.
    """
    began = rescue and state.rescue is R.NONE
    return replace(
        state,
        alarm=_alarm(state, Event.PEOPLE),
        rescue=R.RAISED if began else state.rescue,
        aside=Aside.NONE,
        with_people=True,
    )


def _alarm(state: State, by: Cause, quiet: bool = False) -> A:
    conditions = {HELD if held(state) else FREE}
    if state.rescue in UNDER_WAY or (quiet and state.alarm is A.LATCHED):
        conditions.add(BUSY)  # somebody is on it: no second call
    return alarm_after(state.alarm, by, frozenset(conditions))


def _settle(state: State) -> State:
    """A rescue nobody took up, closed by its condition going away, is cancelled, not open.
    What has closed is not set aside either."""
    if state.alarm is not A.CLOSED:
        return state
    rescue = R.CANCELLED if state.rescue is R.RAISED else state.rescue
    return replace(state, rescue=rescue, aside=Aside.NONE)


def apply(
    state: State,
    step: Step,
    role: Role,
    *,
    tz: tzinfo,
    origin: Origin = Origin.CONSOLE,
    comment: str | None = None,
    cause: str | None = None,
    done: Mapping[Step, Done] | None = None,
) -> Outcome:
    """Decide one step.

    Args:
        state: where the alert stands.
        step: what is asked for.
        role: who asks; units are checked by the caller, who knows whose lift it is.
        tz: the site's time zone, for the hour in an `Already`.
        origin: from where it is asked.
        comment: needed to cancel, to shelve, and to verify while the condition is still seen.
        cause: needed to file the cause.
        done: the steps already taken and by whom.
    """
    done = done or {}
    if not may(step, role, origin):
        return _not_yours(step, role)
    stopped = _stopped(state, step, cause, done, tz)
    if stopped is not None:
        return stopped
    if step in (Step.SHELVE, Step.UNSHELVE):
        return _shelf(state, step, comment)
    if step is Step.ACKNOWLEDGE:
        return _acknowledge(state, done, tz)
    if step is Step.CANCEL:
        return _cancel(state, comment)
    if state.rescue is R.NONE:
        return _without_rescue(state, step, comment, done)
    return _with_rescue(state, step, comment, done, tz)


def _stopped(
    state: State, step: Step, cause: str | None, done: Mapping[Step, Done], tz: tzinfo
) -> Outcome | None:
    """What ends the matter before the states are looked at; None = go on."""
    if step in done:
        return Already(_already(done[step], step, tz))
    # What was wrong with a lift may be filed after its fault has gone.
    if state.alarm is A.CLOSED and (step is not Step.FILE_CAUSE or state.rescue is not R.NONE):
        return _closed(done, tz)
    if step is Step.FILE_CAUSE and not (cause and cause.strip()):
        text = Text("请填写原因后再提交", "say what the cause was, then file it")
        return Refusal("cause_missing", text)
    return None


def _acknowledge(state: State, done: Mapping[Step, Done], tz: tzinfo) -> Outcome:
    if state.alarm in (A.UNACKNOWLEDGED, A.RETURNED):
        return Moved(_settle(replace(state, alarm=_alarm(state, Step.ACKNOWLEDGE))))
    first = done.get(Step.ACCEPT)
    if first:
        return Already(_already(first, Step.ACCEPT, tz))
    return Already(Text("该警情已确认", "this alert is already acknowledged"))


def _cancel(state: State, comment: str | None) -> Outcome:
    if not (comment and comment.strip()):
        text = Text("取消须写明理由", "cancelling needs a comment that says why")
        return Refusal("comment_missing", text)
    rescue = R.NONE if state.rescue is R.NONE else R.CANCELLED
    return Moved(replace(state, alarm=A.CLOSED, rescue=rescue, aside=Aside.NONE))


def _shelf(state: State, step: Step, comment: str | None) -> Outcome:
    """The end of the shelf is looked at by the caller, who knows what time it is."""
    if step is Step.UNSHELVE:
        if state.aside is Aside.SHELVED:
            return Moved(replace(state, aside=Aside.NONE))
        return Already(Text("该警情没有被搁置", "this alert is not shelved"))
    if state.life:
        return life_safety()
    if state.aside is not Aside.NONE:
        words = ASIDE_WORDS[state.aside]
        return Already(Text(f"该警情已{words.zh}", f"this alert is already {words.en}"))
    if not (comment and comment.strip()):
        text = Text("搁置须写明理由", "shelving needs a comment that says why")
        return Refusal("comment_missing", text)
    return Moved(replace(state, aside=Aside.SHELVED))


def life_safety() -> Refusal:
    """The refusal that nobody can talk round: people are in the car."""
    text = Text(
        "轿内有人（或救援尚未结案）的警情不可搁置、抑制或停用：请先解困并复查结案",
        "people are in this car, or its rescue is not verified yet: such an alarm can be neither "
        "shelved, nor suppressed, nor put out of service. Free them and verify it first",
    )
    return Refusal("life_safety", text)


def _without_rescue(
    state: State, step: Step, comment: str | None, done: Mapping[Step, Done]
) -> Outcome:
    if step in RESCUE_STEPS:
        text = Text(
            "该警情无需救援，只需确认或接单", "nobody is trapped here: acknowledge or accept"
        )
        return Refusal("no_rescue", text)
    if step is Step.VERIFY:
        return _verify(state, comment)
    implied = _implied(state, done)
    if step is Step.ACCEPT and implied:
        return Moved(_settle(replace(state, alarm=_alarm(state, Step.ACKNOWLEDGE))), implied)
    return Moved(state)


def _with_rescue(
    state: State, step: Step, comment: str | None, done: Mapping[Step, Done], tz: tzinfo
) -> Outcome:
    sources, target = RESCUE[step]
    if state.rescue in sources:
        if step is Step.VERIFY:
            return _verify(replace(state, rescue=target), comment)
        moved = replace(state, rescue=target)
        return Moved(replace(moved, alarm=_alarm(moved, step)), _implied(state, done, before=step))
    if state.rescue in RESCUE_ORDER and _behind(state.rescue, target):
        return Already(_overtaken(done, step, tz))
    return _too_early(step)


def _implied(
    state: State, done: Mapping[Step, Done], before: Step | None = None
) -> tuple[Step, ...]:
    """Acknowledging always; accepting when a later rescue step comes first."""
    steps: list[Step] = []
    if state.alarm in (A.UNACKNOWLEDGED, A.RETURNED):
        steps.append(Step.ACKNOWLEDGE)
    if before in (Step.DEPART, Step.ARRIVE) and state.rescue is R.RAISED:
        steps.append(Step.ACCEPT)
    return tuple(step for step in steps if step not in done)


def _verify(state: State, comment: str | None) -> Outcome:
    if state.active and not (comment and comment.strip()):
        text = Text(
            "现场信号仍显示异常，若确认是传感器问题请写明后再复查",
            "the condition is still reported: if the sensor is wrong, say so in a comment",
        )
        return Refusal("still_active", text)
    return Moved(replace(state, alarm=A.CLOSED, aside=Aside.NONE))


def _behind(rescue: R, target: R) -> bool:
    return RESCUE_ORDER.index(rescue) >= RESCUE_ORDER.index(target)


def _already(first: Done, step: Step, tz: tzinfo) -> Text:
    at, words = clock_text(first.at_ms, tz), DONE_WORDS[step]
    return Text(f"{first.name} 已于 {at} {words.zh}", f"{first.name} already {words.en} at {at}")


def _overtaken(done: Mapping[Step, Done], step: Step, tz: tzinfo) -> Text:
    """A step that a later one has made needless: name the latest one taken."""
    taken = [s for s in RESCUE if s in done]
    if not taken:
        words = DONE_WORDS[step]
        return Text(f"已{words.zh}", f"somebody already {words.en}")
    return _already(done[taken[-1]], taken[-1], tz)


def _closed(done: Mapping[Step, Done], tz: tzinfo) -> Outcome:
    for step in (Step.CANCEL, Step.VERIFY):
        if step in done:
            return Already(_already(done[step], step, tz))
    return Already(Text("该警情已结束", "this alert has already ended"))


def _too_early(step: Step) -> Refusal:
    if step is Step.VERIFY:
        text = Text("请先解困并填报原因，再复查", "free the passengers and file the cause first")
    else:
        text = Text("请先确认乘客已解困，再填报原因", "say first that the passengers are free")
    return Refusal("too_early", text)


def _not_yours(step: Step, role: Role) -> Refusal:
    words = DONE_WORDS[step]
    if role in MAY[step]:  # the person may, but not by a link or a reply: these can be forwarded
        text = Text(
            f"{words.zh}须登录控制台操作", f"this step ({step.value}) needs the console: sign in"
        )
        return Refusal("not_from_here", text)
    text = Text(
        f"{words.zh}须由值班员操作", f"this step ({step.value}) is for the operator on duty"
    )
    return Refusal("not_allowed", text)
