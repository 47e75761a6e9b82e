"""One car as seen by a fault script: a few plain verbs over one row of the columns.

Scripts are generators that run once a step while a fault lasts; there are few of them at any
time, so they may be ordinary Python. They change causes (a contact, the supply, the drive) and
leave the consequences to the physics.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from devices.batch import STATE_ON, STATE_ONCE
from devices.simulator.cars import FREE, IDLE, OPEN, RUN, STAND, Cars
from devices.simulator.doors import PERSON_S, REACT_S
from devices.simulator.drive import ONE, START_DELAY_S, Drive
from devices.simulator.labels import Label

Script = Generator[None, None, None]
# From the condition being there to the rule ringing, s (domain default of each rule).
DUE_S: Final[Mapping[str, float]] = {
    "1": 30, "2": 60, "3": 3, "4": 20, "5": 20, "6": 0, "7": 2, "8": 0, "9": 2, "10": 0,
    "11": 30, "12": 45, "13": 5, "14": 0, "15": 60, "16": 0, "17": 10, "18": 0, "19": 0,
    "20": 60, "21": 0, "22": 4 * 3600, "23": 60, "24": 0, "25": 1, "26": 600, "27": 1800,
    "28": 10, "32": 60,
}  # fmt: skip
SLACK_S: Final = 8.0  # boarding, clear times and transport, beside three sample periods
CAR_ALARMS: Final = frozenset((91, 92, 93))


@dataclass(slots=True)
class Ask:
    """What somebody wants to happen. people None: as it comes; options: per fault."""

    at_ms: int
    people: int | None
    for_s: float
    options: Mapping[str, Any] = field(default_factory=dict)
    fired: list[int] = field(default_factory=list)  # shared by the lifts of one feeder


@dataclass(slots=True)
class Stage:
    """What all scripts share; the world owns it and sets `now_ms` at every step."""

    cars: Cars
    drive: Drive
    dt: float
    reg_codes: list[str]
    column: Mapping[str, int]
    stuck: NDArray[np.float32]  # [row, channel]: what a broken sensor reports; NaN: it works
    now_ms: int = 0
    labels: list[Label] = field(default_factory=list)
    messages: list[tuple[int, int, int, int]] = field(default_factory=list)  # row, ts, code, state
    freed: set[int] = field(default_factory=set)  # rows somebody came to help


class Car:
    """One row of the columns, with the verbs scripts are written in."""

    def __init__(
        self, stage: Stage, row: int, fault: str, rule: str | None, near: str | None
    ) -> None:
        self.stage, self.row, self.fault, self.rule, self.near = stage, row, fault, rule, near
        self.cars = stage.cars
        self.one = np.array([row], np.intp)
        self.labels: list[Label] = []
        self.also: frozenset[str] = frozenset()
        self.visible = True

    # what can be seen
    @property
    def now_ms(self) -> int:
        """Simulated time, ms."""
        return self.stage.now_ms

    def get(self, name: str) -> float:
        """Return one quantity of this car."""
        return float(getattr(self.cars, name)[self.row])

    def put(self, **values: float) -> None:
        """Set quantities of this car by name."""
        for name, value in values.items():
            getattr(self.cars, name)[self.row] = value

    @property
    def phase(self) -> int:
        """Phase of the car, see cars.py."""
        return int(self.cars.phase[self.row])

    @property
    def off_m(self) -> float:
        """Metres above the nearest landing."""
        return float(self.cars.off_level(self.one)[0])

    @property
    def to_go_m(self) -> float:
        """Metres left of the trip under way; 0 when there is none."""
        if self.phase != RUN:
            return 0.0
        return self.get("trip_m") - abs(self.get("x") - self.get("trip_x0"))

    @property
    def period_s(self) -> float:
        """Seconds between two samples of this lift."""
        return self.get("period_ms") / 1000.0

    def stops_between(self, decel: float) -> bool:
        """Tell whether braking now would end well outside every unlocking zone."""
        speed = self.get("v")
        rest = self.get("x") + speed * (abs(speed) / (2 * decel))
        part = rest / self.get("storey")
        return 0.25 <= part % 1.0 <= 0.75 and 0 < part < self.get("top")

    # time
    def wait(self, seconds: float) -> Script:
        """Let time go by."""
        end = self.now_ms + seconds * 1000
        while self.now_ms < end:
            yield

    def until(self, condition: Callable[[], bool]) -> Script:
        """Let time go by until something holds."""
        while not condition():
            yield

    def hold(self, seconds: float) -> Script:
        """Let time go by until it is over or somebody comes and releases the lift."""
        end = self.now_ms + seconds * 1000
        self.stage.freed.discard(self.row)
        while self.now_ms < end and self.row not in self.stage.freed:
            yield

    # labels and messages
    def begin(self, rule: str | None = "", near: str | None = None, due: bool = True) -> Label:
        """Write down that the condition is there now. due=False: it has yet to ripen."""
        rule = self.rule if rule == "" else rule
        label = Label(
            "lift", self.stage.reg_codes[self.row], self.row, self.fault, rule, self.now_ms, None,
            near=near or self.near, also=self.also, people=int(self.get("people")),
            visible=self.visible,
        )  # fmt: skip
        if due:
            self.ripe(label)
        self.labels.append(label)
        self.stage.labels.append(label)
        return label

    def ripe(self, label: Label) -> None:
        """From now on the rule's own time runs."""
        if label.rule is not None:
            seconds = DUE_S[label.rule] + 3 * self.period_s + SLACK_S
            label.must_ring_by_ms = self.now_ms + int(seconds * 1000)

    def end(self) -> None:
        """Write down that everything begun is over."""
        for label in self.labels:
            if label.end_ms is None:
                label.end_ms = self.now_ms

    def tell(self, code: int, state: int = STATE_ONCE) -> None:
        """Send a message of the controller, where the device passes such on."""
        vendor = self.cars.vendors[self.row]
        if vendor.car_alarms if code in CAR_ALARMS else vendor.messages:
            self.stage.messages.append((self.row, self.now_ms, code, state))

    # what can be done to a car
    def brake(self, decel: float = 1.5) -> None:
        """Stop at once, wherever the car is."""
        self.stage.drive.brake(self.one, decel)

    def stopped(self) -> Script:
        """Let time go by until the car stands."""
        yield from self.until(lambda: self.phase == STAND)

    def coast(self, pull: float, cap: float, driving: bool = False) -> None:
        """Take the car from its controller: it accelerates with `pull` up to ±`cap` m/s."""
        self.put(phase=FREE, pull=pull, v_cap=cap, driving=driving, clock=0.0)

    def call(self, landing: int) -> None:
        """Press a button in the car."""
        self.cars.car_calls[self.row] |= ONE << np.uint64(landing)

    def settle(self) -> Script:
        """Keep newcomers out and wait until the car stands empty, its door closed for a while."""
        self.put(booked=True)
        yield from self.until(
            lambda: self.phase == IDLE and self.get("people") == 0 and self.get("clock") >= 3.0
        )
        self.put(car_calls=0)

    def board(self, people: int, to: int) -> Script:
        """Open here, let `people` persons in who want to go to landing `to`, wait for the last."""
        self.put(party=people, party_to=to, clock=0.0)
        self.cars.phase[self.row] = 1  # the door opens on the landing button
        yield from self.until(lambda: self.phase == OPEN and self.get("people") >= people)

    def lead_s(self, people: int) -> float:
        """Seconds from the landing button to the car at speed."""
        start = START_DELAY_S + self.get("rated") / self.get("acc")
        if not people:
            return start
        inside = max(self.get("dwell_s"), REACT_S + (people + 1) * PERSON_S)
        return self.get("open_s") + inside + self.get("close_s") + start

    def arriving(self, at_ms: int) -> int:
        """Return when a ride from end to end must be at speed to arrive about `at_ms`."""
        way = self.get("top") * self.get("storey")
        return at_ms - int(way / self.get("rated") * 1000)

    def ride(
        self, people: int | None, at_ms: int, to: str = "far",
        ready: Callable[[], bool] = lambda: True,
    ) -> Script:  # fmt: skip
        """Bring about a ride that is at speed at `at_ms` with so many persons, and `ready()`."""
        if people is None:
            if self.phase == RUN and self.get("people") > 0 and to == "far" and self._at_speed():
                self.put(booked=True)
                yield from self.until(lambda: self._due(at_ms, ready) or self.phase != RUN)
                if self._due(at_ms, ready):
                    return
            people = 1
        while True:
            yield from self.settle()
            goal = self._goal(to)
            start = 0 if goal else int(self.get("top"))
            if abs(goal - self.get("level")) < 0.7 * self.get("top"):
                self.call(start)
                yield from self.until(lambda: self.phase != IDLE)
                yield from self.settle()
            yield from self.until(lambda: self.now_ms >= at_ms - 1000 * self.lead_s(people))
            if people:
                yield from self.board(people, goal)
            else:
                # somebody waits at the other end: an empty car has no call of its own
                self.stage.drive.start(self.one, np.array([goal]))
            yield from self.until(lambda: self.phase == RUN)
            yield from self.until(lambda: self._due(at_ms, ready) or self.phase != RUN)
            if self.phase == RUN:
                return

    def _goal(self, to: str) -> int:
        top = int(self.get("top"))
        if to == "far":
            return top if self.get("level") < top / 2 else 0
        return top if to == "top" else 0

    def _at_speed(self) -> bool:
        return self.phase == RUN and abs(self.get("v")) > 0.97 * self.get("trip_v")

    def _due(self, at_ms: int, ready: Callable[[], bool]) -> bool:
        return self.now_ms >= at_ms and self._at_speed() and ready()

    # help, and back to normal
    def let_out(self) -> Script:
        """Everybody gets off where the car is; ends when it is empty."""
        people, level = int(self.get("people")), int(self.get("level"))
        self.cars.onboard[self.row, :] = 0
        self.cars.onboard[self.row, level] = people
        self.put(car_calls=0)
        yield from self.until(lambda: self.get("people") == 0)

    def recover(self) -> Script:
        """Causes are gone: the car finds a landing, opens, people leave, service goes on."""
        self.put(chain_open=False, no_power=False, blocked=False, jam=0, driving=False)
        if self.phase in (STAND, RUN):
            yield from self.until(lambda: self.phase == OPEN)
        self.end()
        if self.get("people") and self.phase == OPEN:
            yield from self.let_out()
        self.put(booked=False, held=False)

    def mechanic(self, seconds: float) -> Script:
        """A mechanic works in inspection mode, closes an open door, and hands back."""
        self.put(mode=2)
        self.tell(43)
        yield from self.wait(seconds)
        while self.phase == STAND and self.get("door") > 0:
            self.put(door=max(0.0, self.get("door") - self.stage.dt / 3.0))
            yield
        self.put(mode=1)
        self.tell(40)

    def fault_on(self, code: int) -> None:
        """Report a fault that lasts until `tell(code, STATE_OFF)`."""
        self.tell(code, STATE_ON)
