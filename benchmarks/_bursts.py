"""Simulated bursts: a whole ride, a machine with knocks, a door movement."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from devices.batch import Waveform

Floats = NDArray[np.float64]
G = 9.81


def _burst(lift: int, rate_hz: float, unit: str, axes: dict[str, Floats]) -> Waveform:
    single = {name: values.astype(np.float32) for name, values in axes.items()}
    return Waveform(lift, 1 + lift, rate_hz, unit, single)


def ride_burst(
    lift: int = 0,
    rate_hz: float = 200.0,
    speed: float = 1.75,
    acc: float = 0.8,
    jerk: float = 1.0,
    constant_s: float = 6.0,
    across: float = 0.05,
    roller_hz: float = 4.3,
    noise: float = 0.04,
    seed: int = 0,
) -> Waveform:
    """A ride with limited jerk; guide rollers shake it across in step with its speed."""
    parts = [(2.0, 0.0), (acc / jerk, jerk), (speed / acc - acc / jerk, 0.0), (acc / jerk, -jerk)]
    back = [(s, -j) for s, j in parts[1:]]
    course = [*parts, (constant_s, 0.0), *back, (2.0, 0.0)]
    motion = np.cumsum(np.concatenate([np.full(round(s * rate_hz), j) for s, j in course]))
    motion /= rate_hz
    v = np.cumsum(motion) / rate_hz
    rng = np.random.default_rng(seed)
    turn = 2 * np.pi * roller_hz * np.cumsum(v / speed) / rate_hz
    shake = across * v / speed
    axes = {
        "x": shake * np.sin(turn),
        "y": 0.6 * shake * np.sin(1.7 * turn),
        "z": G + motion + 0.5 * shake * np.sin(2.3 * turn),
    }
    n = len(motion)
    return _burst(
        lift, rate_hz, "m/s2", {name: a + rng.normal(0, noise, n) for name, a in axes.items()}
    )


def machine_burst(
    lift: int = 0,
    rate_hz: float = 3200.0,
    seconds: float = 5.0,
    knocks_hz: float = 31.4,
    size: float = 2.0,
    seed: int = 0,
) -> Waveform:
    """A machine; `size` of its knocks, m/s², each ringing at 1 kHz and fading in 2 ms."""
    t = np.arange(int(seconds * rate_hz)) / rate_hz
    rng = np.random.default_rng(seed)
    since = t % (1 / knocks_hz)
    ring = size * np.exp(-since / 0.002) * np.sin(2 * np.pi * 1000 * since)
    hum = 0.5 * np.sin(2 * np.pi * 50 * t) + 0.3 * np.sin(2 * np.pi * 3.1 * t)
    return _burst(lift, rate_hz, "m/s2", {"x": hum + ring + rng.normal(0, 0.3, len(t))})


def door_burst(
    lift: int = 0,
    rate_hz: float = 400.0,
    plateau: float = 1.5,
    move_s: float = 3.0,
    bump: float = 0.0,
    seed: int = 0,
) -> Waveform:
    """A door movement: inrush, plateau, and a `bump` of current where something drags."""
    t = np.arange(int((move_s + 1.5) * rate_hz)) / rate_hz - 0.5
    rng = np.random.default_rng(seed)
    current = plateau + 2.5 * np.exp(-t.clip(0) / 0.15) + bump * np.exp(-(((t - 2.1) / 0.25) ** 2))
    current = current * (1 + 0.02 * rng.normal()) * ((t >= 0) & (t < move_s))
    return _burst(lift, rate_hz, "A", {"door": current + rng.normal(0, 0.04, len(t))})
