from __future__ import annotations

from typing import Any

import pytest

from alerts.database.access import reading
from alerts.desk import queries
from alerts.journal import audit
from alerts.model import Actor, ActResult, Origin, Role, Step
from alerts.notify.queue import RetryPolicy
from tests.alerts.conftest import CAR, CAR_2, OPERATOR, T0, House, cleared, raised
from tests.support import by_hand

MIN, HOUR = 60_000, 3_600_000
FIRM = Actor("张伟", Role.FIRM, "anda", "zhang")


def door(at_ms: int = T0, car: str = CAR, **more: Any) -> Any:
    return raised("16", car, at_ms, people=None, **more)


def shelve(house: House, alert: int = 1, at_ms: int = T0, hours: float = 2) -> ActResult:
    until = at_ms + round(hours * HOUR)
    return house.desk.act(alert, Step.SHELVE, OPERATOR, at_ms, comment="等配件", until_ms=until)


def steps_called(house: House, alert: int = 1) -> list[str]:
    timeline = house.alert(alert)["timeline"]
    return [line["data"]["step"] for line in timeline if line["kind"] == "paged"]


def test_a_shelf_ends_and_what_fell_due_meanwhile_happens_once(house: House) -> None:
    house.raise_(door())
    assert steps_called(house) == ["maintenance"]
    assert house.pages("due") == ["1:maintenance:zhang:mqtt"]
    done = shelve(house)
    assert (done.ok, done.changed, done.alert["aside"]) == (True, True, "shelved")
    assert done.alert["alarm_state"] == "unacknowledged"  # it keeps its state
    assert done.alert["aside_until_ms"] == T0 + 2 * HOUR
    assert (done.alert["aside_reason"], done.alert["aside_by"]) == ("等配件", "刘洋")
    assert house.pages("due") == []  # the page that had not left yet is taken back
    for minute in range(0, 120, 10):
        assert house.desk.tick(T0 + minute * MIN) == []
    house.restart()  # the shelf's end stands in the database
    assert house.desk.next_due_ms() == T0 + 2 * HOUR
    house.desk.tick(T0 + 2 * HOUR)
    assert house.alert()["aside"] == "none"
    assert steps_called(house) == ["maintenance", "manager", "use_unit"]
    assert len(house.pages("due")) == 3
    assert house.desk.tick(T0 + 2 * HOUR) == []
    house.desk.tick(T0 + 24 * HOUR)
    assert steps_called(house)[3:] == ["street_office"]
    assert house.kinds().count("shelved") == house.kinds().count("resumed") == 1


def test_a_page_on_its_way_while_shelving_is_not_tried_again_until_the_shelf_ends(
    house: House,
) -> None:
    house.raise_(door())
    (row,) = by_hand.claim(house.engine, "mqtt", 5, T0, "w", 60_000)
    shelve(house)
    policy = RetryPolicy()
    assert by_hand.failed(house.engine, row, "w", T0 + 1, policy, "down", False) == "withdrawn"
    assert by_hand.claim(house.engine, "mqtt", 5, T0 + HOUR, "w", 60_000) == []
    house.desk.tick(T0 + 2 * HOUR)
    assert "1:maintenance:zhang:mqtt" in house.pages("due")


def test_taken_from_the_shelf_by_hand(house: House) -> None:
    house.raise_(door())
    shelve(house)
    done = house.desk.act(1, Step.UNSHELVE, OPERATOR, T0 + 20 * MIN)
    assert (done.changed, done.alert["aside"]) == (True, "none")
    assert steps_called(house) == ["maintenance", "manager"]
    again = house.desk.act(1, Step.UNSHELVE, OPERATOR, T0 + 21 * MIN)
    assert (again.ok, again.changed) == (True, False)
    assert house.desk.tick(T0 + 2 * HOUR) != []  # the hour, not the shelf
    assert steps_called(house) == ["maintenance", "manager", "use_unit"]


def test_acknowledged_or_gone_while_shelved_calls_nobody_afterwards(house: House) -> None:
    one, two = door(), door(car=CAR_2)
    house.raise_(one, two)
    shelve(house, 1)
    shelve(house, 2)
    house.desk.act(1, Step.ACKNOWLEDGE, FIRM, T0 + MIN)
    house.raise_(cleared(two, T0 + MIN))
    house.desk.tick(T0 + 3 * HOUR)
    assert (steps_called(house, 1), steps_called(house, 2)) == (["maintenance"], ["maintenance"])
    assert house.pages("due") == []
    back = door(T0 + 3 * HOUR + MIN, CAR_2)
    house.raise_(back)  # it comes back after the shelf: now it calls
    house.desk.tick(back.at_ms)
    assert steps_called(house, 2) == ["maintenance", "manager", "use_unit"]


def test_what_comes_back_on_the_shelf_stays_there(house: House) -> None:
    one = door()
    house.raise_(one)
    shelve(house)
    house.raise_(cleared(one, T0 + MIN))
    house.raise_(door(T0 + 2 * MIN))
    house.desk.tick(T0 + 90 * MIN)
    assert house.pages("due") == []
    assert steps_called(house) == ["maintenance"]
    house.desk.tick(T0 + 2 * HOUR)
    assert steps_called(house) == ["maintenance", "manager", "use_unit"]


def test_a_latched_one_called_anew_on_the_shelf_waits_too(house: House) -> None:
    one = raised("9", people=None)
    house.raise_(one)
    house.desk.act(1, Step.ACKNOWLEDGE, OPERATOR, T0 + MIN)
    house.raise_(cleared(one, T0 + 2 * MIN))
    shelve(house, at_ms=T0 + 3 * MIN)
    before = steps_called(house)
    house.raise_(raised("9", at_ms=T0 + 30 * MIN, people=None))
    house.desk.tick(T0 + HOUR)
    assert steps_called(house) == before
    assert house.alert()["alarm_state"] == "unacknowledged"
    house.desk.tick(T0 + 3 * HOUR)
    assert steps_called(house)[len(before) :] == [
        "maintenance",
        "also_bureau",
        "manager",
        "use_unit",
    ]


@pytest.mark.parametrize(
    ("until_ms", "comment", "words"),
    [
        (T0 + 24 * HOUR + 1, "x", "24 h at most"),
        (T0, "x", "later than now"),
        (None, "x", "later than now"),
        (T0 + HOUR, " ", "comment"),
    ],
)
def test_a_shelf_needs_reason_and_end(
    house: House, until_ms: int | None, comment: str, words: str
) -> None:
    house.raise_(door())
    done = house.desk.act(1, Step.SHELVE, OPERATOR, T0, comment=comment, until_ms=until_ms)
    assert not done.ok
    assert words in done.text.en
    assert house.alert()["aside"] == "none"
    assert house.kinds()[-1] == "tapped"


@pytest.mark.parametrize(
    "actor",
    [
        FIRM,
        Actor("值班", Role.OPERATOR, "desk", "desk1", Origin.LINK),
        Actor("值班", Role.OPERATOR, "desk", "desk1", Origin.REPLY),
    ],
)
def test_only_the_desk_at_its_console_shelves(house: House, actor: Actor) -> None:
    house.raise_(door())
    done = house.desk.act(1, Step.SHELVE, actor, T0, comment="x", until_ms=T0 + HOUR)
    assert not done.ok
    out = house.desk.take_out_of_service(CAR, actor, T0, "x", T0 + HOUR)
    assert not out.ok
    assert house.alert()["aside"] == "none"


@pytest.mark.parametrize("one", [raised("1"), raised("3", people=None), raised("16", people=1)])
def test_with_people_in_the_car_there_is_no_shelf(house: House, one: Any) -> None:
    house.raise_(one, door(T0, since_ms=T0 - 1))
    for result in (
        shelve(house, 1),
        shelve(house, 2) if len(house.alerts()) > 1 else shelve(house, 1),  # of the same car
        house.desk.take_out_of_service(CAR, OPERATOR, T0, "维修", T0 + HOUR),
        house.desk.suppress(CAR, OPERATOR, T0, "保养", T0 + HOUR),
        house.desk.suppress(CAR, OPERATOR, T0, "保养", T0 + HOUR, [one.rule]),
    ):
        assert not result.ok
        assert "people are in this car" in result.text.en
        assert "轿内有人" in result.text.zh
    assert {alert["aside"] for alert in house.alerts()} == {"none"}


def test_people_come_into_a_shelved_car(house: House) -> None:
    one = raised("4", people=None)  # overtravel: with people its chain is the rescue's
    house.raise_(one, door())
    shelve(house, 1)
    shelve(house, 2)
    house.desk.tick(T0 + 30 * MIN)
    now = T0 + 31 * MIN
    house.desk.apply(now, [raised("4", at_ms=now, since_ms=one.since_ms, people=2)])
    first, second = house.alert(1), house.alert(2)
    assert (first["aside"], second["aside"]) == ("none", "none")
    assert (first["rescue_state"], first["chain"]) == ("raised", "R")
    assert [s for s in steps_called(house, 1) if s in ("desk", "use_unit", "maintenance")][-3:] == [
        "desk", "use_unit", "maintenance",
    ]  # fmt: skip
    assert not shelve(house, 1, now).ok
    house.desk.tick(now)
    assert steps_called(house, 2) == ["maintenance", "manager"]


def test_people_in_a_car_out_of_service_are_paged_at_once(house: House) -> None:
    house.desk.take_out_of_service(CAR, OPERATOR, T0, "大修", T0 + 100 * HOUR)
    house.raise_(door(T0 + MIN))
    assert house.alert(1)["aside"] == "out_of_service"
    house.raise_(raised("1", at_ms=T0 + 2 * MIN))
    assert house.alert(2)["aside"] == "none"
    assert "maintenance" in steps_called(house, 2)
    assert house.alert(1)["aside"] == "none"  # nothing of that car is hidden now
    house.raise_(raised("29", at_ms=T0 + 3 * MIN, people=None))
    assert house.alert(3)["aside"] == "none"
    for step in (Step.FREE, Step.FILE_CAUSE):
        house.act(2, step, "zhang", T0 + 9 * MIN, cause="门锁")
    house.raise_(raised("23b", at_ms=T0 + 10 * MIN, people=None))
    assert house.alert(4)["aside"] == "out_of_service"  # everybody is out again


def test_out_of_service_records_and_pages_nobody_until_it_is_over(house: House) -> None:
    now = T0
    done = house.desk.take_out_of_service(CAR, OPERATOR, now, "更换曳引绳", now + 3 * HOUR)
    assert done.ok and done.changed and "11:00" in done.text.zh
    twice = house.desk.take_out_of_service(CAR, OPERATOR, now, "更换", now + HOUR)
    assert twice.ok and not twice.changed and "刘洋" in twice.text.zh
    gone, stays = raised("21", at_ms=now + MIN, people=None), door(now + MIN)
    house.raise_(gone, stays, raised("16", CAR_2, now + MIN, people=None))
    house.raise_(cleared(gone, now + 2 * MIN))
    assert [house.alert(i)["aside"] for i in (1, 2, 3)] == [
        "out_of_service", "out_of_service", "none",
    ]  # fmt: skip
    assert {key.split(":")[0] for key in house.pages("due")} == {"3"}
    house.restart()
    house.desk.tick(now + 3 * HOUR)
    assert steps_called(house, 1) == []
    assert steps_called(house, 2) == ["maintenance", "manager", "use_unit"]
    with reading(house.engine) as conn:
        assert queries.orders(conn) == []
        assert list(audit.check(conn)) == []


def test_back_in_service_early(house: House) -> None:
    house.desk.take_out_of_service(CAR, OPERATOR, T0, "保养", T0 + 3 * HOUR)
    house.raise_(door(T0 + MIN))
    done = house.desk.return_to_service(CAR, OPERATOR, T0 + 5 * MIN)
    assert done.changed
    assert steps_called(house) == ["maintenance"]
    assert not house.desk.return_to_service(CAR, OPERATOR, T0 + 6 * MIN).changed


def test_suppressed_rules_of_a_visit_and_no_other(house: House) -> None:
    made = house.desk.suppress(CAR, OPERATOR, T0, "半月保养", T0 + 2 * HOUR, ["16", "1"])
    with reading(house.engine) as conn:
        (order,) = queries.orders(conn)
    assert (order["id"], order["rules"], order["kind"]) == (made.order, ["16", "1"], "suppressed")
    house.raise_(door(T0 + MIN), raised("29", at_ms=T0 + MIN, people=None))
    assert [a["aside"] for a in sorted(house.alerts(), key=lambda a: a["id"])] == [
        "suppressed", "none",
    ]  # fmt: skip
    assert [a["id"] for a in house.alerts(asides=["suppressed"])] == [1]
    assert made.order is not None
    assert house.desk.release(made.order, OPERATOR, T0 + 5 * MIN).changed
    assert steps_called(house, 1) == ["maintenance"]
    house.raise_(raised("1", at_ms=T0 + 6 * MIN))
    assert "maintenance" in steps_called(house, 3)  # naming rule 1 hides nobody


def test_a_shelf_that_ends_inside_a_visit_stays_quiet(house: House) -> None:
    house.raise_(door())
    shelve(house, hours=1)
    house.desk.suppress(CAR, OPERATOR, T0 + 30 * MIN, "保养", T0 + 2 * HOUR)
    house.desk.tick(T0 + HOUR)
    assert house.alert()["aside"] == "suppressed"
    assert steps_called(house) == ["maintenance"]
    house.desk.tick(T0 + 2 * HOUR)
    assert steps_called(house) == ["maintenance", "manager", "use_unit"]


def test_limits_are_named(house: House) -> None:
    out = house.desk.take_out_of_service(CAR, OPERATOR, T0, "x", T0 + 800 * HOUR)
    assert "720 h at most" in out.text.en
    visit = house.desk.suppress(CAR, OPERATOR, T0, "x", T0 + 30 * HOUR)
    assert "24 h at most" in visit.text.en
    assert "reason" in house.desk.suppress(CAR, OPERATOR, T0, " ", T0 + HOUR).text.en


def test_closed_while_shelved_is_not_aside(house: House) -> None:
    house.raise_(door())
    shelve(house)
    house.desk.act(1, Step.CANCEL, OPERATOR, T0 + MIN, comment="误报")
    assert house.alert()["aside"] == "none"
    house.desk.tick(T0 + 3 * HOUR)
    assert steps_called(house) == ["maintenance"]


def test_the_journal_has_every_tap_and_from_where(house: House) -> None:
    house.raise_(raised())
    house.act(1, Step.ACCEPT, "zhang", T0 + MIN)
    house.act(1, Step.ACCEPT, "li", T0 + MIN + 1)
    house.act(1, Step.CANCEL, "zhang", T0 + MIN + 2, comment="x")
    house.act(1, Step.ACCEPT, "street1", T0 + MIN + 3)
    lines = [line for line in house.alert()["timeline"] if line["data"].get("via")]
    told = [(x["kind"], x["actor"], x["data"]["via"], x["data"].get("outcome")) for x in lines]
    assert told == [
        ("accepted", "张伟", "link", None),
        ("tapped", "李强", "link", "already"),
        ("tapped", "张伟", "link", "not_allowed"),
        ("tapped", "街道办", "link", "not_your_unit"),
    ]
