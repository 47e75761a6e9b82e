"""Frequency weightings of vibration for people, and the filters of ride figures.

ISO 18738-1 (GB/T 24474.1) has vibration in the car weighted as ISO 2631-1 and ISO 8041-1 have it:
Wk along the vertical, Wd across. With p = 2πjf and ω = 2πf of each corner, ISO 8041:2005 5.6 and
its table 3 (as Larson Davis prints it in the HVM200 manual, table 3.1) give

    high pass     p² / (p² + p·ω1/Q1 + ω1²)                        f1 0.4 Hz, Q1 = 1/√2
    low pass      ω2² / (p² + p·ω2/Q2 + ω2²)                       f2 100 Hz, Q2 = 1/√2
    a-v shift     (1 + p/ω3) / (1 + p/(Q4·ω4) + (p/ω4)²)
    upward step   (1 + p/(Q5·ω5) + (p/ω5)²) / (1 + p/(Q6·ω6) + (p/ω6)²) · (ω5/ω6)²

The filters are not digital recursions: a burst is whole when it comes, so its spectrum is
multiplied by these very responses. They hold at every rate from 50 to 3200 Hz up to half of it,
where a bilinear transform (A. N. Rimell, N. J. Mansfield, Industrial Health 45, 2007,
doi:10.2486/indhealth.45.512) would bend them: at 50 Hz by a third at 16 Hz.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import scipy.fft
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Complex = NDArray[np.complex128]

MOTION_HZ = 10.0  # ISO 18738-1: acceleration and jerk of the motion, second order
WINDOW_S = 0.5  # over which a slope of the acceleration is a jerk (domain default)
KEPT_HZ = 400.0  # rate that filtered signals keep at least: four times the band of Wk and Wd
PAD_S = 4.0  # after it the high pass of 0.4 Hz has rung out: e^(−0.4·√2·π·4) = 0.1 %


@dataclass(frozen=True, slots=True)
class Weighting:
    """Corners in Hz; `step`: f5, Q5, f6, Q6 of the upward step, None where there is none."""

    f3: float
    f4: float
    q4: float
    step: tuple[float, float, float, float] | None
    f1: float = 0.4
    f2: float = 100.0


WK = Weighting(12.5, 12.5, 0.63, (2.37, 0.91, 3.35, 0.91))  # vertical
WD = Weighting(2.0, 2.0, 0.63, None)  # across


def response(weighting: Weighting, hz: Floats) -> Complex:
    """Return the complex factor at these frequencies, complex128 of the shape of `hz`."""
    w, p = weighting, 2j * np.pi * hz
    o1, o2, o3, o4 = (2 * np.pi * f for f in (w.f1, w.f2, w.f3, w.f4))
    root = np.sqrt(2.0)
    found = p**2 / (p**2 + root * o1 * p + o1**2) * o2**2 / (p**2 + root * o2 * p + o2**2)
    found = found * (1 + p / o3) / (1 + p / (w.q4 * o4) + (p / o4) ** 2)
    if w.step is not None:
        f5, q5, f6, q6 = w.step
        o5, o6 = 2 * np.pi * f5, 2 * np.pi * f6
        found = found * (1 + p / (q5 * o5) + (p / o5) ** 2) * (o5 / o6) ** 2
        found = found / (1 + p / (q6 * o6) + (p / o6) ** 2)
    return np.asarray(found, np.complex128)


def low_pass(hz: Floats, corner_hz: float = MOTION_HZ) -> Complex:
    """Return a Butterworth low pass of second order, as complex factors."""
    p = 1j * hz / corner_hz
    return np.asarray(1 / (p**2 + np.sqrt(2.0) * p + 1), np.complex128)


@dataclass(frozen=True, slots=True)
class Filters:
    """Responses for bursts of n values: complex128[K] each, K frequencies of those kept.

    size: length of the transform · step: every step-th value is kept · count: values kept ·
    kept_hz: their rate. `motion`: 10 Hz; `smooth`: motion, averaged over 0.5 s; `jerk`: slope of
    the straight line through 0.5 s of motion (least squares).
    """

    size: int
    step: int
    count: int
    kept_hz: float
    vertical: Complex
    across: Complex
    motion: Complex
    smooth: Complex
    jerk: Complex

    def spectrum(self, values: Floats) -> Complex:
        """Return the spectrum [..., K] of bursts [..., n] that begin and end near zero."""
        return np.fft.rfft(values, self.size)[..., : self.size // (2 * self.step) + 1]

    def apply(self, spectrum: Complex, factor: Complex) -> Floats:
        """Return the filtered bursts, float64[..., count]."""
        made = np.fft.irfft(spectrum * factor, self.size // self.step)
        found: Floats = made[..., : self.count]
        found /= self.step
        return found


@lru_cache(maxsize=32)
def filters(rate_hz: float, n: int) -> Filters:
    """Return the filters for bursts of n values at a rate; kept, as gateways use few of each."""
    step = max(1, int(rate_hz // KEPT_HZ))
    count = -(-n // step)
    size = step * scipy.fft.next_fast_len(count + int(PAD_S * rate_hz / step), real=True)
    hz: Floats = np.arange(size // (2 * step) + 1) * (rate_hz / size)
    half = max(1, round(WINDOW_S * rate_hz / 2))
    at = np.arange(-half, half + 1)
    mean, slope = np.zeros(size), np.zeros(size)
    mean[at] = 1 / len(at)
    slope[-at] = at * rate_hz / np.sum(at.astype(np.float64) ** 2)  # as a convolution
    motion = low_pass(hz)
    mean_factor, slope_factor = (np.fft.rfft(kernel)[: len(hz)] for kernel in (mean, slope))
    return Filters(
        size, step, count, rate_hz / step, response(WK, hz), response(WD, hz),
        motion, motion * mean_factor, motion * slope_factor,
    )  # fmt: skip
