"""All lifts of a world as columns: one array a quantity, one row a lift.

Metres from the lowest landing, m/s and m/s² positive upwards, seconds, kilograms. Landings are
counted from 0 at the lowest; the floor a passenger sees is `floor_lo` + landing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from devices.registry import Lift, Registry
from devices.simulator.traffic import Pattern
from devices.simulator.vendors import COMPLETE, Vendor

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
U64 = NDArray[np.uint64]
U8 = NDArray[np.uint8]
Bool = NDArray[np.bool_]
Rows = NDArray[np.intp]

G: Final = 9.81
# Phases of a car; plain ints, because they are compared over whole columns.
IDLE, OPENING, OPEN, CLOSING, RUN, BRAKE, STAND, FREE = range(8)
JAM_NONE, JAM_SHUT, JAM_OPEN = range(3)  # the door works, will not open, will not close
ZONE_M: Final = 0.2  # unlocking zone each side of a landing, EN 81-20 5.3.8.1: at most 0.2 m
LIMIT_M: Final = 0.15  # how far beyond the last landing the final limit switch stands
MAX_LANDINGS: Final = 60  # calls are bits of one uint64 a lift


class Cars:
    """The state of every lift. Rows as in the registry; a reserved row stays silent."""

    def __init__(
        self,
        registry: Registry,
        vendors: Mapping[str, Vendor],
        patterns: Mapping[str, Pattern],
        rng: np.random.Generator,
    ) -> None:
        n = len(registry)
        self.n = n
        present = next((lift for lift in registry.slots if lift), None)
        lifts = [lift or present for lift in registry.slots]
        self._constants([lift for lift in lifts if lift], patterns, rng)
        self._devices(registry, vendors, rng)
        self._state(n, rng)
        self._wear(n, rng)
        self.offline = np.array([lift is None for lift in registry.slots], np.bool_)
        self.reserved = self.offline.copy()
        self.booked |= self.offline

    def _constants(
        self, lifts: list[Lift], patterns: Mapping[str, Pattern], rng: np.random.Generator
    ) -> None:
        n = self.n
        kinds = list(patterns)
        names = [lift.type if lift.type in patterns else kinds[0] for lift in lifts]
        self.kind = np.array([kinds.index(name) for name in names], np.intp)
        self.storey: F64 = np.array([patterns[name].storey_m for name in names])
        self.dwell_s: F64 = np.array([patterns[name].dwell_s for name in names])
        self.floor_lo = np.array([lift.floor_lo for lift in lifts], np.int64)
        tops = np.array([lift.floor_hi - lift.floor_lo for lift in lifts], np.int64)
        self.top = np.minimum(tops, MAX_LANDINGS - 1)  # highest landing
        self.lobby = np.clip(1 - self.floor_lo, 0, self.top)  # the entrance is floor 1
        self.rated: F64 = np.array([lift.rated_speed for lift in lifts])
        self.rated_kg: F64 = np.array([lift.rated_load_kg for lift in lifts])
        self.capacity = np.maximum(1, self.rated_kg // 75).astype(np.int64)  # 75 kg a person
        self.acc: F64 = rng.uniform(0.5, 0.65, n)  # mean over the ramp; the peak is 1.5 × this
        self.open_s: F64 = rng.uniform(2.0, 3.0, n)
        self.close_s: F64 = rng.uniform(2.6, 3.6, n)
        feeders = {lift.feeder: None for lift in lifts}
        index = {feeder: i for i, feeder in enumerate(feeders)}
        self.feeder = np.array([index[lift.feeder] for lift in lifts], np.int64)
        self.rescue_device: Bool = rng.random(n) < 0.4  # drives to a landing on battery

    def _devices(
        self, registry: Registry, vendors: Mapping[str, Vendor], rng: np.random.Generator
    ) -> None:
        makes = [vendors.get(g.vendor, COMPLETE) for g in registry.gateways]
        self.vendors = [makes[g] if g >= 0 else COMPLETE for g in registry.lift_gateway]
        periods = [lift.period_s if lift else 3600.0 for lift in registry.slots]
        self.period_ms = np.maximum(250, np.array(periods) * 1000).astype(np.int64)
        groups = np.array([vendor.groups for vendor in self.vendors], np.int64)
        offset = rng.integers(0, 4, len(makes) + 1)[registry.lift_gateway] * 250
        turn = np.arange(self.n) % groups
        self.phase_ms = (offset + turn * 250) % self.period_ms
        slow = np.array([vendor.slow_s for vendor in self.vendors])
        self.slow_ms = (slow * 1000).astype(np.int64)

    def _state(self, n: int, rng: np.random.Generator) -> None:
        self.level = rng.integers(0, self.top + 1)  # the landing the car stands at or left
        self.x: F64 = self.level * self.storey
        self.v, self.a = np.zeros(n), np.zeros(n)
        self.phase = np.zeros(n, np.int8)
        self.clock: F64 = np.zeros(n)  # seconds in this phase
        self.door: F64 = np.zeros(n)  # 0 closed … 1 open
        self.heading = np.where(rng.random(n) < 0.5, 1, -1).astype(np.int8)
        self.target = self.level.copy()
        # the trip under way: start, length, peak speed, ramp, duration, time since its start
        self.trip_x0, self.trip_m = np.zeros(n), np.zeros(n)
        self.trip_v, self.trip_ramp_s = np.ones(n), np.ones(n)
        self.trip_s, self.trip_t = np.zeros(n), np.zeros(n)
        self.decel: F64 = np.ones(n)  # while braking
        self.pull, self.v_cap = np.zeros(n), np.zeros(n)  # while free: acceleration, speed limit
        self.people = np.zeros(n, np.int64)
        self.mass: F64 = np.zeros(n)
        self.onboard: U8 = np.zeros((n, MAX_LANDINGS), np.uint8)  # by destination
        self.waiting: U8 = np.zeros((n, MAX_LANDINGS), np.uint8)  # by landing
        self.car_calls: U64 = np.zeros(n, np.uint64)
        self.hall_calls: U64 = np.zeros(n, np.uint64)
        self.next_person_s: F64 = np.zeros(n)
        self.reopened = np.zeros(n, np.int64)
        # set by faults and by people who work on the lift
        self.mode = np.ones(n, np.int64)  # service_mode
        self.booked: Bool = np.zeros(n, np.bool_)  # no ordinary passengers
        self.party = np.zeros(n, np.int64)
        self.party_to: I64 = np.full(n, -1, np.int64)
        self.chain_open, self.no_power, self.blocked, self.held, self.driving, self.alarm = (
            np.zeros(n, np.bool_) for _ in range(6)
        )
        self.jam = np.zeros(n, np.int8)
        self.position_lost: Bool = np.zeros(n, np.bool_)
        self.battery: F64 = rng.uniform(88, 100, n)

    def _wear(self, n: int, rng: np.random.Generator) -> None:
        self.door_drag: F64 = rng.uniform(0.95, 1.1, n)  # 1 = a new door
        self.roughness: F64 = rng.lognormal(0.0, 0.2, n)  # of rails and rollers
        self.level_bias_mm: F64 = rng.normal(0.0, 2.5, n)
        self.room_offset: F64 = rng.normal(0.0, 2.0, n)
        self.room_drift: F64 = np.zeros(n)
        self.motor_rise: F64 = rng.uniform(4, 12, n)  # K above the machine room
        self.extra_heat: F64 = np.zeros(n)
        # largest and smallest |acceleration| incl. gravity since the last sample
        self.acc_hi, self.acc_lo = np.full(n, G), np.full(n, G)
        age = rng.uniform(0.5, 12, n)  # years in service; counters start where age put them
        self.run_h: F64 = age * 900
        self.trips: I64 = (age * 70_000).astype(np.int64)
        self.openings: I64 = (age * 80_000).astype(np.int64)
        self.metres: F64 = age * 900_000
        self.kwh: F64 = age * 3_000
        self.carried: I64 = (age * 110_000).astype(np.int64)

    @property
    def permitted(self) -> Bool:
        """True where the controller may drive by itself, bool[N]."""
        automatic: Bool = (self.mode == 1) | (self.mode >= 3)
        return automatic & ~(self.chain_open | self.no_power | self.blocked)

    @property
    def running(self) -> Bool:
        """True where the drive is on or the car has not yet come to rest, bool[N]."""
        moving: Bool = (self.phase == RUN) | (self.phase == BRAKE)
        return moving | self.driving

    def nearest(self, rows: Rows) -> I64:
        """Return the landing nearest to each car of `rows`, int64."""
        landing = np.rint(self.x[rows] / self.storey[rows]).astype(np.int64)
        return np.clip(landing, 0, self.top[rows])

    def off_level(self, rows: Rows) -> F64:
        """Return metres above the nearest landing (negative: below) for each row."""
        return self.x[rows] - self.nearest(rows) * self.storey[rows]
