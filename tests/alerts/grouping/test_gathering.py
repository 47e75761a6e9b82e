"""In a flood one page tells of many; whoever sits in a car is told of at once."""

from __future__ import annotations

import orjson
from sqlalchemy import select

from alerts.database.access import reading
from alerts.database.tables import outbox
from alerts.model import Step
from alerts.notify.channel import Receipt
from tests.alerts.conftest import CAR, CAR_2, CAR_3, T0, House, cleared, raised
from tests.support import by_hand

S, MIN = 1000, 60_000


def fault(i: int, at_ms: int = T0, rule: str = "16"):  # type: ignore[no-untyped-def]
    return raised(rule, f"9999{i:016d}", at_ms, people=None)


def told(house: House, contact: str, *states: str) -> list[dict]:  # type: ignore[type-arg]
    query = select(outbox).where(outbox.c.contact == contact).order_by(outbox.c.id)
    with reading(house.engine) as conn:
        rows = [dict(row) for row in conn.execute(query).mappings()]
    return [row for row in rows if not states or row["state"] in states]


def test_the_eleventh_page_to_a_person_waits_for_the_summary(house: House) -> None:
    house.raise_(*(fault(i) for i in range(25)))
    assert len(told(house, "duty", "due")) == 10
    assert len(told(house, "duty", "gathered")) == 15
    house.desk.tick(T0 + MIN - 1)
    assert len(told(house, "duty", "gathered")) == 15
    house.desk.tick(T0 + MIN)
    [summary] = [row for row in told(house, "duty", "due") if row["step"] == "summary"]
    page = orjson.loads(summary["payload"])
    assert page["summary"] == 15
    assert page["title"]["zh"] == "【一般·汇总】15 条警情：关门故障 ×15"
    assert page["title"]["en"] == "[MINOR, summary] 15 alerts: door-close fault ×15"
    assert len(page["members"]) == 15
    assert len(page["text"]["zh"].splitlines()) == 13
    assert "另有 3 条" in page["text"]["zh"]
    assert {row["reason"] for row in told(house, "duty", "summarised")} == {summary["key"]}
    assert house.desk.tick(T0 + MIN + S) == []  # once


def test_ten_minutes_later_pages_are_single_again(house: House) -> None:
    house.raise_(*(fault(i) for i in range(12)))
    later = T0 + 10 * MIN + S
    house.raise_(fault(99, later))
    assert told(house, "duty")[-1]["state"] == "due"


def test_people_and_whatever_is_critical_never_wait(house: House) -> None:
    house.raise_(*(fault(i) for i in range(12)))
    house.raise_(raised("1", CAR), raised("9", CAR_2, people=None))
    keys = [row["key"] for row in told(house, "zhang", "due")]
    assert keys == ["13:maintenance:zhang:mqtt", "14:maintenance:zhang:mqtt"]


def test_the_second_fault_of_one_silent_gateway_is_summed_up(house: House) -> None:
    house.raise_(raised("23", CAR, people=None), raised("23", CAR_2, T0, people=None))
    assert [row["state"] for row in told(house, "zhang")] == ["due", "gathered"]


def test_chatter_is_summed_up(house: House) -> None:
    first = raised("16", CAR, people=None)
    house.raise_(first)
    house.act(1, Step.ACKNOWLEDGE, "zhang", T0 + S)
    house.raise_(cleared(first, T0 + 30 * S))
    assert house.alert(1)["closed_ms"] is not None
    house.raise_(raised("16", CAR, T0 + MIN, people=None))
    assert [row["state"] for row in told(house, "zhang", "gathered")] == ["gathered"]
    house.raise_(raised("16", CAR_3, T0 + MIN, people=None))  # another lift is no chatter
    assert [row["alert_id"] for row in told(house, "zhang")] == [1, 2]


def test_what_was_acknowledged_meanwhile_is_not_in_the_summary(house: House) -> None:
    house.raise_(*(fault(i) for i in range(13)))
    house.act(12, Step.ACKNOWLEDGE, "operator", T0 + S)
    house.desk.tick(T0 + MIN)
    page = orjson.loads(told(house, "duty", "due")[-1]["payload"])
    assert [one["alert"] for one in page["members"]] == [11, 13]


def test_all_acknowledged_is_no_summary(house: House) -> None:
    house.raise_(*(fault(i) for i in range(11)))
    house.act(11, Step.ACKNOWLEDGE, "operator", T0 + S)
    house.desk.tick(T0 + MIN)
    assert not [row for row in told(house, "duty") if row["step"] == "summary"]


def test_a_delivered_summary_has_told_of_each(house: House) -> None:
    house.raise_(*(fault(i) for i in range(12)))
    house.desk.tick(T0 + MIN)
    rows = by_hand.claim(house.engine, "mqtt", 100, T0 + MIN, "w", 1000)
    [summary] = [r for r in rows if r["step"] == "summary" and r["contact"] == "duty"]
    assert by_hand.delivered(house.engine, summary, "w", T0 + MIN + S, Receipt("PUBACK"))
    assert [row["delivered_ms"] for row in told(house, "duty", "summarised")] == [T0 + MIN + S] * 2


def test_a_restart_forgets_nothing_that_was_gathered(house: House) -> None:
    house.raise_(*(fault(i) for i in range(12)))
    house.restart()
    house.desk.tick(T0 + 5 * MIN)
    assert len(told(house, "duty", "summarised")) == 2
