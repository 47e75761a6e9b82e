"""What the engine remembers of every (lift, rule), and the pairs for which time is running.

Row-major [N, R]: the R rules of one lift lie together, so a lift's sample touches one or two
cache lines a table and not R of them. 18 bytes a pair.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

IDLE, PENDING, ACTIVE, CLEARING = 0, 1, 2, 3  # odd: time is running
Pairs = NDArray[np.int64]


class Holds:
    """state uint8 · count uint8 (consecutive true samples) · since, clear_since int64, [N, R].

    since: onset of the condition, kept until cleared · clear_since: onset of its end.
    """

    FIELDS = ("state", "count", "since", "clear_since")

    def __init__(self, n_lifts: int, n_rules: int) -> None:
        self.n, self.rules = n_lifts, n_rules
        self._room = max(2 * n_lifts, 1)  # zeros cost nothing until they are written to
        self._allocate(self._room)
        self._waiting: list[Pairs] = []

    def _allocate(self, room: int) -> None:
        shape = (room, self.rules)
        self.state = np.zeros(shape, np.uint8)
        self.count = np.zeros(shape, np.uint8)
        self.since = np.zeros(shape, np.int64)
        self.clear_since = np.zeros(shape, np.int64)
        # flat views share memory; pair number = lift · R + rule
        self.flat_state = self.state.reshape(-1)
        self.flat_count = self.count.reshape(-1)
        self.flat_since = self.since.reshape(-1)
        self.flat_clear = self.clear_since.reshape(-1)

    def grow(self, n_lifts: int) -> None:
        """Make room for more lifts; doubles, so growing one by one costs little."""
        if n_lifts > self._room:
            room = max(n_lifts, 2 * self._room)
            old = {name: getattr(self, name) for name in self.FIELDS}
            self._allocate(room)
            for name, table in old.items():
                getattr(self, name)[: self.n] = table[: self.n]
            self._room = room
        self.n = max(self.n, n_lifts)

    def wait(self, pairs: Pairs) -> None:
        """Remember pairs whose hold or clear time has begun."""
        if len(pairs):
            self._waiting.append(pairs)

    def waiting(self) -> Pairs:
        """Return the pairs for which time is running, each once; forgets the others."""
        if not self._waiting:
            return np.empty(0, np.int64)
        many = len(self._waiting) > 1
        # what began anew while it was listed stands twice: a mark a pair would cost memory
        pairs = np.unique(np.concatenate(self._waiting)) if many else self._waiting[0]
        waits = (self.flat_state[pairs] & 1) == 1  # PENDING or CLEARING
        if np.count_nonzero(waits) < len(pairs):
            pairs = pairs[waits]
        self._waiting = [pairs]
        return pairs

    def relist(self) -> None:
        """Find the waiting pairs anew, after a load."""
        found = np.flatnonzero((self.flat_state[: self.n * self.rules] & 1) == 1)
        self._waiting = [found.astype(np.int64)]

    @property
    def bytes_per_lift(self) -> int:
        """Memory of one lift."""
        return (sum(int(getattr(self, name).itemsize) for name in self.FIELDS)) * self.rules
