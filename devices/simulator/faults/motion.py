"""Faults of motion: beyond the end, by itself, with the door open, too fast, too hard."""

from __future__ import annotations

from devices.batch import STATE_OFF
from devices.simulator.cars import IDLE, OPEN, OPENING, RUN, STAND
from devices.simulator.faults.catalogue import fault
from devices.simulator.stage import Ask, Car, Script

_REPAIR_S = 60.0


def _overtravel(car: Car, ask: Ask, to: str, code: int) -> Script:
    """The car misses its last landing at levelling speed and meets the final limit switch."""
    way = 1.0 if to == "top" else -1.0
    end = car.get("top") * car.get("storey") if to == "top" else 0.0
    yield from car.ride(ask.people, car.arriving(ask.at_ms), to)
    yield from car.until(lambda: car.to_go_m < 0.3)
    car.put(car_calls=0)
    car.coast(0.0, max(0.25, abs(car.get("v"))), driving=True)
    car.put(v=way * max(0.25, abs(car.get("v"))))
    yield from car.until(lambda: (car.get("x") - end) * way > 0.22)
    car.put(chain_open=True, driving=False)
    car.brake(2.0)
    car.tell(1)
    label = car.begin(due=False)
    yield from car.stopped()
    car.ripe(label)
    yield from car.wait(5.0)
    car.tell(code)
    yield from car.hold(ask.for_s)
    yield from car.mechanic(_REPAIR_S)
    yield from car.recover()


@fault(
    "冲顶", "beyond the top landing", rule="4", also="1 12 13 19",
    needs=(("final_limit", "code 92"),), ride_s=6,
)  # fmt: skip
def overtravel_top(car: Car, ask: Ask) -> Script:
    """Up beyond the last landing."""
    yield from _overtravel(car, ask, "top", 92)


@fault(
    "蹲底", "below the bottom landing", rule="5", also="1 12 13 19",
    needs=(("final_limit", "code 91"),), ride_s=6,
)  # fmt: skip
def overtravel_bottom(car: Car, ask: Ask) -> Script:
    """Down below the first landing."""
    yield from _overtravel(car, ask, "bottom", 91)


def _open_here(car: Car, people: int, at_ms: int) -> Script:
    """At a landing, door open, so many persons inside, at the time asked for."""
    yield from car.settle()
    goal = 0 if car.get("level") else int(car.get("top"))
    yield from car.until(lambda: car.now_ms >= at_ms - (people + 4) * 1000)
    if people:
        yield from car.board(people, goal)
    else:
        car.cars.phase[car.row] = OPENING
        yield from car.until(lambda: car.phase == OPEN)
    car.put(held=True)
    yield from car.until(lambda: car.now_ms >= at_ms)


@fault(
    "轿厢意外移动", "unintended car movement", rule="6", also="1 7 8 12 13 16 32", for_s=420,
    needs=(("door_closed", "code 5"), ("door_zone", "code 5")),
)  # fmt: skip
def unintended_movement(car: Car, ask: Ask) -> Script:
    """The brake slips while the door is open: the heavier side wins, until it is caught."""
    yield from _open_here(car, ask.people or 0, ask.at_ms)
    heavy = car.get("mass") > 0.5 * car.get("rated_kg")
    up = (not heavy or car.get("level") == 0) and car.get("level") < car.get("top")
    car.coast(0.3 if up else -0.3, 0.6)
    yield from car.until(lambda: abs(car.off_m) > 0.2)
    car.begin()
    yield from car.until(lambda: abs(car.off_m) > 0.5)
    car.put(blocked=True)
    car.brake(1.5)
    car.fault_on(5)
    yield from car.stopped()
    yield from car.hold(ask.for_s)
    yield from car.mechanic(_REPAIR_S)
    car.tell(5, STATE_OFF)
    yield from car.recover()


@fault(
    "运行中开门", "door opens while running", rule="7", also="6 8 32", for_s=5, ride_s=14,
    needs=(("door_closed", "door_state"), ("speed",)), people=None,
)  # fmt: skip
def door_opens_while_running(car: Car, ask: Ask) -> Script:
    """A bridged door contact: the door is pushed open in mid-ride and nothing stops the car."""
    seconds = max(ask.for_s, 2.5 * car.period_s + 1)
    reach = (seconds + 4) * car.get("rated")
    yield from car.ride(ask.people, ask.at_ms, ready=lambda: car.to_go_m > reach)
    car.begin()
    end = car.now_ms + seconds * 1000
    while car.now_ms < end and car.phase == RUN:
        car.put(door=min(0.8, car.get("door") + car.stage.dt / 1.5))
        yield
    while car.phase == RUN and car.get("door") > 0:
        car.put(door=max(0.0, car.get("door") - car.stage.dt / 2.0))
        yield
    car.end()
    car.put(booked=False)


@fault(
    "开门走车", "starts with the door open", rule="8", also="1 2 6 7 12 13 16 32", for_s=420,
    needs=(("door_closed", "door_state"), ("car_status",)), people=1,
)  # fmt: skip
def starts_with_door_open(car: Car, ask: Ask) -> Script:
    """Bridged door contacts: the controller leaves the landing with the door standing open."""
    yield from _open_here(car, ask.people or 0, ask.at_ms)
    goal = car.cars.party_to[car.one] if ask.people else car.cars.top[car.one] - car.cars.level[
        car.one]  # fmt: skip
    if int(goal[0]) == int(car.get("level")):
        goal = goal * 0
    car.stage.drive.start(car.one, goal)
    car.begin()
    yield from car.until(lambda: car.get("trip_t") > max(3.0, 2.2 * car.period_s))
    car.put(blocked=True)
    car.brake(1.5)
    yield from car.stopped()
    yield from car.hold(ask.for_s)
    yield from car.mechanic(_REPAIR_S)
    yield from car.recover()


@fault(
    "超速", "overspeed", rule="9", also="1 10 12 13 19", ride_s=16, needs=(("speed",),),
)  # fmt: skip
def overspeed(car: Car, ask: Ask) -> Script:
    """The drive runs away until the governor trips and breaks the safety chain."""
    rated = car.get("rated")
    seconds = 2.5 * car.period_s + 1
    reach = rated * 1.35 * (seconds + 2)
    yield from car.ride(ask.people, ask.at_ms, ready=lambda: car.to_go_m > reach)
    way = 1.0 if car.get("v") > 0 else -1.0
    car.coast(0.5 * way, 1.32 * rated, driving=True)
    yield from car.until(lambda: abs(car.get("v")) > 1.2 * rated)
    car.begin()
    yield from car.wait(seconds)
    car.put(chain_open=True, driving=False)
    car.brake(2.0)
    car.tell(1)
    yield from car.stopped()
    yield from car.hold(ask.for_s)
    yield from car.mechanic(_REPAIR_S)
    yield from car.recover()


@fault(
    "坠落冲击", "falls and is caught", rule="10", also="1 9 12 13 19", people=None, ride_s=6,
    needs=(("acc_peak", "acc_min"),),
)  # fmt: skip
def impact(car: Car, ask: Ask) -> Script:
    """Traction is lost for a moment; the safety gear bites at almost 1 g."""
    yield from car.ride(ask.people, ask.at_ms, "bottom", ready=lambda: car.stops_between(9.0))
    car.begin()
    car.coast(-8.8, car.get("rated") + 4.0)
    yield from car.wait(car.stage.dt)
    car.put(chain_open=True)
    car.brake(9.0)
    car.tell(1)
    yield from car.stopped()
    yield from car.hold(ask.for_s)
    yield from car.mechanic(_REPAIR_S)
    yield from car.recover()


@fault(
    "急停三次", "hard stops, three on one day", rule="19", also="12", for_s=4, people=0,
    ride_s=11, fastest=1.5, needs=(("speed",),), slowest_s=2,
)  # fmt: skip
def hard_stops(car: Car, ask: Ask) -> Script:
    """The drive trips at speed and resets by itself, three times within minutes."""
    label = None
    for _ in range(3):
        yield from car.ride(ask.people, max(ask.at_ms, car.now_ms))
        yield from car.wait(2.0 + car.period_s)  # somewhere in mid-ride
        label = label or car.begin(due=False)
        car.put(car_calls=0)
        car.brake(2.5)
        yield from car.stopped()
        yield from car.until(lambda: car.phase == IDLE)
    if label:
        car.ripe(label)
    yield from car.wait(60.0)
    yield from car.recover()


@fault(
    "电动机运转时间限制器", "motor run-time limiter", rule="14", also="2 15 17",
    needs=(("code 6",),), for_s=240,
)  # fmt: skip
def motor_limiter(car: Car, ask: Ask) -> Script:
    """The rope slips on the sheave: the motor turns, the car stays, the limiter trips at 20 s."""
    yield from car.settle()
    if ask.people:
        yield from _open_here(car, ask.people, ask.at_ms - 8000)
        car.put(held=False)
        yield from car.until(lambda: car.phase == IDLE)
    yield from car.until(lambda: car.now_ms >= ask.at_ms - 20_000)
    car.coast(0.0, 0.0, driving=True)
    yield from car.wait(20.0)
    car.put(driving=False, blocked=True, phase=STAND)
    car.begin()
    car.fault_on(6)
    yield from car.hold(ask.for_s)
    yield from car.mechanic(_REPAIR_S)
    car.tell(6, STATE_OFF)
    yield from car.recover()


@fault(
    "楼层位置丢失", "position lost", rule="20", for_s=180,
    needs=(("code 7",),),
)  # fmt: skip
def position_lost(car: Car, ask: Ask) -> Script:
    """The floor counter is lost; the car creeps to the lowest landing and stays there."""
    yield from car.settle()
    yield from car.until(lambda: car.now_ms >= ask.at_ms)
    car.put(position_lost=True)
    car.fault_on(7)
    car.begin()
    yield from car.hold(ask.for_s)
    car.put(position_lost=False)
    car.tell(7, STATE_OFF)
    yield from car.recover()
