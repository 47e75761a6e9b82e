"""Faults of doors and of the circuits that watch them."""

from __future__ import annotations

from devices.batch import STATE_OFF
from devices.simulator.cars import IDLE, JAM_OPEN, JAM_SHUT, OPEN, OPENING
from devices.simulator.faults.catalogue import fault
from devices.simulator.stage import Ask, Car, Script

_REOPEN_S = 2.5  # locked, then the button is answered again
CYCLES = 5  # cycles without leaving that count as a fault


def cycle(car: Car) -> Script:
    """Open and close once without leaving the landing."""
    car.cars.phase[car.row] = OPENING
    car.put(clock=0.0)
    yield from car.until(lambda: car.phase == OPEN)
    yield from car.until(lambda: car.phase == IDLE)
    yield from car.wait(_REOPEN_S)


@fault(
    "安全回路断开", "safety chain open", rule="13", also="12 15", for_s=240,
    needs=(("safety_chain",),),
)  # fmt: skip
def safety_chain_open(car: Car, ask: Ask) -> Script:
    """A contact of the safety chain opens while the car stands at a landing."""
    yield from car.settle()
    yield from car.until(lambda: car.now_ms >= ask.at_ms)
    car.put(chain_open=True)
    car.begin()
    yield from car.hold(ask.for_s)
    yield from car.recover()


@fault(
    "运行中安全回路断开", "safety chain opens while running", rule="13", also="12 19", for_s=240,
    needs=(("safety_chain", "code 1"),), ride_s=6,
)  # fmt: skip
def safety_chain_running(car: Car, ask: Ask) -> Script:
    """A landing door contact opens while the empty car passes."""
    yield from car.ride(0, ask.at_ms)
    car.put(chain_open=True, car_calls=0)
    car.begin()
    car.tell(1)
    car.brake(2.0)
    yield from car.stopped()
    yield from car.hold(ask.for_s)
    yield from car.recover()


@fault(
    "防止再运行", "restart prevented", rule="15", also="12", for_s=240, needs=(("code 8",),),
)  # fmt: skip
def prevent_restart(car: Car, ask: Ask) -> Script:
    """The controller refuses to start again (e.g. brake monitoring)."""
    yield from car.settle()
    yield from car.until(lambda: car.now_ms >= ask.at_ms)
    car.put(blocked=True)
    car.fault_on(8)
    car.begin()
    yield from car.hold(ask.for_s)
    car.tell(8, STATE_OFF)
    yield from car.recover()


@fault(
    "关门故障", "door-close fault", rule="16", also="18", for_s=150,
    needs=(("door_closed", "door_state", "code 2"),),
)  # fmt: skip
def door_close_fault(car: Car, ask: Ask) -> Script:
    """A stone in the sill: the door closes three quarters and turns back, again and again."""
    yield from car.settle()
    yield from car.until(lambda: car.now_ms >= ask.at_ms)
    car.put(jam=JAM_OPEN, reopened=0)
    car.cars.phase[car.row] = OPENING
    yield from car.until(lambda: car.phase == OPEN)
    label = car.begin(due=False)
    start_ms = car.now_ms
    yield from car.until(lambda: car.get("reopened") >= 3)
    car.fault_on(2)
    yield from car.until(lambda: car.now_ms >= start_ms + 60_000)  # three times, and one minute
    car.ripe(label)
    yield from car.hold(max(0.0, ask.for_s - 60))
    car.put(jam=0)
    car.tell(2, STATE_OFF)
    yield from car.until(lambda: car.phase == IDLE)
    yield from car.recover()


@fault(
    "开门故障", "door-open fault", rule="17", also="2", for_s=120,
    needs=(("code 3",),), ride_s=6,
)  # fmt: skip
def door_open_fault(car: Car, ask: Ask) -> Script:
    """An empty car comes to a landing and the door will not open."""
    yield from car.ride(0, car.arriving(ask.at_ms))
    car.put(jam=JAM_SHUT)
    yield from car.until(lambda: car.phase == OPENING)
    car.begin()
    yield from car.wait(8.0)
    car.fault_on(3)
    yield from car.hold(ask.for_s)
    car.put(jam=0)
    car.tell(3, STATE_OFF)
    yield from car.until(lambda: car.phase == OPEN)
    yield from car.recover()


@fault(
    "反复开关门", "repeated door cycles", rule="18", also="16",
    needs=(("door_closed", "door_state"),), slowest_s=2,
)  # fmt: skip
def repeated_door_cycles(car: Car, ask: Ask) -> Script:
    """A landing button hangs: the door opens and closes again and again, the car stays."""
    yield from car.settle()
    yield from car.until(lambda: car.now_ms >= ask.at_ms)
    label = car.begin(due=False)
    for _ in range(CYCLES):
        yield from cycle(car)
    car.ripe(label)
    for _ in range(3):
        yield from cycle(car)
    car.end()
    car.put(booked=False)


@fault(
    "门机磨损", "door wears out", rule="27", for_s=1800, also="16", needs=(("door_current",),),
)  # fmt: skip
def worn_door(car: Car, ask: Ask) -> Script:
    """Friction of the door rises slowly: more current and slower movements."""
    yield from _drift(car, ask, "door_drag", car.get("door_drag") * 2.5)


@fault(
    "振动上升", "vibration rises", rule="27", for_s=1800, needs=(("acc_rms",),),
)  # fmt: skip
def rising_vibration(car: Car, ask: Ask) -> Script:
    """Guide shoes wear: the ride gets rougher from trip to trip."""
    yield from _drift(car, ask, "roughness", car.get("roughness") * 3.0)


@fault(
    "平层变差", "levelling drifts", rule="27", for_s=1800, needs=(("level_offset",),),
)  # fmt: skip
def levelling_drift(car: Car, ask: Ask) -> Script:
    """The brake or the encoder slips: landings are missed by more and more millimetres."""
    yield from _drift(car, ask, "level_bias_mm", car.get("level_bias_mm") + 22.0)


def _drift(car: Car, ask: Ask, name: str, goal: float) -> Script:
    """Let one quantity wander to `goal` over the time asked for, and stay there until helped."""
    yield from car.until(lambda: car.now_ms >= ask.at_ms)
    start, start_ms = car.get(name), car.now_ms
    label = car.begin(due=False)
    car.stage.freed.discard(car.row)
    share = 0.0
    while share < 1.0 and car.row not in car.stage.freed:
        share = min(1.0, (car.now_ms - start_ms) / max(1.0, ask.for_s * 1000))
        car.put(**{name: start + share * (goal - start)})
        yield
    car.ripe(label)
    yield from car.hold(ask.for_s)
    car.put(**{name: start})
    car.end()
