"""The general method: any recording, row by row, to a score in 0..1 with one threshold for all.

What a recording can tell depends on how many channels it has:

* several channels are a machine: it is in its normal state, or it has left it until it is back
  (`shift`). The alarm lasts as long as the state does.
* a single channel is a stream of events: what is unlike all the past rings once (`series`).

Nothing else is decided, and there are no parameters per recording. The score of a row depends on
no later row.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitor.detector.method import shift
from monitor.detector.method.series import Series

THRESHOLD: Final = 0.5
PROBATION: Final = 150  # rows that are learned from in silence if nobody says how many
QUIET: Final = 0.98  # of the threshold: most that a row without alarm gets


class Said(NamedTuple):
    """score 0..1 · anomaly: score ≥ THRESHOLD · channel: index of the one that says most, −1 none
    · why: what it is."""

    score: float
    anomaly: bool
    channel: int
    why: str


class General:
    """The judge of one recording."""

    def __init__(self, channels: int, learn: int = PROBATION) -> None:
        """`channels`: numeric columns, from 1 · `learn`: first rows that are taken for normal."""
        if channels < 1:
            raise ValueError(f"channels: {channels}, at least 1; a recording needs a number column")
        if learn < 0:
            raise ValueError(f"learn: {learn}, at least 0; give a number of rows")
        self._learn, self._row = learn, 0
        self._series = Series() if channels == 1 else None
        self._spans = np.array(shift.SPANS)
        self._machine = shift.blank(channels, len(self._spans))
        self._limit = shift.limit(channels)

    def judge(self, values: NDArray[np.floating[Any]], at_s: float) -> Said:
        """Judge one row: values float[C], NaN where missing; at_s: event time, s, NaN: unknown."""
        silent = self._row < self._learn
        self._row += 1
        if self._series is not None:
            return self._event(self._series, float(values[0]), at_s, silent)
        return self._state(values, silent)

    def _event(self, series: Series, x: float, at_s: float, silent: bool) -> Said:
        told = series.judge(x, at_s, silent)
        if told.rings:
            return Said(_loud(told.near), True, 0, told.why)
        return Said(_quiet(told.near), False, 0 if told.why else -1, told.why)

    def _state(self, values: NDArray[np.floating[Any]], silent: bool) -> Said:
        k = len(self._spans)  # one machine, watched over several spans
        x = np.repeat(np.asarray(values, np.float64)[:, None], k, axis=1)
        self._machine, z = shift.advance(self._machine, x, np.full(k, silent), self._spans)
        most = z.max(1)
        channel = int(np.argmax(most))
        near = float(most[channel]) / self._limit
        if self._machine.held.any():
            return Said(_loud(near), True, channel, "shift")
        return Said(_quiet(near), False, channel if near > 0 else -1, "shift" if near > 0 else "")


def _loud(near: float) -> float:
    """0.5 just reached … 1 as far beyond as can be."""
    return THRESHOLD + (1 - THRESHOLD) * (1 - 1 / max(near, 1.0))


def _quiet(near: float) -> float:
    return THRESHOLD * QUIET * min(near, 1.0)
