"""Bursts whose figures are known beforehand."""

from __future__ import annotations

import numpy as np

from devices.batch import Waveform

G = 9.81


def profile(rate, speed=1.75, acc=0.8, jerk=1.0, rest_s=2.0, constant_s=5.0, down=False):
    """Acceleration of a ride with limited jerk, m/s², float64[n]."""
    acc = min(acc, np.sqrt(speed * jerk))  # a short ride never reaches it
    t_jerk = acc / jerk
    t_acc = speed / acc - t_jerk
    parts = [(rest_s, 0), (t_jerk, jerk), (t_acc, 0), (t_jerk, -jerk), (constant_s, 0)]
    parts += [(s, -j) for s, j in parts[1:4]] + [(rest_s, 0)]
    course = np.concatenate([np.full(round(s * rate), j) for s, j in parts])
    return np.cumsum(course) / rate * (-1 if down else 1)


def ride(lift=0, ts_ms=1, rate=100.0, offset=G, across=0.0, noise=0.0, seed=0, **kwargs):
    """A burst of a whole ride; `across`: amplitude of 2 Hz on x, half of it on y."""
    z = profile(rate, **kwargs)
    rng, t = np.random.default_rng(seed), np.arange(len(z)) / rate
    x = across * np.sin(2 * np.pi * 2 * t)
    axes = {"x": 0.2 + x, "y": x / 2, "z": offset + z}
    return burst(lift, ts_ms, rate, {n: a + rng.normal(0, noise, len(t)) for n, a in axes.items()})


def burst(lift, ts_ms, rate, axes, unit="m/s2"):
    return Waveform(
        lift, ts_ms, float(rate), unit, {n: np.asarray(a, np.float32) for n, a in axes.items()}
    )


def machine(
    lift=0, ts_ms=1, rate=3200.0, seconds=5.0, knocks_hz=0.0, ring_hz=1000.0, size=2.0, seed=0
):
    """A machine's vibration; with knocks that ring at a resonance and fade in 2 ms."""
    n = int(seconds * rate)
    t, rng = np.arange(n) / rate, np.random.default_rng(seed)
    x = rng.normal(0, 0.3, n)
    if knocks_hz:
        since = t % (1 / knocks_hz)
        x = x + size * np.exp(-since / 0.002) * np.sin(2 * np.pi * ring_hz * since)
    return burst(lift, ts_ms, rate, {"x": x})


def door(
    lift=0, ts_ms=1, rate=400.0, plateau=1.5, inrush=4.0, move_s=3.0, end_bump=0.0, sign=1,
    noise=0.03, seed=0, pause=None,
):  # fmt: skip
    """A door motor's current: rest, inrush fading in 0.15 s, plateau, a bump at the end."""
    t = np.arange(int((move_s + 1.5) * rate)) / rate - 0.5
    moving = (t >= 0) & (t < move_s)
    x = plateau + (inrush - plateau) * np.exp(-t.clip(0) / 0.15)
    x = x + end_bump * np.exp(-(((t - 0.85 * move_s) / 0.15) ** 2))
    if pause is not None:
        moving &= (t < pause[0]) | (t > pause[1])
    rng = np.random.default_rng(seed)
    return burst(lift, ts_ms, rate, {"door": sign * x * moving + rng.normal(0, noise, len(t))}, "A")
