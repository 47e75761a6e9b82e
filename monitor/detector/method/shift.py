"""A machine of C channels that leaves its normal state and comes back: held between the two.

What is judged is how far each channel's short mean (EWMA over `span` readings) lies from its level:

    d     = fast − level            t = |d| / sigma          z = normal deviate of t at nu degrees
    sigma = √(rms · mad) of fast about the level, not below that of white noise, √(var / span)

rms and mad (1.4826 · median |d|) differ where the learned past holds a transient: the geometric
mean gives it half a say. nu is one more than the times d went from one side to the other while
learning: a channel that wanders (a temperature) has shown few independent values of d, however
many readings there were, so that its t is Student's with few degrees of freedom. It becomes a
normal deviate by D. L. Wallace, Ann. Math. Statist. 30, 1959, doi:10.1214/aoms/1177706091:

    z = (8 nu + 1) / (8 nu + 3) · √(nu · ln(1 + t² / nu))

Held from max z ≥ limit on. Silent again when the leading channel, the one whose peak is the most
improbable, is back within BACK of its peak, or on the other side. For SETTLE readings then
nothing is said. What has been far away is not expected to return to the last digit: sigma is
from now on not below DOUBT of the peak, and forgets that slowly. While held nothing is learned.

The logarithm is that of the platform's C library; all else is + − · / and square roots.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
Mask = NDArray[np.bool_]

SPANS = (4.0, 8.0)  # readings; the shorter hears sooner, the longer hears less
LIMIT = 3.6  # sigma, for up to CHANNELS channels
CHANNELS = 8
BACK = 0.12  # of the peak
DOUBT = 0.1  # of the peak
SETTLE = 12
SLOWEST = 1 / 3000  # least gain
MAD_TO_SIGMA = 1.4826
ROUNDING = 1e-4  # of the level: least sigma


class Shift(NamedTuple):
    """Of k machines [k]: n readings learned from, held 0/1, wait readings; of channels [C, k]:

    level, fast, var of x, mean and rms2 of fast, mad, side (−1, 0, 1) and turns of d, doubt,
    peak of d while held. All 0 at first.
    """

    n: Floats
    held: Floats
    wait: Floats
    level: Floats
    fast: Floats
    var: Floats
    mean: Floats
    rms2: Floats
    mad: Floats
    side: Floats
    turns: Floats
    doubt: Floats
    peak: Floats


def blank(channels: int, k: int, kind: type[np.floating[Any]] = np.float64) -> Shift:
    """Return the state of k machines that have said nothing."""
    return Shift(
        *(np.zeros(k, kind) for _ in range(3)),
        *(np.zeros((channels, k), kind) for _ in Shift._fields[3:]),
    )


def limit(channels: int) -> float:
    """Return the z from which a shift is held: with more channels one of them errs more often."""
    return math.sqrt(LIMIT**2 + 2 * math.log(max(channels / CHANNELS, 1)))


def deviate(t: Floats, nu: Floats) -> Floats:
    """Return the normal deviate of |t| of Student's distribution with nu degrees of freedom."""
    t = np.minimum(t, 1e9)
    return (8 * nu + 1) / (8 * nu + 3) * np.sqrt(nu * np.log1p(t * t / nu))


def advance(state: Shift, x: Floats, learning: Mask, span: Floats) -> tuple[Shift, Floats]:
    """Return the state after x [C, k], and z [C, k] ≥ 0.

    learning [k]: machines that are known to be well, which are not judged · span [k]: readings of
    the short mean, dtype of x. NaN in x: the channel stays as it is.
    """
    first = state.n == 0
    level = np.where(first, x, state.level)
    level = np.where(np.isnan(level), 0, level)
    x = np.where(np.isnan(x), np.where(first, level, state.fast), x)
    gain = np.maximum(2 / (span + 1), 1 / (state.n + 1))
    fast = np.where(first, x, state.fast + gain * (x - state.fast))
    d = fast - level
    sigma = _sigma(state, level, span)
    nu = state.turns + 1
    z = deviate(np.abs(d) / sigma, nu)
    kind = x.dtype
    judged = ~learning & (state.n > 2 * span)
    fresh = judged & (state.held == 0) & (state.wait == 0) & (z.max(0) >= limit(len(x)))
    held = (state.held == 1) | fresh
    peak = np.where(fresh, 0, state.peak)
    peak = np.where(held & (np.abs(d) > np.abs(peak)), d, peak)
    lead = np.argmax(deviate(np.abs(peak) / sigma, nu), axis=0)
    k = np.arange(x.shape[1])
    was, now = peak[lead, k], d[lead, k]
    back = held & ((np.abs(now) < BACK * np.abs(was)) | (now * was < 0))
    wait = np.where(back, SETTLE, np.maximum(state.wait - 1, 0))
    doubt = np.maximum(state.doubt * (1 - SLOWEST), np.where(back, DOUBT * np.abs(peak), 0))
    after = state._replace(
        held=(held & ~back).astype(kind), wait=wait.astype(kind), fast=fast, doubt=doubt, peak=peak
    )
    teaches = learning | (~held & (state.wait == 0))
    return _learn(after, x, (level, d, sigma), teaches, span), np.where(judged, z, 0)


def _sigma(state: Shift, level: Floats, span: Floats) -> Floats:
    own = np.sqrt(np.sqrt(state.rms2) * MAD_TO_SIGMA * state.mad)
    white = np.sqrt(state.var / span)
    least = ROUNDING * np.abs(level) + 1e-12
    return np.maximum(np.maximum(own, white), np.maximum(state.doubt, least))


def _learn(
    state: Shift, x: Floats, seen: tuple[Floats, Floats, Floats], on: Mask, span: Floats
) -> Shift:
    level, d, sigma = seen
    n = np.where(on, state.n + 1, state.n)
    gain = np.maximum(1 / np.maximum(n, 1), SLOWEST)
    settled = np.maximum(n - 2 * span, 1)  # the short mean needs some readings to be one
    slow = np.where(n > 2 * span, np.maximum(1 / settled, SLOWEST), 1)
    moved = level + gain * (x - level)
    var = state.var + gain * ((x - level) * (x - moved) - state.var)
    mean = state.mean + slow * (state.fast - state.mean)
    rms2 = state.rms2 + slow * ((state.fast - state.mean) * (state.fast - mean) - state.rms2)
    off = np.abs(d)
    pace = np.maximum(2 / (settled + 1), SLOWEST)
    mad = np.where(
        (n <= 2 * span) | (state.mad == 0),
        off,
        state.mad * (1 + pace * np.sign(off - state.mad)),
    )
    side = np.where(d > sigma / 2, 1, np.where(d < -sigma / 2, -1, state.side))
    turned = (side * state.side < 0) & (n > 2 * span)
    new = (moved, var, mean, rms2, mad, side, state.turns + turned)
    old = (level, state.var, state.mean, state.rms2, state.mad, state.side, state.turns)
    kept = [np.where(on, a, b).astype(x.dtype) for a, b in zip(new, old, strict=True)]
    names = ("level", "var", "mean", "rms2", "mad", "side", "turns")
    return state._replace(n=n.astype(x.dtype), **dict(zip(names, kept, strict=True)))
