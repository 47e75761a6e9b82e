"""One broken sensor neither hides a person nor invents one; evidence is told term by term."""

from __future__ import annotations

import numpy as np
import pytest

from alerts.rules import DEFAULT_RULES, load_rules
from devices.registry import Gateway, Lift, Registry
from monitor.detector import rule_schema
from monitor.judge import Judge
from tests.monitor.detector.fleets import T0, VOCAB, batch
from tests.monitor.detector.stories import CLOSED, CLOSING, OPEN, OPENING, RUNNING, Story

FULL = {
    "service_mode": 1, "car_status": 0, "speed": 0, "brake": 1, "door_zone": 0, "door_closed": 1,
    "door_state": CLOSED, "landing_locked": 1, "passenger": 1, "people": 2, "load": 14,
    "car_call": 0, "alarm_button": 0, "level_offset": 150,
}  # fmt: skip
RIDE = RUNNING | {"passenger": 1, "people": 2, "load": 14, "car_call": 1, "door_state": CLOSED}
EMPTY_RIDE = RIDE | {"passenger": 0, "people": 0, "load": 0, "car_call": 0}
NOBODY = FULL | {"passenger": 0, "people": 0, "load": 0, "car_call": 0}


def stopped(after, **channels):
    """A ride of ten seconds, then a stop that lasts."""
    return Story().each(0, 10, **after).each(11, 120, **channels)


BROKEN_OFF = [
    {"passenger": 0}, {"people": 0}, {"load": 0}, {"car_status": 1}, {"brake": 0},
    {"door_closed": 0}, {"door_state": OPENING}, {"landing_locked": 0}, {"level_offset": 0},
]  # fmt: skip


@pytest.mark.parametrize("lie", BROKEN_OFF, ids=lambda lie: next(iter(lie)))
def test_one_broken_sensor_does_not_hide_people(lie):
    assert stopped(RIDE | lie, **FULL | lie).rang("1") == [41]


def test_a_door_zone_that_lies_still_makes_a_person_ring():
    s = stopped(RIDE | {"door_zone": 1}, **FULL | {"door_zone": 1, "level_offset": 0})
    assert (s.rang("1"), s.rang("2")) == ([], [71])


@pytest.mark.parametrize("lie", [{"passenger": 1}, {"people": 3}, {"load": 9}, {"car_call": 1}],
                         ids=lambda lie: next(iter(lie)))  # fmt: skip
def test_one_broken_sensor_does_not_invent_people(lie):
    s = stopped(EMPTY_RIDE | lie, **NOBODY | lie)
    assert (s.rang("1"), s.rang("12")) == ([], [56])


@pytest.mark.parametrize("channel", ["passenger", "people", "load", "car_call"])
def test_where_one_sensor_is_fitted_its_word_is_enough(channel):
    told = ("passenger", "people", "load", "car_call", "alarm_button")
    ride = {k: v for k, v in RIDE.items() if k not in told or k == channel}
    stuck = {k: v for k, v in FULL.items() if k not in told or k == channel}
    assert stopped(ride, **stuck).rang("1") == [41]
    empty = {k: v for k, v in NOBODY.items() if k not in told or k == channel}
    none = {k: v for k, v in EMPTY_RIDE.items() if k not in told or k == channel}
    assert stopped(none, **empty).rang("1") == []


def test_who_was_seen_behind_the_shut_door_is_inside_until_it_opens():
    seen = {"service_mode": 1, "car_status": 0, "speed": 0, "door_zone": 0, "door_closed": 1}
    s = Story().each(0, 20, **RUNNING | {"people": 1}).each(21, 120, **seen | {"people": 0})
    assert s.rang("1") == [51]
    left = Story().each(0, 20, **RUNNING | {"people": 1})
    left.each(21, 30, **seen | {"door_zone": 1, "door_closed": 0, "people": 0})
    assert left.each(31, 200, **seen | {"people": 0}).all == {"12"}


def test_a_door_that_is_opening_for_ever_is_no_way_out():
    jammed = FULL | {"door_zone": 1, "door_state": OPENING, "level_offset": 0}
    assert stopped(RIDE, **jammed).rang("2") == [71]  # its contact says it is not opening
    ride, blind = (
        {k: v for k, v in one.items() if k not in ("door_closed", "landing_locked")}
        for one in (RIDE, jammed)
    )
    assert stopped(ride, **blind).rang("2") == [87]  # 15 s of trying, then 60 s
    assert "2" not in stopped(RIDE, **jammed | {"door_state": OPEN, "door_closed": 0}).all


def test_a_closing_door_with_people_is_no_alarm():
    shuts = FULL | {"door_zone": 1, "door_closed": 0, "door_state": CLOSING, "level_offset": 0}
    s = Story().each(0, 10, **shuts | {"door_state": OPEN}).each(11, 13, **shuts)
    assert s.each(14, 40, **RIDE).all == set()


def test_evidence_tells_term_by_term_what_speaks_for_people():
    units = ("so-1", "uu-1", "firm-1", "gw-1")
    facts = ("office", 1.75, 1000, 1, 20, "f-1", 1, 29.5, 106.5)
    lift = Lift("0" * 20, "000000", "A", "Tower", *units, *facts)
    registry = Registry([lift], [Gateway("gw-1", "yunzhi", "Tower")])
    judge = Judge(VOCAB, registry, load_rules(DEFAULT_RULES, rule_schema(VOCAB)))
    moved = []
    for second in range(50):
        values = (RIDE if second < 10 else FULL) | {"passenger": 0}
        now = T0 + 1000 * second
        moved += judge.judge(batch([(0, now, values)]), now, second) + judge.tick(now)
    rang = [one for one in moved if one.raised and one.rule == "1"]
    assert len(rang) == 1
    told = {one.name: one.value for one in rang[0].evidence}
    assert told["with_people"] == 1
    assert told["people_by_presence"] == -3
    assert told["people_by_count"] == 4
    assert told["people_by_load"] == 3
    assert told["people_by_ride"] == np.float32(0.5)
    assert "people_by_alarm" not in told  # it weighs nothing
