"""The life of an alert: ISA-18.2 alarm states joined to the rescue states. Pure, no I/O.

Two tables hold everything: `ALARM` says how the operator's side moves on an event, `RESCUE` how
far a step brings the rescuer's side. Rescuers may skip steps (a mechanic in the building never
"departs"); what lies behind is implied. Sources: ISA-18.2 / IEC 62682 (alarm states), EN 81-28
(an alarm stays until it was verified clear), the 96333 practice (rescue states).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo

from alerts.model import AlarmState as A
from alerts.model import RescueState as R
from alerts.model import Role, Step
from config.text import Text


@dataclass(frozen=True, slots=True)
class State:
    """All that decides which steps are allowed.

    `active`: the condition is still seen. `latched`: only a person's verification ends it.
    """

    alarm: A = A.UNACKNOWLEDGED
    rescue: R = R.NONE
    active: bool = True
    latched: bool = False


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
    Step.ACCEPT: (frozenset({R.RAISED}), R.ACCEPTED),
    Step.DEPART: (frozenset({R.RAISED, R.ACCEPTED}), R.ON_THE_WAY),
    Step.ARRIVE: (frozenset({R.RAISED, R.ACCEPTED, R.ON_THE_WAY}), R.ARRIVED),
    Step.FREE: (frozenset({R.RAISED, R.ACCEPTED, R.ON_THE_WAY, R.ARRIVED}), R.FREED),
    Step.FILE_CAUSE: (frozenset({R.FREED}), R.CAUSE_FILED),
    Step.VERIFY: (frozenset({R.CAUSE_FILED}), R.VERIFIED),
}
RESCUE_STEPS = frozenset({Step.DEPART, Step.ARRIVE, Step.FREE})
UNDER_WAY = frozenset({R.ACCEPTED, R.ON_THE_WAY, R.ARRIVED, R.FREED, R.CAUSE_FILED})

# (state, event) → state, for an alert that a clear may end. "held" alerts differ in HELD.
ALARM: Mapping[tuple[A, str], A] = {
    (A.UNACKNOWLEDGED, "acknowledge"): A.ACKNOWLEDGED,
    (A.UNACKNOWLEDGED, "clear"): A.RETURNED,
    (A.ACKNOWLEDGED, "clear"): A.CLOSED,
    (A.RETURNED, "acknowledge"): A.CLOSED,
    (A.RETURNED, "again"): A.UNACKNOWLEDGED,
    (A.LATCHED, "again"): A.UNACKNOWLEDGED,
}
# Latched by its rule, or a rescue is under way: only a person ends it.
HELD: Mapping[tuple[A, str], A] = {
    (A.ACKNOWLEDGED, "clear"): A.LATCHED,
    (A.RETURNED, "acknowledge"): A.LATCHED,
}

MAY: Mapping[Step, frozenset[Role]] = {
    step: frozenset({Role.OPERATOR, Role.ADMIN, Role.FIRM})
    for step in (
        Step.ACKNOWLEDGE,
        Step.ACCEPT,
        Step.DEPART,
        Step.ARRIVE,
        Step.FREE,
        Step.FILE_CAUSE,
    )
} | {
    # Four eyes: whoever repaired a lift does not verify the own work.
    Step.VERIFY: frozenset({Role.OPERATOR, Role.ADMIN}),
    Step.CANCEL: frozenset({Role.OPERATOR, Role.ADMIN}),
}

DONE_WORDS: Mapping[Step, Text] = {
    Step.ACKNOWLEDGE: Text("确认", "acknowledged"),
    Step.ACCEPT: Text("接单", "accepted"),
    Step.DEPART: Text("出发", "set out"),
    Step.ARRIVE: Text("到场", "arrived"),
    Step.FREE: Text("解困", "freed the passengers"),
    Step.FILE_CAUSE: Text("填报原因", "filed the cause"),
    Step.VERIFY: Text("复查", "verified"),
    Step.CANCEL: Text("取消", "cancelled"),
}


def held(state: State) -> bool:
    """True while only a person's verification or cancellation can end the alert."""
    return state.latched or state.rescue in UNDER_WAY


def clock_text(at_ms: int, tz: tzinfo) -> str:
    """Hours and minutes in the site's zone, e.g. `03:12`."""
    return datetime.fromtimestamp(at_ms / 1000, tz).strftime("%H:%M")


def on_clear(state: State) -> State:
    """Return the state after the condition was definitely false for its clear time."""
    if state.alarm is A.CLOSED or not state.active:
        return replace(state, active=False)
    return _settle(replace(state, active=False, alarm=_alarm(state, "clear")))


def on_again(state: State) -> State:
    """Return the state of an open alert after its condition came back."""
    return replace(state, active=True, alarm=_alarm(state, "again"))


def _alarm(state: State, event: str) -> A:
    key = (state.alarm, event)
    if event == "again" and state.rescue in UNDER_WAY:
        return A.ACKNOWLEDGED  # somebody is on it: no second call
    if held(state) and key in HELD:
        return HELD[key]
    return ALARM.get(key, state.alarm)


def _settle(state: State) -> State:
    """A rescue nobody took up, closed by its condition going away, is cancelled, not open."""
    if state.alarm is A.CLOSED and state.rescue is R.RAISED:
        return replace(state, rescue=R.CANCELLED)
    return state


def apply(
    state: State,
    step: Step,
    role: Role,
    *,
    tz: tzinfo,
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
        comment: needed to cancel, and to verify while the condition is still seen.
        cause: needed to file the cause.
        done: the steps already taken and by whom.
    """
    done = done or {}
    stopped = _stopped(state, step, role, cause, done, tz)
    if stopped is not None:
        return stopped
    if step is Step.ACKNOWLEDGE:
        return _acknowledge(state, done, tz)
    if step is Step.CANCEL:
        return _cancel(state, comment)
    if state.rescue is R.NONE:
        return _without_rescue(state, step, comment, done)
    return _with_rescue(state, step, comment, done, tz)


def _stopped(
    state: State, step: Step, role: Role, cause: str | None, done: Mapping[Step, Done], tz: tzinfo
) -> Outcome | None:
    """What ends the matter before the states are looked at; None = go on."""
    if role not in MAY[step]:
        return _not_yours(step)
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
        return Moved(_settle(replace(state, alarm=_alarm(state, "acknowledge"))))
    first = done.get(Step.ACCEPT)
    if first:
        return Already(_already(first, Step.ACCEPT, tz))
    return Already(Text("该警情已确认", "this alert is already acknowledged"))


def _cancel(state: State, comment: str | None) -> Outcome:
    if not (comment and comment.strip()):
        text = Text("取消须写明理由", "cancelling needs a comment that says why")
        return Refusal("comment_missing", text)
    rescue = R.NONE if state.rescue is R.NONE else R.CANCELLED
    return Moved(replace(state, alarm=A.CLOSED, rescue=rescue))


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
        return Moved(_settle(replace(state, alarm=_alarm(state, "acknowledge"))), implied)
    return Moved(state)


def _with_rescue(
    state: State, step: Step, comment: str | None, done: Mapping[Step, Done], tz: tzinfo
) -> Outcome:
    sources, target = RESCUE[step]
    if state.rescue in sources:
        if step is Step.VERIFY:
            return _verify(replace(state, rescue=target), comment)
        moved = replace(state, rescue=target)
        return Moved(
            replace(moved, alarm=_alarm(moved, "acknowledge")), _implied(state, done, before=step)
        )
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
    return Moved(replace(state, alarm=A.CLOSED))


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


def _not_yours(step: Step) -> Refusal:
    words = DONE_WORDS[step]
    text = Text(
        f"{words.zh}须由值班员操作", f"this step ({step.value}) is for the operator on duty"
    )
    return Refusal("not_allowed", text)
