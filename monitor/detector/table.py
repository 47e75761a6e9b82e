"""Growable columns of one type, row-major: what is known of one lift lies together.

A sample touches one lift: with lifts as rows that is a few cache lines, with channels as rows
it would be one for every channel. Measured at 100,000 lifts × 35 channels, 2,000 rows:
gather and scatter 1.0 ms against 2.6 ms; the price is 0.28 ms for reading one column of the
whole fleet, once a second.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

S = TypeVar("S", bound=np.generic)
NEVER = -(1 << 60)  # a time before all times; differences with it do not overflow


def room(n: int) -> int:
    """Rows to reserve for n lifts: twice as many, so that growing does not copy for long.

    What is reserved costs addresses, not memory: a page is given by the system when it is
    first written to.
    """
    return max(2 * n, 1)


Place = NDArray[np.integer[Any]] | slice


def place_of(index: NDArray[Any]) -> Place:
    """Return the same places as a slice where each follows the one before: a view, no copy."""
    k = len(index)
    if k and int(index[-1]) - int(index[0]) == k - 1 and bool((index[1:] > index[:-1]).all()):
        return slice(int(index[0]), int(index[0]) + k)
    return index


def turned(rows: NDArray[S]) -> NDArray[S]:
    """Return a copy of rows [k, K] whose columns are contiguous."""
    return np.array(rows.T, order="C").T


class Block(Generic[S]):
    """K named columns of k lifts. `block[name]` is to be read only; what is set, or moved in
    place through `edit`, is written back.

    What a step gathers is turned into columns all at once: measured at 4096 lifts × 35 float32,
    0.14 ms, against 4 µs a column from rows that are in the cache and three times that from rows
    that are not; a step reads most of them. Turning back is slower (0.6 ms), so only what was
    moved is.
    """

    __slots__ = ("columns", "edited", "index", "lying", "rows", "turned")

    def __init__(
        self,
        rows: NDArray[S],
        index: dict[str, int],
        columns: dict[str, NDArray[S]] | None = None,
        lying: NDArray[S] | None = None,
        turned: bool = False,
    ) -> None:
        """rows [k, K] · `columns`: such as are at hand already; they stand for those of the rows.
        `lying`: the same rows as they lie in the table · `turned`: `rows` are a copy of the
        block's own whose columns are contiguous.
        """
        self.rows, self.index, self.lying, self.turned = rows, index, lying, turned
        self.columns = {} if columns is None else columns
        self.edited: set[str] = set()

    def __getitem__(self, name: str) -> NDArray[S]:
        found = self.columns.get(name)
        if found is None:
            found = self.rows[:, self.index[name]]
            self.columns[name] = found = found if self.turned else found.copy()
        return found

    def at(self, name: str, some: NDArray[np.intp]) -> NDArray[S]:
        """Return a column at these of the k lifts, without making it contiguous for few."""
        found = self.columns.get(name)
        return (self.rows[:, self.index[name]] if found is None else found)[some]

    def edit(self, name: str) -> NDArray[S]:
        """Return a column to move in place."""
        self.edited.add(name)
        return self[name]

    def assign(self, name: str, where: NDArray[np.bool_], value: NDArray[Any] | float) -> None:
        """Set the value, [k] or one for all, where it is so, bool[k]; nothing where nowhere."""
        if where.any():
            np.putmask(self.edit(name), where, value)

    def __setitem__(self, name: str, value: NDArray[Any] | float) -> None:
        self[name][...] = value
        self.edited.add(name)


class Table(Generic[S]):
    """Named columns of all lifts: data[:n] is [n, K]."""

    def __init__(
        self, names: Sequence[str], dtype: type[S], fill: float | Sequence[float], n: int
    ) -> None:
        """`fill`: the value of a new row, for all columns or one for each."""
        self.names = tuple(names)
        self.index = {name: i for i, name in enumerate(self.names)}
        self.dtype, self.fill, self.n = dtype, fill, n
        self._all: NDArray[S] = np.empty((room(n), len(self.names)), dtype)
        self._all[: max(n, 1)] = fill

    @property
    def data(self) -> NDArray[S]:
        """All lifts, [n, K]; a view."""
        return self._all[: self.n]

    def part(self, place: Place) -> NDArray[S]:
        """Return these rows as they lie, [k, K]: of a slice a view, else a copy."""
        return self._all[place] if isinstance(place, slice) else self._all.take(place, 0)

    def take(self, place: Place) -> Block[S]:
        """Gather: a copy of these rows."""
        part = self.part(place)
        lying = None if isinstance(place, slice) else part
        return Block(turned(part), self.index, lying=lying, turned=True)

    def put(self, place: Place, block: Block[S]) -> None:
        """Scatter back."""
        target = self._all[place] if isinstance(place, slice) else block.lying
        if target is None:
            raise ValueError("a block of a slice is put back into a slice")
        for name in block.edited:
            target[:, self.index[name]] = block.columns[name]
        if not isinstance(place, slice):
            self.write(place, target)

    def write(self, rows: NDArray[np.integer[Any]], values: NDArray[S]) -> None:
        """Write whole rows [k, K], each as one piece: a third of the time of `data[rows] = …`."""
        if not len(rows):
            return
        piece = np.dtype((np.void, self._all.dtype.itemsize * len(self.names)))
        values = np.ascontiguousarray(values)
        self._all.view(piece)[:, 0].put(rows, values.view(piece)[:, 0])

    def view(self) -> Block[S]:
        """All lifts without a copy."""
        return Block(self.data, self.index)

    def grow(self, n: int) -> None:
        """Make room for more lifts; existing rows keep what they are."""
        if n > len(self._all):
            wide: NDArray[S] = np.empty((room(n), len(self.names)), self.dtype)
            wide[: self.n] = self.data
            self._all = wide
        self._all[self.n : n] = self.fill
        self.n = max(n, self.n)

    def forget(self, rows: NDArray[np.integer[Any]]) -> None:
        """Make these rows as new."""
        self._all[rows] = self.fill

    def load(self, data: NDArray[Any]) -> None:
        """Take up the first rows from a saved state."""
        self._all[: len(data)] = data
