"""Ride quality of whole rides after ISO 18738-1 (GB/T 24474.1), many bursts at once.

A burst counts as a ride where the car rests in its first and last 0.5 s and in between is
accelerated one way and then the other. The level of rest is read from both ends, so a sensor's
offset does not matter. The speed is the integral of the acceleration; what it lacks at the end
to stand still is spread evenly over the ride.

Boundaries: movement begins and ends where the acceleration averaged over 0.5 s passes 0.15 m/s²,
0.5 s further out each; the vibration across is judged between 0.5 m after the start and 0.5 m
before the stop; the vertical one, its motion excepted, in the region of constant speed: within
5 % of the largest speed, less 1 s at each end, in which the high pass of the weighting forgets
the acceleration. The full text of the standard was not at hand: annex A (peaks between zero
crossings), the weightings, 10 Hz for the motion and the names A95 and V95 are its; 0.15 m/s²,
0.5 s, 5 % and 1 s are domain defaults. Bursts that see no whole ride have no figures.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from monitor.detector.waveform import rows
from monitor.detector.waveform.weighting import Filters, filters

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

MOVES: Final = 0.15  # m/s²
EDGE_S: Final = 0.5
LEAST_S: Final = 3.0  # shorter than any ride with its rests
LEAST_SPEED: Final = 0.2  # m/s
SAME_REST: Final = 0.15  # m/s² between both ends
MENDED: Final = 0.1  # m/s² that the integral may be mended by
END_M: Final = 0.5
CONSTANT: Final = 0.95
SETTLE_S: Final = 1.0

FIGURES: Final = (
    "ride_a95_h", "ride_a95_v", "ride_max_h", "ride_max_v", "ride_acc", "ride_acc_a95",
    "ride_dec", "ride_dec_a95", "ride_jerk", "ride_speed", "ride_v95", "ride_travel_s",
    "ride_distance",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ride:
    """What B bursts show; B×M at `rate_hz`. Kept apart from the figures for pictures and tests.

    whole bool[B] · motion: acceleration in the direction of travel, m/s² · speed: m/s, 0 outside
    the ride · jerk: m/s³ · vertical, across [B, axes, M]: weighted, m/s² · inside: the ride ·
    away: more than 0.5 m from both ends · constant: constant speed.
    """

    rate_hz: float
    whole: Mask
    motion: Floats
    speed: Floats
    jerk: Floats
    vertical: Floats
    across: Floats
    inside: Mask
    away: Mask
    constant: Mask


def analyse(samples: Floats, axes: tuple[str, ...], rate_hz: float) -> dict[str, Floats]:
    """Return FIGURES of bursts [B, A, n] in m/s², float64[B]; NaN where there is no whole ride.

    axes: their names; `z` is the vertical, `x` and `y` lie across. All values must be finite.
    """
    none = dict.fromkeys(FIGURES, np.full(len(samples), np.nan))
    if "z" not in axes or samples.shape[-1] < LEAST_S * rate_hz:
        return none
    found = read(samples, axes, rate_hz)
    figures = _motion(found) | _vibration(found)
    return {name: np.where(found.whole, figures[name], np.nan) for name in FIGURES}


def read(samples: Floats, axes: tuple[str, ...], rate_hz: float) -> Ride:
    """Filter the bursts and find the ride in each; see `Ride`."""
    f = filters(rate_hz, samples.shape[-1])
    edge = max(1, round(EDGE_S * rate_hz))
    head, tail = samples[..., :edge].mean(axis=-1), samples[..., -edge:].mean(axis=-1)
    spectrum = f.spectrum(samples - ((head + tail) / 2)[..., None])
    z = axes.index("z")
    across = [i for i, name in enumerate(axes) if name in ("x", "y")]
    smooth = f.apply(spectrum[:, z], f.smooth)
    begin, end, whole = _movement(smooth, f)
    whole &= np.abs(head[:, z] - tail[:, z]) <= SAME_REST
    at = np.arange(f.count)
    inside = (at >= begin[:, None]) & (at <= end[:, None]) & whole[:, None]
    motion = f.apply(spectrum[:, z], f.motion)
    mend = np.where(inside, motion, 0).sum(axis=-1) / np.maximum(inside.sum(axis=-1), 1)
    whole &= np.abs(mend) <= MENDED
    motion = np.where(inside, motion - mend[:, None], 0)
    speed = np.cumsum(motion, axis=-1) / f.kept_hz
    way = np.where(speed.max(axis=-1, initial=0) >= -speed.min(axis=-1, initial=0), 1.0, -1.0)
    speed, motion = speed * way[:, None], motion * way[:, None]
    top = speed.max(axis=-1, initial=0)
    whole &= top >= LEAST_SPEED
    inside &= whole[:, None]
    return Ride(
        f.kept_hz, whole, motion, speed, f.apply(spectrum[:, z], f.jerk),
        f.apply(spectrum[:, z], f.vertical), f.apply(spectrum[:, across], f.across),
        inside, _away(speed, inside, f), _constant(speed, top, inside, f),
    )  # fmt: skip


def _movement(smooth: Floats, f: Filters) -> tuple[rows.Index, rows.Index, Mask]:
    """First and last place of the ride, and whether all of it lies inside the burst."""
    moves = np.abs(smooth) > MOVES
    first, last = rows.first_last(moves)
    wide = round(EDGE_S * f.kept_hz)
    begin, end = first - wide, last + wide
    here = np.arange(len(smooth))
    turned = np.sign(smooth[here, first]) != np.sign(smooth[here, last])
    return begin, end, moves.any(axis=-1) & turned & (begin >= 0) & (end < f.count)


def _away(speed: Floats, inside: Mask, f: Filters) -> Mask:
    way = np.cumsum(np.maximum(speed, 0), axis=-1) / f.kept_hz
    total = way[:, -1:]
    return inside & (way >= END_M) & (way <= total - END_M)


def _constant(speed: Floats, top: Floats, inside: Mask, f: Filters) -> Mask:
    fast = inside & (speed >= CONSTANT * top[:, None])
    first, last = rows.first_last(fast)
    settle = round(SETTLE_S * f.kept_hz)
    at = np.arange(f.count)
    return inside & (at >= first[:, None] + settle) & (at <= last[:, None] - settle)


def _motion(r: Ride) -> dict[str, Floats]:
    top = r.speed.max(axis=-1, initial=0)
    fast = r.inside & (r.speed >= CONSTANT * top[:, None])
    first, last = rows.first_last(fast)
    at = np.arange(r.speed.shape[-1])
    starts, stops = r.inside & (at <= first[:, None]), r.inside & (at >= last[:, None])
    between = (r.speed >= (1 - CONSTANT) * top[:, None]) & (r.speed <= CONSTANT * top[:, None])
    rides = r.inside & (r.speed >= (1 - CONSTANT) * top[:, None])
    begin, end = rows.first_last(rides)
    return {
        "ride_acc": rows.largest(r.motion, starts),
        "ride_acc_a95": rows.of_mask(r.motion, starts & between, 0.95),
        "ride_dec": rows.largest(-r.motion, stops),
        "ride_dec_a95": rows.of_mask(-r.motion, stops & between, 0.95),
        "ride_jerk": rows.largest(np.abs(r.jerk), r.inside),
        "ride_speed": top,
        "ride_v95": rows.of_mask(r.speed, fast, 0.95),
        "ride_travel_s": (end - begin + 1) / r.rate_hz,
        "ride_distance": np.maximum(r.speed, 0).sum(axis=-1) / r.rate_hz,
    }


def _vibration(r: Ride) -> dict[str, Floats]:
    """Across: the worse of the axes there are, each by itself."""
    most, usual = rows.peak_to_peak(r.vertical, r.constant)
    count = r.across.shape[1]
    if not count:
        none = np.full(len(r.whole), np.nan)
        return {"ride_a95_v": usual, "ride_max_v": most, "ride_a95_h": none, "ride_max_h": none}
    sides = [rows.peak_to_peak(r.across[:, i], r.away) for i in range(count)]
    return {
        "ride_a95_v": usual,
        "ride_max_v": most,
        "ride_a95_h": np.fmax.reduce([side[1] for side in sides]),
        "ride_max_h": np.fmax.reduce([side[0] for side in sides]),
    }
