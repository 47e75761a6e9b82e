"""What devices would report of the cars: physics to channels, with noise and resolution.

Only the lifts whose sample is due are read. A channel that the lift's vendor lacks, or that is
not due (slow channels), is NaN. Speed is positive upwards.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from devices.simulator.cars import (
    BRAKE,
    CLOSING,
    FREE,
    JAM_OPEN,
    LIMIT_M,
    OPENING,
    ZONE_M,
    Bool,
    Cars,
    G,
    Rows,
)
from devices.simulator.traffic import HOUR_MS, LOCAL_OFFSET_MS
from devices.simulator.vendors import SLOW_CHANNELS
from devices.vocabulary import Vocabulary

F32 = NDArray[np.float32]
Reading = NDArray[np.float64] | NDArray[np.int64] | NDArray[np.bool_]
# Decimals that a device reports; everything else is whole.
DECIMALS: Final = {
    "speed": 2, "load": 0, "acc_rms": 3, "acc_peak": 2, "acc_min": 2, "motor_current": 1,
    "door_current": 2, "motor_temp": 1, "room_temp": 1, "humidity": 0, "level_offset": 0,
    "battery": 0, "total_running_time": 2, "lift_mileage": 0, "energy": 1,
}  # fmt: skip
_NOISE = 8  # columns of random numbers drawn for one sample


class Sensors:
    """Reads samples off the cars."""

    def __init__(self, cars: Cars, vocab: Vocabulary, rng: np.random.Generator) -> None:
        self._cars, self._vocab, self._rng = cars, vocab, rng
        names = [channel.name for channel in vocab.channels]
        self._col = {name: i for i, name in enumerate(names)}
        self._scale = np.array([10.0 ** DECIMALS.get(name, 0) for name in names], np.float32)
        has = [[name not in vendor.lacks for name in names] for vendor in cars.vendors]
        self.has: Bool = np.array(has, np.bool_).reshape(cars.n, len(names))
        self._slow: Rows = np.array(
            [self._col[name] for name in SLOW_CHANNELS if name in self._col], np.intp
        )
        self._slow_next = np.zeros(cars.n, np.int64)
        self._hour_next = np.zeros(cars.n, np.int64)
        # broken sensors: value[row, channel] is reported instead of the truth where not NaN
        self.stuck: F32 = np.full(self.has.shape, np.nan, np.float32)
        # a full-load start of each motor, A: by power of the unbalanced load at 400 V, cos φ 0.85
        power = 0.5 * cars.rated_kg * G * cars.rated / 0.8
        self.rated_amps = power / (math.sqrt(3) * 400 * 0.85) + 3.0

    def read(self, rows: Rows, now_ms: int) -> F32:
        """Return float32[k, C] for the given rows and forget their extremes of acceleration."""
        cars, col = self._cars, self._col
        k = len(rows)
        out: F32 = np.full((k, len(col)), np.nan, np.float32)
        noise = self._rng.standard_normal((_NOISE, k))
        values: dict[str, Reading] = {}
        self._motion(rows, noise, values)
        self._door(rows, noise, values)
        self._people(rows, noise, values)
        self._electric(rows, noise, now_ms, values)
        for name, value in values.items():
            if name in col:
                out[:, col[name]] = value
        self._sparse(rows, now_ms, out)
        out = (np.round(out * self._scale) / self._scale).astype(np.float32)
        out[~self.has[rows]] = np.nan
        broken = self.stuck[rows]
        out = np.where(np.isnan(broken) | np.isnan(out), out, broken)
        cars.acc_hi[rows], cars.acc_lo[rows] = G, G
        return np.clip(out, self._vocab.lo, self._vocab.hi)

    def _motion(self, rows: Rows, noise: NDArray[np.float64], put: dict[str, Reading]) -> None:
        cars = self._cars
        speed, running, x = cars.v[rows], cars.running[rows], cars.x[rows]
        moving = np.abs(speed) > 1e-6
        off = cars.off_level(rows)
        put["service_mode"] = cars.mode[rows]
        put["car_status"] = running
        heading = np.where(moving, np.sign(speed), cars.heading[rows])
        put["car_direction"] = np.where(running, np.where(heading > 0, 1, 2), 0)
        put["door_zone"] = np.abs(off) <= ZONE_M
        landing = cars.floor_lo[rows] + cars.nearest(rows)
        put["car_position"] = np.where(cars.position_lost[rows], np.nan, landing)
        put["speed"] = speed + moving * 0.006 * noise[0]
        reach = cars.top[rows] * cars.storey[rows]
        put["final_limit"] = np.where(x > reach + LIMIT_M, 1, np.where(x < -LIMIT_M, 2, 0))
        level = np.where(moving | (np.abs(off) > ZONE_M), np.nan, off * 1000 + 0.4 * noise[1])
        put["level_offset"] = level
        shake = cars.roughness[rows] * (0.012 + 0.045 * np.abs(speed) + 0.01 * cars.door[rows])
        rms = shake * np.exp(0.08 * noise[2])
        put["acc_rms"] = rms
        put["acc_peak"] = cars.acc_hi[rows] + 2.5 * rms
        put["acc_min"] = np.maximum(0.0, cars.acc_lo[rows] - 2.5 * rms)

    def _door(self, rows: Rows, noise: NDArray[np.float64], put: dict[str, Reading]) -> None:
        cars = self._cars
        door, phase = cars.door[rows], cars.phase[rows]
        powered = ~cars.no_power[rows] | cars.driving[rows]
        shut = door <= 0.01
        opening, closing = (phase == OPENING) & powered, (phase == CLOSING) & powered
        part = np.where(opening, 3, np.where(closing, 1, 6))
        put["door_state"] = np.where(shut, 2, np.where(door >= 0.99, 4, part))
        put["door_closed"] = shut
        put["landing_locked"] = shut
        work = (opening & (door < 1)) | (closing & ~shut)
        blocked = (cars.jam[rows] == JAM_OPEN) & closing & (door < 0.4)
        amps = 0.05 + work * (0.9 * cars.door_drag[rows] + 0.05 * noise[3]) + 1.2 * blocked
        amps += 1.0 * (opening & shut)  # pulling at a door that does not give
        put["door_current"] = np.maximum(0.0, np.where(powered, amps + 0.01 * noise[4], 0.0))

    def _people(self, rows: Rows, noise: NDArray[np.float64], put: dict[str, Reading]) -> None:
        cars = self._cars
        put["passenger"] = cars.people[rows] > 0
        put["people"] = cars.people[rows]
        weighed = 100.0 * cars.mass[rows] / cars.rated_kg[rows]
        put["load"] = np.maximum(0.0, weighed + (weighed > 0) * 0.5 * noise[5])
        put["car_call"] = cars.car_calls[rows] != 0
        put["alarm_button"] = cars.alarm[rows]
        put["safety_chain"] = cars.chain_open[rows]
        running = cars.running[rows] & (cars.phase[rows] != BRAKE)
        put["brake"] = ~running & (cars.phase[rows] != FREE)
        put["power"] = cars.no_power[rows]

    def _electric(
        self, rows: Rows, noise: NDArray[np.float64], now_ms: int, put: dict[str, Reading]
    ) -> None:
        cars = self._cars
        drive = cars.running[rows] & (cars.phase[rows] != BRAKE) & ~cars.no_power[rows]
        heading = np.sign(np.where(cars.v[rows] != 0, cars.v[rows], cars.heading[rows]))
        unbalance = heading * (cars.mass[rows] / cars.rated_kg[rows] - 0.5) * 2.0  # −1 … 1
        inertia = heading * cars.a[rows] * 0.8
        stalled = cars.driving[rows] & (np.abs(cars.v[rows]) < 1e-3)
        effort = np.abs(0.25 + 0.75 * unbalance + inertia) + 2.0 * stalled
        amps = 0.4 + drive * self.rated_amps[rows] * (0.25 + 0.75 * effort)
        amps *= 1.0 + 0.02 * noise[6]
        put["motor_current"] = np.where(cars.no_power[rows], 0.0, amps)
        day = 2 * math.pi * ((now_ms + LOCAL_OFFSET_MS) % (24 * HOUR_MS) / (24 * HOUR_MS) - 0.625)
        room = 25.0 + 4.0 * math.cos(day) + cars.room_offset[rows] + cars.room_drift[rows]
        put["room_temp"] = room + 0.05 * noise[7]
        put["motor_temp"] = room + cars.motor_rise[rows]
        put["humidity"] = 62.0 - 9.0 * math.cos(day) - 2.0 * cars.room_drift[rows]
        put["battery"] = cars.battery[rows]

    def _sparse(self, rows: Rows, now_ms: int, out: F32) -> None:
        """Fill in hourly counters where they are due; drop slow channels where they are not."""
        cars, col = self._cars, self._col
        early = now_ms < self._slow_next[rows]
        self._slow_next[rows[~early]] = now_ms + cars.slow_ms[rows[~early]]
        if early.any():
            out[np.flatnonzero(early)[:, None], self._slow] = np.nan
        hourly = now_ms >= self._hour_next[rows]
        if not hourly.any():
            return
        due = rows[hourly]
        self._hour_next[due] = (now_ms // HOUR_MS + 1) * HOUR_MS
        counters = {
            "total_running_time": cars.run_h, "trip_count": cars.trips,
            "door_open_count": cars.openings, "rope_bend_count": 2 * cars.trips,
            "lift_mileage": cars.metres, "energy": cars.kwh, "passenger_counter": cars.carried,
        }  # fmt: skip
        for name, column in counters.items():
            if name in col:
                out[hourly, col[name]] = column[due]
