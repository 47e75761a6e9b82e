"""Trips are judged once a lift has set off again, and before anything else is heard of it.

What a judgement depends on belongs to the lift alone and stands still from its departure to its
next sample; so the judgements of many steps can wait and be made together, at the price of one,
without a bit of difference. They take effect with the lift's next sample, message or tick.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitor.detector import suite
from monitor.detector.features import DUE, PENDING, gather
from monitor.detector.step import Departed
from monitor.detector.table import NEVER, Table

Rows = NDArray[np.int32]


class Settling:
    """The lifts that wait for their judgement; who and since when is in the table `due`."""

    def __init__(
        self,
        own: Mapping[str, Table[Any]],
        times: Table[np.int64],
        marks: Table[np.float32],
    ) -> None:
        self._own, self._times, self._marks = own, times, marks
        self._rows: list[Rows] = []

    def add(self, rows: Rows) -> None:
        """These lifts set off; `due` knows when."""
        if len(rows):
            self._rows.append(rows)

    def relist(self) -> None:
        """Find those that wait anew, after a load."""
        self._rows = [np.flatnonzero(self._own[DUE].data[:, 0] != NEVER).astype(np.int32)]

    def before(self, rows: Rows, registry: Mapping[str, NDArray[np.float32]]) -> None:
        """Judge all that wait if one of these lifts does, rows int32[k]."""
        if self._rows and (self._own[DUE].data[:, 0][rows] != NEVER).any():
            self.all(registry)

    def all(self, registry: Mapping[str, NDArray[np.float32]]) -> None:
        """Judge all that wait."""
        if not self._rows:
            return
        rows = np.sort(np.concatenate(self._rows))  # neighbours in memory one after another
        self._rows = []
        due = self._own[DUE].data
        at = due[:, 0][rows]
        departed = Departed(rows, at, self._own, self._times, self._marks, registry)
        departed.keep(at != NEVER)  # a lift may have been forgotten meanwhile
        due[rows, 0] = NEVER
        departed.pending = gather(self._own[PENDING], departed.rows)
        with np.errstate(invalid="ignore"):
            for judge in suite.JUDGES:
                if len(departed.rows):
                    judge.settle(departed)
