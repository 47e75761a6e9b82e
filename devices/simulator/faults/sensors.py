"""Faults of what watches the lift, not of the lift: silence, broken and lying sensors."""

from __future__ import annotations

import numpy as np

from devices.simulator.cars import IDLE, OPEN
from devices.simulator.faults.catalogue import fault
from devices.simulator.labels import Label
from devices.simulator.stage import DUE_S, SLACK_S, Ask, Car, Script


def _silent(car: Car, label: Label) -> None:
    """Silence is known at three periods, at the earliest after a minute."""
    seconds = max(DUE_S["23"], 3 * car.period_s) + 3 * car.period_s + SLACK_S
    label.must_ring_by_ms = car.now_ms + int(seconds * 1000)


@fault("终端离线", "device offline", rule="23", for_s=180, people=None)
def device_offline(car: Car, ask: Ask) -> Script:
    """The device of one lift says nothing more; the lift goes on."""
    yield from car.until(lambda: car.now_ms >= ask.at_ms)
    car.put(offline=True)
    _silent(car, car.begin())
    yield from car.hold(ask.for_s)
    car.put(offline=False)
    car.end()


@fault("网关离线", "gateway offline", rule="23", for_s=180, scope="gateway", people=None)
def gateway_offline(car: Car, ask: Ask) -> Script:
    """A whole gateway is silent: one alarm, not one a lift. options: gateway, rows."""
    yield from car.until(lambda: car.now_ms >= ask.at_ms)
    rows = np.asarray(ask.options["rows"], np.intp)
    was = car.cars.offline[rows].copy()
    car.cars.offline[rows] = True
    label = car.begin()
    label.subject_kind, label.subject, label.row = "gateway", str(ask.options["gateway"]), -1
    label.covers = frozenset(car.stage.reg_codes[row] for row in rows.tolist())
    _silent(car, label)
    yield from car.hold(ask.for_s)
    car.cars.offline[rows] = was
    car.end()


def _stick(car: Car, channel: str, value: float) -> None:
    column = car.stage.column.get(channel)
    if column is not None:
        car.stage.stuck[car.row, column] = value


@fault(
    "传感器卡死", "running contact stuck", rule="32", for_s=240, people=None,
    needs=(("car_status",), ("door_closed", "door_state"), ("speed",)), ride_s=6,
)  # fmt: skip
def stuck_sensor(car: Car, ask: Ask) -> Script:
    """The running relay welds: from a ride on, the device reports running, door open or not."""
    yield from car.ride(ask.people, car.arriving(ask.at_ms))
    _stick(car, "car_status", 1.0)
    yield from car.until(lambda: car.phase == OPEN)
    car.put(held=True)  # somebody stands in the door for a while
    car.begin()
    yield from car.wait(20.0)
    car.put(held=False, booked=False)
    yield from car.hold(ask.for_s)
    _stick(car, "car_status", np.nan)
    car.end()


@fault(
    "电流传感器停滞", "flat line of a sensor", rule="32", for_s=600, people=None,
    needs=(("motor_current",),),
)  # fmt: skip
def flat_line(car: Car, ask: Ask) -> Script:
    """The current sensor freezes at what it read in a ride; the lift goes on with its day."""
    yield from car.ride(ask.people, ask.at_ms)
    _stick(car, "motor_current", 7.3)
    label = car.begin(due=False)
    car.put(booked=False)
    yield from car.hold(ask.for_s)
    car.ripe(label)
    _stick(car, "motor_current", np.nan)
    car.end()


@fault("楼层跳变", "impossible jump of the floor", rule="32", for_s=120,
       needs=(("car_position",), ("speed",)))  # fmt: skip
def impossible_jump(car: Car, ask: Ask) -> Script:
    """A bad floor counter: the car stands, the floor jumps to the far end and back."""
    yield from car.settle()
    yield from car.until(lambda: car.now_ms >= ask.at_ms and car.phase == IDLE)
    far = 0 if car.get("level") > car.get("top") / 2 else car.get("top")
    label = car.begin(due=False)
    end = car.now_ms + ask.for_s * 1000
    turn = max(3.0, 1.5 * car.period_s)
    for _ in range(3):
        _stick(car, "car_position", car.get("floor_lo") + far)
        yield from car.wait(turn)
        _stick(car, "car_position", np.nan)
        yield from car.wait(turn)
    car.ripe(label)
    yield from car.hold(max(0.0, (end - car.now_ms) / 1000))
    car.end()
    car.put(booked=False)
