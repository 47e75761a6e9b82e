"""The quality of alarms: the database's sums against a plain twin, and cases one can count."""

from __future__ import annotations

import random
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import insert

from alerts.database.access import reading, writing
from alerts.database.tables import alert, occurrence
from alerts.lifecycle.causes import load_causes
from alerts.model import Step, severity_rank
from alerts.quality import Period, report
from alerts.quality.report import parse_verdict
from tests.alerts.conftest import CAR, CAR_2, OPERATOR, T0, TZ, House, cleared, raised
from tests.alerts.drills.test_drills import drill
from tests.naive import quality as naive

S, MIN, HOUR, DAY = 1000, 60_000, 3_600_000, 86_400_000
CAUSES = load_causes()
FALSE = {group.id for group in CAUSES.groups.values() if group.false}


def told(house: House, start: int, end: int, positions: int = 1, tz: Any = TZ) -> dict[str, Any]:
    with reading(house.engine) as conn:
        return report(conn, Period(start, end), CAUSES, tz, positions)


def make(dice: random.Random, ident: int, span: int) -> dict[str, Any]:
    """A random alert row; bursts of raises make floods."""
    at = T0 + (dice.randrange(span) if dice.random() < 0.5 else dice.choice((3, 9)) * HOUR
               + dice.randrange(25 * MIN))  # fmt: skip
    severity = dice.choices(("critical", "major", "minor", "info"), (2, 3, 8, 1))[0]
    row: dict[str, Any] = dict.fromkeys(alert.columns.keys())
    row |= dict.fromkeys(
        ("name", "place", "lift_type", "rescue_code", "maintenance", "use_unit", "street_office",
         "feeder", "gateway"), "x",
    )  # fmt: skip
    row |= {
        "id": ident, "subject_kind": "lift", "subject": f"L{dice.randrange(12)}",
        "rule": dice.choice(("1", "16", "18", "23")), "since_ms": at - ident, "raised_ms": at,
        "last_raised_ms": at + dice.choice((0, 0, 90 * S)), "again_count": 0, "round": 0,
        "closed_ms": dice.choice((None, at + dice.randrange(3 * DAY))),
        "alarm_state": "closed", "rescue_state": "none", "chain": "F", "profile": "urban",
        "severity": severity, "severity_rank": severity_rank(severity), "latched": False,
        "manual_reset": False, "with_people": False, "rule_zh": "规则", "rule_en": "rule",
        "incident": f"i{ident}", "accident": False, "done": "{}", "evidence": "[]",
        "aside": "none", "late": dice.random() < 0.05,
        "exercise": dice.random() < 0.05, "version": 1,
        "verified_ms": dice.choice((None, at + HOUR)),
        "cancelled_ms": at + HOUR if dice.random() < 0.1 else None,
        "cause": dice.choice(
            (None, None, "door", "door.sill", "false", "false.nobody", "sensor: G3", "falsework",
             "sensor.network: x"),
        ),
    }  # fmt: skip
    if dice.random() < 0.7:
        row["acknowledged_ms"] = row["last_raised_ms"] + dice.randrange(20 * MIN)
    return row


def fill(house: House, dice: random.Random, count: int, span: int) -> tuple[Any, Any]:
    alerts = [make(dice, ident, span) for ident in range(1, count + 1)]
    onsets = []
    for row in alerts:
        for k in range(dice.choice((1, 1, 1, 2, 5))):
            at = row["raised_ms"] + k * dice.choice((10, 25, 40, 300)) * S
            onsets.append({"alert": row, "at_ms": at, "since_ms": row["since_ms"] + k})
    with writing(house.engine) as conn:
        conn.execute(insert(alert), alerts)
        conn.execute(
            insert(occurrence),
            [
                {
                    "subject_kind": "lift", "subject": o["alert"]["subject"],
                    "rule": o["alert"]["rule"], "since_ms": o["since_ms"],
                    "alert_id": o["alert"]["id"], "at_ms": o["at_ms"],
                }
                for o in onsets
            ],
        )  # fmt: skip
    return alerts, onsets


def same(found: dict[str, Any], twin: dict[str, Any]) -> None:
    assert found["alarms"] == twin["alarms"]
    assert found["left_out"] == twin["left_out"]
    assert found["rate"]["per_hour"] == pytest.approx(twin["per_hour"])
    assert found["rate"]["peak_10min"] == twin["peak_10min"]
    assert found["rate"]["hours_over_30_share"] == twin["busy_hours"]
    flood = found["flood"]
    assert (flood["over"], flood["time_share"], flood["count"]) == (
        twin["over"], twin["flooded"], twin["floods"],
    )  # fmt: skip
    assert {
        (o["subject"], o["rule"]): (o["bursts"], o["onsets"]) for o in found["chattering"]["alarms"]
    } == twin["chatter"]
    assert found["stale"]["count"] == len(twin["stale"])
    assert {o["id"] for o in found["stale"]["alarms"]} <= set(twin["stale"])
    assert {p["severity"]: p["alarms"] for p in found["priority"]} == twin["severities"]
    assert {(o["subject"], o["rule"]): o["onsets"] for o in found["bad_actors"]["alarms"]} == twin[
        "actors"
    ]
    for one, other in (
        (found["acknowledged"], twin["seen"]),
        (found["acknowledged"]["by_severity"]["critical"], twin["seen_critical"]),
    ):
        assert (one["acknowledged"], one["median_ms"], one["p90_ms"]) == other
    assert {r["rule"]: (r["alarms"], r["judged"], r["false"]) for r in found["rules"]} == twin[
        "rules"
    ]
    assert {d["day"]: d["alarms"] for d in found["days"]} == twin["days"]


@pytest.mark.parametrize("seed", range(6))
def test_the_database_counts_what_the_twin_counts(house: House, seed: int) -> None:
    dice = random.Random(seed)
    tz = ZoneInfo(("Asia/Shanghai", "Europe/Berlin")[seed % 2])
    alerts, onsets = fill(house, dice, 400, 4 * DAY)
    for start, end, positions in (
        (T0, T0 + 4 * DAY, 1),
        (T0 + DAY // 2 + 1234, T0 + 2 * DAY, 1),
        (T0, T0 + 11 * HOUR + 5 * MIN, 2),
    ):
        twin = naive.quality(alerts, onsets, start, end, FALSE, tz, positions)
        same(told(house, start, end, positions, tz), twin)


def test_a_quiet_period_divides_by_nothing(house: House) -> None:
    found = told(house, T0, T0 + DAY)
    assert (found["alarms"], found["rate"]["per_hour"]) == (0, 0.0)
    assert found["acknowledged"]["share"] is None
    assert [p["share"] for p in found["priority"]] == [None] * 3
    assert all(one["ok"] is not False for one in found["verdicts"])
    assert parse_verdict(next(v for v in found["verdicts"] if v["id"] == "top10")) == "–"


def test_eleven_in_ten_minutes_are_a_flood_and_ten_are_not(house: House) -> None:
    def some(n: int, start: int) -> None:
        house.raise_(
            *(raised("16", f"L{start}-{k}", at_ms=start + k * S, people=None) for k in range(n))
        )

    some(10, T0)
    some(11, T0 + 20 * MIN)
    some(6, T0 + 30 * MIN)  # goes on: not below five
    some(4, T0 + 40 * MIN)  # over
    flood = told(house, T0, T0 + HOUR)["flood"]
    assert (flood["over"], flood["count"], flood["windows"]) == (1, 1, 6)
    (one,) = flood["floods"]
    assert (one["from_ms"], one["to_ms"], one["alarms"]) == (T0 + 20 * MIN, T0 + 40 * MIN, 17)


def test_three_onsets_within_a_minute_chatter_though_they_are_one_alert(house: House) -> None:
    at = T0
    for _ in range(3):
        one = raised("16", people=None, at_ms=at, since_ms=at)
        house.raise_(one, cleared(one, at + 5 * S))
        at += 30 * S
    house.raise_(raised("16", CAR_2, people=None, at_ms=T0))
    found = told(house, T0, T0 + HOUR)
    assert found["alarms"] == 2
    (one,) = found["chattering"]["alarms"]
    assert (one["subject"], one["bursts"], one["onsets"]) == (CAR, 1, 3)
    first = found["bad_actors"]["alarms"][0]
    assert (first["onsets"], first["alerts"], first["share"]) == (3, 1, 0.75)


def test_drills_are_no_alarms(house: House) -> None:
    drill(house)
    house.raise_(raised("16", CAR_2, people=None))
    found = told(house, T0, T0 + HOUR)
    assert (found["alarms"], found["left_out"]["exercises"]) == (1, 1)
    assert [rule["rule"] for rule in found["rules"]] == ["16"]
    assert found["bad_actors"]["onsets"] == 1


def test_what_was_cancelled_or_found_well_is_false_and_what_waits_is_not_judged(
    house: House,
) -> None:
    house.raise_(*(raised("16", f"L{k}", people=None) for k in range(4)))
    house.act(1, Step.CANCEL, "operator", T0 + MIN, comment="误报")
    house.desk.act(2, Step.FILE_CAUSE, OPERATOR, T0 + MIN, cause="sensor.sensor")
    house.desk.act(3, Step.FILE_CAUSE, OPERATOR, T0 + MIN, cause="door.sill: 石子")
    (rule,) = told(house, T0, T0 + HOUR)["rules"]
    assert (rule["alarms"], rule["judged"], rule["false"]) == (4, 3, 2)
    assert rule["false_share"] == pytest.approx(2 / 3)
