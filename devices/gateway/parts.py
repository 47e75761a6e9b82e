"""Parts: the pieces in which samples lie in the store, each sample at a place of its own.

A place is a whole number that grows with every sample and stays with it, so that a message can
say which samples it carries by two numbers, whatever is compressed or deleted around them.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from devices.gateway.rows import Rows
from devices.gateway.segment import unseal

Span = tuple[int, int]
TAIL = -1  # level of a part as it was published; from 0 on sealed, thinned so often


@dataclass(slots=True)
class Part:
    """Samples at places within [lo, hi). `runs` tells which, where not all of them.

    left: how many of them are not yet durable with the service.
    """

    lo: int
    hi: int
    runs: tuple[Span, ...]
    born_ms: int
    from_ms: int
    to_ms: int
    level: int
    size: int
    left: int

    @property
    def sealed(self) -> bool:
        """True for a compressed segment."""
        return self.level != TAIL

    @property
    def spans(self) -> tuple[Span, ...]:
        """The places it has, as ranges."""
        return self.runs or ((self.lo, self.hi),)

    def read(self, body: bytes) -> Rows:
        """Return its samples."""
        return unseal(body) if self.sealed else Rows.unpack(body)

    def within(self, rows: Rows, low: int, high: int) -> Rows:
        """Return those of its samples whose place is in [low, high)."""
        low, high = max(low, self.lo), min(high, self.hi)
        if not self.runs:
            return rows.pick(slice(low - self.lo, high - self.lo))
        places = np.concatenate([np.arange(a, b) for a, b in self.runs])
        return rows.pick((places >= low) & (places < high))


@dataclass(frozen=True, slots=True)
class Number:
    """A numbered message: the samples at [lo, hi), or one event. Its content never changes."""

    boot: int
    seq: int
    lo: int = 0
    hi: int = 0
    event: int | None = None

    @property
    def key(self) -> Span:
        """(boot, seq)."""
        return self.boot, self.seq


class Parts:
    """All parts by place."""

    def __init__(self) -> None:
        self._los: list[int] = []
        self._by_lo: dict[int, Part] = {}
        self.left = 0  # samples not yet durable

    def __len__(self) -> int:
        return len(self._los)

    def __iter__(self) -> Iterator[Part]:
        return (self._by_lo[lo] for lo in self._los)

    @property
    def end(self) -> int:
        """One past the last place in use; 0 for none."""
        return self._by_lo[self._los[-1]].hi if self._los else 0

    def put(self, part: Part) -> None:
        """Add or replace a part."""
        self.drop(part.lo)
        if not self._los or part.lo > self._los[-1]:
            self._los.append(part.lo)
        else:
            insort(self._los, part.lo)
        self._by_lo[part.lo] = part
        self.left += part.left

    def drop(self, lo: int) -> None:
        """Forget a part, if there is one."""
        part = self._by_lo.pop(lo, None)
        if part is not None:
            del self._los[bisect_left(self._los, lo)]
            self.left -= part.left

    def at(self, los: Iterable[int]) -> list[Part]:
        """Return the parts that begin at these places."""
        return [self._by_lo[lo] for lo in los]

    def settle(self, lo: int, gain: int) -> None:
        """Count `gain` samples of the part at `lo` as durable."""
        self._by_lo[lo].left -= gain
        self.left -= gain

    def over(self, low: int, high: int) -> list[Part]:
        """Return the parts that touch [low, high)."""
        found, at = [], max(0, bisect_right(self._los, low) - 1)
        while at < len(self._los) and self._los[at] < high:
            part = self._by_lo[self._los[at]]
            if part.hi > low:
                found.append(part)
            at += 1
        return found

    def around(self, part: Part, gone: Collection[int]) -> Span:
        """Return the end of the part before and the begin of the part behind, but for `gone`."""
        at = behind = bisect_left(self._los, part.lo)
        while at and self._los[at - 1] in gone:
            at -= 1
        behind += 1
        while behind < len(self._los) and self._los[behind] in gone:
            behind += 1
        before = self._by_lo[self._los[at - 1]].hi if at else 0
        return before, self._los[behind] if behind < len(self._los) else 2**62
