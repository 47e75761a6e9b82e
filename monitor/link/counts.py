"""What is counted of each gateway: now, by the minute for an hour, and for the day."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from devices.codecs.refuse import REASONS
from monitor.link.delays import BUCKETS, quantile

MINUTES: Final = 60
# Counted one by one. samples: taken of now · late: taken, too old to ring · expected, missing:
# samples that the reporting periods of its lifts promise, and those that did not come · messages:
# on the wire, whatever came of them · rejected: of which nothing was taken · repeats: that came
# again · disordered: taken, though a later one had come before · fields: refused, one by one.
COUNTED: Final = (
    "samples", "late", "expected", "missing", "messages", "rejected", "repeats", "disordered",
    "fields",
)  # fmt: skip
# Of a minute in the ring: the counts, then what is no sum.
KEPT: Final = (*COUNTED, "p50_ms", "p99_ms", "gaps")
REASON: Final = {name: i for i, name in enumerate((*REASONS, "other"))}


class Counts:
    """minute, day int64[G, len(COUNTED)] · reasons int64[G, R] and delays int64[G, BUCKETS] of
    minute and day · ring float32[G, MINUTES, len(KEPT)], the newest minute last · gaps int64[G].
    """

    def __init__(self, gateways: int) -> None:
        self.gaps = np.zeros(0, np.int64)
        shape = {"count": len(COUNTED), "reasons": len(REASON), "delays": BUCKETS}
        self.minute = {name: np.zeros((0, k), np.int64) for name, k in shape.items()}
        self.day = {name: np.zeros((0, k), np.int64) for name, k in shape.items()}
        self.ring = np.zeros((0, MINUTES, len(KEPT)), np.float32)
        self.grow(gateways)

    def __len__(self) -> int:
        return len(self.gaps)

    def grow(self, gateways: int) -> None:
        """Make room for more gateways."""
        more = gateways - len(self.gaps)
        if more <= 0:
            return
        self.gaps = np.concatenate([self.gaps, np.zeros(more, np.int64)])
        for table in (self.minute, self.day):
            for name, rows in table.items():
                table[name] = np.concatenate([rows, np.zeros((more, rows.shape[1]), np.int64)])
        fresh = np.full((more, *self.ring.shape[1:]), np.nan, np.float32)
        self.ring = np.concatenate([self.ring, fresh])

    def add(
        self, name: str, gateway: NDArray[np.integer[Any]], n: NDArray[np.int64] | int = 1
    ) -> None:
        """Count for these gateways, int[k] with repetitions."""
        np.add.at(self.minute["count"][:, COUNTED.index(name)], gateway, n)

    def one(self, name: str, gateway: int, n: int = 1) -> None:
        """Count for one gateway."""
        self.minute["count"][gateway, COUNTED.index(name)] += n

    def refuse(self, gateway: int, reason: str) -> None:
        """Count one refused field."""
        self.one("fields", gateway)
        self.minute["reasons"][gateway, REASON.get(reason, REASON["other"])] += 1

    def turn(self) -> None:
        """The minute is over: into the day and the ring."""
        counts, delays = self.minute["count"], self.minute["delays"]
        self.ring[:, :-1] = self.ring[:, 1:]
        last = self.ring[:, -1]
        last[:, : len(COUNTED)] = counts
        last[:, KEPT.index("p50_ms")] = quantile(delays, 0.5)
        last[:, KEPT.index("p99_ms")] = quantile(delays, 0.99)
        last[:, KEPT.index("gaps")] = self.gaps
        for name, rows in self.minute.items():
            self.day[name] += rows
            rows[:] = 0

    def new_day(self) -> None:
        """Begin the day anew; what it was is in the history."""
        for rows in self.day.values():
            rows[:] = 0

    def take_day(self, place: int, told: Mapping[str, Any], delays: NDArray[np.int64]) -> None:
        """Go on with a gateway's day as it was written down."""
        self.day["count"][place] = [told.get(name, 0) for name in COUNTED]
        for name, n in told.get("refused", {}).items():
            self.day["reasons"][place, REASON.get(name, REASON["other"])] = n
        if len(delays) == BUCKETS:
            self.day["delays"][place] = delays

    @property
    def arrays(self) -> dict[str, NDArray[Any]]:
        """All of it by name, for saving."""
        found: dict[str, NDArray[Any]] = {"ring": self.ring, "gaps": self.gaps}
        for when, table in (("minute", self.minute), ("day", self.day)):
            found |= {f"{when}_{name}": rows for name, rows in table.items()}
        return found

    def load(self, arrays: dict[str, NDArray[Any]], place: NDArray[np.intp]) -> None:
        """Take up saved rows: the k-th is gateway place[k], −1 for one that left."""
        kept = place >= 0
        for name, mine in self.arrays.items():
            saved = arrays.get(name)
            if saved is not None and saved.shape[1:] == mine.shape[1:]:
                mine[place[kept]] = saved[kept]
