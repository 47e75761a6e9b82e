"""The door motor's current over one movement: figures, and a signature to compare with.

The current is looked at as its effective value over 20 ms (one period of 50 Hz), so direct and
alternating currents read alike. A movement begins and ends where that passes 15 % of the way
from idle (its 5th percentile) to work (its 95th). It may begin with the burst, since a gateway
starts recording when the motor does; it must end inside. Limits are domain defaults.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from monitor.detector.waveform import rows

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

AXIS: Final = "door"
BLOCK_S: Final = 0.02
LEAST_S: Final = 1.0
PASSES: Final = 0.15
LEAST_A: Final = 0.05  # A from idle to work; less is no movement
LEAST_MOVE_S: Final = 0.5
INRUSH_S: Final = 0.3
PLATEAU: Final = (0.3, 0.7)  # share of the movement
PAUSE_S: Final = 0.1  # a pause so long inside a movement is a reversal
POINTS: Final = 16

FIGURES: Final = (
    "door_time_s", "door_inrush", "door_plateau", "door_energy", "door_ripple", "door_reversal",
)  # fmt: skip


def analyse(current: Floats, rate_hz: float) -> tuple[dict[str, Floats], Floats, Mask]:
    """Return FIGURES float64[B], signatures float64[B, 16] in A and backwards bool[B].

    current [B, n] in A, all finite. NaN where no whole movement is seen. door_inrush: largest in
    the first 0.3 s · door_plateau: mean of the middle 40 % · door_ripple: its standard deviation
    as a share of it · door_energy: integral of the square, A²s · door_reversal 1: it paused for
    0.1 s or its current changed sign · backwards: the mean current is negative, so the motor
    turned the other way; a device that reports magnitudes never says so.
    """
    block = max(1, round(BLOCK_S * rate_hz))
    count = current.shape[-1] // block
    bursts = len(current)
    if current.shape[-1] < LEAST_S * rate_hz or not bursts:
        none = {name: np.full(bursts, np.nan) for name in FIGURES}
        return none, np.full((bursts, POINTS), np.nan), np.zeros(bursts, np.bool_)
    blocks = current[:, : count * block].reshape(bursts, count, block)
    effective, signed = np.sqrt((blocks**2).mean(axis=-1)), blocks.mean(axis=-1)
    every_s = block / rate_hz
    idle, work = (np.quantile(effective, q, axis=-1) for q in (0.05, 0.95))
    limit = idle + PASSES * (work - idle)
    active = effective > limit[:, None]
    begin, end = rows.first_last(active)
    whole = (work - idle >= LEAST_A) & (end < count - 1) & active.any(axis=-1)
    whole &= (end - begin + 1) * every_s >= LEAST_MOVE_S
    figures = _figures(effective, begin, end, every_s)
    figures["door_reversal"] = _reverses(active, signed, limit, begin, end, every_s)
    found = {name: np.where(whole, figures[name], np.nan) for name in FIGURES}
    signature = np.where(whole[:, None], _signature(effective, begin, end), np.nan)
    at = np.arange(count)
    moving = (at >= begin[:, None]) & (at <= end[:, None])
    return found, signature, np.where(moving, signed, 0).sum(axis=-1) < 0


def _figures(
    effective: Floats, begin: rows.Index, end: rows.Index, every_s: float
) -> dict[str, Floats]:
    at, length = np.arange(effective.shape[-1]), end - begin + 1
    moving = (at >= begin[:, None]) & (at <= end[:, None])
    low, high = (begin + share * length for share in PLATEAU)
    middle = moving & (at >= low[:, None]) & (at < high[:, None])
    first = moving & (at < begin[:, None] + max(1, round(INRUSH_S / every_s)))
    many = np.maximum(middle.sum(axis=-1), 1)
    mean = np.where(middle, effective, 0).sum(axis=-1) / many
    off = np.where(middle, effective - mean[:, None], 0)
    ripple = np.sqrt((off**2).sum(axis=-1) / many) / np.where(mean > 0, mean, np.nan)
    return {
        "door_time_s": length * every_s,
        "door_inrush": rows.largest(effective, first),
        "door_plateau": mean,
        "door_energy": np.where(moving, effective**2, 0).sum(axis=-1) * every_s,
        "door_ripple": ripple,
    }


def _reverses(
    active: Mask, signed: Floats, limit: Floats, begin: rows.Index, end: rows.Index, every_s: float
) -> Floats:
    at = np.arange(active.shape[-1])
    pause = (at > begin[:, None]) & (at < end[:, None]) & ~active
    wide = max(1, round(PAUSE_S / every_s))
    total = np.cumsum(np.pad(pause, ((0, 0), (wide, 0))), axis=-1)
    paused = (total[:, wide:] - total[:, :-wide]).max(axis=-1) >= wide
    way = np.where(active & (np.abs(signed) > 0.5 * limit[:, None]), np.sign(signed), 0)
    return (paused | ((way > 0).any(axis=-1) & (way < 0).any(axis=-1))).astype(np.float64)


def _signature(effective: Floats, begin: rows.Index, end: rows.Index) -> Floats:
    """Effective current at 16 places spread evenly over the movement, straight in between."""
    place = begin[:, None] + np.linspace(0, 1, POINTS) * (end - begin)[:, None]
    lower = np.minimum(place.astype(np.intp), effective.shape[-1] - 2)
    share = place - lower
    here = np.arange(len(effective))[:, None]
    found: Floats = effective[here, lower] * (1 - share) + effective[here, lower + 1] * share
    return found
