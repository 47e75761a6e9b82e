"""Bursts in, one row of figures a burst out; alike bursts are worked on together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from devices.batch import Waveform
from monitor.detector.waveform import bearing, door_motor, ride

Values = NDArray[np.float32]
Index = NDArray[np.intp]

FIGURES: Final = (*ride.FIGURES, *bearing.FIGURES, *door_motor.FIGURES)
ACCELERATION: Final = "m/s2"
CURRENT: Final = "A"
AT_ONCE: Final = 1 << 20  # values worked on together: their spectra stay near the cache


@dataclass(frozen=True, slots=True)
class WaveformFeatures:
    """One row a burst, in the order given.

    lift int32[B] · ts_ms int64[B] of the burst's first value · current bool[B]: else acceleration
    · columns: FIGURES, float32[B] each, NaN where a figure does not apply to a burst · signature
    float32[B, 16] of a door movement, A, NaN where there is none · backwards bool[B]: the door
    motor's current was negative.
    """

    lift: NDArray[np.int32]
    ts_ms: NDArray[np.int64]
    current: NDArray[np.bool_]
    columns: dict[str, Values]
    signature: Values
    backwards: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.lift)


def analyse(bursts: Sequence[Waveform]) -> WaveformFeatures:
    """Return the figures of all bursts. Never raises for what a burst holds.

    A burst with a value that is not finite, with axes of unequal length, without a rate above
    zero or in another unit has no figures. Grouped by unit, axes, rate and length; each burst's
    figures are the same bits in whatever company it comes.
    """
    count = len(bursts)
    found = WaveformFeatures(
        np.fromiter((b.lift for b in bursts), np.int32, count),
        np.fromiter((b.ts_ms for b in bursts), np.int64, count),
        np.fromiter((b.unit == CURRENT for b in bursts), np.bool_, count),
        {name: np.full(count, np.nan, np.float32) for name in FIGURES},
        np.full((count, door_motor.POINTS), np.nan, np.float32),
        np.zeros(count, np.bool_),
    )
    with np.errstate(all="ignore"):  # what comes of absurd bursts is NaN
        for which, samples, axes, rate_hz in _groups(bursts):
            unit = bursts[int(which[0])].unit
            if unit == ACCELERATION:
                _acceleration(found, which, samples, axes, rate_hz)
            elif unit == CURRENT and door_motor.AXIS in axes:
                _door(found, which, samples[:, axes.index(door_motor.AXIS)], rate_hz)
    return found


def _groups(
    bursts: Sequence[Waveform],
) -> Iterator[tuple[Index, NDArray[np.float64], tuple[str, ...], float]]:
    """Yield (which, samples float64[B, A, n], axes, rate) of bursts that are alike and finite."""
    alike: dict[tuple[str, tuple[str, ...], float, int], list[int]] = {}
    for i, burst in enumerate(bursts):
        lengths = {len(values) for values in burst.axes.values()}
        if len(lengths) == 1 and 0 < burst.rate_hz < np.inf and lengths != {0}:
            key = (burst.unit, tuple(sorted(burst.axes)), burst.rate_hz, lengths.pop())
            alike.setdefault(key, []).append(i)
    for (_, axes, rate_hz, n), members in alike.items():
        stride = max(1, AT_ONCE // (n * len(axes)))
        for start in range(0, len(members), stride):
            part = members[start : start + stride]
            samples = np.array([[bursts[i].axes[name] for name in axes] for i in part], np.float64)
            finite = np.isfinite(samples).all(axis=(1, 2))
            if finite.any():
                yield np.array(part, np.intp)[finite], samples[finite], axes, rate_hz


def _acceleration(
    found: WaveformFeatures,
    which: Index,
    samples: NDArray[np.float64],
    axes: tuple[str, ...],
    rate_hz: float,
) -> None:
    figures = ride.analyse(samples, axes, rate_hz)
    knocks = bearing.analyse(samples, rate_hz)
    if "z" in axes:  # in a car something turns only while it rides
        rides = ~np.isnan(figures["ride_speed"])
        knocks = {name: np.where(rides, value, np.nan) for name, value in knocks.items()}
    for name, value in (figures | knocks).items():
        found.columns[name][which] = value


def _door(
    found: WaveformFeatures, which: Index, current: NDArray[np.float64], rate_hz: float
) -> None:
    figures, signature, backwards = door_motor.analyse(current, rate_hz)
    for name, value in figures.items():
        found.columns[name][which] = value
    found.signature[which] = signature
    found.backwards[which] = backwards
