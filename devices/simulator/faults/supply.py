"""Supply and building: power cuts, fire service, earthquakes, heat, long inspections."""

from __future__ import annotations

import numpy as np

from devices.batch import STATE_OFF
from devices.simulator.cars import IDLE, OPEN, OPENING, RUN, STAND
from devices.simulator.faults.catalogue import PEOPLE, fault
from devices.simulator.stage import Ask, Car, Script

_BATTERY_START_S = 8.0


def cut_power(car: Car) -> None:
    """The mains are gone: the brake falls, doors and buttons are dead."""
    car.put(no_power=True, booked=True)
    if car.phase == RUN:
        car.brake(1.2)
    car.fault_on(41)


def _to_landing(car: Car) -> Script:
    """The rescue device drives to the nearest landing on battery and opens the door."""
    yield from car.wait(_BATTERY_START_S)
    car.put(driving=True)
    if car.phase == STAND:
        car.stage.drive.start(car.one, car.cars.nearest(car.one), creep=True)
    elif car.phase == IDLE:
        car.put(phase=OPENING)
    yield from car.until(lambda: car.phase == OPEN)
    yield from car.let_out()
    car.put(driving=False)


@fault(
    "停电", "power cut over a feeder", rule="11", people=1, for_s=240, scope="feeder",
    also="1 2 12 13 15 16 17 19", needs=(("power", "code 41"), PEOPLE), ride_s=6,
)  # fmt: skip
def power_cut(car: Car, ask: Ask) -> Script:
    """Every lift on the feeder stops where it is; some have a rescue device, some do not.

    The first lift of the group is brought under way with people; the others are as they are.
    """
    if ask.options.get("first"):
        yield from car.ride(ask.people, ask.at_ms, ready=lambda: car.stops_between(1.2))
        ask.fired.append(car.now_ms)
    else:
        yield from car.until(lambda: bool(ask.fired))
    cut_power(car)
    yield from car.until(lambda: abs(car.get("v")) < 1e-9)
    rescue = bool(car.get("rescue_device")) and not ask.options.get("first")
    held = car.get("people") > 0 and car.get("door") <= 0.0
    if held and not rescue:
        car.begin()
    else:
        car.begin(rule=None, near="11", due=False)
    end_ms = car.now_ms + int(ask.for_s * 1000)
    if held and rescue:
        yield from _to_landing(car)
    elif car.get("people") > 0 and not held:
        yield from car.wait(4.0)  # without power a door that is not shut gives way by hand
        car.put(phase=OPEN, door=1.0, clock=0.0, next_person_s=0.0)
        yield from car.let_out()
    yield from car.hold(max(0.0, (end_ms - car.now_ms) / 1000))
    if car.now_ms < end_ms and held and not rescue:
        yield from _to_landing(car)  # somebody came and wound the car by hand; it is still dark
        car.end()
    yield from car.until(lambda: car.now_ms >= end_ms)
    car.put(no_power=False)
    car.tell(41, STATE_OFF)
    yield from car.recover()


_MODES = {"fire": (3, 44), "firefighter": (4, 45), "seismic": (6, 47)}


@fault("消防服务", "fire service", rule="21", for_s=240, people=None, also="12 16 18",
       needs=(("service_mode", "code 44"),))  # fmt: skip
def fire_service(car: Car, ask: Ask) -> Script:
    """Fire return (variant: fire, firefighter, seismic): to the entrance, doors open, waiting."""
    mode, code = _MODES[str(ask.options.get("variant", "fire"))]
    yield from car.until(lambda: car.now_ms >= ask.at_ms)
    car.put(mode=mode, booked=True)
    car.tell(code)
    car.begin()
    yield from car.until(lambda: car.phase in (IDLE, OPEN))
    car.put(car_calls=0)
    if mode == 3 and car.get("level") != car.get("lobby"):
        yield from car.until(lambda: car.phase == IDLE)
        car.put(car_calls=0)
        car.stage.drive.start(car.one, np.array([int(car.get("lobby"))]))
    elif car.phase == IDLE:
        car.put(phase=OPENING)
    yield from car.until(lambda: car.phase == OPEN)
    car.put(held=True)
    yield from car.let_out()
    yield from car.hold(ask.for_s)
    car.put(mode=1)
    car.tell(40)
    yield from car.recover()


@fault("机房高温", "machine room hot", rule="26", for_s=2400, needs=(("room_temp",),))
def hot_machine_room(car: Car, ask: Ask) -> Script:
    """Cooling fails: the machine room warms up by 22 K over the first third of the time."""
    yield from car.until(lambda: car.now_ms >= ask.at_ms)
    label = car.begin(due=False)
    start_ms, share = car.now_ms, 0.0
    while share < 1.0:
        share = min(1.0, (car.now_ms - start_ms) / (ask.for_s * 333))
        car.put(room_drift=22.0 * share)
        yield
    car.ripe(label)
    yield from car.hold(ask.for_s * 2 / 3)
    car.put(room_drift=0.0)
    car.end()


@fault("电池电量低", "battery low", rule="24", for_s=600, needs=(("battery",),))
def battery_low(car: Car, ask: Ask) -> Script:
    """The emergency battery has aged: it holds 15 %."""
    yield from car.until(lambda: car.now_ms >= ask.at_ms)
    before = car.get("battery")
    car.put(battery=15.0)
    label = car.begin()
    if label.must_ring_by_ms is not None:
        label.must_ring_by_ms += int(car.get("slow_ms"))
    yield from car.hold(ask.for_s)
    car.put(battery=before)
    car.end()


@fault("检修超时", "inspection too long", rule="22", for_s=5 * 3600,
       needs=(("service_mode", "code 43"),))  # fmt: skip
def inspection_too_long(car: Car, ask: Ask) -> Script:
    """The lift is left in inspection mode for hours."""
    yield from car.settle()
    yield from car.until(lambda: car.now_ms >= ask.at_ms)
    car.begin()
    car.put(mode=2)
    car.tell(43)
    yield from car.hold(ask.for_s)
    car.put(mode=1)
    car.tell(40)
    yield from car.recover()
