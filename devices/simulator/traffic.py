"""Traffic: who calls a lift, by type of building and hour of the day, and where they go."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from devices.simulator.vendors import DEMO

if TYPE_CHECKING:
    from devices.simulator.cars import Cars

HOUR_MS = 3_600_000
LOCAL_OFFSET_MS = 8 * HOUR_MS  # China has one time zone and no summer time
_MOST_WAITING = 40


@dataclass(frozen=True, slots=True)
class Pattern:
    """Traffic of one building type, by local hour 0..23; persons an hour for one lift."""

    storey_m: float
    dwell_s: float
    weekend: float
    persons: tuple[float, ...]
    up: tuple[float, ...]
    down: tuple[float, ...]


@lru_cache(maxsize=4)
def load_patterns(file: Path = DEMO / "traffic.toml") -> Mapping[str, Pattern]:
    """Read traffic.toml: building type → Pattern; the first is used for unknown types."""
    tables = tomllib.loads(file.read_text("utf-8"))
    return {
        name: Pattern(
            storey_m=row["storey_m"],
            dwell_s=row["dwell_s"],
            weekend=row["weekend"],
            persons=tuple(row["persons"]),
            up=tuple(row["up"]),
            down=tuple(row["down"]),
        )
        for name, row in tables.items()
    }


class Traffic:
    """Draws arrivals once a second of simulated time, for all lifts together."""

    def __init__(self, cars: Cars, patterns: Mapping[str, Pattern], rng: np.random.Generator):
        self._cars, self._rng = cars, rng
        self._patterns = list(patterns.values())
        self._popularity = rng.lognormal(0.0, 0.3, cars.n)  # some buildings are fuller
        self._hour = -1
        self._chance: NDArray[np.float64] = np.zeros(cars.n)
        self._up: NDArray[np.float64] = np.zeros(cars.n)
        self._down: NDArray[np.float64] = np.zeros(cars.n)

    def _turn_hour(self, now_ms: int) -> None:
        local = now_ms + LOCAL_OFFSET_MS
        hour, weekday = local // HOUR_MS % 24, (local // (24 * HOUR_MS) + 3) % 7
        rate = np.array(
            [p.persons[hour] * (p.weekend if weekday >= 5 else 1.0) for p in self._patterns]
        )
        kind = self._cars.kind
        self._chance = rate[kind] * self._popularity / 3600.0
        self._up = np.array([p.up[hour] for p in self._patterns])[kind]
        self._down = np.array([p.down[hour] for p in self._patterns])[kind]

    def second(self, now_ms: int) -> None:
        """Let one second of arrivals come to the landings."""
        if now_ms // HOUR_MS != self._hour:
            self._hour = now_ms // HOUR_MS
            self._turn_hour(now_ms)
        cars = self._cars
        rows = np.flatnonzero(self._rng.random(cars.n) < self._chance)
        rows = rows[~cars.booked[rows]]
        if not len(rows):
            return
        above = self._rng.integers(0, cars.top[rows])
        elsewhere = above + (above >= cars.lobby[rows])  # any landing but the entrance
        upward = self._rng.random(len(rows)) < self._up[rows]
        landing = np.where(upward, cars.lobby[rows], elsewhere)
        cars.waiting[rows, landing] = np.minimum(cars.waiting[rows, landing] + 1, _MOST_WAITING)
        cars.hall_calls[rows] |= np.uint64(1) << landing.astype(np.uint64)

    def destination(self, rows: NDArray[np.intp]) -> NDArray[np.int64]:
        """Return the landing each person boarding now wants to go to, never the present one."""
        cars = self._cars
        here = cars.level[rows]
        other = self._rng.integers(0, cars.top[rows])
        other += other >= here
        share = self._down[rows] / np.maximum(1e-9, 1.0 - self._up[rows])
        home = (here != cars.lobby[rows]) & (self._rng.random(len(rows)) < share)
        return np.where(home, cars.lobby[rows], other)

    def mass(self, count: int) -> NDArray[np.float64]:
        """Return the masses of `count` persons with what they carry, kg."""
        return np.clip(self._rng.normal(66.0, 13.0, count), 30.0, 120.0)
