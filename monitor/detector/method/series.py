"""One series judged as a stream of events: three views of each moment, and how novel each is.

    course   the value and its means over 4, 16 and 64 numbers
    motion   the means over 4 and 48, and how restless the last 12 and 48 were (rms of steps)
    clock    the value, its means over 8 and 48, and the hour of the day as a point on a circle

Each view is compared with all the past (`novelty`), each distance with all distances (`tail`);
what two of the three agree on, their median, rings (`ring`). A line without noise (`flat`) rings
by itself if the series is one that hardly ever repeats a number.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np

from monitor.detector.method import flat
from monitor.detector.method.novelty import Memory
from monitor.detector.method.ring import Ring
from monitor.detector.method.tail import Tail

SPANS: Final = (4, 8, 16, 48, 64)
RESTLESS: Final = (12, 48)
DAY_S: Final = 86_400
VIEWS: Final = ("course", "motion", "clock")
FLAT_LEAST: Final = 20.0
FLAT_REPEATS: Final = 0.1  # share of equal neighbours up to which standing still is odd
YOUNG: Final = 100


class Verdict(NamedTuple):
    """near: 1 when as surprising as asked · rings · why: the view or "flat" that says most."""

    near: float
    rings: bool
    why: str


class Series:
    """One series; numbers come one by one."""

    def __init__(self) -> None:
        """Begin with an empty past."""
        self._n, self._repeats = 0, 0
        self._before = math.nan
        self._means = np.zeros(len(SPANS))
        self._steps = np.zeros(len(RESTLESS))
        self._shares = 2 / (np.array(SPANS) + 1)
        self._step_shares = 2 / (np.array(RESTLESS) + 1)
        self._mean, self._var = 0.0, 0.0
        self._memories = (Memory(4), Memory(4), Memory(5))
        self._tails = (Tail(), Tail(), Tail())
        self._ring = Ring()
        self._flat = flat.Flat(np.zeros(1), np.zeros(1))
        self._was_flat = False

    def judge(self, x: float, at_s: float, silent: bool) -> Verdict:
        """Judge x at event time at_s (seconds; NaN: unknown), then learn it. `silent`: no ring.

        A missing number (NaN) is passed over.
        """
        if math.isnan(x):
            return Verdict(0.0, False, "")
        stands = self._stands(x)
        self._follow(x)
        surprises = self._surprises(x, at_s)
        near, rings = self._ring.judge(self._n, sorted(surprises)[1], silent)
        why = VIEWS[surprises.index(max(surprises))]
        if stands and not silent and not rings and not self._ring.holds(self._n):
            near, rings, why = max(near, 2.0), True, "flat"
            self._ring.rang(self._n, near)
        self._n += 1
        return Verdict(near, rings, why)

    def _stands(self, x: float) -> bool:
        """Whether a line without noise has just become longer than it ever may."""
        self._repeats += x == self._before
        self._flat, speaks = flat.advance(
            self._flat, np.array([self._before]), np.array([x]), FLAT_LEAST
        )
        odd = self._n > YOUNG and self._repeats < FLAT_REPEATS * self._n
        begins = bool(speaks[0]) and not self._was_flat
        self._was_flat = bool(speaks[0])
        return begins and odd

    def _follow(self, x: float) -> None:
        step = 0.0 if self._n == 0 else x - self._before
        if self._n == 0:
            self._means[:] = x
        self._means += self._shares * (x - self._means)
        self._steps += self._step_shares * (step * step - self._steps)
        off = x - self._mean
        self._mean += off / (self._n + 1)
        self._var += (off * (x - self._mean) - self._var) / (self._n + 1)
        self._before = x

    def _surprises(self, x: float, at_s: float) -> list[float]:
        m4, m8, m16, m48, m64 = self._means
        r12, r48 = np.sqrt(self._steps)
        angle = 0.0 if math.isnan(at_s) else 2 * math.pi * (at_s % DAY_S) / DAY_S
        rows = (
            np.array([x, m4, m16, m64]),
            np.array([m4, m48, r12, r48]),
            np.array([x, m8, m48, math.cos(angle), math.sin(angle)]),
        )
        hour = math.sqrt(self._var)  # half a day weighs as much as two sigma
        weights = (np.ones(4), np.ones(4), np.array([1, 1, 1, hour, hour]))
        told = []
        for row, weight, memory, tail in zip(
            rows, weights, self._memories, self._tails, strict=True
        ):
            far = memory.nearest(row, weight)
            told.append(0.0 if math.isnan(far) else tail.surprise(far))
            memory.keep(row)
        return told
