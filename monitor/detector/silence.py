"""Who has gone silent. Counted in the time of receipt, so a wrong clock silences nobody.

Whoever says goodbye (a device of Sparkplug whose death its broker tells) is silent at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from config.text import Text
from devices.vocabulary import Kind
from monitor.detector.columns import DerivedColumn
from monitor.detector.table import NEVER, Table

Values = NDArray[np.float32]
Times = NDArray[np.int64]
PERIODS = np.float32(3)  # rule 23: no sample for 3 × period,
LEAST_S = np.float32(60)  # and not for 60 s


COLUMNS: Mapping[str, DerivedColumn] = {
    "silent_s": DerivedColumn(
        Kind.FLOAT,
        "s",
        Text("无数据时长", "time without a sample"),
        time_driven=True,
        parts=("link_behind_s",),  # silent, or only behind: a backlog comes in
    ),
    "gateway_silent": DerivedColumn(
        Kind.BOOL, "", Text("整个网关离线", "whole gateway silent"), time_driven=True
    ),
    "last_in_inspection": DerivedColumn(
        Kind.BOOL, "", Text("最后所报为检修", "its last word was inspection"), time_driven=True
    ),
}


class Silence:
    """heard_ms int64[N, 1]: when a lift was last heard, or became known to us · gone bool[N, 1]:
    it has said goodbye since."""

    def __init__(self, n: int) -> None:
        self.heard = Table(("heard",), np.int64, NEVER, n)
        self.gone = Table(("gone",), np.bool_, False, n)
        self.last_now_ms = NEVER
        # int64[N], from when a lift that never spoke is expected to; NEVER: from first sight
        self.since: Times | None = None

    @property
    def tables(self) -> dict[str, Table[Any]]:
        """All state, for growing and saving."""
        return {"heard": self.heard, "gone": self.gone}

    def wake(self, now_ms: int, asleep_ms: float) -> None:
        """Begin at first sight; do not count the time in which we were not listening."""
        gap = now_ms - self.last_now_ms
        heard = self.heard.data[:, 0]
        if self.last_now_ms != NEVER and gap > asleep_ms:
            np.add(heard, gap, out=heard, where=heard != NEVER)
        if self.last_now_ms == NEVER:
            self.first_seen(now_ms)
        self.last_now_ms = max(now_ms, self.last_now_ms)

    def first_seen(self, now_ms: int) -> None:
        """Start the clock of lifts that nobody has heard yet: they must speak too.

        One whose `since` is told is silent from then on, be it past or to come.
        """
        heard = self.heard.data[:, 0]
        new = np.flatnonzero(heard == NEVER)
        if self.since is not None:
            told = new[new < len(self.since)]
            heard[told] = self.since[told]
            new = new[heard[new] == NEVER]
        heard[new] = now_ms

    def hear(self, rows: NDArray[np.int32], now_ms: int) -> None:
        """Take note that these lifts spoke."""
        self.heard.data[rows, 0] = now_ms
        self.gone.data[rows, 0] = False

    def goodbye(self, rows: NDArray[np.int32]) -> None:
        """Take note that these lifts said they would be silent."""
        self.gone.data[rows, 0] = True

    def welcome(self, rows: NDArray[np.int32]) -> None:
        """Take a goodbye back: these lifts are there, though they have not said a value yet."""
        self.gone.data[rows, 0] = False

    def columns(self, now_ms: int, registry: Mapping[str, Values]) -> dict[str, Values]:
        """Return silent_s and gateway_silent, float32[N]; NaN on rows that are only reserved."""
        heard = self.heard.data[:, 0]
        seconds = (np.maximum(now_ms - heard, 0) / 1000).astype(np.float32)
        gateway = registry["gateway_row"]
        seconds[gateway < 0] = np.nan
        limit = np.fmax(PERIODS * registry["period_s"], LEAST_S)
        np.copyto(seconds, np.fmax(seconds, limit), where=self.gone.data[:, 0])
        return {
            "silent_s": seconds,
            "gateway_silent": gateway_silent(seconds >= limit, gateway),
        }


def gateway_silent(silent: NDArray[np.bool_], gateway: Values) -> Values:
    """Return 1 where every lift of the lift's gateway is silent; 0 without a gateway."""
    found = np.zeros(len(gateway), np.float32)
    has = gateway >= 0  # NaN has none
    if has.any():
        number = gateway[has].astype(np.int64)
        lifts = np.bincount(number)
        quiet = np.bincount(number, weights=silent[has])
        found[has] = (quiet == lifts)[number]
    return found
