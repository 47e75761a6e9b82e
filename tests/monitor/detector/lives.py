"""The life of an ordinary lift in samples: trips with doors, with whatever a device adds to it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from tests.monitor.detector.fleets import T0

CLOSING, CLOSED, OPENING, OPEN = 1, 2, 3, 4
SLOW = ("motor_temp", "room_temp", "load", "people")


@dataclass
class Life:
    """Yields (ts, {channel: value}) of one lift, trip after trip; times in ms.

    worn: what is added to a feature, e.g. {"closing": 1.5, "amps": 3}. sparse: only what changed
    is reported. hole: chance of a trip to lose its samples for half a minute.
    """

    seed: int = 0
    period_s: float = 1.0
    sparse: bool = False
    hole: float = 0.0
    repeat: float = 0.0
    lacks: tuple[str, ...] = ()
    idle_s: float = 20.0
    at: int = T0
    floor: int = 1
    worn: dict[str, float] = field(default_factory=dict)
    mode: int = 1
    far: bool = False

    def __post_init__(self):
        self.rng = np.random.default_rng(self.seed)
        self.said, self.at0 = {}, self.at
        self.people = 0

    def trips(self, n):
        """n times: stand, doors, ride."""
        for _ in range(n):
            yield from self.trip()

    def trip(self):
        rng, worn = self.rng, self.worn
        idle = self.idle_s * rng.exponential() + (200 if rng.random() < 0.05 else 0)
        to = int(rng.integers(1, 12))
        to += to >= self.floor
        if self.far:
            to = 12 if self.floor < 7 else 1
        load = 12.0 * int(rng.integers(0, 5))
        ride = 3.0 * abs(to - self.floor) / 1.75 + 2.2 + worn.get("ride", 0) + 0.1 * rng.normal()
        opens = 2.4 + worn.get("opening", 0) + 0.05 * rng.normal()
        closes = 2.9 + worn.get("closing", 0) + 0.05 * rng.normal()
        legs = [("stand", max(idle, 1)), ("open", opens), ("wide", 4 + 3 * rng.random()),
                ("close", closes), ("ready", 1.0), ("ride", ride), ("arrive", 0.8)]  # fmt: skip
        lost = rng.random() < self.hole
        step = round(self.period_s * 1000)
        begin = self.at
        offset = worn.get("offset", 0) + 2 + 1.5 * rng.normal()
        for name, seconds in legs:
            end = begin + round(seconds * 1000)
            while self.at < end:
                share = (self.at - begin) / (end - begin)
                if not (lost and name == "ride" and 0.2 < share < 0.95):
                    yield from self.say(name, share, to, load, offset)
                self.at += step
            begin = end
        self.floor = to

    def say(self, leg, share, to, load, offset):
        rng, worn = self.rng, self.worn
        moves = leg == "ride"
        speed = 1.75 * float(np.clip(min(share, 1 - share) * 6, 0.1, 1)) if moves else 0.0
        door = {"open": OPENING, "wide": OPEN, "close": CLOSING}.get(leg, CLOSED)
        unloaded = leg in ("stand", "open", "arrive") and not moves
        up = to > self.floor
        effort = 6 + (0.05 * load if up else 0.02 * (100 - load)) + worn.get("amps", 0)
        said = {
            "service_mode": self.mode, "car_status": int(moves), "door_zone": int(not moves),
            "car_position": to if leg == "arrive" else round(self.floor + share * (to - self.floor))
            if moves else self.floor,
            "door_state": door, "door_closed": int(door == CLOSED),
            "speed": speed if up else -speed,
            "load": (0.0 if unloaded else load) + worn.get("zero", 0),
            "passenger": worn.get("passenger", int(load > 0 and not unloaded)),
            "acc_rms": 0.05 * abs(speed) * (1 + 0.1 * rng.normal()) + worn.get("shake", 0) * moves,
            "acc_peak": 10.2 + 0.1 * rng.random(),
            "motor_current": (effort * (1.4 if share < 0.2 else 1) if moves else 0.4)
            + 0.1 * rng.normal(),
            "door_current": (1.1 + worn.get("door", 0) if door in (1, 3) else 0.1)
            + 0.03 * rng.normal(),
            "motor_temp": 45 + worn.get("heat", 0) + rng.normal(), "room_temp": 25 + rng.normal(),
        }  # fmt: skip
        if not moves:
            said["level_offset"] = round(offset)
        said = {n: float(np.float32(x)) for n, x in said.items() if n not in self.lacks}
        if self.sparse:
            changed = {n: x for n, x in said.items() if self.said.get(n) != x}
            self.said |= said
            said = changed
        yield self.at, said
        if rng.random() < self.repeat:
            yield self.at, said
