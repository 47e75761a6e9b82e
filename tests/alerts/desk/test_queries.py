from __future__ import annotations

import json

from alerts.database.access import reading
from alerts.desk import queries
from alerts.model import Step
from alerts.notify import queue
from tests.alerts.conftest import CAR, CAR_2, CAR_3, T0, House, cleared, raised
from tests.support import by_hand

S = 1000

SPECIFIED = {
    "id", "rule", "rule_text", "code", "severity", "subject_kind", "subject", "place", "lift_type",
    "name", "maintenance", "use_unit", "street_office", "people", "with_people", "raised_ms",
    "since_ms", "cleared_ms", "closed_ms", "alarm_state", "rescue_state", "owner", "chain",
    "next_due_ms", "next_due_text", "latched", "evidence", "version",
}  # fmt: skip


def fill(house: House) -> None:
    """1 fault, 2 overdue maintenance, 3 rescue, 4 rescue raised later but accepted, 5 closed."""
    house.raise_(raised("16", CAR, people=None))
    house.raise_(raised("29", CAR, at_ms=T0 + S, people=None))
    house.raise_(raised("1", CAR_2, at_ms=T0 + 2 * S))
    house.raise_(raised("1", CAR_3, at_ms=T0 + 3 * S))
    house.act(4, Step.ACCEPT, "operator", T0 + 4 * S)
    house.act(4, Step.ACKNOWLEDGE, "pm1", T0 + 4 * S)
    gone = raised("16", CAR_2, at_ms=T0 + 5 * S, people=None)
    house.raise_(gone)
    house.act(5, Step.ACKNOWLEDGE, "zhang", T0 + 6 * S)
    house.raise_(cleared(gone, T0 + 7 * S))


def test_the_order_is_life_first_then_deadline(house: House) -> None:
    fill(house)
    assert [a["id"] for a in house.alerts()] == [3, 4, 1, 2]
    assert [a["id"] for a in house.alerts(open_only=False)] == [3, 4, 1, 2, 5]
    assert [a["id"] for a in house.alerts(limit=2, offset=1)] == [4, 1]


def test_an_alert_is_json_of_the_agreed_form(house: House) -> None:
    fill(house)
    listed = house.alerts()[0]
    assert listed.keys() >= SPECIFIED
    assert json.loads(json.dumps(listed)) == listed
    assert listed["next_due_ms"] == T0 + 32 * S
    assert listed["next_due_text"]["en"] == "use unit silent: its second contact"
    assert listed["evidence"][0] == {"name": "speed", "value": 0.0, "since_ms": T0 - 28 * S}
    detail = house.alert(3)
    assert json.loads(json.dumps(detail)) == detail
    assert [d["channel"] for d in detail["deliveries"]] == ["mqtt"] * 3
    assert {u["unit"] for u in detail["units"]} == {"anda", "haoting", "desk"}
    assert detail["timeline"][0]["kind"] == "raised"
    assert {t["state"] for t in detail["timers"]} == {"fired", "pending"}


def test_filters(house: House) -> None:
    fill(house)

    def ids(**chosen: object) -> set[int]:
        return {a["id"] for a in house.alerts(**chosen)}

    assert ids(subject=CAR) == {1, 2}
    assert ids(rule="1") == {3, 4}
    assert ids(severities=["minor"], open_only=False) == {1, 2, 5}
    assert ids(alarm_states=["closed"], open_only=False) == {5}
    assert ids(rescue_states=["accepted"]) == {4}
    assert ids(raised_from_ms=T0 + S, raised_to_ms=T0 + 3 * S) == {2, 3}
    assert ids(incident=house.alert(3)["incident"]) == {3}


def test_a_unit_sees_only_its_own(house: House) -> None:
    fill(house)
    assert {a["id"] for a in house.alerts(unit="anda")} == {1, 2, 3}
    assert {a["id"] for a in house.alerts(unit="north")} == set()
    with reading(house.engine) as conn:
        assert queries.get_alert(conn, 4, unit="anda") is None
        assert queries.get_alert(conn, 3, unit="anda") is not None
        assert queries.get_alert(conn, 99) is None
        seen = queries.journal_since(conn, 0, unit="anda")
        assert {line["alert_id"] for line in seen} == {1, 2, 3, 5}
        assert queries.counts(conn, unit="anda")["open"] == 3


def test_the_feed_continues_where_a_reader_stopped(house: House) -> None:
    fill(house)
    with reading(house.engine) as conn:
        everything = queries.journal_since(conn, 0)
        assert [line["id"] for line in everything] == list(range(1, len(everything) + 1))
        assert queries.newest_line(conn) == len(everything)
        first = queries.feed_since(conn, 0, limit=7)
        assert [line["id"] for line in first] == list(range(1, 8))
        rest = queries.feed_since(conn, first[-1]["id"], chains=house.desk.chains)
        assert first[-1]["id"] + len(rest) == len(everything)
        assert rest[-1]["alert"]["alarm_state"] == "closed"
        assert queries.journal_since(conn, len(everything)) == []


def test_counts(house: House) -> None:
    fill(house)
    by_hand.claim(house.engine, "mqtt", 1, T0 + 60 * S, "w", 1000)
    with reading(house.engine) as conn:
        assert queries.counts(conn) == {
            "open": 4,
            "by_severity": {"critical": 2, "major": 0, "minor": 2, "info": 0},
            "unacknowledged": 3,
            "rescues": 2,
            "accidents": 0,
        }
        assert queries.raised_total(conn) == 5
        by_state = queries.delivery_counts(conn)["mqtt"]
    assert by_state["leased"] == 1
    assert by_state["withdrawn"] >= 1
    assert queue.unsent(house.engine) == by_state["due"] + by_state["leased"]
    assert queue.next_ms(house.engine) == T0
