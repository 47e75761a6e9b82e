"""Slows down guessing of passwords."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Hashable

WINDOW_S = 300.0
LIMITS = {"pair": 5, "address": 30, "name": 60}
_KEPT = 10_000


class Throttle:
    """Counts failures in a sliding window of 5 minutes, in memory.

    5 for one name from one address, 30 for an address, 60 for a name: a stranger who guesses
    cannot lock the desk out from its own address, and many strangers together cannot guess long.
    """

    def __init__(self) -> None:
        self._failures: dict[Hashable, deque[float]] = {}
        self._lock = threading.Lock()

    def wait_s(self, name: str, address: str, now_s: float) -> float:
        """Return the seconds until another attempt is allowed; 0 when it is allowed now."""
        waits = [0.0]
        with self._lock:
            for kind, key in _keys(name, address):
                times = self._recent((kind, key), now_s)
                if times is not None and len(times) >= LIMITS[kind]:
                    waits.append(times[-LIMITS[kind]] + WINDOW_S - now_s)
        return max(waits)

    def failed(self, name: str, address: str, now_s: float) -> None:
        """Note a failed attempt."""
        with self._lock:
            if len(self._failures) >= _KEPT:
                self._sweep(now_s)
            for kind, key in _keys(name, address):
                self._failures.setdefault((kind, key), deque(maxlen=LIMITS[kind])).append(now_s)

    def succeeded(self, name: str, address: str) -> None:
        """Forget the failures of this name from this address."""
        with self._lock:
            self._failures.pop(("pair", (name, address)), None)

    def _recent(self, key: Hashable, now_s: float) -> deque[float] | None:
        times = self._failures.get(key)
        if times is None:
            return None
        while times and times[0] <= now_s - WINDOW_S:
            times.popleft()
        if not times:
            del self._failures[key]
        return times or None

    def _sweep(self, now_s: float) -> None:
        for key in list(self._failures):
            self._recent(key, now_s)
        while len(self._failures) >= _KEPT:
            del self._failures[next(iter(self._failures))]


def _keys(name: str, address: str) -> tuple[tuple[str, Hashable], ...]:
    return ("pair", (name, address)), ("address", address), ("name", name)
