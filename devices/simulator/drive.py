"""How cars move: calls to trips, trips along an S-curve, braking, and moving by themselves.

A trip is a closed formula of the time since its start, so a car always comes to rest exactly at
its landing whatever the step. Speed over a ramp of length T is v·(3u²−2u³), u = t/T: the
acceleration is a parabola without steps, its mean v/T, its peak 1.5 v/T.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from devices.simulator.cars import (
    BRAKE,
    FREE,
    I64,
    IDLE,
    OPENING,
    RUN,
    STAND,
    U64,
    Bool,
    Cars,
    G,
    Rows,
)

ONE: Final = np.uint64(1)
START_DELAY_S: Final = 0.5  # from doors locked to the brake lifting
REOPEN_DELAY_S: Final = 1.5  # from doors locked to opening them again at the same landing
CREEP_M_S: Final = 0.3  # correction run to the next landing
BUFFER_M: Final = 0.6  # pit and overhead: a car cannot get further than this beyond a landing


def lowest_bit(mask: U64) -> I64:
    """Return the position of the lowest set bit; masks must not be 0."""
    low = mask & (~mask + ONE)
    position: I64 = np.rint(np.log2(low.astype(np.float64))).astype(np.int64)
    return position


def highest_bit(mask: U64) -> I64:
    """Return the position of the highest set bit; masks must not be 0 nor reach bit 60."""
    exponent: I64 = np.frexp(mask.astype(np.float64))[1].astype(np.int64) - 1
    # float64 rounds 2^k − 1 up to 2^k for large k: step back where the bit is not really set
    rounded = (mask >> exponent.astype(np.uint64)) == 0
    exponent[rounded] -= 1
    return exponent


class Drive:
    """Moves all cars by one step of `dt` seconds."""

    def __init__(self, cars: Cars, rng: np.random.Generator) -> None:
        self._cars, self._rng = cars, rng

    def step(self, dt: float, permitted: Bool) -> None:
        """Advance every car by `dt` seconds; `permitted` says whose controller may drive."""
        cars = self._cars
        phase = cars.phase
        cars.clock += dt
        calls = (cars.car_calls | cars.hall_calls) != 0
        ready = np.flatnonzero((phase == IDLE) & calls & permitted & (cars.clock >= START_DELAY_S))
        if len(ready):
            self._answer(ready)
        moving = np.flatnonzero(phase == RUN)
        if len(moving):
            self._run(moving, dt)
        odd = np.flatnonzero(phase >= BRAKE)
        if len(odd):
            self._odd(odd, dt, permitted)
        np.maximum(cars.acc_hi, np.abs(cars.a + G), out=cars.acc_hi)
        np.minimum(cars.acc_lo, np.abs(cars.a + G), out=cars.acc_lo)

    def _answer(self, rows: Rows) -> None:
        """Choose the next landing: go on in the same direction while calls lie that way."""
        cars = self._cars
        full = cars.people[rows] >= cars.capacity[rows]
        deaf = full | cars.booked[rows]  # no use stopping for people who cannot get in
        calls = np.where(deaf, cars.car_calls[rows], cars.car_calls[rows] | cars.hall_calls[rows])
        here = ONE << cars.level[rows].astype(np.uint64)
        above, below = calls & ~(here | (here - ONE)), calls & (here - ONE)
        same = ((calls & here) != 0) & ((cars.car_calls[rows] & ~here) == 0)
        opening = rows[same & (cars.clock[rows] >= REOPEN_DELAY_S)]
        cars.phase[opening], cars.clock[opening] = OPENING, 0.0
        self._answered(opening)
        go = ~same & ((above | below) != 0)
        rows, above, below = rows[go], above[go], below[go]
        if not len(rows):
            return
        up = np.where(cars.heading[rows] > 0, above != 0, below == 0)
        target = np.where(up, lowest_bit(np.where(above, above, ONE)), 0)
        target = np.where(up, target, highest_bit(np.where(below, below, ONE)))
        self.start(rows, target)

    def start(self, rows: Rows, target: I64, creep: bool = False) -> None:
        """Set cars off to landings `target` int64[k], at rated speed or creeping."""
        cars = self._cars
        error = (cars.level_bias_mm[rows] + self._rng.normal(0.0, 1.5, len(rows))) / 1000.0
        way = target * cars.storey[rows] + error - cars.x[rows]
        length = np.maximum(np.abs(way), 1e-3)
        acc = cars.acc[rows]
        limit = np.minimum(cars.rated[rows], CREEP_M_S) if creep else cars.rated[rows]
        peak = np.minimum(limit, np.sqrt(length * acc))
        ramp = peak / acc
        cars.trip_x0[rows], cars.trip_m[rows] = cars.x[rows], length
        cars.trip_v[rows], cars.trip_ramp_s[rows] = peak, ramp
        cars.trip_s[rows], cars.trip_t[rows] = ramp + length / peak, 0.0
        cars.heading[rows] = np.where(way >= 0, 1, -1)
        cars.target[rows], cars.phase[rows], cars.clock[rows] = target, RUN, 0.0

    def _run(self, rows: Rows, dt: float) -> None:
        cars = self._cars
        t = cars.trip_t[rows] + dt
        total, ramp, peak = cars.trip_s[rows], cars.trip_ramp_s[rows], cars.trip_v[rows]
        heading = cars.heading[rows]
        first = t < 0.5 * total
        tau = np.maximum(np.minimum(t, total - t), 0.0)  # both halves mirror each other
        u = np.minimum(tau / ramp, 1.0)
        way = peak * (ramp * u * u * u * (1.0 - 0.5 * u) + np.maximum(tau - ramp, 0.0))
        way = np.where(first, way, cars.trip_m[rows] - way)
        cars.x[rows] = cars.trip_x0[rows] + heading * way
        cars.v[rows] = heading * peak * u * u * (3.0 - 2.0 * u)
        sign = np.where(first, heading, -heading)
        cars.a[rows] = sign * peak / ramp * 6.0 * u * (1.0 - u)
        cars.trip_t[rows] = t
        there = rows[t >= total]
        if len(there):
            self._book(there)
            cars.v[there], cars.a[there] = 0.0, 0.0
            cars.level[there] = cars.target[there]
            cars.phase[there], cars.clock[there] = OPENING, 0.0
            cars.reopened[there] = 0
            self._answered(there)

    def _answered(self, rows: Rows) -> None:
        """Put out the calls of the landing a car has come to."""
        cars = self._cars
        here = ONE << cars.level[rows].astype(np.uint64)
        cars.car_calls[rows] &= ~here
        cars.hall_calls[rows] &= ~here

    def _book(self, rows: Rows) -> None:
        """Count a finished or broken-off trip."""
        cars = self._cars
        way = np.abs(cars.x[rows] - cars.trip_x0[rows])
        cars.trips[rows] += 1
        cars.metres[rows] += way
        cars.run_h[rows] += cars.trip_t[rows] / 3600.0
        unbalance = np.abs(cars.mass[rows] - 0.5 * cars.rated_kg[rows])
        cars.kwh[rows] += (unbalance * G * way + 40_000.0 * cars.rated[rows]) / 3.6e6 / 0.8

    def brake(self, rows: Rows, decel: float) -> None:
        """Bring cars to rest with `decel` m/s²; afterwards they stand where they are."""
        cars = self._cars
        self._book(rows[cars.phase[rows] == RUN])
        cars.phase[rows], cars.decel[rows], cars.clock[rows] = BRAKE, decel, 0.0

    def _odd(self, rows: Rows, dt: float, permitted: Bool) -> None:
        cars = self._cars
        phase = cars.phase[rows]
        braking = rows[phase == BRAKE]
        if len(braking):
            self._braking(braking, dt)
        free = rows[phase == FREE]
        if len(free):
            self._free(free, dt)
        back = rows[(phase == STAND) & permitted[rows] & (cars.clock[rows] >= 2.0)]
        if len(back):
            # after a stop of any kind the controller looks for the next landing at creeping speed
            self.start(back, self._cars.nearest(back), creep=True)

    def _braking(self, rows: Rows, dt: float) -> None:
        cars = self._cars
        old = cars.v[rows]
        speed = np.maximum(np.abs(old) - cars.decel[rows] * dt, 0.0)
        new = np.sign(old) * speed
        cars.x[rows] += 0.5 * (old + new) * dt
        cars.v[rows] = new
        cars.a[rows] = (new - old) / dt
        # the full deceleration acts even if only for a part of the step
        peak = G - np.sign(old) * np.where(old != 0, cars.decel[rows], 0.0)
        cars.acc_hi[rows] = np.maximum(cars.acc_hi[rows], np.abs(peak))
        cars.acc_lo[rows] = np.minimum(cars.acc_lo[rows], np.abs(peak))
        at_rest = rows[speed == 0.0]
        cars.a[at_rest] = 0.0
        cars.phase[at_rest], cars.clock[at_rest] = STAND, 0.0
        cars.level[at_rest] = cars.nearest(at_rest)

    def _free(self, rows: Rows, dt: float) -> None:
        cars = self._cars
        old, cap = cars.v[rows], cars.v_cap[rows]
        new = np.clip(old + cars.pull[rows] * dt, -cap, cap)
        reach = cars.top[rows] * cars.storey[rows] + BUFFER_M
        x = cars.x[rows] + 0.5 * (old + new) * dt
        stopped = (x < -BUFFER_M) | (x > reach)
        cars.x[rows] = np.clip(x, -BUFFER_M, reach)
        cars.v[rows] = np.where(stopped, 0.0, new)
        cars.a[rows] = (cars.v[rows] - old) / dt
        cars.metres[rows] += np.abs(0.5 * (old + new) * dt)
