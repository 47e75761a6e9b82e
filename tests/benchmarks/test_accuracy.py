"""How a month is scored: what counts as heard, late, missed, explained, false."""

from __future__ import annotations

import pytest

from benchmarks._month import Asked, Ran, Rang
from benchmarks._month_score import MonthScore
from benchmarks.accuracy import DEVELOPMENT, HELD_OUT
from devices.simulator.month.dialects import load_month
from devices.simulator.month.fleet import Fleet
from devices.simulator.month.month import START_MS
from devices.simulator.month.scene import MonthLabel
from devices.simulator.month.schedule import rates

FLEET = Fleet(10, 1, load_month())
LIFTS = FLEET.registry.lifts
T = START_MS + 3_600_000
INTENSITY = 2.0


def label(fault="trap_between_floors", rule="1", lift=0, start=T, due_s=60, **more) -> MonthLabel:
    row = {"also": frozenset({"12"}), "vendor": FLEET.dialects[lift].id} | more
    made = MonthLabel("lift", LIFTS[lift].reg_code, lift, fault, rule, start, None, **row)
    made.end_ms = start + 1_800_000
    if rule:
        made.ripe_ms, made.must_ring_by_ms = start + 30_000, start + due_s * 1000
    return made


def rang(rule="1", lift=0, after_s=40.0) -> Rang:
    now = T + round(after_s * 1000)
    return Rang(LIFTS[lift].reg_code, rule, now, now)


def score(labels, rings) -> MonthScore:
    asked = Asked(len(LIFTS), 30, 1, INTENSITY, 5000)
    vendors = {lift.reg_code: FLEET.dialects[i].id for i, lift in enumerate(LIFTS)}
    return MonthScore(Ran(asked, FLEET.registry, vendors, rates(FLEET.data.events), rings, labels))


def test_in_time_late_and_missed():
    labels = [label(), label(lift=1), label(lift=2)]
    found = score(labels, [rang(), rang(lift=1, after_s=90)])
    assert [found.state(one) for one in labels] == ["in_time", "late", "missed"]
    said = found.as_json()
    assert said["month_recall"] == pytest.approx(1 / 3, abs=1e-4)
    assert said["missed_by_fault"] == {"trap_between_floors": 2}
    assert said["delay_s_by_rule"]["1"]["max"] == 60.0


def test_a_ring_beside_is_explained_but_does_not_find_the_event():
    found = score([label()], [rang("12")])
    said = found.as_json()
    assert said["month_recall"] == 0.0 and said["month_precision"] == 1.0


def test_a_ring_of_another_lift_rule_or_time_is_false():
    rings = [rang(), rang(lift=1), rang("9"), rang(after_s=3_600), rang(after_s=-60)]
    found = score([label()], rings)
    assert found.false == rings[1:]
    assert found.as_json()["month_precision"] == 0.2


def test_a_near_miss_must_stay_quiet():
    near = label("short_stop", None, 3, also=frozenset())
    said = score([near], [rang(lift=3)]).as_json()
    assert (said["near_misses"], said["near_misses_quiet"]) == (1, 0)
    assert score([near], []).as_json()["near_misses_quiet"] == 1


def test_what_no_sensor_shows_is_told_apart():
    said = score([label(visible=False, unseen="no such sensor"), label(lift=1)], [rang(lift=1)])
    said = said.as_json()
    assert said["month_recall"] == 1.0 and said["unseen_by_sensors"] == 1


def test_raised_rates_are_weighted_back_and_false_alerts_are_not():
    found = score([label()], [rang(), rang("16", lift=4)])
    said = found.as_json()
    one = next(r for r in rates(FLEET.data.events) if r.event.name == "trap_between_floors")
    weight = one.natural / (one.rate * INTENSITY)
    months = len(LIFTS)
    assert said["alerts_per_lift_month"] == 2 / months
    assert said["alerts_per_lift_month_at_natural_rate"] == pytest.approx(
        (1 + weight) / months, abs=1e-4
    )
    assert said["month_precision_at_natural_rate"] == pytest.approx(weight / (1 + weight), abs=1e-4)


def test_a_silent_gateway_answers_for_its_lifts():
    gateway = LIFTS[0].gateway
    cut = label("gateway_silent", "23", covers=frozenset({LIFTS[0].reg_code}))
    cut.subject_kind, cut.subject = "gateway", gateway
    found = score([cut], [Rang(gateway, "23", T + 50_000, T + 50_000), rang("23", 0, 55)])
    assert found.state(cut) == "in_time" and not found.false


def test_the_final_seeds_are_not_the_one_for_development():
    assert DEVELOPMENT not in HELD_OUT


def test_the_report_names_each_miss_and_each_false_alert():
    said = score([label()], [rang("16", lift=4)]).report()
    assert said["missed"][0]["state"] == "missed"
    assert said["false"][0]["rule"] == "16" and said["false"][0]["row"] == 4
