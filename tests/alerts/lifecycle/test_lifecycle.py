from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from alerts.lifecycle.moves import (
    MAY,
    RESCUE_ORDER,
    Already,
    Done,
    Moved,
    Refusal,
    State,
    apply,
    on_again,
    on_clear,
)
from alerts.model import AlarmState as A
from alerts.model import RescueState as R
from alerts.model import Role, Step
from tests.alerts.conftest import T0, TZ

ALL = [
    State(alarm, rescue, active, latched)
    for alarm, rescue, active, latched in product(A, R, (True, False), (True, False))
]


def do(state: State, *steps: Step, role: Role = Role.OPERATOR) -> State:
    """Take steps one after the other; every one must be allowed."""
    done: dict[Step, Done] = {}
    for step in steps:
        outcome = apply(state, step, role, tz=TZ, comment="电话核实", cause="门锁", done=done)
        assert isinstance(outcome, Moved), (step, outcome)
        done.update((one, Done("张伟", T0)) for one in (*outcome.implied, step))
        state = outcome.state
    return state


FAULT = State()
LATCHED = State(latched=True)
TRAPPED = State(rescue=R.RAISED, latched=True)


@pytest.mark.parametrize(
    ("state", "events", "alarm", "rescue"),
    [
        # a fault: ISA-18.2
        (FAULT, ["acknowledge"], A.ACKNOWLEDGED, R.NONE),
        (FAULT, ["clear"], A.RETURNED, R.NONE),
        (FAULT, ["clear", "acknowledge"], A.CLOSED, R.NONE),
        (FAULT, ["acknowledge", "clear"], A.CLOSED, R.NONE),
        (FAULT, ["clear", "again"], A.UNACKNOWLEDGED, R.NONE),
        (FAULT, ["accept"], A.ACKNOWLEDGED, R.NONE),
        (FAULT, ["clear", "verify"], A.CLOSED, R.NONE),
        # latched by its rule: a person ends it
        (LATCHED, ["acknowledge", "clear"], A.LATCHED, R.NONE),
        (LATCHED, ["clear", "acknowledge"], A.LATCHED, R.NONE),
        (LATCHED, ["acknowledge", "clear", "again"], A.UNACKNOWLEDGED, R.NONE),
        (LATCHED, ["acknowledge", "clear", "verify"], A.CLOSED, R.NONE),
        # a rescue
        (TRAPPED, ["accept"], A.ACKNOWLEDGED, R.ACCEPTED),
        (TRAPPED, ["acknowledge", "accept", "depart", "arrive"], A.ACKNOWLEDGED, R.ARRIVED),
        (TRAPPED, ["arrive", "free", "clear"], A.LATCHED, R.FREED),
        (TRAPPED, ["free", "file_cause"], A.ACKNOWLEDGED, R.CAUSE_FILED),
        (TRAPPED, ["free", "file_cause", "clear", "verify"], A.CLOSED, R.VERIFIED),
        (TRAPPED, ["cancel"], A.CLOSED, R.CANCELLED),
        # a rescue whose rule does not latch: held while somebody is on the way …
        (State(rescue=R.RAISED), ["accept", "clear"], A.LATCHED, R.ACCEPTED),
        # … called again, it needs no second call …
        (State(rescue=R.RAISED), ["accept", "clear", "again"], A.ACKNOWLEDGED, R.ACCEPTED),
        # … but over by itself while nobody had taken it up.
        (State(rescue=R.RAISED), ["acknowledge", "clear"], A.CLOSED, R.CANCELLED),
        (State(rescue=R.RAISED), ["clear", "acknowledge"], A.CLOSED, R.CANCELLED),
    ],
)
def test_paths(state: State, events: list[str], alarm: A, rescue: R) -> None:
    for event in events:
        if event == "clear":
            state = on_clear(state)
        elif event == "again":
            state = on_again(state)
        else:
            state = do(state, Step(event))
    assert (state.alarm, state.rescue) == (alarm, rescue)


def test_what_holds_for_every_state_step_and_role() -> None:
    for state, step, role in product(ALL, Step, Role):
        out = apply(state, step, role, tz=TZ, comment="c", cause="c")
        if role not in MAY[step]:
            assert isinstance(out, Refusal) and out.code == "not_allowed"
            continue
        if not isinstance(out, Moved):
            assert out.text.zh and out.text.en
            continue
        after = out.state
        assert (after.active, after.latched) == (state.active, state.latched)
        if state.alarm is A.CLOSED:
            assert (step, after) == (Step.FILE_CAUSE, state)
        if state.latched and after.alarm is A.CLOSED != state.alarm:
            assert step in (Step.VERIFY, Step.CANCEL)
        if state.rescue in RESCUE_ORDER and after.rescue in RESCUE_ORDER:
            assert RESCUE_ORDER.index(after.rescue) >= RESCUE_ORDER.index(state.rescue)
        if state.rescue is R.NONE:
            assert after.rescue is R.NONE


def test_a_clear_never_ends_what_a_person_must_end() -> None:
    for state in ALL:
        if state.alarm is A.CLOSED:
            continue
        after = on_clear(state)
        under_way = state.rescue not in (R.NONE, R.RAISED, R.VERIFIED, R.CANCELLED)
        if state.latched or under_way:
            assert after.alarm is not A.CLOSED
        assert on_clear(after) == after


@pytest.mark.parametrize("role", [Role.FIRM, Role.SYSTEM])
@pytest.mark.parametrize("step", [Step.VERIFY, Step.CANCEL])
def test_only_the_desk_verifies_and_cancels(role: Role, step: Step) -> None:
    out = apply(replace(TRAPPED, rescue=R.CAUSE_FILED), step, role, tz=TZ, comment="done")
    assert isinstance(out, Refusal)
    assert out.code == "not_allowed"


@pytest.mark.parametrize(
    ("state", "step", "code"),
    [
        (FAULT, Step.CANCEL, "comment_missing"),
        (FAULT, Step.FILE_CAUSE, "cause_missing"),
        (FAULT, Step.ARRIVE, "no_rescue"),
        (FAULT, Step.VERIFY, "still_active"),
        (TRAPPED, Step.VERIFY, "too_early"),
        (replace(TRAPPED, rescue=R.FREED), Step.VERIFY, "too_early"),
        (replace(TRAPPED, rescue=R.CAUSE_FILED), Step.VERIFY, "still_active"),
    ],
)
def test_refusals_say_why(state: State, step: Step, code: str) -> None:
    out = apply(state, step, Role.OPERATOR, tz=TZ, comment="  ", cause=" ")
    assert isinstance(out, Refusal)
    assert out.code == code


def test_filing_the_cause_before_the_people_are_free_is_too_early() -> None:
    out = apply(TRAPPED, Step.FILE_CAUSE, Role.FIRM, tz=TZ, cause="门锁")
    assert isinstance(out, Refusal)
    assert out.code == "too_early"


def test_the_second_tap_hears_who_was_first() -> None:
    taken = {Step.ACCEPT: Done("张伟", T0 - 4 * 3600_000 - 48 * 60_000)}
    out = apply(replace(TRAPPED, rescue=R.ACCEPTED), Step.ACCEPT, Role.FIRM, tz=TZ, done=taken)
    assert isinstance(out, Already)
    assert out.text.en == "张伟 already accepted at 03:12"
    assert out.text.zh == "张伟 已于 03:12 接单"


def test_a_step_that_was_overtaken_hears_the_latest_one() -> None:
    taken = {Step.ACCEPT: Done("张伟", T0), Step.ARRIVE: Done("张伟", T0 + 60_000)}
    out = apply(replace(TRAPPED, rescue=R.ARRIVED), Step.DEPART, Role.FIRM, tz=TZ, done=taken)
    assert isinstance(out, Already)
    assert out.text.en == "张伟 already arrived at 08:01"


def test_arriving_without_a_word_before_implies_acceptance() -> None:
    out = apply(TRAPPED, Step.ARRIVE, Role.FIRM, tz=TZ)
    assert isinstance(out, Moved)
    assert out.implied == (Step.ACKNOWLEDGE, Step.ACCEPT)
