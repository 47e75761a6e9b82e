"""Signals: what the rules read, columns of the lifts that a round of samples touched."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitor.detector.derived import COMPUTE
from monitor.detector.schema import REGISTRY
from monitor.detector.table import Block, Table

Values = NDArray[np.float32]
Times = NDArray[np.int64]
Rows = NDArray[np.int32]


class SignalColumns(Mapping[str, Values]):
    """Every column by its name, float32[k]; derived ones are computed at first use.

    A truth is 1, 0 or NaN (unknown); an enumeration its code. Frozen: it keeps the values of
    its round whatever the lifts say afterwards.
    """

    channels: Block[np.float32]
    times: Block[np.int64]
    marks: Block[np.float32]
    at_ms: Times

    __slots__ = ("_extra", "_registry", "_rows", "_tables", "at_ms", "channels", "marks", "times")

    def __init__(
        self,
        channels: Block[np.float32],
        times: Block[np.int64],
        marks: Block[np.float32],
        at_ms: Times,
        registry: Mapping[str, Values],
        rows: Rows | None,
        extra: dict[str, Values],
        tables: Mapping[str, Table[Any]],
    ) -> None:
        """`extra`: codes and silence, ready made. rows None: the whole fleet.

        `tables`: parts' own, of which columns are gathered when asked for.
        """
        self.channels, self.times, self.marks, self.at_ms = channels, times, marks, at_ms
        self._registry, self._rows, self._extra, self._tables = registry, rows, extra, tables

    def __getitem__(self, name: str) -> Values:
        found = self._extra.get(name)
        if found is not None:
            return found
        if name in self.channels.index:
            return self.channels[name]
        if name in COMPUTE:
            value = COMPUTE[name](self)
        elif name in REGISTRY:
            column = self._registry[name]
            value = column if self._rows is None else column[self._rows]
        else:
            raise KeyError(name)
        self._extra[name] = value
        return value

    def own(self, table: str, name: str) -> Values:
        """Return a column of a part's own table, as it is now."""
        found = self._tables[table]
        column: Values = found.data[:, found.index[name]]
        return column if self._rows is None else column[self._rows]

    def keep(self, names: Iterable[str]) -> None:
        """Take these columns now: what they are gathered from is about to change."""
        for name in names:
            self[name]

    def replace(self, columns: Mapping[str, Values]) -> None:
        """Put ready-made columns in place of those given at first."""
        self._extra.update(columns)

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys([*self.channels.index, *REGISTRY, *COMPUTE, *self._extra]))

    def __len__(self) -> int:
        return sum(1 for _ in self)


@dataclass(frozen=True, slots=True)
class Signals:
    """One round: rows int32[k] unique lifts · at_ms int64[k] event time · columns float32[k]
    each · sampled bool[k]: False where the row is a message or a repeated sample.
    """

    rows: Rows
    at_ms: Times
    columns: SignalColumns
    sampled: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.rows)
