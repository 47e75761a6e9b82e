"""What a derived column is, and the shapes most of them have.

A part of the suite declares its own in `COLUMNS`; `schema` puts them all together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from config.text import Text
from devices.vocabulary import EnumValue, Kind
from monitor.detector.table import NEVER

if TYPE_CHECKING:
    from monitor.detector.signals import SignalColumns

Values = NDArray[np.float32]
Compute = Callable[["SignalColumns"], Values]
NAN = np.float32(np.nan)


@dataclass(frozen=True, slots=True)
class DerivedColumn:
    """One column beside the channels.

    `sources`: channels it is made of; their last change tells "since when".
    `time_driven`: it changes by waiting alone, so rules on it are looked at over the fleet.
    `compute`: float32[k] from the columns of a round, called when somebody asks; None where the
    detector hands the column over ready made. `parts`: columns that say why, told beside it.
    """

    kind: Kind
    unit: str
    text: Text
    sources: tuple[str, ...] = ()
    time_driven: bool = False
    values: Mapping[int, EnumValue] = field(default_factory=dict)
    compute: Compute | None = None
    parts: tuple[str, ...] = ()


def truth(
    zh: str, en: str, compute: Compute | None, *sources: str, parts: tuple[str, ...] = ()
) -> DerivedColumn:
    """Return a column that is 1, 0 or NaN (unknown)."""
    return DerivedColumn(Kind.BOOL, "", Text(zh, en), sources, compute=compute, parts=parts)


def number(zh: str, en: str, unit: str, compute: Compute | None, *sources: str) -> DerivedColumn:
    """Return a column with a unit."""
    return DerivedColumn(Kind.FLOAT, unit, Text(zh, en), sources, compute=compute)


def count(zh: str, en: str, compute: Compute | None, *sources: str) -> DerivedColumn:
    """Return a column of whole numbers."""
    return DerivedColumn(Kind.INT, "", Text(zh, en), sources, compute=compute)


def mark(name: str) -> Compute:
    """Return a mark of a part as it is."""
    return lambda c: c.marks[name]


def seconds_since(name: str) -> Compute:
    """Return the seconds since a time of a part; NaN where it never was."""

    def seconds(c: SignalColumns) -> Values:
        since = c.times[name]
        value = ((c.at_ms - since) / 1000).astype(np.float32)
        return np.where(since == NEVER, NAN, value)

    return seconds


def recent(slots: tuple[str, ...], within_ms: int) -> Compute:
    """Return how many of these times lie within the last `within_ms`."""

    def counted(c: SignalColumns) -> Values:
        total = np.zeros(len(c.at_ms), np.float32)
        for slot in slots:
            total += c.at_ms - c.times[slot] <= within_ms
        return total

    return counted
