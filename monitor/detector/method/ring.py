"""When a surprise is worth a ring: once per event, and the rarer the more it has rung already.

Of n numbers seen, about n · e^−s will surprise by s or more though nothing is wrong. So what is
asked for grows with the age of the series, and with the rings it has lately had (a series that
often rings is like that; ISA-18.2 calls it a bad actor):

    asked = LIMIT + AGE · ln(max(n, 100) / 1000) + OFTEN · ln(1 + recent rings)

After a ring it is silent while the event lasts: for HOLD numbers, or HOLD_SHARE of all so far,
unless something LOUDER times as far beyond what is asked comes: a small event hides no great one.
What would have rung while it had to be silent is remembered as a ring: it was no event.
"""

from __future__ import annotations

import math
from typing import Final

LIMIT: Final = 2.5  # −ln p, of most of several views
AGE: Final = 0.8
OFTEN: Final = 0.6
FORGETS: Final = 4000  # numbers after which e-fold fewer rings are remembered
HOLD: Final = 50
HOLD_SHARE: Final = 0.03
LOUDER: Final = 2.0


class Ring:
    """The memory of one series' rings."""

    def __init__(self) -> None:
        """Begin with no ring."""
        self._rings, self._last, self._until = 0.0, 0, 0
        self._loud, self._silent = 1.0, False

    def judge(self, n: int, surprise: float, silent: bool) -> tuple[float, bool]:
        """Return how near the n-th surprise is to what is asked (1: reached), and whether it rings.

        `silent`: nothing may ring yet.
        """
        if self._silent and not silent:
            self._until = n  # what was learned from ends here
        self._silent = silent
        rings = self._rings * math.exp((self._last - n) / FORGETS)
        more = AGE * math.log(max(n, 100) / 1000) + OFTEN * math.log1p(rings)
        near = max(surprise - more, 0.0) / LIMIT
        if near < 1 or (self.holds(n) and near < LOUDER * self._loud):
            return near, False
        self.rang(n, near)
        return near, not silent

    def rang(self, n: int, near: float) -> None:
        """Remember a ring at n, whatever made it ring, and how far beyond what is asked it was."""
        self._rings = self._rings * math.exp((self._last - n) / FORGETS) + 1
        self._last, self._loud = n, near
        self._until = n + int(max(HOLD, HOLD_SHARE * n))

    def holds(self, n: int) -> bool:
        """Whether the event of the last ring still lasts."""
        return n < self._until
