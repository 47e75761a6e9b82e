"""How surprising a number is among all before it: −ln of the share of the past that reached it.

Below the q-quantile u the share is counted. Above, where few have been, the tail is taken as a
power law, as B. M. Hill, Ann. Statist. 3, 1975, doi:10.1214/aos/1176343247, estimates it:

    −ln p = −ln(1 − q) + (ln x − ln u) / m        m: mean of ln x − ln u over what lies above u

It has no unit and no scale, so one limit serves every series: 4.6 is once in a hundred, 9.2 once
in ten thousand. Sums over thresholds as in A. Siffer et al., KDD 2017, doi:10.1145/3097983.3098144.
"""

from __future__ import annotations

import bisect
import math
from typing import Final

QUANTILE: Final = 0.98
LEAST: Final = 30  # numbers before anything is said
MOST: Final = 16_384  # numbers kept; then every second goes
SMALLEST: Final = 1e-12
STEEPEST: Final = 0.02  # least mean excess, ln: a past of equal numbers makes no certainty
EVERY: Final = 10  # numbers after which u and m are taken anew
EAGER: Final = 200  # until so many are known they are taken anew every time


class Tail:
    """All numbers of one series so far, as logarithms in order."""

    def __init__(self) -> None:
        """Begin with an empty past."""
        self._past: list[float] = []
        self._count = 0
        self._u, self._m = 0.0, 1.0

    def surprise(self, x: float) -> float:
        """Return −ln p of x ≥ 0 among what came before, then learn it; 0 while that is little."""
        value = math.log(max(x, SMALLEST))
        known = len(self._past)
        told = 0.0
        if known >= LEAST:
            if known < EAGER or self._count % EVERY == 0:
                self._fit()
            reached = known - bisect.bisect_left(self._past, value)
            told = -math.log(max(reached / known, 1 - QUANTILE))
            told += max(value - self._u, 0.0) / self._m
        bisect.insort(self._past, value)
        self._count += 1
        if len(self._past) >= MOST:
            self._past = self._past[::2]
        return told

    def _fit(self) -> None:
        first = int(QUANTILE * len(self._past))
        self._u = self._past[first]
        above = self._past[first:]
        self._m = max(math.fsum(above) / len(above) - self._u, STEEPEST)
