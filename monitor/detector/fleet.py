"""FleetState: what every lift said last, when, and since when it says so."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from devices.vocabulary import Vocabulary
from monitor.detector.table import NEVER, Block, Place, Table, turned

Rows = NDArray[np.int32]
Times = NDArray[np.int64]
Values = NDArray[np.float32]

WIDE = 32  # samples side by side, see `present_in`


@dataclass(slots=True)
class Update:
    """One round: new and old last-known values by channel, float32[k] each; have bool[k] = present
    in this sample; here: channels that some sample of the batch has; position_at int64[k] = time
    of the last position before this sample.
    """

    new: Block[np.float32]
    old: Block[np.float32]
    have: Block[np.bool_]
    here: Collection[str]
    position_at: Times


class FleetState:
    """values float32 [N, C] · reported, changed uint32 [N, C]: when each was last said, and last
    said to be another, in whole seconds since 1970 (0: never): for people to read, half the size.

    seen_ms: event time of the last sample · at_ms: of the last sample or message, int64 [N].
    """

    def __init__(self, vocab: Vocabulary, n: int) -> None:
        names = [channel.name for channel in vocab.channels]
        self.values = Table(names, np.float32, np.nan, n)
        self.reported = Table(names, np.uint32, 0, n)
        self.changed = Table(names, np.uint32, 0, n)
        self.times = Table(("seen", "at", "position"), np.int64, NEVER, n)

    @property
    def n(self) -> int:
        """Number of lifts."""
        return self.values.n

    @property
    def tables(self) -> dict[str, Table[Any]]:
        """All state, for growing and saving."""
        return {
            "values": self.values,
            "reported": self.reported,
            "changed": self.changed,
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

    def update(self, place: Place, at_ms: Times, values: Values, here: Collection[str]) -> Update:
        """Take one sample of each of k different lifts: values float32[k, C].

        `here`: channels that some row of the batch has. An absent value (NaN) leaves the last
        known one. Whole rows are moved at once: the price of a small step is that of its calls.
        """
        after, when = self.values.part(place), self.reported.part(place)
        changed = self.changed.part(place)
        old = turned(after)
        has = values == values  # noqa: PLR0124 - NaN is absent
        differs = values != after  # NaN before differs
        differs &= has
        second = (at_ms // 1000).astype(np.uint32)[:, None]
        np.copyto(after, values, where=has)
        np.copyto(when, second, where=has)
        np.copyto(changed, second, where=differs)
        if not isinstance(place, slice):
            self.values.write(place, after)
            self.reported.write(place, when)
            self.changed.write(place, changed)
        index = self.values.index
        have = Block(turned(has), index, turned=True)
        position_at = self.times.data[place, 2].copy()
        if "car_position" in here:
            self.times.data[place, 2] = np.where(have["car_position"], at_ms, position_at)
        return Update(
            Block(turned(after), index, turned=True),
            Block(old, index, turned=True),
            have,
            here,
            position_at,
        )


def present_in(values: Values) -> list[int]:
    """Return the columns that some row of the batch has."""
    if not len(values):
        return []
    told = values == values  # noqa: PLR0124 - NaN is absent
    # many samples side by side first: one long row is joined faster than many short ones
    whole = len(told) // WIDE * WIDE
    found = told[whole:].any(axis=0)
    if whole:
        wide = told[:whole].reshape(-1, WIDE * told.shape[1]).any(axis=0)
        found |= wide.reshape(WIDE, -1).any(axis=0)
    return np.flatnonzero(found).tolist()
