"""What each fault looks like from outside, to naive eyes: one function of that name each."""

from __future__ import annotations

import numpy as np

from devices.simulator.cars import G
from devices.simulator.stage import DUE_S
from tests.devices.simulator.played import Played


def _stands_outside(p: Played, people: bool, lasts: float) -> None:
    inside = p.between(1, lasts)
    assert not inside["car_status"].any() and not inside["speed"].any()
    assert not inside["door_zone"].any() and inside["door_closed"].all()
    assert (inside["passenger"] == people).all()


def _silent(p: Played, lasts: float) -> None:
    assert not ((p.t > 0.5) & (p.t < lasts - 0.5)).any()
    assert (p.t > lasts).any(), "never comes back"


def _rises(p: Played, name: str, by: float) -> None:
    values, early = p.of[name], p.t < 0
    late = (p.t > p.end_s * 0.5) & (p.t < p.end_s)
    assert np.nanmax(values[late]) > np.nanmax(values[early]) + by


def trap_between_floors(p: Played) -> None:
    _stands_outside(p, True, p.end_s - 12)
    assert 4 in p.codes and p.end_s > 60


def trap_at_level(p: Played) -> None:
    inside = p.between(1, p.end_s - 8)
    assert inside["door_zone"].all() and inside["door_closed"].all() and inside["passenger"].all()
    assert {3, 93} <= set(p.codes) and p.end_s > 60


def alarm_button(p: Played) -> None:
    assert p.between(0, 5)["alarm_button"].sum() >= 4 and p.codes[0] == 90


def stopped_outside_zone(p: Played) -> None:
    _stands_outside(p, False, 60)


def overtravel_top(p: Played) -> None:
    inside = p.between(2, 60)
    assert (inside["final_limit"] == 1).all() and (inside["safety_chain"] == 1).all()
    assert {1, 92} <= set(p.codes)


def overtravel_bottom(p: Played) -> None:
    assert (p.between(2, 60)["final_limit"] == 2).all() and 91 in p.codes


def unintended_movement(p: Played) -> None:
    inside = p.between(0, 30)
    assert (inside["door_state"] == 4).all() and not inside["door_zone"][2:].any()
    assert not inside["car_status"].any() or np.abs(inside["speed"]).max() < 0.7
    assert p.codes[0] == 5


def door_opens_while_running(p: Played) -> None:
    inside = p.between(0, 8)
    open_and_fast = (inside["door_closed"] == 0) & (np.abs(inside["speed"]) > 0.1)
    assert open_and_fast.sum() >= 2


def starts_with_door_open(p: Played) -> None:
    started = (p.between(0, 4)["car_status"] == 1) & (p.between(0, 4)["door_closed"] == 0)
    assert started.any() and not p.between(-2, -0.01)["car_status"].any()


def overspeed(p: Played) -> None:
    rated = p.world.cars.rated[p.label.row]
    assert (np.abs(p.between(0, 6)["speed"]) > 1.2 * rated).sum() >= 2 and 1 in p.codes


def impact(p: Played) -> None:
    inside = p.between(0, 3)
    assert inside["acc_min"].min() < 0.35 * G and inside["acc_peak"].max() > 1.6 * G


def _hard_stops(p: Played) -> int:
    """Stops from rated speed within two samples; an ordinary stop takes over three seconds."""
    speed = np.abs(p.of["speed"])
    hard = (speed[:-2] > 0.95 * p.world.cars.rated[p.label.row]) & (speed[2:] < 0.1)
    return int((hard[1:] & ~hard[:-1]).sum())


def hard_stops(p: Played) -> None:
    assert _hard_stops(p) == 3


def motor_limiter(p: Played) -> None:
    before = p.between(-15, -1)
    assert before["car_status"].all() and not before["speed"].any()
    assert before["motor_current"].min() > 1.5 * np.nanmedian(p.of["motor_current"])
    assert p.codes[0] == 6


def position_lost(p: Played) -> None:
    assert np.isnan(p.between(1, 60)["car_position"]).all() and p.codes[0] == 7


def safety_chain_open(p: Played) -> None:
    inside = p.between(0, 60)
    assert inside["safety_chain"].all() and not inside["car_status"].any()


def safety_chain_running(p: Played) -> None:
    assert p.between(0, 1)["car_status"].any() and p.between(0, 60)["safety_chain"].all()
    assert p.codes[0] == 1


def prevent_restart(p: Played) -> None:
    assert p.messages[0][1:] == (8, 1) and p.end_s > DUE_S["15"]


def door_close_fault(p: Played) -> None:
    state = p.between(0, p.end_s - 5)["door_state"]
    turns = (state[:-1] == 1) & (state[1:] == 3)
    assert turns.sum() >= 3 and not (state == 2).any() and 2 in p.codes


def door_open_fault(p: Played) -> None:
    inside = p.between(0, 60)
    assert inside["door_closed"].all() and inside["door_zone"].all() and 3 in p.codes
    assert not inside["passenger"].any()


def repeated_door_cycles(p: Played) -> None:
    closed = p.between(0, p.end_s)["door_closed"]
    assert ((closed[:-1] == 0) & (closed[1:] == 1)).sum() >= 5
    assert len(set(p.between(0, p.end_s)["car_position"].tolist())) == 1


def worn_door(p: Played) -> None:
    _rises(p, "door_current", 0.4)


def rising_vibration(p: Played) -> None:
    _rises(p, "acc_rms", 0.05)


def levelling_drift(p: Played) -> None:
    _rises(p, "level_offset", 5)


def power_cut(p: Played) -> None:
    inside = p.between(1, p.end_s - 12)
    assert inside["power"].all() and not inside["car_status"].any() and inside["passenger"].all()
    assert not inside["motor_current"].any() and p.messages[0][1:] == (41, 1)
    dark = {label.row for label in p.world.labels if label.fault == "power_cut"}
    assert dark == set(range(5)), "the whole feeder"


def fire_service(p: Played) -> None:
    assert (p.between(0, 60)["service_mode"] == 3).all() and p.codes[0] == 44
    waiting = p.between(p.end_s - 30, p.end_s - 5)
    assert (waiting["door_state"] == 4).all() and (waiting["car_position"] == 1).all()


def hot_machine_room(p: Played) -> None:
    _rises(p, "room_temp", 15)


def battery_low(p: Played) -> None:
    assert (p.between(0, 60)["battery"] < 20).all()


def voice_test_fails(p: Played) -> None:
    assert p.codes == [1081, 1080]


def battery_test_fails(p: Played) -> None:
    assert p.codes == [1083, 1082]


def e_bike(p: Played) -> None:
    assert (p.between(1, 40)["door_closed"] == 0).all()
    assert [(code, state) for _, code, state in p.messages] == [(1013, 1), (1013, 0)]


def e_bike_glimpse(p: Played) -> None:
    (on, *_), (off, *_) = p.messages
    assert off - on < DUE_S["28"] - 5 and p.codes == [1013, 1013]


def inspection_too_long(p: Played) -> None:
    assert (p.between(0, 60)["service_mode"] == 2).all() and p.codes[0] == 43


def device_offline(p: Played) -> None:
    _silent(p, p.end_s)


def gateway_offline(p: Played) -> None:
    _silent(p, p.end_s)
    assert (p.label.subject_kind, p.label.subject) == ("gateway", "gw-01")
    assert len(p.label.covers) == 5


def stuck_sensor(p: Played) -> None:
    inside = p.between(2, 20)
    assert inside["car_status"].all() and not inside["speed"].any()
    assert not inside["door_closed"].any()


def flat_line(p: Played) -> None:
    assert len(set(p.between(1, p.end_s - 1)["motor_current"].tolist())) == 1


def impossible_jump(p: Played) -> None:
    inside = p.between(-5, 20)
    assert np.abs(np.diff(inside["car_position"])).max() > 10 and not inside["speed"].any()


def short_stop(p: Played) -> None:
    _stands_outside(p, True, 24)
    assert np.abs(p.between(28, 33)["speed"]).max() > 0.1 and 4 not in p.codes


def slow_door(p: Played) -> None:
    assert p.end_s < DUE_S["2"] - 5 and 93 not in p.codes


def button_brush(p: Played) -> None:
    assert p.of["alarm_button"].sum() <= 1 and not p.codes


def level_overrun(p: Played) -> None:
    assert not p.of["final_limit"].any() and np.nanmax(p.of["level_offset"]) > 20


def relevelling(p: Played) -> None:
    inside = p.between(0, 6)
    assert inside["door_zone"].all() and np.abs(inside["speed"]).max() <= 0.15


def a_little_fast(p: Played) -> None:
    rated = p.world.cars.rated[p.label.row]
    top = np.abs(p.of["speed"]).max()
    assert 1.05 * rated < top < 1.2 * rated


def jumping(p: Played) -> None:
    inside = p.between(0, 4)
    assert 1.2 * G < inside["acc_peak"].max() < 1.6 * G and inside["acc_min"].min() > 0.35 * G


def power_blink(p: Played) -> None:
    assert 10 <= p.between(0, 60)["power"].sum() < DUE_S["11"]


def short_empty_stop(p: Played) -> None:
    _stands_outside(p, False, 24)
    assert np.abs(p.between(27, 36)["speed"]).max() > 0.1 and 4 not in p.codes


def chain_blink(p: Played) -> None:
    assert 0 < p.of["safety_chain"].sum() < DUE_S["13"]


def short_restart_block(p: Played) -> None:
    (on_s, _, on), (off_s, _, off) = p.messages
    assert (on, off) == (1, 0) and off_s - on_s < DUE_S["15"]


def door_held(p: Played) -> None:
    assert 35 < (p.between(-5, 60)["door_closed"] == 0).sum() < 60


def two_failed_closings(p: Played) -> None:
    state = p.between(-3, p.end_s + 2)["door_state"]
    assert ((state[:-1] == 1) & (state[1:] == 3)).sum() == 2 and 2 not in p.codes


def four_door_cycles(p: Played) -> None:
    closed = p.between(-1, p.end_s)["door_closed"]
    assert 3 <= ((closed[:-1] == 0) & (closed[1:] == 1)).sum() <= 4


def one_hard_stop(p: Played) -> None:
    assert _hard_stops(p) == 1


def short_silence(p: Played) -> None:
    _silent(p, p.end_s)
    assert p.end_s < DUE_S["23"]


def mechanic_visit(p: Played) -> None:
    assert (p.between(1, p.end_s - 15)["service_mode"] == 2).all()
    assert (
        p.of["safety_chain"].any()
        and p.of["alarm_button"].any()
        and not p.of["people"][(p.t > 0) & (p.t < p.end_s)].any()
    )
    assert p.codes[0] == 43 and 40 in p.codes


def ride(p: Played) -> None:
    assert p.between(0, p.end_s - 10)["passenger"].all() and not p.codes
