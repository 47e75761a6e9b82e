"""What a device reports of itself and of e-bikes: tests that fail, a bike in the car."""

from __future__ import annotations

from devices.batch import STATE_OFF
from devices.simulator.cars import IDLE, OPEN, OPENING
from devices.simulator.faults.catalogue import fault
from devices.simulator.stage import Ask, Car, Script

_DOOR = ("door_closed", "door_state")


@fault("对讲测试失败", "voice link test fails", rule="25", for_s=600, people=None,
       needs=(("code 1081",),))  # fmt: skip
def voice_test_fails(car: Car, ask: Ask) -> Script:
    """The automatic test finds the voice link dead; a later one finds it repaired."""
    yield from _test(car, ask, failed=1081, passed=1080)


@fault("电池测试失败", "battery test fails", rule="24", for_s=600, people=None,
       needs=(("code 1083",),))  # fmt: skip
def battery_test_fails(car: Car, ask: Ask) -> Script:
    """The emergency battery does not carry its load; it is changed."""
    yield from _test(car, ask, failed=1083, passed=1082)


def _test(car: Car, ask: Ask, failed: int, passed: int) -> Script:
    yield from car.until(lambda: car.now_ms >= ask.at_ms)
    car.tell(failed)
    car.begin()
    yield from car.hold(ask.for_s)
    car.tell(passed)
    car.end()


@fault("电动车入梯", "e-bike in the car, door held", rule="28", also="16", for_s=45,
       needs=(("code 1013",), _DOOR))  # fmt: skip
def e_bike(car: Car, ask: Ask) -> Script:
    """A bike is pushed in; the camera sees it and the door stays open until it is out again."""
    yield from _pushed_in(car, ask)
    car.begin()
    car.put(held=True)
    yield from car.hold(ask.for_s)
    car.put(held=False)
    yield from _pushed_out(car)


@fault("电动车一晃而过", "e-bike seen for a moment", near="28", also="28", for_s=3)
def e_bike_glimpse(car: Car, ask: Ask) -> Script:
    """A bike's front wheel is over the sill for three seconds: noted, nobody is paged."""
    yield from _pushed_in(car, ask)
    car.begin(rule=None, due=False)
    yield from car.wait(min(ask.for_s, 3.0))
    yield from _pushed_out(car)


def _pushed_in(car: Car, ask: Ask) -> Script:
    yield from car.settle()
    yield from car.until(lambda: car.now_ms >= ask.at_ms and car.phase == IDLE)
    car.put(phase=OPENING)
    yield from car.until(lambda: car.phase == OPEN)
    car.fault_on(1013)


def _pushed_out(car: Car) -> Script:
    car.tell(1013, STATE_OFF)
    yield from car.until(lambda: car.phase == IDLE)
    car.end()
    car.put(booked=False)
