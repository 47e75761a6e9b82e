"""FleetState: what every lift said last, when, and since when it says so."""

from __future__ import annotations

from collections.abc import Sequence
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
    in this sample; position_at int64[k] = time of the last position before this sample.
    """

    new: Block[np.float32]
    old: Block[np.float32]
    have: Block[np.bool_]
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

    def update(self, place: Place, at_ms: Times, values: Values, present: Sequence[int]) -> Update:
        """Take one sample of each of k different lifts: values float32[k, C].

        `present`: columns that some row of the batch has. An absent value (NaN) leaves the last
        known one. Cost follows k and what is present, not the fleet.
        """
        after = self.values.part(place)
        known = turned(after)
        when, changed = self.reported.part(place), self.changed.part(place)
        second = (at_ms // 1000).astype(np.uint32)
        position_at = self.times.data[place, 2].copy()
        new: dict[str, Values] = {}
        old: dict[str, Values] = {}
        have: dict[str, NDArray[np.bool_]] = {}
        words = turned(values.take(np.asarray(present, np.intp), 1))
        for i, c in enumerate(present):
            name = self.values.names[c]
            said, before = words[:, i], known[:, c]
            has = said == said  # noqa: PLR0124 - NaN is absent
            if not has.all():
                said = np.where(has, said, before)
                np.copyto(when[:, c], second, where=has)
            else:
                when[:, c] = second
            differs = (has & (said != before)).nonzero()[0]  # NaN before differs
            if len(differs):
                changed[:, c][differs] = second[differs]
            after[:, c] = said
            new[name], old[name], have[name] = said, before, has
        if not isinstance(place, slice):
            self.values.write(place, after)
            self.reported.write(place, when)
            self.changed.write(place, changed)
        if self._position in present:
            has = have[self.values.names[self._position]]
            self.times.data[place, 2] = np.where(has, at_ms, position_at)
        index = self.values.index
        nothing = np.zeros((len(at_ms), 1), np.bool_)
        return Update(
            Block(known, index, new, turned=True),
            Block(known, index, old, turned=True),
            Block(np.broadcast_to(nothing, known.shape), index, have),
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
