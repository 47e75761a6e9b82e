"""Nobody on duty is an alert of its own: once while it lasts, to the bureau, over when over."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, time
from pathlib import Path

from alerts.directory.roster import Duty, Roster
from alerts.directory.subjects import Subjects
from alerts.directory.units import Directory, Unit
from alerts.model import Step
from config.text import Text
from tests.alerts.conftest import CAR, CAR_2, CAR_3, T0, TZ, House, raised, registry, without

S, HOUR = 1000, 3_600_000


def by_day(book: Directory, unit: str, who: str) -> Directory:
    """The unit's roster stands from 09:00 to 17:00 alone; T0 is 08:00."""
    line = Duty(unit, (who,), (), 0, time(9), TZ, date(2026, 1, 1), until=time(17))
    return replace(book, rosters=dict(book.rosters) | {unit: Roster(unit, (line,))})


def off_duty(house: House, **chosen: bool) -> list[str]:
    return [a["subject"] for a in house.alerts(rule="off_duty", **chosen)]


def test_the_bureau_learns_that_nobody_is_on_duty_once(house: House) -> None:
    house.desk.take_up(by_day(house.directory, "anda", "zhang"))
    house.raise_(raised("16", CAR, people=None), raised("16", CAR_2, people=None))
    assert off_duty(house) == ["anda"]
    told = house.alerts(rule="off_duty")[0]
    assert (told["subject_kind"], told["severity"], told["chain"]) == ("unit", "major", "D")
    assert told["name"] == "单位anda Unit anda"
    mine = f"{told['id']}:"
    assert [k for k in house.pages() if k.startswith(mine)] == [
        f"{mine}bureau:duty:mqtt", f"{mine}desk:desk1:mqtt",
    ]  # fmt: skip
    # meanwhile every contact of the firm was called instead
    assert {k.split(":")[2] for k in house.pages() if k.startswith("1:")} == {"zhang", "li", "boss"}
    house.raise_(raised("9", CAR, T0 + S, people=None))
    assert off_duty(house) == ["anda"]
    house.desk.tick(T0 + 1800 * S)
    assert f"{mine}bureau_leader:leader:mqtt" in house.pages()


def test_it_is_over_when_somebody_is_on_duty_again(house: House) -> None:
    house.desk.take_up(by_day(house.directory, "anda", "zhang"))
    house.raise_(raised("16", CAR, people=None))
    ident = house.alerts(rule="off_duty")[0]["id"]
    house.act(ident, Step.ACKNOWLEDGE, "operator", T0 + 5 * S)
    house.desk.tick(T0 + HOUR - S)
    assert off_duty(house) == ["anda"]
    house.restart()
    house.desk.take_up(by_day(house.directory, "anda", "zhang"))
    house.desk.tick(T0 + HOUR)
    assert off_duty(house) == []
    assert house.alert(ident)["alarm_state"] == "closed"
    assert house.desk.tick(T0 + HOUR + 61 * S) == []
    # the next evening it is a new one
    house.raise_(raised("9", CAR, T0 + 10 * HOUR, people=None))
    assert off_duty(house) == ["anda"]


def test_not_acknowledged_it_comes_back_as_the_same_alert(house: House) -> None:
    house.desk.take_up(by_day(house.directory, "anda", "zhang"))
    house.raise_(raised("16", CAR, people=None))
    house.desk.tick(T0 + HOUR)
    assert house.alerts(rule="off_duty")[0]["alarm_state"] == "returned_unacknowledged"
    house.raise_(raised("9", CAR, T0 + 10 * HOUR, people=None))
    told = house.alerts(rule="off_duty")
    assert [(a["subject"], a["again_count"], a["cleared_ms"]) for a in told] == [("anda", 1, None)]


def test_a_bureau_with_nobody_on_duty_is_told_to_the_bureau_once(house: House) -> None:
    book = by_day(without(house.directory, "kone"), "bureau", "duty")
    house.desk.take_up(book)
    house.raise_(raised("16", CAR_3, people=None))
    assert sorted(off_duty(house)) == ["bureau", "kone"]
    house.desk.take_up(house.directory)  # the mistake was mended in the file
    house.desk.tick(T0 + 61 * S)
    assert [a["alarm_state"] for a in house.alerts(rule="off_duty")] == [
        "returned_unacknowledged"
    ] * 2


def test_a_missing_deputy_is_no_gap(house: House) -> None:
    house.raise_(raised("1", CAR_3))
    house.desk.tick(T0 + 60 * S)  # kone has no deputy
    assert "fallback" in house.kinds()
    assert off_duty(house) == []


def test_the_gap_of_one_group_is_not_over_because_another_has_somebody(tmp_path: Path) -> None:
    line = Duty("u", ("a",), (), 0, time(9), TZ, date(2026, 1, 1), groups=("town",))
    night = replace(line, line="land", contacts=("b",), groups=("land",), until=time(17))
    roster = Roster("u", (line, night))
    book = Directory({}, {c: object() for c in "ab"}, {"u": roster})  # type: ignore[misc]
    assert not book.stands("u", T0)
    assert book.on_duty("u", T0, "town") and not book.on_duty("u", T0, "land")
    assert book.stands("u", T0 + HOUR)


def test_one_of_two_rescue_services_off_duty_is_called_all_the_same(house: House) -> None:
    """119 has somebody, 110 nobody on duty: all of 110 are called, and the bureau learns of it."""
    police = Unit("police", "public_rescue", Text("公安", "police"), "")
    people = {
        i: replace(house.directory.contacts["f119"], id=i, unit="police") for i in ("f110", "x110")
    }
    book = replace(
        house.directory,
        units=dict(house.directory.units) | {"police": police},
        contacts=dict(house.directory.contacts) | people,
    )
    found = book.who("public_rescue", Subjects(registry()).of("lift", CAR), T0)
    assert [c.id for c in found.contacts] == ["f119", "f110", "x110"]
    assert found.off_duty == ("police",)
    assert found.fallback is not None and "nobody on duty at police" in found.fallback.en
