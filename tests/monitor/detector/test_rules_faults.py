"""Rules 12–32, faults of lift and device: ring in time, not on the near miss, clear."""

from __future__ import annotations

import numpy as np
import pytest

from tests.monitor.detector.fleets import T0, VOCAB, batch
from tests.monitor.detector.stories import (
    CLOSED,
    CLOSING,
    EMPTY,
    FIRE,
    FIREMAN,
    INSPECTION,
    NORMAL,
    OPEN,
    OPENING,
    RUNNING,
    SEISMIC,
    SPECIAL,
    STUCK,
    Story,
    rules,
)  # fmt: skip

TIME_DRIVEN = ("22b", "23", "23b", "24b", "25", "25b", "29", "30", "30b", "31", "33")


@pytest.mark.parametrize("mode", SPECIAL)
@pytest.mark.parametrize(
    ("rule", "begin", "end", "channels"),
    [
        ("12", 0, 50, EMPTY),
        ("13", 0, 9, {"safety_chain": 1, "car_status": 0}),
        ("16b", 0, 70, {"door_closed": 0, "car_status": 0}),
        ("17", 0, 15, {"door_zone": 1, "car_status": 0, "door_state": OPENING}),
    ],
)
def test_faults_ring_but_not_in_special_service(rule, begin, end, channels, mode):
    assert len(Story().each(begin, end, **channels | {"service_mode": NORMAL}).rang(rule)) == 1
    assert Story().each(begin, end, **channels | {"service_mode": mode}).rang(rule) == []


def test_suppression_clears_what_stands():
    s = Story().each(0, 50, **EMPTY).each(51, 360, **EMPTY | {"service_mode": FIRE})
    assert (s.rang("12"), s.cleared("12"), s.rang("21")) == ([45], [351], [51])


def test_12_near_misses():
    assert Story().each(0, 44, **EMPTY).say(44.5, **RUNNING).until(60).all == set()
    assert Story().each(0, 50, **EMPTY | {"door_zone": 1}).all == set()
    unknown = {k: EMPTY[k] for k in ("car_status", "door_zone", "door_closed")}
    assert Story().each(0, 50, **unknown).all == {"12"}  # nobody can say who is inside


def test_13_safety_chain():
    assert Story().say(0, **RUNNING).say(1, **RUNNING | {"safety_chain": 1}).rang("13") == [1]
    s = Story().each(0, 6, safety_chain=1, car_status=0)
    assert s.rang("13") == [5]
    assert Story().each(0, 4, safety_chain=1, car_status=0).say(4.5, safety_chain=0).all == set()
    assert Story().message(2, 1).rang("13") == [2]


def test_14_and_15_messages():
    assert Story().message(2, 6).rang("14") == [2]
    s = Story().message(2, 8, "on").until(70)
    assert s.rang("15") == [62]
    s.message(71, 8, "off").until(90)
    assert s.cleared("15") == [81]
    assert Story().message(2, 8, "on").message(50, 8, "off").until(90).all == set()
    assert Story().message(2, 8, "once").rang("15") == [2]


def test_a_single_message_clears_by_itself():
    assert Story().message(2, 6).until(40).cleared("14") == [22]  # stands 10 s, clears in 10 s


def cycle(s, t, ends=CLOSED):
    s.say(t, door_state=OPENING, door_closed=0).say(t + 2, door_state=OPEN)
    s.say(t + 5, door_state=CLOSING).say(t + 7, door_state=ends, door_closed=ends == CLOSED)


def test_16_failed_closes():
    s = Story().say(0, car_status=0, door_state=OPEN, door_closed=0, service_mode=NORMAL)
    for t in (10, 20):
        s.say(t, door_state=CLOSING).say(t + 1, door_state=OPENING)
    assert s.rang("16") == []
    s.say(30, door_state=CLOSING).say(31, door_state=OPENING)
    assert s.rang("16") == [31]
    slow = Story().say(0, car_status=0, door_state=OPEN, door_closed=0)
    for t in (10, 200, 390):
        slow.say(t, door_state=CLOSING).say(t + 1, door_state=OPENING)
    assert slow.rang("16") == []
    assert Story().message(2, 2).rang("16") == [2]


def test_18_door_cycles_without_leaving():
    s = Story().say(0, car_status=0, door_zone=1, service_mode=NORMAL)
    for k in range(4):
        cycle(s, 10 + 10 * k)
    assert s.all == set()
    cycle(s, 50)
    assert s.rang("18") == [57]
    s.each(58, 365, **RUNNING)
    assert s.cleared("18") == [358]
    mechanic = Story().say(0, car_status=0, door_zone=1, service_mode=INSPECTION)
    for k in range(7):
        cycle(mechanic, 10 + 10 * k)
    assert mechanic.say(80, service_mode=NORMAL).until(90).all == set()
    leaves = Story().say(0, car_status=0, door_zone=1)
    for k in range(8):
        cycle(leaves, 10 + 20 * k)
        leaves.say(20 + 20 * k, **RUNNING).say(25 + 20 * k, car_status=0, speed=0, door_zone=1)
    assert leaves.rang("18") == []


def test_19_hard_stops():
    def stops(s, t, speeds, **end):
        for k, speed in enumerate(speeds):
            s.say(t + k, car_status=int(speed > 0), speed=speed, door_zone=0, door_closed=1)
        s.say(t + len(speeds), car_status=0, speed=0, **{"door_zone": 1} | end)

    s = Story()
    for k in range(2):
        stops(s, 100 * k, [1.7, 1.7])
    assert s.rang("19") == []
    stops(s, 300, [1.7, 1.7])
    assert s.rang("19") == [302]
    gentle = Story()
    for k in range(5):
        stops(gentle, 100 * k, [1.7, 1.7, 1.2, 0.6])
    assert gentle.rang("19") == []
    between = Story()
    for k in range(3):
        stops(between, 100 * k, [1.2, 1.1], door_zone=0)
    assert between.rang("19") == [202]


def test_20_position_lost():
    s = Story().each(0, 69, **RUNNING | {"car_position": 5})
    assert s.rang("20b") == []
    s.each(70, 72, **RUNNING | {"car_position": 5})
    assert s.rang("20b") == [70]
    moving = Story()
    for t in range(0, 100, 2):
        moving.say(t, **RUNNING | {"car_position": 1 + (t // 8) % 2})
    assert moving.rang("20b") == []
    assert Story().message(0, 7, "on").until(70).rang("20") == [60]
    assert Story().message(0, 7).rang("20") == [0]


@pytest.mark.parametrize("mode", [FIRE, FIREMAN, SEISMIC])
def test_21_fire_and_seismic(mode):
    s = Story().say(0, service_mode=NORMAL).say(5, service_mode=mode)
    assert s.rang("21") == [5]
    s.say(20, service_mode=NORMAL).until(40)
    assert s.cleared("21") == [30]
    assert Story().say(0, service_mode=INSPECTION).until(20).all == set()


@pytest.mark.parametrize("code", [44, 45, 47])
def test_21_by_message(code):
    assert Story().message(3, code, "on").rang("21") == [3]


def test_22_inspection_too_long():
    s = Story(tick_s=20, period=100).each(0, 14500, 100, service_mode=INSPECTION)
    assert s.rang("22") == [14400]


def test_23_silent_lift_and_silent_gateway():
    s = Story(n=4, gateways=2)
    for t in range(0, 130, 10):
        s.say(t, lift=1, speed=0)
    assert (s.rang("23", 0), s.rang("23", 1)) == ([60], [])  # never seen, and still expected
    s.say(130, lift=0, speed=0).until(135)
    assert len(s.cleared("23", 0)) == 1
    now = T0 + 135_000
    assert s.detector.tick(now).columns["gateway_silent"].tolist() == [0, 0, 0, 0]
    s.until(220)
    gone = s.detector.tick(T0 + 220_000).columns["gateway_silent"].tolist()
    assert gone == [1, 1, 1, 1]


def test_23_a_slow_lift_has_three_periods_and_a_day_is_major():
    s = Story(tick_s=1, period=60).say(0, speed=0).until(179)
    assert s.rang("23") == []
    assert s.until(181).rang("23") == [180]
    assert 86_400 <= s.until(86_440).rang("23b")[0] <= 86_420


def test_24_and_26_battery_and_machine_room():
    assert Story(period=10).each(0, 70, 10, battery=19).rang("24") == [60]
    assert Story(period=10).each(0, 70, 10, battery=20).all == set()
    assert Story(period=10).each(0, 620, 10, room_temp=41).rang("26") == [600]
    assert Story(period=10).each(0, 40, 10, room_temp=51).rang("26b") == [30]
    assert Story(period=10).each(0, 700, 10, room_temp=40).all == set()


def trip(s, t, vibration, current, offset=2.0):
    """One trip of ten seconds with doors, at one sample a second."""
    s.say(t, door_state=CLOSING, door_closed=0, door_current=current, car_status=0, speed=0,
          door_zone=1)  # fmt: skip
    s.say(t + 2, door_state=CLOSED, door_closed=1)
    for k in range(4):
        s.say(t + 3 + k, car_status=1, speed=1.6, acc_rms=vibration + 0.001 * k, door_zone=0)
    s.say(t + 8, car_status=0, speed=0, door_zone=1)
    s.say(t + 9, door_state=OPENING, door_closed=0, door_current=current, level_offset=offset)
    s.say(t + 11, door_state=OPEN)


@pytest.mark.parametrize(
    ("rule", "worn"),
    [
        ("27", {"vibration": 0.4}),
        ("27b", {"current": 3.0}),
        ("27b", {"current": 0.3}),
        ("27c", {"offset": 22.0}),
    ],
)
def test_27_drift_speaks_after_several_trips_and_not_before(rule, worn):
    s, noise = Story(tick_s=5), np.random.default_rng(1)

    def ride(k, **changed):
        usual = {
            "vibration": 0.1 + 0.01 * noise.standard_normal(),
            "current": 1.2 + 0.05 * noise.standard_normal(),
            "offset": 2 + noise.standard_normal(),
        }
        trip(s, 20 * k, **usual | changed)

    ride(0, **worn)  # the very first trip may be a bad one
    for k in range(1, 60):
        ride(k, **worn if k == 45 else {})  # one bad trip is none
    assert s.all == set()
    for k in range(60, 70):
        ride(k, **worn)
    assert s.all == {rule}
    assert 20 * 65 <= s.rang(rule)[0] <= 20 * 69


def test_27_says_nothing_while_it_still_learns():
    s = Story(tick_s=5)
    for k in range(25):
        trip(s, 20 * k, vibration=0.1 if k < 5 else 0.9, current=1.2)
    assert s.all == set()


def test_32_contradictions():
    odd = {"car_status": 1, "speed": 0, "door_closed": 0, "door_zone": 1}
    assert Story().each(0, 12, **odd).rang("32") == [10]
    assert Story().each(0, 8, **odd).say(9, **RUNNING).until(30).rang("32") == []
    assert Story().each(0, 12, door_closed=1, door_state=OPEN).rang("32") == [10]
    assert Story().each(0, 12, car_status=0, speed=1.0).rang("32") == [10]
    assert Story().each(0, 12, **odd | {"service_mode": INSPECTION}).rang("32") == []


def test_32_flat_line_and_jumps():
    s = Story().each(0, 70, **RUNNING | {"acc_rms": 0.1})
    assert s.rang("32") == [70]
    noisy = Story()
    for t in range(90):
        noisy.say(t, **RUNNING | {"acc_rms": 0.1 + 0.001 * (t % 2)})
    assert noisy.rang("32") == []
    s = Story().say(0, car_position=1).say(1, car_position=15)
    assert s.until(30).rang("32") == []  # once: a lift that finds its position again
    s.say(31, car_position=2).each(32, 45, car_position=16)
    assert s.rang("32") == [42]


@pytest.mark.parametrize("period_s", [0.2, 1.0, 5.0])
def test_ordinary_service_rings_nothing(period_s):
    """Calls, doors, rides with people inside; sampled often and seldom."""
    s, noise = Story(tick_s=2, period=period_s), np.random.default_rng(2)
    end = 180 if period_s < 1 else 600 if period_s < 5 else 2400
    steps = np.arange(0, end, period_s)
    for t in steps:
        s.say(float(t), **ordinary(float(t), noise))
    assert s.all == set()


def ordinary(t, noise):
    """The state of an ordinary lift at this second: rides of 20 s, then 40 s at the floor."""
    phase, ride = t % 60, int(t // 60)
    lo, hi = (1, 6) if ride % 2 == 0 else (6, 1)
    speed = float(np.clip(min(phase - 4, 20 - phase) * 0.8, 0, 1.6))
    moves = 4 <= phase < 20
    share = np.clip((phase - 4) / 16, 0, 1)
    door = CLOSING if phase < 2.5 else CLOSED if phase < 20.6 else OPENING if phase < 23 else OPEN
    inside = ride % 3 != 2 and phase < 25
    return {
        "service_mode": NORMAL, "car_status": int(moves), "speed": speed if moves else 0.0,
        "door_zone": int(speed < 0.4), "door_state": door, "door_closed": int(door == CLOSED),
        "car_position": round(lo + (hi - lo) * share), "passenger": int(inside),
        "people": int(inside), "car_call": int(inside and phase < 20), "alarm_button": 0,
        "safety_chain": 0, "power": 0, "battery": 99, "final_limit": 0, "landing_locked":
        int(door == CLOSED), "acc_rms": 0.05 + 0.05 * moves + 0.01 * noise.random(),
        "acc_peak": 10.2, "acc_min": 9.4, "motor_current": 10 * moves + noise.random(),
        "door_current": 1 + 0.1 * noise.random(), "level_offset": noise.normal(0, 2),
        "room_temp": 25,
    }  # fmt: skip


def test_many_lifts_in_one_batch_are_told_apart():
    s = Story(n=50)
    for t in range(40):
        rows = [(k, T0 + 1000 * t, STUCK if k % 7 == 3 else EMPTY | {"door_zone": 1})
                for k in range(50)]  # fmt: skip
        s.until(t)
        s._take(batch(rows))
    assert {lift for lift, *_ in s.log} == {3, 10, 17, 24, 31, 38, 45}
    assert s.all == {"1"}


def test_the_shipped_rules_are_those_of_the_domain():
    found = rules()
    wanted = {str(k) for k in [*range(1, 16), 18, 20, 21, 23, 27, 32]}
    assert wanted <= set(found.ids)
    known = {c.name for c in VOCAB.channels}
    for rule in found.rules:
        assert rule.text.zh and rule.text.en
        assert rule.names
        assert rule.time_driven == (rule.id in TIME_DRIVEN)
    for number in ("1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11"):
        assert found.meta[number].severity == "critical"
    assert found.meta["6"].manual_reset and found.meta["6"].latched
    assert {n for n in found.rules[0].names if n in known} == set()
