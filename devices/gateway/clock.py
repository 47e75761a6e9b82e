"""The gateway's clock against the service's, from the answers that come anyway.

An answer carries the service's time at some moment between our sending and our hearing it. Its
middle is the estimate, half the round trip the uncertainty; of the last answers that with the
shortest round trip knows best (as NTP does it, RFC 5905).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

WARN_MS = 120_000  # rule 1093, and the age from which samples count as late
_KEPT = 16
_KEPT_MS = 600_000  # a clock drifts, or is set: what is older says nothing


@dataclass(frozen=True, slots=True)
class ClockOffset:
    """`offset_ms`: service minus ours, positive where ours is slow; ± `uncertain_ms`."""

    offset_ms: int
    uncertain_ms: int

    @property
    def wrong(self) -> bool:
        """True when it is off by more than 120 s for certain."""
        return abs(self.offset_ms) - self.uncertain_ms > WARN_MS


class ClockCheck:
    """Keeps the last answers. A jump of our own clock shows and starts it afresh."""

    def __init__(self) -> None:
        self._heard: deque[tuple[float, ClockOffset]] = deque(maxlen=_KEPT)
        self._skew_ms: float | None = None
        self.best: ClockOffset | None = None

    def hear(self, sent: tuple[float, float], heard: tuple[float, float], service_ms: int) -> None:
        """Take an answer in. sent, heard: our (clock ms, steady ms) then."""
        skew_ms = heard[0] - heard[1]
        if self._skew_ms is not None and abs(skew_ms - self._skew_ms) > 1000:
            self._heard.clear()  # somebody set our clock
        self._skew_ms = skew_ms
        trip_ms = heard[1] - sent[1]
        middle_ms = heard[0] - trip_ms / 2
        found = ClockOffset(round(service_ms - middle_ms), round(trip_ms / 2) + 1)
        self._heard.append((heard[1], found))
        while self._heard[0][0] < heard[1] - _KEPT_MS:
            self._heard.popleft()
        self.best = min((one for _, one in self._heard), key=lambda one: one.uncertain_ms)
