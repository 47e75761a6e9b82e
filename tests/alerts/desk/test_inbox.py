"""Accepted is durable; worked off is once, in each lift's order, rescues first."""

from __future__ import annotations

import multiprocessing
import signal
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update

from alerts.database.access import reading, writing
from alerts.database.tables import alert, timer
from alerts.database.tables import inbox as table
from alerts.desk import accepting as how
from alerts.desk import inbox
from alerts.desk.accepting import AT_ONCE, SLICE_FIRST, SLICE_URGENT
from alerts.desk.work import Work
from alerts.directory.directory_file import load_directory
from alerts.journal import audit
from alerts.model import Step, Transition
from tests.alerts.conftest import (
    CAR,
    CAR_2,
    CAR_3,
    OPERATOR,
    T0,
    House,
    cleared,
    directory_toml,
    raised,
)  # fmt: skip
from tests.alerts.desk import accepting
from tests.alerts.desk.accepting import ACCEPTED, IN_A_SLICE, LIFTS

S = 1000


def flood(count: int, rule: str = "16") -> list[Transition]:
    """Transitions that can wait, each of a lift of its own."""
    return [raised(rule, f"{i:020d}", people=None) for i in range(count)]


def waiting(house: House) -> int:
    with reading(house.engine) as conn:
        return inbox.behind(conn).count


def opened(house: House) -> list[tuple[str, str]]:
    """(subject, rule) of all alerts, in the order they were opened."""
    with reading(house.engine) as conn:
        found = conn.execute(select(alert.c.subject, alert.c.rule).order_by(alert.c.id))
        return [(row[0], row[1]) for row in found]


def work_off(house: House, now_ms: int = T0) -> None:
    while house.desk.waiting:
        house.desk.work_off(now_ms)


def test_a_few_are_done_with_their_acceptance(house: House) -> None:
    house.desk.accept(T0, flood(AT_ONCE))
    assert (len(opened(house)), waiting(house)) == (AT_ONCE, 0)


def test_what_calls_rescuers_goes_first_and_the_rest_in_growing_slices(house: House) -> None:
    many = flood(2 * SLICE_FIRST + 100)
    house.desk.accept(T0, [*many, raised("1", CAR)])
    assert opened(house)[0] == (CAR, "1")
    assert house.pages("due")[0].startswith("1:")
    assert waiting(house) == len(many) + 1 - AT_ONCE
    done = []
    while house.desk.waiting:
        before = waiting(house)
        house.desk.work_off(T0)
        done.append(before - waiting(house))
    assert done[:2] == [SLICE_FIRST, 2 * SLICE_FIRST]
    assert len(opened(house)) == len(many) + 1


def test_an_entrapment_does_not_wait_for_a_flood_before_it(house: House) -> None:
    door = raised("16", CAR, people=None)
    house.desk.accept(T0, [*flood(50), door])
    trapped = [raised("1", CAR, T0 + S)]
    events = house.desk.accept(T0 + S, [*flood(50, "9"), *trapped])
    assert opened(house)[-2:] == [(CAR, "16"), (CAR, "1")], "with what its lift said before, only"
    assert any(one.kind == "paged" for one in events)
    work_off(house, T0 + S)
    assert len(opened(house)) == 102


def test_many_rescues_leave_before_what_can_wait(house: House) -> None:
    house.desk.accept(T0, flood(30))
    rescues = [raised("1", f"9{i:019d}") for i in range(SLICE_URGENT + 30)]
    doors = [raised("16", one.subject, people=None) for one in rescues]
    house.desk.accept(T0, [one for pair in zip(doors, rescues, strict=True) for one in pair])
    while waiting(house) > 30 - AT_ONCE:
        house.desk.work_off(T0)
    found = opened(house)
    assert found[:AT_ONCE] == [(one.subject, "16") for one in flood(AT_ONCE)]
    assert {subject[0] for subject, _ in found[AT_ONCE:]} == {"9"}
    work_off(house)
    assert len(opened(house)) == 30 + 2 * len(rescues)


def test_raised_and_cleared_in_one_go(house: House) -> None:
    many = flood(40)
    house.desk.accept(T0, [*many, *(cleared(one, T0 + S) for one in many)])
    work_off(house, T0 + S)
    assert [one["cleared_ms"] for one in house.alerts(open_only=False, limit=100)] == [T0 + S] * 40
    with reading(house.engine) as conn:
        assert set(conn.execute(select(timer.c.state)).scalars()) == {"fired", "cancelled"}


def test_accepted_again_after_a_restart_changes_nothing(house: House) -> None:
    many = [*flood(40), raised("1", CAR)]
    house.desk.accept(T0, many)
    before = waiting(house)
    house.restart()
    house.desk.accept(T0 + S, many)
    assert waiting(house) <= before + AT_ONCE, "what waits already waits once"
    house.desk.work_off(T0 + S)
    house.restart()
    house.desk.accept(T0 + 2 * S, many)
    work_off(house, T0 + 2 * S)
    assert Counter(opened(house)) == Counter({one.key[1:3]: 1 for one in many})
    assert house.desk.apply(T0 + 3 * S, many) == []


def test_deadlines_count_from_the_signal(house: House) -> None:
    house.desk.accept(T0, [*flood(10), raised("16", CAR, T0 + 9 * S, people=None)])
    work_off(house, T0 + 100 * S)
    last = house.alerts(limit=20, subject=CAR)[0]
    assert last["raised_ms"] == T0, "a clock that is ahead buys no time"
    assert {one["raised_ms"] for one in house.alerts(limit=20)} == {T0}
    first, later = (house.alert(ident) for ident in (1, last["id"]))
    assert first["timeline"][0]["at_ms"] == T0
    assert later["timeline"][0]["at_ms"] == T0 + 100 * S, "the journal tells when it was done"
    with reading(house.engine) as conn:
        due = select(timer.c.due_ms).where(timer.c.alert_id.in_((1, last["id"])))
        assert len(set(conn.execute(due.where(timer.c.state == "pending")).scalars())) == len(
            set(
                conn.execute(due.where(timer.c.alert_id == 1, timer.c.state == "pending")).scalars()
            )
        )


def with_a_waiting_clear(house: House, monkeypatch: pytest.MonkeyPatch, rule: str = "16") -> None:
    """An open alert of CAR, whose end is accepted and not worked off."""
    one = raised(rule, CAR, people=None)
    house.raise_(one)
    monkeypatch.setattr(how, "AT_ONCE", 0)
    house.desk.accept(T0 + S, [cleared(one, T0 + S)])
    assert (house.alert()["cleared_ms"], waiting(house)) == (None, 1)


def test_a_tap_comes_after_what_was_accepted_before(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_a_waiting_clear(house, monkeypatch)
    result = house.act(1, Step.ACKNOWLEDGE, "operator", T0 + 2 * S)
    assert result.alert is not None
    assert result.alert["cleared_ms"] == T0 + S
    assert waiting(house) == 0
    work_off(house, T0 + 3 * S)
    assert house.kinds().count("cleared") == 1


def test_a_deadline_calls_nobody_for_what_was_heard_to_be_over(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_a_waiting_clear(house, monkeypatch)
    before = house.pages()
    house.desk.tick(T0 + 3_600 * S)
    assert house.alert()["cleared_ms"] == T0 + S
    assert house.pages() == before
    assert waiting(house) == 0


@pytest.mark.parametrize("step", ["out", "suppress", "drill"])
def test_a_step_on_a_lift_comes_after_what_was_accepted_before(
    house: House, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    with_a_waiting_clear(house, monkeypatch)
    desk, until, now = house.desk, T0 + 600 * S, T0 + 2 * S
    if step == "out":
        assert desk.take_out_of_service(CAR, OPERATOR, now, "c", until).ok
    elif step == "suppress":
        assert desk.suppress(CAR, OPERATOR, now, "c", until).ok
    else:
        desk.drill(now, CAR, OPERATOR)
    assert (house.alert()["cleared_ms"], waiting(house)) == (T0 + S, 0)


def test_the_end_of_a_shelf_comes_after_what_was_accepted_before(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, end = raised("9", CAR, people=None), T0 + 600 * S
    house.raise_(one)
    assert house.act(1, Step.SHELVE, "operator", T0 + S, comment="c", until_ms=end).ok
    monkeypatch.setattr(how, "AT_ONCE", 0)
    house.desk.accept(T0 + 2 * S, [cleared(one, T0 + 2 * S)])
    pages = house.pages("due")
    house.desk.tick(end)
    assert house.alert()["cleared_ms"] == T0 + 2 * S
    assert house.pages("due") == pages, "nobody is called when it comes from the shelf"


def test_a_gateway_that_waits_speaks_for_its_lifts(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(how, "AT_ONCE", 0)
    silent = [raised("23", code, people=None) for code in (CAR, CAR_2)]
    house.desk.accept(T0, silent[:1], {"g1"})
    house.desk.accept(T0 + S, silent[1:], {"g1"})
    assert waiting(house) == 1, "the second lift raises no second silence of the gateway"
    house.desk.accept(T0 + 2 * S, [], set())
    assert waiting(house) == 2, "the gateway is back"
    work_off(house, T0 + 3 * S)
    assert opened(house) == [("g1", "23")]
    assert house.kinds().count("cleared") == 1


def test_a_slice_that_fails_goes_on_waiting(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.desk.accept(T0, [*flood(40), raised("16", CAR_3, people=None)])
    before = waiting(house), opened(house)

    def torn(*_: object) -> None:
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(house.desk, "_finish", torn)
        with pytest.raises(OSError, match="disk full"):
            house.desk.work_off(T0)
    assert (waiting(house), opened(house)) == before
    work_off(house)
    assert len(opened(house)) == 41


def test_killed_between_acceptance_and_working_off(tmp_path: Path) -> None:
    (tmp_path / "directory.toml").write_text(directory_toml(lambda _: "mqtt = true"), "utf-8")
    url = f"sqlite:///{tmp_path / 'alerts.db'}"
    fresh = multiprocessing.get_context("forkserver")
    fresh.set_forkserver_preload(["tests.alerts.desk.accepting"])
    left = []
    for moment in (ACCEPTED, IN_A_SLICE):
        process = fresh.Process(target=accepting.live, args=(url, str(tmp_path), moment))
        process.start()
        process.join(60)
        assert process.exitcode == -signal.SIGKILL
        house = House(url, load_directory(tmp_path / "directory.toml"))
        left.append(waiting(house))
        house.engine.dispose()
    assert left[0] == 3 * LIFTS + 1 - AT_ONCE, "accepted, not worked off"
    house = House(url, load_directory(tmp_path / "directory.toml"))
    work_off(house, T0 + 60 * S)
    expected = {one.key[1:3] for one in accepting.batch()}
    assert Counter(opened(house)) == Counter(dict.fromkeys(expected, 1)), "all, and once"
    over = house.alerts(open_only=False, limit=1000)
    assert {one["rule"] for one in over if one["cleared_ms"] is not None} == {"16"}
    assert len(house.pages()) == len(set(house.pages()))
    with reading(house.engine) as conn:
        assert list(audit.check(conn)) == []
    house.engine.dispose()


def test_what_cannot_be_done_is_set_aside_and_holds_up_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = flood(60)
    bad, real = many[30].subject, house.desk._raiser.apply_all

    def apply_all(work: Work, transitions: Sequence[Transition]) -> None:
        if any(one.subject == bad for one in transitions):
            raise ValueError("a fault of ours")
        real(work, transitions)

    monkeypatch.setattr(house.desk._raiser, "apply_all", apply_all)
    house.desk.accept(T0, many)
    failed = 0
    while house.desk.waiting:
        try:
            house.desk.work_off(T0)
        except ValueError:
            failed += 1
    assert failed >= 2, "the slice, and the row by itself"
    assert {subject for subject, _ in opened(house)} == {one.subject for one in many} - {bad}
    assert waiting(house) == 1, "it stays, for whoever mends it"
    house.desk.rehearse(T0)
    house.desk.accept(T0 + S, [raised("9", many[0].subject, people=None)])
    assert opened(house)[-1] == (many[0].subject, "9")


def test_a_row_of_another_version_is_kept_unread(house: House) -> None:
    many = flood(AT_ONCE + 2)
    house.desk.accept(T0, many)
    with writing(house.engine) as conn:
        ident = conn.execute(select(func.min(table.c.id))).scalar()
        conn.execute(update(table).where(table.c.id == ident).values(data='{"odd": 1}'))
    work_off(house)
    assert len(opened(house)) == AT_ONCE + 1
    assert waiting(house) == 1


def test_what_folding_made_is_kept_with_what_it_changed(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rest of the batch is lost in a crash, and comes again; the gateway's word would not."""
    spoken = replace(raised("23", "gw-1", people=None), subject_kind="gateway")
    real, calls = inbox.put, []

    def put(work: Work, urgent: Any, others: Any) -> None:
        calls.append(others)
        if len(calls) == 2:
            raise OSError("a crash between the two")
        real(work, urgent, others)

    monkeypatch.setattr(inbox, "put", put)
    with pytest.raises(OSError):
        house.desk.accept(T0, [*flood(20), spoken])
    with reading(house.engine) as conn:
        assert inbox.of_kind(conn, "gateway", "23") == [("gw-1", True)]
