"""One step of the suite: k lifts, one sample each, with the memory that parts move."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from monitor.detector.columns import DerivedColumn
from monitor.detector.fleet import Rows, Times, Update, Values
from monitor.detector.reading import Now
from monitor.detector.table import Block, Place, Table


class Registry:
    """Registry columns of the lifts of a step, gathered when asked for."""

    def __init__(self, columns: Mapping[str, Values], place: Place) -> None:
        self._columns, self._place = columns, place
        self._found: dict[str, Values] = {}

    def __getitem__(self, name: str) -> Values:
        found = self._found.get(name)
        if found is None:
            found = self._found[name] = self._columns[name][self._place]
        return found


@dataclass(slots=True)
class Step:
    """rows int32[k], no lift twice · at int64[k] event time, ms · unseen_ms int64[k] since the
    sample before · u, now: what the sample changes and says · t int64[T, k] times and m
    float32[M, k] marks of the parts, moved in place and scattered back after the step · tables:
    state of the whole fleet that a part touches for few of these rows (`Memory.tables`) ·
    departs int[d]: which of these lifts set off on a trip with this sample.
    """

    rows: Rows
    at: Times
    unseen_ms: Times
    u: Update
    now: Now
    t: Block[np.int64]
    m: Block[np.float32]
    registry: Registry
    tables: Mapping[str, Table[Any]]
    departs: NDArray[np.intp] = field(default_factory=lambda: np.empty(0, np.intp))


@dataclass(slots=True)
class Departed:
    """Lifts that set off since they were last judged, and what the judges find.

    rows int32[j], no lift twice · at int64[j] when they set off, ms · tables, times, marks,
    registry: of the whole fleet · z float32[F, j]: deviations of their features from their own
    normal, sigma, NaN where unknown · fresh bool[F, j]: what begins anew after a mechanic's
    visit; None: nothing · pending float32[P, j]: what their last trips and stops told.
    """

    rows: Rows
    at: Times
    tables: Mapping[str, Table[Any]]
    times: Table[np.int64]
    marks: Table[np.float32]
    registry: Mapping[str, Values]
    z: Values = field(default_factory=lambda: np.empty((0, 0), np.float32))
    fresh: NDArray[np.bool_] | None = None
    pending: Values = field(default_factory=lambda: np.empty((0, 0), np.float32))

    def keep(self, which: NDArray[np.bool_]) -> None:
        """Go on with some of them."""
        if not which.all():
            self.rows, self.at = self.rows[which], self.at[which]
            self.pending = self.pending[:, which]

    def noted(self, names: Sequence[str]) -> Values:
        """Return marks that lie side by side, float32[len(names), j]."""
        first = self.marks.index[names[0]]
        return self.marks.part(self.rows)[:, first : first + len(names)].T

    def note(self, names: Sequence[str], values: Values) -> None:
        """Write marks that lie side by side, float32[len(names), j]."""
        first = self.marks.index[names[0]]
        rows = self.marks.part(self.rows)
        for i, column in enumerate(values, first):
            rows[:, i] = column
        self.marks.write(self.rows, rows)


@dataclass(frozen=True, slots=True)
class State:
    """A table of a part's own: float32 or int64 columns with the fill of a new lift."""

    names: tuple[str, ...]
    dtype: type[np.generic] = np.float32
    fill: float | tuple[float, ...] = 0.0

    def table(self, n: int) -> Table[Any]:
        """Return it for n lifts."""
        return Table(self.names, self.dtype, self.fill, n)


@dataclass(frozen=True, slots=True)
class Memory:
    """What a part keeps of every lift and moves at every sample: times (int64, ms, NEVER at
    first), marks (float32, 0 at first), of these `unknown` (NaN at first); and own tables.
    """

    times: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    tables: Mapping[str, State] = field(default_factory=dict)


class Part(Protocol):
    """One detector of the suite: a module with its memory, its columns and one function."""

    MEMORY: Memory
    COLUMNS: Mapping[str, DerivedColumn]

    def advance(self, s: Step) -> None:
        """Move the memory of k lifts by one sample each."""


class Judge(Protocol):
    """A detector that looks at a lift once a trip: a module with memory, columns, one function."""

    MEMORY: Memory
    COLUMNS: Mapping[str, DerivedColumn]

    def settle(self, d: Departed) -> None:
        """Judge the lifts that set off, and learn from them."""


Mask = NDArray[np.bool_]
