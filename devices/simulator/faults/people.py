"""Faults that hold people: trapped between floors, trapped at a landing, the alarm button."""

from __future__ import annotations

from devices.batch import STATE_OFF
from devices.simulator.cars import JAM_SHUT, OPEN, OPENING, STAND
from devices.simulator.faults.catalogue import PEOPLE, fault
from devices.simulator.stage import Ask, Car, Script

_PRESS_AFTER_S = 50.0
_REPORT_S = 30.0  # a controller waits so long before it reports a stop outside the zone (code 4)


def press(car: Car, seconds: float) -> Script:
    """Somebody presses the alarm button; the device reports it after its filter of 1 s."""
    car.put(alarm=True)
    yield from car.wait(min(1.0, seconds))
    if seconds >= 1.0:
        car.fault_on(90)
    yield from car.wait(seconds - 1.0)
    car.put(alarm=False)
    if seconds >= 1.0:
        car.tell(90, STATE_OFF)


def outside(car: Car, seconds: float) -> Script:
    """The car stands outside the zone; the controller reports it, if that lasts."""
    yield from car.hold(min(_REPORT_S, seconds))
    if seconds > _REPORT_S and car.row not in car.stage.freed:
        car.tell(4)
        yield from car.hold(seconds - _REPORT_S)


def _held(car: Car, ask: Ask) -> Script:
    """People wait for help; with `press = true` somebody finds the alarm button."""
    if ask.options.get("press") and ask.for_s > _PRESS_AFTER_S:
        yield from outside(car, _PRESS_AFTER_S)
        if car.row not in car.stage.freed:
            car.labels[0].also |= {"3"}
            yield from press(car, 4.0)
            yield from car.hold(ask.for_s - _PRESS_AFTER_S)
    else:
        yield from outside(car, ask.for_s)


@fault(
    "非平层困人", "trapped between floors", rule="1", people=None, also="12 13 17 19",
    needs=(("door_zone",), PEOPLE), ride_s=6,
)  # fmt: skip
def trap_between_floors(car: Car, ask: Ask) -> Script:
    """The drive trips in mid-ride and the car stays where the brake held it."""
    yield from car.ride(ask.people, ask.at_ms, ready=lambda: car.stops_between(1.5))
    car.put(blocked=True)
    car.brake(1.5)
    yield from car.stopped()
    car.begin()
    yield from _held(car, ask)
    yield from car.recover()


@fault(
    "平层关人", "trapped at a landing", rule="2", people=None, also="16 17", needs=(PEOPLE,),
    ride_s=6,
)  # fmt: skip
def trap_at_level(car: Car, ask: Ask) -> Script:
    """The car comes to its landing and the door will not open."""
    yield from car.ride(ask.people, car.arriving(ask.at_ms))
    car.put(jam=JAM_SHUT)
    yield from car.until(lambda: car.phase == OPENING)
    car.begin()
    yield from car.wait(10.0)
    car.fault_on(3)
    if ask.for_s > 60:
        yield from car.hold(50.0)
        if car.row not in car.stage.freed:
            car.tell(93)
            yield from car.hold(ask.for_s - 60.0)
    else:
        yield from car.hold(ask.for_s - 10.0)
    car.put(jam=0)
    car.tell(3, STATE_OFF)
    yield from car.until(lambda: car.phase == OPEN)
    yield from car.recover()


@fault(
    "报警按钮", "alarm button pressed", rule="3", people=None, for_s=6,
    needs=(("alarm_button", "code 90"),), ride_s=6,
)  # fmt: skip
def alarm_button(car: Car, ask: Ask) -> Script:
    """Somebody who rides presses the alarm button and keeps it down for seconds."""
    yield from car.ride(ask.people, ask.at_ms)
    car.begin()
    yield from press(car, ask.for_s)
    car.end()
    car.put(booked=False)


@fault(
    "停在门区外，无人", "stopped outside the door zone, empty", rule="12", for_s=300,
    also="13 19", needs=(("door_zone",),), ride_s=6,
)  # fmt: skip
def stopped_outside_zone(car: Car, ask: Ask) -> Script:
    """The empty car stops between floors and stays there."""
    yield from car.ride(0, ask.at_ms, ready=lambda: car.stops_between(1.5))
    car.put(blocked=True, car_calls=0)
    car.brake(1.5)
    yield from car.until(lambda: car.phase == STAND)
    car.begin()
    yield from outside(car, ask.for_s)
    yield from car.recover()
