"""What is known of a lift's link: its clock, and how far behind its data are. Told from outside."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from config.text import Text
from devices.vocabulary import Kind
from monitor.detector.columns import DerivedColumn

Values = NDArray[np.float32]

COLUMNS: Mapping[str, DerivedColumn] = {
    "clock_offset_s": DerivedColumn(
        Kind.FLOAT,
        "s",
        Text("时钟偏差（正为慢）", "clock offset (slow: positive)"),
        time_driven=True,
    ),
    "link_behind_s": DerivedColumn(
        Kind.FLOAT, "s", Text("数据落后时长", "time by which its data are behind"), time_driven=True
    ),
}


class Links:
    """float32[N] of each column; NaN where nobody knows, as in a back-test."""

    def __init__(self) -> None:
        self._told: dict[str, Values] = {}

    def take(self, columns: Mapping[str, Values]) -> None:
        """Take up what is known now."""
        self._told = dict(columns)

    def offset_s(self, row: int) -> float:
        """Return the clock offset of a lift, NaN where nobody knows."""
        told = self._told.get("clock_offset_s")
        return float("nan") if told is None or row >= len(told) else float(told[row])

    def columns(self, n: int) -> dict[str, Values]:
        """Return the columns of n lifts."""
        found = {}
        for name in COLUMNS:
            column = np.full(n, np.nan, np.float32)
            told = self._told.get(name)
            if told is not None:
                column[: len(told)] = told[:n]
            found[name] = column
        return found
