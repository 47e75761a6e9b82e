"""Messages that wait for their batch: a lane of the intake, and when its next batch is due."""

from __future__ import annotations

from collections import deque

from monitor.accept import Arrived

# A window that has filled will not bring more until we acknowledge: close at once.
QUIET_S = 0.002


class Waiting:
    """First come, first served. Full by rows or by bytes; the intake's lock is held."""

    def __init__(self, rows: int, size: int, window: int, batch_s: float) -> None:
        self._most_rows, self._most_bytes = rows, size
        self._window, self._batch_s = window, batch_s
        self._queue: deque[Arrived] = deque()
        self.rows = self.bytes = 0
        self._latest = 0.0

    def __len__(self) -> int:
        return len(self._queue)

    @property
    def full(self) -> bool:
        """True while whoever brings more must wait."""
        return self.rows >= self._most_rows or self.bytes >= self._most_bytes

    @property
    def oldest(self) -> float | None:
        """When the oldest that waits came, None for none."""
        return self._queue[0].came if self._queue else None

    @property
    def window_full(self) -> bool:
        """True when the broker sends no more until we acknowledge."""
        return len(self._queue) >= self._window

    def put(self, one: Arrived) -> bool:
        """Queue one; True where the pipeline should look."""
        self._queue.append(one)
        self._latest = one.came
        self.rows += one.rows
        self.bytes += len(one.payload)
        return len(self._queue) == 1 or self.full or self.window_full

    def due_at(self, enough: int) -> float:
        """Return when the next batch should be made: now for so many rows, or soon after."""
        if not self._queue:
            return float("inf")
        if self.full or self.rows >= enough:
            return 0.0
        due = self._queue[0].came + self._batch_s
        return min(due, self._latest + QUIET_S) if self.window_full else due

    def take(self, rows: int) -> list[Arrived]:
        """Return the oldest with about so many rows, one at least; a message is never cut."""
        taken: list[Arrived] = []
        held = 0
        while self._queue and (not taken or held + self._queue[0].rows <= rows):
            one = self._queue.popleft()
            taken.append(one)
            held += one.rows
            self.bytes -= len(one.payload)
        self.rows -= held
        return taken
