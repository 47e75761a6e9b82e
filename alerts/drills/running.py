"""Drills: a marked exercise that runs the true chain to real people, and touches nothing real.

A drill is an alert of its own rule (`drill:1`), its own incident and `exercise` set, so a real
alarm can neither join it nor inherit anything from it; a real rescue of the same lift ends it.
What people read says 演练 / EXERCISE first: it stands in the rule's own text, and so in every
page, list, story and channel that tells what an alert is about.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol

from alerts.desk.gaps import OFF_DUTY
from alerts.desk.work import Row, Work, state_of
from alerts.drills.marks import END, priority
from alerts.lifecycle.moves import State
from alerts.model import SYSTEM, Actor, AlarmState, RescueState, Role, RuleMeta
from config.text import Text

MINUTES, LONGEST_MINUTES = 60, 240
MOST_PEOPLE = 50
DONE = Text("演练完成", "the exercise is done")
TIME_IS_UP = Text("演练时间到", "the exercise's time was up")
_NOT_FREE = frozenset(
    {RescueState.RAISED, RescueState.ACCEPTED, RescueState.ON_THE_WAY, RescueState.ARRIVED}
)


class Chain(Protocol):
    """What a drill needs of the escalation, which itself knows drills: to drop what is planned."""

    def drop_all(self, work: Work, row: Row, reason: str) -> None:
        """Cancel and withdraw everything of the present round."""


def refused(
    work: Work, rules: Mapping[str, RuleMeta], lift: str, known: bool, rule: str, people: int,
    minutes: int, actor: Actor,
) -> Text | None:  # fmt: skip
    """Return why a drill cannot begin, None when it can."""
    if actor.role not in (Role.ADMIN, Role.SYSTEM):
        return Text("演练须由管理员发起", "a drill is started by an administrator")
    if not known:
        return Text(
            f"lift：没有电梯 {lift}，请用台账里的注册代码",
            f"lift: there is no lift {lift}: give a registration code of lifts.csv",
        )
    meta = rules.get(rule)
    if meta is None or not drillable(meta):
        return Text(
            f"rule：规则 {rule} 不存在或不通知人，例如用 1（非平层困人）",
            f"rule: {rule} is not there or pages nobody: take 1 (trapped), for example",
        )
    if not 1 <= people <= MOST_PEOPLE:
        return Text(
            f"people：{people} 应为 1–{MOST_PEOPLE}",
            f"people: {people} should be 1 to {MOST_PEOPLE}",
        )
    if not 1 <= minutes <= LONGEST_MINUTES:
        return Text(
            f"minutes：{minutes} 应为 1–{LONGEST_MINUTES}",
            f"minutes: {minutes} should be 1 to {LONGEST_MINUTES}",
        )
    return _busy(work, lift)


def drillable(rule: RuleMeta) -> bool:
    """True for a rule of lifts that pages somebody; a unit without anybody on duty is no drill."""
    return rule.bell and rule.id != OFF_DUTY.id


def _busy(work: Work, lift: str) -> Text | None:
    held = [row for row in work.open_of("lift", lift) if row["rescue_state"] in _NOT_FREE]
    if not held:
        return None
    ident = held[0]["id"]
    if held[0]["exercise"]:
        return Text(
            f"lift：该电梯的演练 #{ident} 尚未结束，请先停止",
            f"lift: drill #{ident} of this lift is still running: stop it first",
        )
    return Text(
        f"lift：该电梯有真实救援 #{ident}，不可演练",
        f"lift: a real rescue (#{ident}) is under way there: no drill now",
    )


def plan_end(work: Work, row: Row, minutes: int) -> None:
    """Write the timer that ends a drill by itself."""
    one = {
        "alert_id": row["id"],
        "step": END,
        "round": row["round"],
        "priority": priority(row),
        "due_ms": work.now_ms + minutes * 60_000,
        "state": "pending",
        "ended_ms": None,
        "reason": None,
    }
    work.of(row["id"]).timers[END, row["round"]] = one
    work.timers.add(one)


def end(work: Work, chain: Chain, row: Row, reason: Text, actor: Actor = SYSTEM) -> bool:
    """Close a drill, stop its timers, take back what was not sent; False if it was over."""
    state = state_of(row)
    if not row["exercise"] or state.alarm is AlarmState.CLOSED:
        return False
    chain.drop_all(work, row, "closed")
    work.set_state(row, _over(state), cleared_ms=row["cleared_ms"] or work.now_ms)
    work.tell(row["id"], "exercise_over", actor, text=reason.as_json())
    work.tell(row["id"], "closed", actor, reason="exercise_over")
    return True


def _over(state: State) -> State:
    rescue = RescueState.CANCELLED if state.rescue in _NOT_FREE else state.rescue
    return replace(state, alarm=AlarmState.CLOSED, rescue=rescue, active=False)


def give_way(work: Work, chain: Chain, real: Row) -> None:
    """End the drills of a lift on which something real has just begun to need rescuers."""
    if real["exercise"] or real["rescue_state"] == RescueState.NONE.value:
        return
    text = Text(
        f"真实警情 #{real['id']}：演练终止", f"a real alarm (#{real['id']}) ended the exercise"
    )
    for row in work.open_of(real["subject_kind"], real["subject"]):
        if row["exercise"]:
            end(work, chain, row, text)
