"""Exercises run the true chain, cannot be taken for real, and touch nothing real."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from sqlalchemy import select

from alerts.chains.chains_file import load_chains
from alerts.database.access import reading
from alerts.database.tables import outbox
from alerts.desk import queries
from alerts.drills.times import list_drills
from alerts.lifecycle.causes import load_causes
from alerts.model import SYSTEM, Actor, Role, Step
from alerts.notify.cap import CapFeed, load_cap
from alerts.story import Teller, build_story
from config.text import Text
from tests.alerts.conftest import CAR, CAR_2, OPERATOR, T0, TZ, House, raised
from tests.alerts.notify.test_cap import SCHEMA, word, written
from tests.alerts.story.test_story import send

S = 1000
ADMIN = Actor("管理员", Role.ADMIN)


def drill(house: House, at_ms: int = T0, lift: str = CAR, **more: Any) -> int:
    result = house.desk.drill(at_ms, lift, ADMIN, **more)
    assert result.ok and result.alert, result.text
    return int(result.alert["id"])


def payloads(house: House, ident: int) -> list[dict[str, Any]]:
    with reading(house.engine) as conn:
        found = conn.execute(select(outbox.c.payload).where(outbox.c.alert_id == ident)).scalars()
        return [orjson.loads(one) for one in found]


def test_a_drill_calls_the_same_people_at_the_same_times_as_the_real_thing(house: House) -> None:
    ident = drill(house)
    house.raise_(raised("1", CAR_2, at_ms=T0))
    for after_s in (31, 61, 181, 301, 721, 901):
        house.desk.tick(T0 + after_s * S)
    keys = [key.split(":", 1) for key in house.pages()]
    called = {number: [rest for n, rest in keys if n == number] for number in ("1", "2")}
    assert called[str(ident)] == called["2"] and len(called["2"]) > 8


def test_every_page_says_that_it_is_an_exercise(house: House) -> None:
    ident = drill(house)
    house.desk.tick(T0 + 61 * S)
    pages = payloads(house, ident)
    assert len(pages) >= 5
    for page in pages:
        assert page["exercise"] is True
        assert page["title"]["zh"].startswith("【演练】") and "紧急" not in page["title"]["zh"]
        assert page["title"]["en"].startswith("[EXERCISE]")
        assert page["text"]["zh"].startswith("这是演练") and "EXERCISE" in page["text"]["en"]
        assert "演练" in page["what"]["zh"]
    house.raise_(raised("1", CAR_2, at_ms=T0 + 62 * S))
    assert all(p["exercise"] is False and "演练" not in str(p) for p in payloads(house, 2))


def test_real_pages_are_sent_before_those_of_a_drill(house: House) -> None:
    drill(house)
    house.raise_(raised("16", CAR_2, people=None, at_ms=T0 + S))
    with reading(house.engine) as conn:
        rows = conn.execute(select(outbox.c.alert_id, outbox.c.priority)).all()
    assert max(p for a, p in rows if a == 2) < min(p for a, p in rows if a == 1)


def test_a_real_alarm_of_the_same_lift_is_not_joined_and_ends_the_drill(house: House) -> None:
    ident = drill(house)
    house.act(ident, Step.ACCEPT, "zhang", T0 + 10 * S)
    house.raise_(raised(at_ms=T0 + 20 * S, since_ms=T0))  # even with the very same onset
    real = house.alert(2)
    assert (real["exercise"], real["rescue_state"], real["owner"]) == (False, "raised", None)
    assert real["incident"] != house.alert(ident)["incident"]
    assert "2:maintenance:zhang:mqtt" in house.pages("due")
    over = house.alert(ident)
    assert (over["alarm_state"], over["rescue_state"]) == ("closed", "cancelled")
    assert "exercise_over" in house.kinds(ident)
    assert all(timer["state"] != "pending" for timer in over["timers"])


def test_a_fault_without_people_lets_the_drill_go_on(house: House) -> None:
    ident = drill(house)
    house.raise_(raised("16", people=None, at_ms=T0 + 20 * S))
    assert house.alert(ident)["closed_ms"] is None


def test_taps_on_a_drill_move_nothing_real_and_the_other_way_round(house: House) -> None:
    house.raise_(raised("4", people=None))  # a fault, open, nobody in the car
    ident = drill(house, T0 + S)
    house.act(ident, Step.ACCEPT, "zhang", T0 + 10 * S)
    assert house.alert(1)["owner"] is None
    house.raise_(raised("4", people=2, at_ms=T0 + 20 * S, since_ms=house.alert(1)["since_ms"]))
    house.act(1, Step.ACCEPT, "li", T0 + 30 * S)
    assert house.alert(ident)["owner"] == "张伟"


def test_a_drill_ends_with_its_cause_and_yields_its_times(house: House) -> None:
    ident = drill(house)
    house.act(ident, Step.ACCEPT, "zhang", T0 + 40 * S)
    house.act(ident, Step.ARRIVE, "zhang", T0 + 600 * S)
    house.act(ident, Step.FREE, "zhang", T0 + 700 * S)
    house.act(ident, Step.FILE_CAUSE, "zhang", T0 + 720 * S, cause="false.nobody")
    found = house.alert(ident)
    assert (found["alarm_state"], found["rescue_state"]) == ("closed", "cause_filed")
    assert house.pages("due") == []
    with reading(house.engine) as conn:
        (row,) = list_drills(conn)
        story = build_story(
            conn,
            Teller(load_chains(), house.directory, house.desk.pages, load_causes()),
            ident,
            T0 + 800 * S,
        )
    assert row["ms"] == {
        "delivered": None, "answer": 40 * S, "way": 560 * S, "freeing": 100 * S, "whole": 700 * S,
    }  # fmt: skip
    assert (row["on_time"], row["rule"]) == (True, "1")
    assert story and story["exercise"] and story["what"]["zh"].startswith("【演练】")
    assert "drill_end" not in {one["id"] for one in story["deadlines"]}


def test_a_drill_ends_by_itself_over_a_restart(house: House) -> None:
    ident = drill(house, minutes=10)
    house.restart()
    assert house.desk.next_due_ms() == T0 + 30 * S
    house.desk.tick(T0 + 599 * S)
    assert house.alert(ident)["closed_ms"] is None
    assert house.alert(ident)["next_due_text"]["zh"] == "演练自动结束"
    house.desk.tick(T0 + 600 * S)
    assert house.alert(ident)["closed_ms"] == T0 + 600 * S
    assert house.desk.tick(T0 + 10**8) == []
    assert house.pages("due") == []


def test_a_drill_can_be_stopped_and_nothing_else_can(house: House) -> None:
    ident = drill(house)
    house.raise_(raised("1", CAR_2, at_ms=T0))
    assert not house.desk.stop_drill(ident, OPERATOR, T0 + S).ok
    assert not house.desk.stop_drill(2, ADMIN, T0 + S).ok
    assert house.alert(2)["closed_ms"] is None
    assert house.desk.stop_drill(ident, ADMIN, T0 + S).changed
    again = house.desk.stop_drill(ident, ADMIN, T0 + 2 * S)
    assert (again.ok, again.changed) == (True, False)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"lift": "nowhere"}, "lift"),
        ({"rule": "999"}, "rule"),
        ({"rule": "28b"}, "pages nobody"),
        ({"rule": "off_duty"}, "pages nobody"),
        ({"people": 0}, "people"),
        ({"minutes": 100_000}, "minutes"),
        ({"actor": OPERATOR}, "administrator"),
    ],
)
def test_what_is_wrong_with_a_drill_is_named(
    house: House, more: dict[str, Any], words: str
) -> None:
    asked = {"lift": CAR, "actor": ADMIN} | more
    result = house.desk.drill(T0, asked.pop("lift"), asked.pop("actor"), **asked)
    assert not result.ok and words in result.text.en
    assert house.alerts(open_only=False) == []


def test_no_drill_where_a_rescue_is_under_way_or_a_drill_runs(house: House) -> None:
    house.raise_(raised())
    assert "real rescue" in house.desk.drill(T0 + S, CAR, SYSTEM).text.en
    drill(house, T0 + S, CAR_2)
    assert "still running" in house.desk.drill(T0 + 2 * S, CAR_2, SYSTEM).text.en


def test_a_drill_counts_in_no_figure_and_stands_below_what_is_real(house: House) -> None:
    drill(house)
    house.raise_(raised("16", CAR_2, people=None, at_ms=T0 + S))
    with reading(house.engine) as conn:
        counted = queries.counts(conn)
    assert (counted["open"], counted["rescues"], counted["by_severity"]["critical"]) == (1, 0, 0)
    assert [one["id"] for one in house.alerts()] == [2, 1]


def test_drills_make_nothing_real_wait_and_start_no_flood(house: House) -> None:
    for k in range(12):  # each tells the same mechanic; they would be his flood, were they real
        ident = drill(house, T0 + k * S, rule="16")
        send(house, T0 + k * S)
        house.desk.stop_drill(ident, ADMIN, T0 + k * S)
    assert all(not key.startswith("summary") for key in house.pages("gathered"))
    house.raise_(raised("16", CAR_2, people=None, at_ms=T0 + 20 * S))
    assert "13:maintenance:zhang:mqtt" in house.pages("due")
    assert house.pages("gathered") == []
    assert not house.alert(13)["incident"].startswith("flood:")


def test_the_cause_of_a_drill_is_not_filed_for_a_rescue_that_waits_for_its_own(
    house: House,
) -> None:
    house.raise_(raised())
    house.act(1, Step.FREE, "zhang", T0 + 60 * S)
    ident = drill(house, T0 + 120 * S)
    for step in (Step.ACCEPT, Step.FREE, Step.FILE_CAUSE):
        assert house.act(ident, step, "zhang", T0 + 130 * S, cause="false.nobody").changed
    assert (house.alert(1)["rescue_state"], house.alert(1)["cause"]) == ("freed", None)


def test_people_found_in_the_car_of_a_real_fault_end_the_drill(house: House) -> None:
    fault = raised("4", people=None)
    house.raise_(fault)
    ident = drill(house, T0 + S)
    house.raise_(raised("4", people=2, at_ms=T0 + 20 * S, since_ms=fault.since_ms))
    assert house.alert(ident)["alarm_state"] == "closed"
    assert house.alert(1)["rescue_state"] == "raised"


def test_the_cap_feed_calls_a_drill_an_exercise(house: House) -> None:
    feed = CapFeed(load_cap(), "liftwatch@example.org", Text("区", "District"), "http://house", TZ)
    ident = drill(house)
    house.raise_(raised("1", CAR_2, at_ms=T0 + S))
    for alert, status in ((ident, "Exercise"), (2, "Actual")):
        first = written(house, feed, alert)[0]
        assert SCHEMA.is_valid(first.decode()) and word(first, "status") == status
    assert "EXERCISE" in written(house, feed, ident)[0].decode()
