"""FleetState: what every lift said last, when, and since when it says so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from devices.vocabulary import Vocabulary
from monitor.detector.table import NEVER, Block, Table

Rows = NDArray[np.int32]
Times = NDArray[np.int64]
Values = NDArray[np.float32]


@dataclass(slots=True)
class Update:
    """One round: new and old last-known values as blocks [C, k]; have bool[C, k] = present
    in this sample; position_at int64[k] = time of the last position before this sample.
    """

    new: Block[np.float32]
    old: Block[np.float32]
    have: Block[np.bool_]
    position_at: Times


class FleetState:
    """values float32, time_ms int64 and changed_ms int64, each [N, C]; seen_ms, at_ms int64[N].

    seen_ms: event time of the last sample · at_ms: of the last sample or message.
    """

    def __init__(self, vocab: Vocabulary, n: int) -> None:
        names = [channel.name for channel in vocab.channels]
        self.values = Table(names, np.float32, np.nan, n)
        self.time_ms = Table(names, np.int64, NEVER, n)
        self.changed_ms = Table(names, np.int64, NEVER, n)
        self.times = Table(("seen", "at"), np.int64, NEVER, n)
        self._position = vocab.index("car_position")

    @property
    def n(self) -> int:
        """Number of lifts."""
        return self.values.n

    @property
    def tables(self) -> dict[str, Table[Any]]:
        """All state, for growing and saving."""
        return {
            "values": self.values,
            "time_ms": self.time_ms,
            "changed_ms": self.changed_ms,
            "times": self.times,
        }

    @property
    def seen_ms(self) -> Times:
        """Event time of each lift's last sample; a view."""
        return self.times.data[:, 0]

    @property
    def at_ms(self) -> Times:
        """Event time of each lift's last sample or message; a view."""
        return self.times.data[:, 1]

    def update(self, rows: Rows, at_ms: Times, values: Values) -> Update:
        """Take one sample of each of k different lifts: rows int32[k], values float32[k, C].

        An absent value (NaN) leaves the last known one. Cost follows k, not the fleet.
        """
        have = ~np.isnan(values)
        old = self.values.data.take(rows, axis=0)
        new = np.where(have, values, old)
        self.values.data[rows] = new
        position_at = self.time_ms.data[rows, self._position]
        _stamp(self.time_ms.data, rows, at_ms, have)
        _stamp(self.changed_ms.data, rows, at_ms, have & (new != old))  # old NaN differs
        index = self.values.index
        return Update(
            Block(np.ascontiguousarray(new.T), index),
            Block(np.ascontiguousarray(old.T), index),
            Block(np.ascontiguousarray(have.T), index),
            position_at,
        )


def _stamp(times: Times, rows: Rows, at_ms: Times, where: NDArray[np.bool_]) -> None:
    """times[rows][where] = at_ms, by whole rows: finding single places costs four times more."""
    if where.all():
        times[rows] = at_ms[:, None]
        return
    found = times.take(rows, axis=0)
    np.copyto(found, at_ms[:, None], where=where)
    times[rows] = found
