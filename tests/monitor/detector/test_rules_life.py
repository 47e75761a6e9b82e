"""Rules 1–11, somebody may be in the car: ring in time, not on the near miss, clear."""

from __future__ import annotations

import pytest

from tests.monitor.detector.stories import (
    AT_FLOOR,
    EMPTY,
    FIRE,
    INSPECTION,
    OPENING,
    RUNNING,
    SPECIAL,
    STUCK,
    Story,
)  # fmt: skip


def test_1_trapped_between_floors():
    s = Story().each(0, 40, **STUCK)
    assert s.rang("1") == [30]
    s.each(41, 50, **AT_FLOOR | {"door_closed": 0})
    assert s.cleared("1") == [46]
    assert s.all == {"1"}


def test_1_not_after_29_seconds_not_empty_not_with_the_door_open_and_not_unknown():
    assert Story().each(0, 29, **STUCK).say(29.9, **RUNNING).until(60).rang("1") == []
    assert Story().each(0, 60, **EMPTY).rang("1") == []
    assert Story().each(0, 60, **STUCK | {"door_closed": 0}).rang("1") == []
    unknown = {k: v for k, v in STUCK.items() if k != "door_zone"}
    assert Story().each(0, 60, **unknown).rang("1") == []


def test_1_rings_for_a_lift_that_fell_silent_with_people_inside():
    assert Story().each(0, 3, **STUCK).until(40).rang("1") == [30]


@pytest.mark.parametrize("mode", SPECIAL)
def test_1_and_2_are_never_suppressed(mode):
    assert Story().each(0, 40, **STUCK | {"service_mode": mode}).rang("1") == [30]
    assert Story().each(0, 70, **AT_FLOOR | {"service_mode": mode}).rang("2") == [60]


def test_1_at_once_on_message_4_with_people():
    assert Story().say(0, **STUCK).message(1, 4).rang("1") == [1]
    assert Story().say(0, **EMPTY).message(1, 4).all == {"12"}


def test_2_trapped_at_a_floor_by_waiting_and_by_message():
    s = Story().each(0, 61, **AT_FLOOR)
    assert (s.rang("2"), s.all) == ([60], {"2"})
    s.each(62, 70, **AT_FLOOR | {"door_closed": 0, "door_state": OPENING})
    assert s.cleared("2") == [67]
    assert Story().message(5, 93).rang("2") == [5]
    assert Story().each(0, 59, **AT_FLOOR).say(59.5, **RUNNING).until(90).rang("2") == []


def test_2_a_jammed_door_counts_as_not_opening():
    s = Story().each(0, 61, **AT_FLOOR | {"door_closed": 0, "door_state": 6})
    assert s.rang("2") == [60]


def test_2_a_call_counts_as_people_until_the_door_opens_or_ten_minutes():
    called = {"car_status": 0, "door_zone": 1, "door_closed": 1, "car_call": 1}
    assert Story().each(0, 70, **called).rang("2") == [60]
    served = Story().each(0, 30, **called).say(31, door_closed=0, car_call=0)
    assert served.each(33, 120, **called | {"car_call": 0}).rang("2") == []
    fades = Story().each(0, 620, period_s=5, **called)
    assert (fades.rang("2"), fades.cleared("2")) == ([60], [610])


def test_2_silence_is_no_evidence():
    """A gateway fails while the car stands with people, and comes back at another stop."""
    s = Story().each(0, 5, **AT_FLOOR).until(70).each(90, 95, **AT_FLOOR)
    assert s.rang("2") == []
    assert s.each(96, 150, **AT_FLOOR).rang("2") == [150]
    assert Story().each(0, 35, **AT_FLOOR).until(70).rang("2") == [60]


def test_3_alarm_button():
    s = Story().say(0, alarm_button=0).each(1, 3, alarm_button=1).say(4, alarm_button=0)
    assert s.rang("3") == [2.8]
    assert Story().say(1, alarm_button=1).say(2.7, alarm_button=0).until(9).rang("3") == []
    assert Story().say(1, alarm_button=1).until(9).rang("3") == [2.8]
    assert Story().message(1, 90).rang("3") == [1]
    inspection = Story().say(0, service_mode=INSPECTION).each(1, 9, alarm_button=1)
    assert inspection.message(10, 90).rang("3") == []


def test_4_and_5_overtravel():
    s = Story().each(0, 25, final_limit=1, car_status=0, passenger=0)
    assert (s.rang("4"), s.rang("5")) == ([20], [])
    s = Story().each(0, 25, car_position=0, car_status=0)
    assert (s.rang("4"), s.rang("5")) == ([], [20])
    assert Story().each(0, 25, car_position=20, car_status=0).all == set()
    assert Story().each(0, 19, final_limit=1, car_status=0).say(19.5, final_limit=0).all == set()
    assert Story().each(0, 25, final_limit=2, car_status=1, speed=0.2).rang("5") == []
    assert Story().message(3, 92).rang("4") == [3]
    assert Story().message(3, 91).rang("5") == [3]


def test_4_in_inspection_only_with_people():
    limit = {"final_limit": 1, "car_status": 0, "service_mode": INSPECTION}
    assert Story().each(0, 30, **limit, passenger=0).rang("4") == []
    assert Story().each(0, 30, **limit, passenger=1).rang("4") == [20]
    assert Story().each(0, 30, **limit | {"service_mode": FIRE}, passenger=0).rang("4") == [20]


def test_6_unintended_movement():
    open_here = {"door_closed": 0, "door_zone": 1, "car_status": 0, "speed": 0}
    s = Story().each(0, 3, **open_here).say(4, **open_here | {"door_zone": 0, "speed": 0.2})
    assert s.rang("6") == [4]
    unlocked = {"door_closed": 1, "landing_locked": 0, "door_zone": 1, "car_status": 0}
    assert Story().each(0, 2, **unlocked).say(3, **unlocked | {"door_zone": 0}).rang("6") == [3]
    assert Story().message(3, 5).rang("6") == [3]


def test_6_not_on_a_normal_departure_nor_slow_relevelling():
    open_here = {"door_closed": 0, "door_zone": 1, "car_status": 0, "speed": 0}
    s = Story().each(0, 3, **open_here).say(4, door_closed=1).say(5, **RUNNING)
    assert s.all == set()
    assert Story().each(0, 3, **open_here).each(4, 6, **open_here | {"speed": 0.25}).all == set()
    fast = Story().each(0, 3, **open_here).say(4, **open_here | {"speed": 0.35})
    assert fast.rang("6") == [4]
    mechanic = open_here | {"service_mode": INSPECTION, "passenger": 0}
    assert Story().each(0, 3, **mechanic).say(4, **mechanic | {"door_zone": 0}).rang("6") == []


def test_7_door_opens_while_running():
    s = Story().each(0, 3, **RUNNING).each(4, 5, **RUNNING | {"door_closed": 0})
    assert s.rang("7") == [5]
    stopped = Story().each(0, 3, **RUNNING).say(4, **RUNNING | {"door_closed": 0})
    stopped.say(5, car_status=0, speed=0)  # the safety circuit stops it at once
    assert stopped.rang("7") == [5]
    flicker = Story().each(0, 3, **RUNNING).say(4, **RUNNING | {"door_closed": 0})
    assert flicker.each(5, 9, **RUNNING).rang("7") == []


def test_7_not_when_the_door_opens_ahead_of_the_stop():
    near = RUNNING | {"door_zone": 1, "door_closed": 0, "speed": 0.28}
    s = Story().each(0, 3, **RUNNING).say(4, **near).say(4.5, **near | {"speed": 0.12})
    assert s.say(5, car_status=0, speed=0, door_zone=1, door_closed=0).all == set()


def test_8_starts_with_the_door_open():
    stands = {"car_status": 0, "speed": 0, "door_closed": 0, "door_zone": 1}
    s = Story().each(0, 2, **stands).say(3, **stands | {"car_status": 1, "speed": 0.5})
    assert s.rang("8") == [3]
    slow = Story().each(0, 2, **stands).say(3, **stands | {"car_status": 1, "speed": 0.1})
    assert slow.rang("8") == []
    slow.say(4, speed=0.6)
    assert slow.rang("8") == [4]
    shut = Story().each(0, 2, **stands).say(2.5, door_closed=1).say(3, car_status=1, speed=0.5)
    assert shut.rang("8") == []


def test_9_overspeed_needs_two_samples_above_the_limit():
    fast = RUNNING | {"speed": -2.2}
    assert Story().say(0, **fast).say(1, **fast).rang("9") == [1]
    assert Story().say(0, **fast).say(1, **RUNNING).say(2, **fast).rang("9") == []
    assert Story().each(0, 9, **RUNNING | {"speed": 2.1}).rang("9") == []  # 1.2 × 1.75
    assert Story().say(0, **fast).say(0, **fast).rang("9") == []  # a repeat is no second sample


def test_10_free_fall_and_impact():
    assert Story().each(0, 1, acc_min=2.0).rang("10") == [1]
    assert Story().each(0, 1, acc_peak=16.0).rang("10") == [1]
    assert Story().say(0, acc_peak=19.0).say(1, acc_peak=10).rang("10") == []
    assert Story().each(0, 9, acc_min=3.5, acc_peak=15.6).rang("10") == []
    s = Story().each(0, 2, **RUNNING | {"acc_peak": 10.0})
    assert s.say(3, car_status=0, speed=0, acc_peak=18.0).rang("10") == [3]


def test_11_power_cut_with_people():
    dark = AT_FLOOR | {"power": 1, "door_closed": 1}
    s = Story().each(0, 31, **dark)
    assert s.rang("11") == [30]
    assert Story().each(0, 40, **dark | {"passenger": 0}).rang("11") == []
    assert Story().each(0, 40, **dark | {"door_closed": 0}).rang("11") == []
    assert Story().each(0, 40, **dark | {"power": 0}).rang("11") == []
    moves = Story().each(0, 25, **dark).each(26, 30, **dark | {"car_status": 1, "speed": 0.2})
    assert moves.rang("11") == []


def test_2_a_door_that_pulls_at_a_closed_lock_is_not_opening():
    """With people it is rule 2 after a minute, and a minor rule 17 made major until then."""
    pulls = AT_FLOOR | {"door_state": OPENING}
    s = Story().each(0, 65, **pulls)
    assert (s.rang("17"), s.rang("2")) == ([10], [60])
    s.each(66, 80, **pulls | {"door_closed": 0})
    assert s.cleared("2") == [71]
    by_state = {name: x for name, x in pulls.items() if name != "door_closed"}
    # without a contact it is believed for 15 s; a door that opens for longer gets nowhere
    assert Story().each(0, 90, **by_state).rang("2") == [76]
