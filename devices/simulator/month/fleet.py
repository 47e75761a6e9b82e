"""The lifts of the month: an ordinary registry, and what physics and devices need as columns."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from devices.registry import Gateway, Lift, Registry
from devices.simulator.month.dialects import Dialect, Kind, MonthData
from devices.simulator.traffic import Pattern

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
Bool = NDArray[np.bool_]
_REG_PREFIX: Final = "3110500199"
_LIFTS_A_BUILDING: Final = (2, 6)
G: Final = 9.81
HOUR_MS: Final = 3_600_000


class Fleet:
    """n lifts as columns, one row a lift; metres, seconds, kilograms. Landings count from 0."""

    def __init__(self, n: int, seed: int, data: MonthData) -> None:
        rng = np.random.default_rng([seed, 1])
        self.n, self.data = n, data
        lifts, gateways, makes = _site(n, rng, data)
        self.registry = Registry(lifts, gateways)
        self.gateway = self.registry.lift_gateway.astype(np.int64)
        self.gateway_dialects = makes
        self.dialects: list[Dialect] = [makes[g] for g in self.gateway.tolist()]
        self._building(lifts, rng)
        self._devices(rng)
        self._wear(rng)

    def _building(self, lifts: list[Lift], rng: np.random.Generator) -> None:
        patterns = [self.data.patterns[lift.type] for lift in lifts]
        self.patterns: list[Pattern] = patterns
        self.storey: F64 = np.array([p.storey_m for p in patterns])
        self.dwell_s: F64 = np.array([p.dwell_s for p in patterns])
        self.floor_lo = np.array([lift.floor_lo for lift in lifts], np.int64)
        self.top = np.array([lift.floor_hi - lift.floor_lo for lift in lifts], np.int64)
        self.lobby = np.clip(1 - self.floor_lo, 0, self.top)
        self.rated: F64 = np.array([lift.rated_speed for lift in lifts])
        self.rated_kg: F64 = np.array([lift.rated_load_kg for lift in lifts])
        self.capacity = np.maximum(1, self.rated_kg // 75).astype(np.int64)
        names = {lift.feeder: None for lift in lifts}
        index = {name: i for i, name in enumerate(names)}
        self.feeder = np.array([index[lift.feeder] for lift in lifts], np.int64)
        self.acc: F64 = rng.uniform(0.45, 0.65, self.n)
        self.open_s: F64 = rng.uniform(1.9, 3.2, self.n)
        self.close_s: F64 = rng.uniform(2.4, 3.8, self.n)
        self.rescue_device: Bool = rng.random(self.n) < 0.4
        self.popularity: F64 = self.data.traffic_factor * rng.lognormal(
            0.0, self.data.traffic_spread, self.n
        )
        # a car call is still lit after an unplanned stop, or the controller puts it out
        self.keeps_calls: Bool = rng.random(self.n) < 0.5

    def _devices(self, rng: np.random.Generator) -> None:
        def column(name: str, of: float = 1.0) -> F64:
            return np.array([getattr(d, name) * of for d in self.dialects])

        self.sampling = column("sampling").astype(np.int8)
        self.period_ms: I64 = column("period_s", 1000).astype(np.int64)
        self.heartbeat_ms: I64 = column("heartbeat_s", 1000).astype(np.int64)
        self.phase_ms: I64 = rng.integers(0, 30_000, self.n)
        self.slow_ms: I64 = np.maximum(1, column("slow_s", 1000)).astype(np.int64)
        self.has_alarm = np.array(["alarm_button" not in d.lacks for d in self.dialects], np.bool_)
        self.zone = column("zone").astype(np.int8)
        self.motion_status = column("motion_status").astype(np.bool_)
        self.lag_ms: I64 = column("lag_s", 1000).astype(np.int64)
        self.hold_ms: I64 = column("hold_s", 1000).astype(np.int64)
        self.load_step = column("load_step").astype(np.float32)
        self.noise = column("noise").astype(np.float32)
        self.delay_lo: F64 = np.array([d.delay_s[0] * 1000 for d in self.dialects])
        self.delay_hi: F64 = np.array([d.delay_s[1] * 1000 for d in self.dialects])
        self.reorder, self.repeat = column("reorder"), column("repeat")
        self.backup = column("backup").astype(np.bool_)
        self.backfill = column("backfill").astype(np.bool_)
        makes = self.gateway_dialects
        offset = np.array([rng.uniform(*d.clock_s) * 1000 for d in makes])
        drift = np.array([rng.uniform(-1, 1) * d.ppm * 1e-6 for d in makes])
        self.clock_ms, self.clock_drift = offset[self.gateway], drift[self.gateway]

    def _wear(self, rng: np.random.Generator) -> None:
        n = self.n
        self.roughness: F64 = rng.lognormal(0.0, 0.25, n)
        self.door_drag: F64 = rng.uniform(0.9, 1.15, n)
        self.level_bias_mm: F64 = rng.normal(0.0, 2.5, n)
        self.load_zero: F64 = rng.uniform(-0.4, 1.2, n)  # %: what an empty car weighs
        power = 0.5 * self.rated_kg * G * self.rated / 0.8
        self.rated_amps: F64 = power / (math.sqrt(3) * 400 * 0.85) + 3.0
        self.room_offset: F64 = rng.normal(0.0, 2.0, n)
        self.motor_rise: F64 = rng.uniform(4, 12, n)
        self.battery: F64 = rng.uniform(85, 100, n)
        age = rng.uniform(0.5, 12, n)
        self.trips0 = (age * 70_000).astype(np.int64)
        self.metres0: F64 = age * 900_000

    def seconds_for(self, rows: I64, metres: F64) -> F64:
        """Return how long a run of so many metres takes, from standstill to standstill."""
        peak = np.minimum(self.rated[rows], np.sqrt(metres * self.acc[rows]))
        peak = np.maximum(peak, 1e-6)
        total: F64 = np.where(metres > 0, peak / self.acc[rows] + metres / peak, 0.0)
        return total


def _site(
    n: int, rng: np.random.Generator, data: MonthData
) -> tuple[list[Lift], list[Gateway], list[Dialect]]:
    lifts: list[Lift] = []
    gateways: list[Gateway] = []
    makes: list[Dialect] = []
    kinds = _turns([kind.share for kind in data.kinds])
    weights = [d.share / (sum(d.groups) / 2) for d in data.dialects]  # shares are of lifts
    turns = _turns(weights)
    place = 0
    while len(lifts) < n:
        kind = data.kinds[kinds(place)]
        size = int(rng.integers(_LIFTS_A_BUILDING[0], _LIFTS_A_BUILDING[1] + 1))
        size = min(size, n - len(lifts))
        plan = _plan(rng, kind)
        done = 0
        while done < size:
            dialect = data.dialects[turns(len(gateways))]
            gateway = Gateway(f"gw-{len(gateways) + 1:04d}", dialect.id, f"楼{place + 1}")
            gateways.append(gateway)
            makes.append(dialect)
            take = min(size - done, int(rng.integers(dialect.groups[0], dialect.groups[1] + 1)))
            for _ in range(take):
                lifts.append(_lift(len(lifts), place, kind, plan, gateway, dialect))
            done += take
        place += 1
    return lifts, gateways, makes


def _turns(shares: list[float]) -> _Turns:
    return _Turns(np.cumsum(shares) / sum(shares))


class _Turns:
    """A low-discrepancy walk over shares, so that even a small district has every kind."""

    def __init__(self, edges: F64) -> None:
        self._edges = edges

    def __call__(self, i: int) -> int:
        found = int(np.searchsorted(self._edges, (i * 0.6180339887 + 0.3) % 1.0))
        return min(found, len(self._edges) - 1)


def _plan(rng: np.random.Generator, kind: Kind) -> tuple[int, int, float, float]:
    top = int(rng.integers(kind.floors[0], kind.floors[1] + 1))
    below = int(rng.integers(kind.basements[0], kind.basements[1] + 1))
    high = (top - kind.floors[0]) / max(1, kind.floors[1] - kind.floors[0])
    speed = kind.speeds[min(len(kind.speeds) - 1, int(high * len(kind.speeds)))]
    load = kind.loads[int(rng.integers(len(kind.loads)))]
    return top, below, float(speed), float(load)


def _lift(
    i: int, place: int, kind: Kind, plan: tuple[int, int, float, float], gateway: Gateway,
    dialect: Dialect,
) -> Lift:  # fmt: skip
    top, below, speed, load = plan
    return Lift(
        reg_code=f"{_REG_PREFIX}2015{i + 1:06d}",
        rescue_code=f"{(100_003 + i * 7_919) % 900_000 + 100_000:06d}",
        name=f"楼{place + 1}-{i + 1}梯",
        place=f"楼{place + 1}",
        street_office="so-01",
        use_unit=f"uu-{place + 1:04d}",
        maintenance=f"mf-{place % 7 + 1}",
        gateway=gateway.id,
        type=kind.type,
        rated_speed=speed,
        rated_load_kg=load,
        floor_lo=1 - below if below else 1,
        floor_hi=top,
        feeder=f"fd-{place + 1:04d}",
        period_s=dialect.heartbeat_s,
        lat=29.5 + 0.0001 * place,
        lon=106.5,
    )
