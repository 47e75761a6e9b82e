"""How many alerts the desk makes of what rang: by the very table of the alert's life.

An operator who acknowledges within a minute and a firm that verifies a latched alert a quarter of
an hour after it was over: what rings again before that joins the open alert, as on the desk.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from datetime import UTC
from typing import Final

from alerts.lifecycle.moves import Moved, State, apply, on_again, on_clear
from alerts.model import AlarmState, Role, Step

ACKNOWLEDGED_MS: Final = 60_000  # the rescue chain calls the deputy then
VERIFIED_MS: Final = 900_000  # after it was over; the urban limit of arrival
Key = tuple[str, str]


class MonthDesk:
    """Alerts that are open, by subject and rule; `latched`: by rule."""

    def __init__(self, latched: Mapping[str, bool]) -> None:
        self._latched = latched
        self._open: dict[Key, State] = {}
        self._due: list[tuple[int, int, Key, Step]] = []
        self._over: dict[Key, int] = {}
        self._number = 0

    def raised(self, key: Key, now_ms: int) -> bool:
        """Take a ring; tell whether it is an alert of its own and not one that came back."""
        self._until(now_ms)
        state = self._open.get(key)
        if state is not None:
            self._open[key] = on_again(state)
            return False
        self._open[key] = State(latched=self._latched.get(key[1], False))
        self._plan(now_ms + ACKNOWLEDGED_MS, key, Step.ACKNOWLEDGE)
        return True

    def cleared(self, key: Key, now_ms: int) -> None:
        """Take the end of a ring."""
        self._until(now_ms)
        state = self._open.get(key)
        if state is None:
            return
        self._keep(key, on_clear(state))
        if state.latched:
            self._over[key] = now_ms
            self._plan(now_ms + VERIFIED_MS, key, Step.VERIFY)

    def _plan(self, at_ms: int, key: Key, step: Step) -> None:
        self._number += 1
        heapq.heappush(self._due, (at_ms, self._number, key, step))

    def _until(self, now_ms: int) -> None:
        """Let the people do what they do until now."""
        while self._due and self._due[0][0] <= now_ms:
            _, _, key, step = heapq.heappop(self._due)
            state = self._open.get(key)
            if state is None or (step is Step.VERIFY and not self._quiet(key, state, now_ms)):
                continue
            moved = apply(state, step, Role.OPERATOR, tz=UTC)
            if isinstance(moved, Moved):
                self._keep(key, moved.state)

    def _quiet(self, key: Key, state: State, now_ms: int) -> bool:
        """It did not come back: nobody verifies what is seen."""
        return not state.active and now_ms - self._over[key] >= VERIFIED_MS

    def _keep(self, key: Key, state: State) -> None:
        if state.alarm is AlarmState.CLOSED:
            self._open.pop(key, None)
            self._over.pop(key, None)
        else:
            self._open[key] = state
