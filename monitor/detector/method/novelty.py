"""How unlike anything before a moment is: the distance to its nearest neighbour in the past.

A moment is a row of features (the value now and its short means, say). Its distance to the most
similar row of the past is small for whatever has happened before, be it a rare peak or a quiet
night, and large for what has not. Nearest neighbours as anomaly score: S. Ramaswamy, R. Rastogi,
K. Shim, SIGMOD 2000, doi:10.1145/342009.335437; for streams E. Burnaev, V. Ishimtsev, 2016,
arXiv:1608.04585.

The memory is bounded: when it is full every second row goes, and from then on every second moment
is kept, so it always spans the whole past evenly.
"""

from __future__ import annotations

import math
from collections import deque
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]

MOST: Final = 2048  # rows
APART: Final = 30  # moments: what is nearer in time is the same event, not the past
LEAST: Final = 20  # rows before anything is said


class Memory:
    """Rows of the past of one series."""

    def __init__(self, features: int, most: int = MOST, apart: int = APART) -> None:
        """`most`: rows kept at most, even · `apart`: moments between a row and its own past."""
        self._rows = np.empty((features, most))  # a feature's values lie together
        self._n, self._stride, self._seen = 0, 1, 0
        self._recent: deque[Floats] = deque()
        self._apart = apart

    def __len__(self) -> int:
        """Return how many rows are remembered."""
        return self._n

    def nearest(self, row: Floats, weight: Floats) -> float:
        """Return the least Euclidean distance of row [F] to the past; NaN while that is short.

        weight [F]: by what each feature's difference is multiplied.
        """
        if self._n < LEAST:
            return math.nan
        total = np.zeros(self._n)
        for past, x, w in zip(self._rows, row, weight, strict=True):
            off = (past[: self._n] - x) * w
            total += off * off
        return math.sqrt(total.min())

    def keep(self, row: Floats) -> None:
        """Take up row [F]; it belongs to the past once `apart` more have come."""
        self._recent.append(row)
        if len(self._recent) <= self._apart:
            return
        old = self._recent.popleft()
        if self._seen % self._stride == 0:
            if self._n == self._rows.shape[1]:
                self._thin()
            if self._seen % self._stride == 0:
                self._rows[:, self._n] = old
                self._n += 1
        self._seen += 1

    def _thin(self) -> None:
        half = self._rows[:, ::2].copy()
        self._n = half.shape[1]
        self._rows[:, : self._n] = half
        self._stride *= 2
