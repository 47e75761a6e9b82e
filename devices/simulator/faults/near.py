"""Near misses: what comes close to a fault and must not ring. Limits as in the default rules."""

from __future__ import annotations

from devices.batch import STATE_OFF
from devices.simulator.cars import FREE, IDLE, JAM_OPEN, JAM_SHUT, OPEN, OPENING, STAND
from devices.simulator.faults.catalogue import fault
from devices.simulator.faults.doors import CYCLES, cycle
from devices.simulator.faults.people import outside, press
from devices.simulator.faults.supply import cut_power
from devices.simulator.stage import Ask, Car, Script


def _begin(car: Car) -> None:
    car.begin(rule=None, due=False)


@fault("短暂停梯", "short stop with people", near="1", people=2, for_s=25, ride_s=6)
def short_stop(car: Car, ask: Ask) -> Script:
    """The drive trips with people between floors, resets after 25 s, and goes on."""
    yield from car.ride(ask.people, ask.at_ms, ready=lambda: car.stops_between(1.5))
    car.put(blocked=True)
    car.brake(1.5)
    yield from car.stopped()
    _begin(car)
    yield from outside(car, ask.for_s)
    car.put(blocked=False)
    yield from car.until(lambda: car.phase == OPEN)
    car.end()
    yield from car.let_out()
    car.put(booked=False)


@fault("开门迟缓", "slow door", near="2", people=1, for_s=40, ride_s=6, also="17")
def slow_door(car: Car, ask: Ask) -> Script:
    """The door needs most of a minute until it opens."""
    yield from car.ride(ask.people, car.arriving(ask.at_ms))
    car.put(jam=JAM_SHUT)
    yield from car.until(lambda: car.phase == OPENING)
    _begin(car)
    yield from car.wait(ask.for_s)
    car.put(jam=0)
    yield from car.until(lambda: car.phase == OPEN)
    car.end()
    car.put(booked=False)


@fault("误碰报警按钮", "alarm button brushed", near="3", people=1, ride_s=6, for_s=0.25)
def button_brush(car: Car, ask: Ask) -> Script:
    """A bag touches the alarm button for a quarter of a second; the device filters it."""
    yield from car.ride(ask.people, ask.at_ms)
    _begin(car)
    yield from press(car, min(ask.for_s, 0.25))
    car.end()
    car.put(booked=False)


@fault("平层超差回平", "levels late", near="4", ride_s=6)
def level_overrun(car: Car, ask: Ask) -> Script:
    """The car overruns the top landing by 8 cm, short of the limit switch, and comes back."""
    yield from car.ride(0, car.arriving(ask.at_ms), "top")
    yield from car.until(lambda: car.to_go_m < 0.2)
    end = car.get("top") * car.get("storey")
    car.put(car_calls=0)
    car.coast(0.0, 0.25, driving=True)
    car.put(v=0.25)
    yield from car.until(lambda: car.get("x") > end + 0.05)
    car.put(driving=False)
    car.brake(1.5)
    _begin(car)
    yield from car.stopped()
    yield from car.until(lambda: car.phase == IDLE)
    yield from car.recover()


@fault("开门再平层", "re-levels with the door open", near="6")
def relevelling(car: Car, ask: Ask) -> Script:
    """Rope stretch at loading: the car re-levels by centimetres with open door, at 0.1 m/s."""
    yield from car.settle()
    yield from car.until(lambda: car.now_ms >= ask.at_ms)
    car.cars.phase[car.row] = OPENING
    yield from car.until(lambda: car.phase == OPEN)
    _begin(car)
    for pull in (-0.1, 0.1):
        car.coast(pull, 0.08, driving=pull > 0)
        yield from car.wait(1.0)
        car.put(v=0.0, a=0.0, driving=False, phase=OPEN, clock=0.0)
        yield from car.wait(1.5)
    car.end()
    car.put(booked=False)


@fault("速度偏高", "a little fast", near="9", ride_s=14)
def a_little_fast(car: Car, ask: Ask) -> Script:
    """The drive runs at 1.1 × rated speed for seconds, below any governor."""
    rated = car.get("rated")
    yield from car.ride(0, ask.at_ms, ready=lambda: car.to_go_m > 9.0 * rated)
    _begin(car)
    way, goal = (1.0 if car.get("v") > 0 else -1.0), int(car.get("target"))
    car.coast(0.2 * way, 1.1 * rated, driving=True)
    yield from car.wait(5.0)
    car.coast(-0.6 * way, 1.1 * rated, driving=True)
    yield from car.until(lambda: abs(car.get("v")) < 0.1)
    car.put(v=0.0, a=0.0, driving=False)
    car.stage.drive.start(car.one, car.cars.target[car.one] * 0 + goal)
    car.end()
    yield from car.until(lambda: car.phase == IDLE)
    car.put(booked=False)


@fault("轿内跳动", "people jump in the car", near="10", people=3, ride_s=6, for_s=3)
def jumping(car: Car, ask: Ask) -> Script:
    """Children jump: the car shakes by ±0.25 g and nothing more."""
    yield from car.ride(ask.people, ask.at_ms)
    _begin(car)
    end = car.now_ms + ask.for_s * 1000
    while car.now_ms < end:
        car.put(acc_hi=max(car.get("acc_hi"), 12.3), acc_lo=min(car.get("acc_lo"), 7.4))
        yield
    car.end()
    car.put(booked=False)


@fault("短时停电", "power blinks", near="11", people=1, for_s=18, ride_s=6)
def power_blink(car: Car, ask: Ask) -> Script:
    """The mains are gone for less than half a minute, with somebody in the car."""
    yield from car.ride(ask.people, ask.at_ms)
    cut_power(car)
    yield from car.until(lambda: car.phase == STAND)
    _begin(car)
    yield from car.wait(ask.for_s)
    car.put(no_power=False)
    car.tell(41, STATE_OFF)
    yield from car.recover()


@fault("空梯短停", "short empty stop", near="12", for_s=27, ride_s=6)
def short_empty_stop(car: Car, ask: Ask) -> Script:
    """The empty car stands between floors, not long enough even for its controller."""
    yield from car.ride(0, ask.at_ms, ready=lambda: car.stops_between(1.5))
    car.put(blocked=True, car_calls=0)
    car.brake(1.5)
    yield from car.stopped()
    _begin(car)
    yield from outside(car, ask.for_s)
    yield from car.recover()


@fault("安全回路抖动", "safety chain blinks", near="13", for_s=3)
def chain_blink(car: Car, ask: Ask) -> Script:
    """A contact of the chain opens for less than 5 s while the car stands."""
    yield from car.settle()
    yield from car.until(lambda: car.now_ms >= ask.at_ms)
    car.put(chain_open=True)
    _begin(car)
    yield from car.wait(min(ask.for_s, 4.0))
    yield from car.recover()


@fault("再运行短时受阻", "restart prevented for a moment", near="15", for_s=35)
def short_restart_block(car: Car, ask: Ask) -> Script:
    """The controller refuses to start for less than a minute."""
    yield from car.settle()
    yield from car.until(lambda: car.now_ms >= ask.at_ms)
    car.put(blocked=True)
    car.fault_on(8)
    _begin(car)
    yield from car.wait(ask.for_s)
    car.tell(8, STATE_OFF)
    yield from car.recover()


@fault("手挡门", "door held by hand", near="16", for_s=40)
def door_held(car: Car, ask: Ask) -> Script:
    """Somebody holds the door for a neighbour, for less than a minute."""
    yield from car.settle()
    yield from car.until(lambda: car.now_ms >= ask.at_ms)
    car.cars.phase[car.row] = OPENING
    yield from car.until(lambda: car.phase == OPEN)
    _begin(car)
    car.put(held=True)
    yield from car.wait(ask.for_s)
    car.put(held=False)
    yield from car.until(lambda: car.phase == IDLE)
    car.end()
    car.put(booked=False)


@fault("两次关门未成", "two failed closings", near="16")
def two_failed_closings(car: Car, ask: Ask) -> Script:
    """A bag in the door, twice; then it closes."""
    yield from car.settle()
    yield from car.until(lambda: car.now_ms >= ask.at_ms)
    car.put(jam=JAM_OPEN, reopened=0)
    car.cars.phase[car.row] = OPENING
    _begin(car)
    yield from car.until(lambda: car.get("reopened") >= 2)
    car.put(jam=0)
    yield from car.until(lambda: car.phase == IDLE)
    car.end()
    car.put(booked=False)


@fault("开关门四次", "four door cycles", near="18")
def four_door_cycles(car: Car, ask: Ask) -> Script:
    """The door opens and closes four times before the car leaves."""
    yield from car.settle()
    yield from car.until(lambda: car.now_ms >= ask.at_ms)
    _begin(car)
    for _ in range(CYCLES - 2):  # the arrival was one, the departure's landing may be another
        yield from cycle(car)
    car.end()
    car.call(0 if car.get("level") else int(car.get("top")))
    yield from car.until(lambda: car.phase == OPEN)
    car.put(booked=False)


@fault("急停一次", "one hard stop", near="19", ride_s=11, fastest=1.5)
def one_hard_stop(car: Car, ask: Ask) -> Script:
    """One hard stop from speed; the car goes on by itself."""
    yield from car.ride(0, ask.at_ms)
    yield from car.wait(2.0 + car.period_s)
    _begin(car)
    car.put(car_calls=0)
    car.brake(2.5)
    yield from car.stopped()
    yield from car.until(lambda: car.phase == IDLE)
    yield from car.recover()


@fault("短时失联", "short silence", near="23", for_s=35, people=None)
def short_silence(car: Car, ask: Ask) -> Script:
    """The device says nothing for half a minute."""
    yield from car.until(lambda: car.now_ms >= ask.at_ms)
    car.put(offline=True)
    _begin(car)
    yield from car.wait(ask.for_s)
    car.put(offline=False)
    car.end()


@fault("检修作业", "mechanic in inspection", near="1", for_s=420)
def mechanic_visit(car: Car, ask: Ask) -> Script:
    """A visit: slow runs, stop switch, door by hand, car left between floors, voice-link test."""
    yield from car.settle()
    yield from car.until(lambda: car.now_ms >= ask.at_ms)
    _begin(car)
    car.put(mode=2, phase=STAND)
    car.tell(43)
    yield from car.wait(10.0)
    up = car.get("level") < car.get("top")
    for _ in range(2):
        car.coast(0.2 if up else -0.2, 0.25, driving=True)
        yield from car.wait(6.0)
        car.put(driving=False)
        car.brake(0.8)
        yield from car.stopped()
        car.put(chain_open=True)
        yield from car.wait(ask.for_s / 3)
        car.put(chain_open=False)
    car.coast(-0.2 if up else 0.2, 0.25, driving=True)
    yield from car.until(lambda: abs(car.off_m) < 0.05 or car.phase != FREE)
    car.put(driving=False)
    car.brake(0.8)
    yield from car.stopped()
    for turn in range(4):
        yield from _door_by_hand(car, talk=turn == 0)
    car.put(mode=1)
    car.tell(40)
    yield from car.recover()


def _door_by_hand(car: Car, talk: bool) -> Script:
    """Open and close the door by hand; with `talk` test the voice link from the open car."""
    for goal in (1.0, 0.0):
        while car.get("door") != goal:
            step = car.stage.dt / 2.0
            door = car.get("door") + (step if goal else -step)
            car.put(door=min(1.0, max(0.0, door)))
            yield
        if talk and goal:
            yield from press(car, 5.0)
        yield from car.wait(8.0)


@fault("正常乘梯", "an ordinary ride", near="1", people=1, ride_s=6)
def ride(car: Car, ask: Ask) -> Script:
    """People ride from one end to the other; nothing is wrong."""
    yield from car.ride(ask.people, ask.at_ms)
    _begin(car)
    yield from car.until(lambda: car.phase == OPEN)
    car.end()
    car.put(booked=False)
