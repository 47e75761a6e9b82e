"""What once was concluded wrongly, each with the true case that must still ring."""

from __future__ import annotations

import pytest

from tests.monitor.detector.fleets import T0, batch
from tests.monitor.detector.stories import (
    AT_FLOOR,
    CLOSED,
    CLOSING,
    INSPECTION,
    NORMAL,
    OPEN,
    OPENING,
    RUNNING,
    Story,
)  # fmt: skip

RIDE = RUNNING | {"passenger": 1, "car_call": 1}
SHUT = {"service_mode": NORMAL, "car_status": 0, "speed": 0, "door_zone": 1, "door_closed": 1}
OPENED = SHUT | {"door_closed": 0}
IN_SHAFT = {"car_status": 0, "speed": 0, "door_zone": 0, "door_closed": 1}


def overtaken(s, ts_s, **channels):
    """A sample of ts_s that arrives only now."""
    s._take(batch([(0, T0 + round(ts_s * 1000), channels)]))
    return s


@pytest.mark.parametrize("told", [False, True])
def test_an_overtaken_sample_tells_that_the_door_stood_open(told):
    s = Story(period=5.0).each(0, 20, 5, **RIDE).say(30, **SHUT | {"passenger": 0, "car_call": 0})
    if told:
        overtaken(s, 25, **OPENED | {"passenger": 1, "car_call": 0})
    s.each(35, 150, 5, **SHUT | {"passenger": 0, "car_call": 0})
    assert bool(s.rang("2")) != told  # else the call of the ride still stands


def test_a_sensor_that_holds_on_saw_nobody():
    s = Story(period=15.0).say(0, **OPENED | {"passenger": 1}).say(4, **SHUT | {"passenger": 1})
    s.say(19, **SHUT | {"passenger": 1})
    assert s.each(25, 200, 15, **SHUT | {"passenger": 0}).all == set()


def test_a_sensor_that_holds_on_after_a_silence_saw_nobody():
    s = Story(period=15.0).each(0, 10, 2, **RUNNING | {"passenger": 1})
    s.say(56, **SHUT | {"passenger": 1})  # the door may have opened meanwhile
    assert s.each(71, 200, 15, **SHUT | {"passenger": 0}).rang("2") == []


def test_one_look_that_misses_who_is_inside_does_not_delay():
    s = Story(period=15.0).say(0, **OPENED | {"passenger": 1}).say(4, **SHUT | {"passenger": 1})
    s.each(15, 30, 15, **SHUT | {"passenger": 1}).say(45, **SHUT | {"passenger": 0})
    assert s.each(60, 90, 15, **SHUT | {"passenger": 1}).rang("2") == [64]


def test_a_call_outlasts_a_heartbeat():
    inside = {"passenger": 1, "car_call": 1, "load": 10}
    s = (
        Story(period=30.0)
        .say(0, **OPENED | {"passenger": 0, "car_call": 0})
        .say(1, **OPENED | inside)
    )
    s.say(4, **SHUT | inside).say(12, **SHUT | inside | {"car_call": 0})
    s.say(42, **SHUT | inside | {"car_call": 0, "passenger": 0})
    s.say(72, **SHUT | inside | {"car_call": 0})
    assert len(s.rang("2")) == 1


@pytest.mark.parametrize("pressed", [0, 1])
def test_who_never_pressed_a_button_is_a_cart(pressed):
    here = {"passenger": 1, "load": 3, "car_call": pressed}
    s = (
        Story(rated_load_kg=1000)
        .say(0, **OPENED | here)
        .each(1, 200, **SHUT | here | {"car_call": 0})
    )
    assert bool(s.rang("2")) == bool(pressed)


@pytest.mark.parametrize(("state", "rules"), [(CLOSED, set()), (OPEN, {"7", "8"})])
def test_a_bouncing_contact_is_no_open_door(state, rules):
    s = Story().each(0, 3, **SHUT | {"door_state": CLOSED})
    leaves = {"door_closed": 0, "door_state": state, "service_mode": NORMAL, "car_status": 1}
    s.each(4, 7, **leaves, speed=1.2, door_zone=0)
    assert s.all & {"6", "7", "8"} == rules


@pytest.mark.parametrize(("seconds", "rings"), [(2, 0), (6, 1)])
def test_levelling_without_a_speed_is_no_start(seconds, rings):
    still = {"door_closed": 0, "door_state": OPEN, "door_zone": 1, "service_mode": NORMAL}
    s = Story().each(0, 3, **still, car_status=0).each(4, 4 + seconds, **still, car_status=1)
    assert len(s.each(5 + seconds, 20, **still, car_status=0).rang("8")) == rings


@pytest.mark.parametrize(("period", "rings"), [(10, 0), (5, 1)])
def test_two_openings_are_no_opening_fault(period, rings):
    s = Story(period=5.0).each(0, 10, period, **OPENED | {"door_state": OPENING, "passenger": 0})
    s.say(14, **OPENED | {"door_state": OPEN, "passenger": 0})
    assert len(s.rang("17")) == rings


def test_a_door_that_people_hold_is_not_open_for_too_long():
    assert Story().each(0, 90, **OPENED | {"passenger": 1}).rang("16b") == []
    moves = Story().each(0, 40, **OPENED).say(41, **OPENED | {"door_state": CLOSING})
    assert moves.each(42, 90, **OPENED | {"door_state": OPEN}).rang("16b") == []
    assert Story().each(0, 61, **OPENED | {"passenger": 0}).rang("16b") == [60]


@pytest.mark.parametrize(("pace", "rings"), [(14, 1), (40, 0)])
def test_a_door_tried_by_hand_is_slower_than_one_that_cycles(pace, rings):
    s = Story()
    for k in range(6):
        s.say(pace * k, **OPENED).say(pace * k + 5, **SHUT)
    assert len(s.rang("18")) == rings


def slow_run(s, **always):
    """Inspection speed for ten seconds, to a place between floors."""
    s.each(0, 3, **IN_SHAFT | always | {"door_zone": 1})
    return s.each(4, 14, car_status=1, speed=0.3, door_zone=0, door_closed=1, **always)


def test_a_mechanic_is_known_by_his_slow_run_where_no_mode_is_told():
    s = slow_run(Story(), passenger=0).each(15, 1800, 5, **IN_SHAFT, passenger=0)
    assert s.all == set()
    assert s.each(1805, 1900, 5, **IN_SHAFT, passenger=0).all == {"12"}  # half an hour, no more


def test_a_slow_run_hides_no_passenger_and_no_fault_of_a_lift_in_normal_service():
    assert slow_run(Story(), passenger=1).each(15, 60, **IN_SHAFT, passenger=1).all == {"1"}
    told = {"passenger": 0, "service_mode": NORMAL}
    assert slow_run(Story(), **told).each(15, 70, **IN_SHAFT, **told).all == {"12"}
    fast = Story().each(0, 3, **IN_SHAFT | {"door_zone": 1}, passenger=0)
    fast.each(4, 14, car_status=1, speed=1.5, door_zone=0, door_closed=1, passenger=0)
    assert fast.each(15, 70, **IN_SHAFT, passenger=0).all == {"12"}


def test_a_device_that_dies_with_the_mains_under_inspection_is_silent_later():
    dead = Story().each(0, 5, **SHUT | {"service_mode": INSPECTION})
    assert dead.until(1700).rang("23") == []
    assert len(dead.until(1900).rang("23")) == 1
    assert len(Story().each(0, 5, **SHUT).until(80).rang("23")) == 1


@pytest.mark.parametrize(("power", "rings"), [(0, False), (1, True)])
def test_mains_refute_a_power_cut_whose_end_was_lost(power, rings):
    s = Story().each(0, 5, **AT_FLOOR | {"power": 0, "passenger": 0}).message(6, 41, "on")
    s.each(60, 62, **AT_FLOOR | {"power": power, "passenger": 0})
    s.each(63, 75, **RIDE | {"power": power})
    assert bool(s.each(76, 120, **AT_FLOOR | {"power": power, "door_zone": 0}).rang("11")) == rings


@pytest.mark.parametrize("runs", [False, True])
def test_a_car_that_runs_is_not_prevented_from_restarting(runs):
    s = Story().each(0, 5, **SHUT).message(6, 8, "on")
    s.each(7, 30, **(RUNNING if runs else SHUT))
    assert bool(s.each(31, 110, **SHUT).rang("15")) != runs


@pytest.mark.parametrize(("lately", "rings"), [(True, 1), (False, 0)])
def test_a_shock_may_be_told_by_the_sample_after_the_stop(lately, rings):
    s = Story().each(0, 9, **RUNNING | {"passenger": 0, "safety_chain": 0})
    stands = IN_SHAFT | {"passenger": 0, "service_mode": NORMAL}
    s.say(10, **stands | {"speed": 0.6, "acc_peak": 9.9})
    at_s = 10.5 if lately else 30
    s.say(at_s, **stands | {"safety_chain": 1, "acc_peak": 19.6})
    assert len(s.rang("10")) == rings


@pytest.mark.parametrize(("speed", "rings"), [(1.5, 1), (0.2, 0)])
def test_a_start_with_the_door_open_after_a_stop_between_two_samples(speed, rings):
    s = Story(period=5.0).each(0, 10, 5, **RUNNING | {"passenger": 1})
    opened = {"car_status": 1, "door_closed": 0, "door_zone": 1, "passenger": 1}
    s.say(15, **opened | {"speed": 0.01})
    assert len(s.each(20, 25, 5, **opened | {"speed": speed}).rang("8")) == rings
