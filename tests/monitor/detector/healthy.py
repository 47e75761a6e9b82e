"""Many healthy lifts at once, trip by trip: heavy tails, noise that lasts, rush hours, rounding.

Not what the detector assumes: half of the noise is carried over from trip to trip (AR 0.6), the
rest is Laplace or Student's t with 3 degrees of freedom; currents depend on load and direction,
travel times on floors in a way that no formula tells, motor heat on traffic and weather, and all
of it creeps with the season. Times come in whole periods of 1, 2 or 5 s.
"""

from __future__ import annotations

import numpy as np

from monitor.detector import baseline, drift, expected, multivariate
from monitor.detector.features import FLOORS, LOAD, NAMES, PENDING_STATE, PLACE, UP, F
from monitor.detector.table import NEVER
from tests.monitor.detector.fleets import T0

DAY = 86_400_000
USUAL = (0.2, 12, 18, 0.09, 0.4, 2, 2.5, 3.0, 1.1, 20, 0, 0)
SCALE = (0.25, 0.5, 1.0, 0.009, 0.1, 1.5, 0.06, 0.06, 0.03, 1.5, 0.4, 0)
NOISE = {
    "laplace": lambda rng, shape: rng.laplace(0, 0.7, shape),
    "t3": lambda rng, shape: rng.standard_t(3, shape) * 0.7,
}


class Healthy:
    """k lifts. Between trips may be set: `worn`, feature → what is added to it, in its unit;
    `worn_sigmas`, the same in sigmas of its noise.
    """

    def __init__(self, k, seed, noise="laplace"):
        self.rng, self.noise, self.k = np.random.default_rng(seed), NOISE[noise], k
        rng = self.rng
        self.usual = np.array(USUAL)[:, None] * rng.uniform(0.7, 1.4, (F, k))
        self.scale = np.array(SCALE)[:, None] * rng.uniform(0.5, 1.5, (F, k))
        self.period = rng.choice([1, 2, 5], k).astype(np.float32)
        self.a_day = rng.choice([60, 150, 300], k)
        self.at, self.carried = np.full(k, T0, np.int64), np.zeros((F, k))
        self.worn: dict[str, float] = {}
        self.worn_sigmas: dict[str, float] = {}
        self.x = np.zeros((F, k))
        self.normal = np.zeros((3 * F + expected.FACTORS, k), np.float32)
        self.sums = np.zeros((7 * F, k), np.float32)
        self.since = np.full((2 * F, k), NEVER, np.int64)
        self.together = np.zeros((1 + 15, k), np.float32)
        self.joint = np.full(k, np.nan, np.float32)
        self.z = np.zeros((F, k), np.float32)

    @property
    def held(self):
        return self.sums[2 * F : 3 * F] != 0

    def trip(self):
        """One trip of every lift; returns what was said before nobody had said it, bool[F, k]."""
        before = self.held.copy()
        pause = DAY / self.a_day * self.rng.exponential(1, self.k)
        self.at = self.at + pause.astype(np.int64)
        x = self.features().astype(np.float32)
        self.x = x[:F].copy()
        with np.errstate(invalid="ignore", divide="ignore"):
            self.z, _ = baseline.judge(self.normal, x, self.at, self.period)
            drift.move(self.sums, self.since, self.z, self.at, None)
            distance, _ = multivariate.judge(self.together, self.z[multivariate.WHERE])
        self.joint = np.where(self.together[0] > multivariate.LEAST_TRIPS, distance, np.nan)
        return self.held & ~before

    def features(self):
        rng, k = self.rng, self.k
        hour, days = (self.at / 3_600_000 + 8) % 24, (self.at - T0) / DAY
        self.carried = 0.6 * self.carried + 0.8 * rng.standard_normal((F, k))
        busy = np.exp(-(((hour - 8.5) / 1.5) ** 2)) + np.exp(-(((hour - 18) / 1.5) ** 2))
        load = np.where(rng.random(k) < 0.3 + 0.5 * busy, rng.choice([7, 14, 21, 35, 50, 70], k), 0)
        up = rng.random(k) < 0.5 + 0.3 * np.sin(2 * np.pi * hour / 24)
        floors = rng.integers(1, 20, k)
        x = np.full((len(PENDING_STATE.names), k), np.nan)
        x[:F] = self.usual + self.scale * (0.8 * self.noise(rng, (F, k)) + 0.5 * self.carried)
        at = PLACE
        mains = rng.standard_normal(k)  # a low voltage draws more current, at the start and after
        for name in ("motor_current", "start_current"):
            x[at[name]] += 1.5 * self.scale[at[name]] * mains
        pull = 0.3 * np.abs(load / 50 - 1)
        x[at["motor_current"]] += self.usual[at["motor_current"]] * pull * np.where(up, 1, 0.5)
        x[at["start_current"]] += self.usual[at["start_current"]] * pull
        x[at["travel_time"]] += 0.15 * floors + 0.6 * (floors == 1)
        x[at["vibration"]] *= np.where(up, 1.05, 1)
        warm = 3 * np.cos(2 * np.pi * (hour - 15) / 24) + 3 * np.sin(2 * np.pi * days / 60)
        x[at["motor_heat"]] += 6 * busy + warm
        season = 1 + 0.05 * np.sin(2 * np.pi * days / 365 + 1)
        for name in ("motor_current", "start_current", "opening_time", "closing_time"):
            x[at[name]] *= season
        for name, more in self.worn.items():
            x[at[name]] += more
        for name, sigmas in self.worn_sigmas.items():
            x[at[name]] += 1.8 * self.scale[at[name]] * sigmas
        x[at["travel_time"]] += (rng.random(k) - rng.random(k)) * 0.5 * self.period
        for name in ("opening_time", "closing_time"):
            whole = np.floor(x[at[name]] / self.period + rng.random(k))
            x[at[name]] = whole * self.period
        x[at["levelling"]] = np.round(x[at["levelling"]])
        x[at["motor_current"]] = np.round(x[at["motor_current"]], 1)
        idle = rng.random(k) < 0.1
        x[at["load_zero"]] = np.where(idle, np.maximum(np.round(x[at["load_zero"]]), 0), np.nan)
        x[FLOORS], x[UP], x[LOAD] = floors, up, load
        x[at["joint"]] = self.joint
        return x


def told(said):
    """Which features spoke how often, by name."""
    return {name: int(n) for name, n in zip(NAMES, said, strict=True) if n}
