"""How much of what can wait is done in one turn: as much as costs a set time, found by doing it.

What a row costs is not known beforehand: it depends on the machine, on what else runs there and
on how much history there is. So each turn's time sets the size of the next: shrunk at once by
what it was too long, grown a quarter at a time while there is room.
"""

from __future__ import annotations

GROW = 1.25
SHRINK = 0.25  # the most in one step: one turn in which the machine slept says little


class Portion:
    """A size within bounds that tends to `target_s` a turn; times are given, not taken."""

    def __init__(self, target_s: float, first: int, least: int, most: int) -> None:
        if not (target_s > 0 and 0 < least <= first <= most):
            raise ValueError(f"target {target_s} s, sizes {least} ≤ {first} ≤ {most}")
        self.target_s, self.least, self.most = target_s, least, most
        self._size = float(first)

    @property
    def size(self) -> int:
        """How much to do in the next turn."""
        return int(self._size)

    def took(self, done: int, seconds: float) -> None:
        """A turn did so much in so many seconds."""
        if done <= 0:
            return
        factor = self.target_s / max(seconds, 1e-9)
        if factor < 1.0:
            self._size = min(self._size, done) * max(factor, SHRINK)
        elif done >= self._size / 2:  # a smaller turn than was allowed says nothing of a larger
            self._size *= min(factor, GROW)
        self._size = min(float(self.most), max(float(self.least), self._size))
