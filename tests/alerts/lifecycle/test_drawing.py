"""Table, program and drawing agree."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from itertools import product
from pathlib import Path

import pytest

from alerts.lifecycle import allowed, drawing
from alerts.lifecycle.allowed import ANYBODY, SERVICE, Event, who_may
from alerts.lifecycle.moves import Moved, Refusal, State, apply, may, on_again, on_clear, on_people
from alerts.model import AlarmState as A
from alerts.model import Aside, LiftStep, Origin, Role, Step
from alerts.model import RescueState as R
from tests.alerts.conftest import TZ

Edge = tuple[str, str, str, str]  # side, cause, from, to
SVG = "{http://www.w3.org/2000/svg}"


def of_table() -> set[Edge]:
    return {
        (side, by.value, source.value, row.target.value)
        for side, rows in (
            ("alarm", allowed.ALARM), ("rescue", allowed.RESCUE), ("aside", allowed.ASIDE),
        )
        for row in rows
        for by in row.by
        for source in row.sources
    }  # fmt: skip


def of_drawing() -> set[Edge]:
    found = set()
    for arrow in ET.fromstring(drawing.svg()).iter(f"{SVG}g"):
        for by in arrow.get("data-by", "").split():
            cause = by.partition("?")[0]
            edge = (arrow.get("data-side"), cause, arrow.get("data-from"), arrow.get("data-to"))
            found.add(edge)
    return found  # type: ignore[return-value]


def moves(by: str, before: State, after: State) -> set[Edge]:
    sides = (
        ("alarm", before.alarm, after.alarm),
        ("rescue", before.rescue, after.rescue),
        ("aside", before.aside, after.aside),
    )
    return {
        (side, "closes" if side == "aside" and after.alarm is A.CLOSED else by, a.value, b.value)
        for side, a, b in sides
        if a is not b
    }


def successors(state: State) -> list[tuple[str, State]]:
    """All that can happen to a state, by the program."""
    found: list[tuple[str, State]] = []
    for step in Step:
        out = apply(state, step, Role.OPERATOR, tz=TZ, comment="c", cause="c")
        if isinstance(out, Moved):
            found.append((step.value, out.state))
    if state.alarm is A.CLOSED:
        return found
    found.append(("clear", on_clear(state)))
    if state.rescue not in (R.FREED, R.CAUSE_FILED):  # these people are free: it is a new alert
        found += [("again", on_again(state, quiet)) for quiet in (True, False)]
    if not state.with_people and state.rescue is R.NONE:
        active = State(state.alarm, state.rescue, True, state.latched, state.aside)
        found.append(("people", on_people(active, rescue=True)))
    if state.aside is not Aside.NONE:
        for event in ("ends", "people"):
            found.append((event, _with(state, Aside.NONE)))
        back = {
            Aside.SUPPRESSED: LiftStep.RELEASE,
            Aside.OUT_OF_SERVICE: LiftStep.RETURN,
        }.get(state.aside)
        found += [(back.value, _with(state, Aside.NONE))] if back else []
    elif not state.life:
        found.append(("suppress", _with(state, Aside.SUPPRESSED)))
        found.append(("take_out_of_service", _with(state, Aside.OUT_OF_SERVICE)))
    return found


def _with(state: State, aside: Aside) -> State:
    return State(state.alarm, state.rescue, state.active, state.latched, aside, state.with_people)


def walk() -> tuple[set[State], set[Edge]]:
    """Every state that can be reached, and every way taken."""
    todo = [
        State(A.UNACKNOWLEDGED, rescue, True, latched)
        for rescue, latched in product((R.NONE, R.RAISED), (True, False))
    ]
    edges = {("rescue", "join", "raised", to.value) for to in (R.ACCEPTED, R.ON_THE_WAY, R.ARRIVED)}
    todo += [State(A.UNACKNOWLEDGED, R(e[3]), True, latched) for e in edges for latched in (0, 1)]
    seen: set[State] = set()
    while todo:
        state = todo.pop()
        if state in seen:
            continue
        seen.add(state)
        for by, after in successors(state):
            edges |= moves(by, state, after)
            todo.append(after)
    return seen, edges


def test_the_program_goes_every_way_of_the_table_and_no_other() -> None:
    states, edges = walk()
    assert edges == of_table()
    assert {state.alarm for state in states} == set(A)
    assert {state.rescue for state in states} == set(R)
    assert {state.aside for state in states} == set(Aside)
    assert not any(state.life and state.aside is not Aside.NONE for state in states)


def test_the_drawing_shows_the_table() -> None:
    assert of_drawing() == of_table()
    shown = {
        (box.get("data-side"), box.get("data-state"))
        for box in ET.fromstring(drawing.svg()).iter(f"{SVG}g")
        if box.get("class") == "state"
    }
    assert shown == {
        (side, one.value)
        for side, states in (("alarm", A), ("rescue", R), ("aside", Aside))
        for one in states
    }


def test_docs_are_as_the_table_has_it_now(tmp_path: Path) -> None:
    drawing.write(tmp_path)  # if this fails: python -m alerts.lifecycle.drawing
    for name in ("lifecycle.md", "pictures/lifecycle.svg"):
        assert (tmp_path / name).read_text("utf-8") == (drawing.DOCS / name).read_text("utf-8")


@pytest.mark.parametrize("step", list(Step))
def test_who_may_from_where_is_what_the_program_refuses_by(step: Step) -> None:
    state = State(aside=Aside.SHELVED if step is Step.UNSHELVE else Aside.NONE)
    for role, origin in product(Role, Origin):
        out = apply(state, step, role, tz=TZ, origin=origin, comment="c", cause="c")
        refused = isinstance(out, Refusal) and out.code in ("not_allowed", "not_from_here")
        assert refused is (origin not in who_may(step).get(role, ()))
        assert refused is not may(step, role, origin)
        if refused:
            assert out.text.zh and out.text.en  # type: ignore[union-attr]


def test_only_the_console_ends_hides_or_cancels() -> None:
    for step in (Step.VERIFY, Step.CANCEL, Step.SHELVE, Step.UNSHELVE, *LiftStep):
        assert {o for origins in who_may(step).values() for o in origins} == {Origin.CONSOLE}
        assert set(who_may(step)) == {Role.OPERATOR, Role.ADMIN}
    assert all(row.who is SERVICE for row in allowed.TABLE if set(row.by) <= set(Event))
    assert who_may(Step.ACCEPT) == ANYBODY
