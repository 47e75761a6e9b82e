"""Sets of whole numbers as ranges: which samples of the store still have no number."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator


class Ranges:
    """Sorted, disjoint ranges [low, high), few of them, mostly worked on at their ends."""

    __slots__ = ("_highs", "_lows", "size")

    def __init__(self, spans: Iterable[tuple[int, int]] = ()) -> None:
        self._lows: list[int] = []
        self._highs: list[int] = []
        self.size = 0
        for low, high in spans:
            self.add(low, high)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return iter(list(zip(self._lows, self._highs, strict=True)))

    def __bool__(self) -> bool:
        return bool(self._lows)

    @property
    def end(self) -> int:
        """One past the largest member; 0 for none."""
        return self._highs[-1] if self._highs else 0

    def add(self, low: int, high: int) -> None:
        """Take in [low, high)."""
        if low >= high:
            return
        self.remove(low, high)
        at = bisect_right(self._lows, low)
        self._lows.insert(at, low)
        self._highs.insert(at, high)
        self.size += high - low
        if at + 1 < len(self._lows) and self._lows[at + 1] == high:
            del self._lows[at + 1], self._highs[at]
        if at and self._highs[at - 1] == low:
            del self._lows[at], self._highs[at - 1]

    def remove(self, low: int, high: int) -> None:
        """Leave out [low, high)."""
        at = max(0, bisect_right(self._lows, low) - 1)
        while at < len(self._lows) and self._lows[at] < high:
            a, b = self._lows[at], self._highs[at]
            cut_low, cut_high = max(a, low), min(b, high)
            if cut_low >= cut_high:
                at += 1
                continue
            self.size -= cut_high - cut_low
            rest = [(x, y) for x, y in ((a, cut_low), (cut_high, b)) if x < y]
            self._lows[at : at + 1] = [x for x, _ in rest]
            self._highs[at : at + 1] = [y for _, y in rest]
            at += len(rest)

    def first(self, low: int = 0, high: int | None = None) -> tuple[int, int] | None:
        """Return the first range within [low, high), cut to it; None where there is none."""
        at = max(0, bisect_right(self._lows, low) - 1)
        while at < len(self._lows):
            a = max(self._lows[at], low)
            b = self._highs[at] if high is None else min(self._highs[at], high)
            if a < b:
                return a, b
            if high is not None and self._lows[at] >= high:
                return None
            at += 1
        return None

    def covers(self, low: int, high: int) -> bool:
        """True where all of [low, high) is in."""
        at = bisect_right(self._lows, low) - 1
        return at >= 0 and high <= self._highs[at]
