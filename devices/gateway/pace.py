"""How fast back-fill goes: as fast as the service confirms it without live data waiting.

The service's own answers are the measure. While they come quickly the rate grows; when they
take longer than `target_s`, somebody is waiting, and it shrinks. A thousand gateways that come
back in the same minute so share what the service can take, without knowing of each other.
"""

from __future__ import annotations

FASTER, SLOWER = 1.15, 0.75
LEAST_PER_S = 200.0  # lift-samples; a backlog ends some day whatever happens
FIRST_PER_S = 5_000.0
MOST_AT_A_TIME = 8  # messages of back-fill that are not confirmed


class Pace:
    """Times are seconds of any steady clock, given by the caller; rates lift-samples a second."""

    def __init__(self, target_s: float = 0.4, most_per_s: float | None = None) -> None:
        self.target_s = target_s
        self.most_per_s = most_per_s or 1e9
        self.per_s = min(FIRST_PER_S, self.most_per_s)
        self._next_at = self._slowed_at = 0.0

    def wait_s(self, now: float) -> float:
        """Return how long the next message of back-fill has to wait, 0 for not at all."""
        return max(0.0, self._next_at - now)

    def sent(self, samples: int, now: float) -> None:
        """A message of so many samples went out."""
        self._next_at = max(now, self._next_at) + samples / self.per_s

    def confirmed(self, sent_at: float, now: float) -> None:
        """A message that went out at `sent_at` was confirmed."""
        took = now - sent_at
        if took <= self.target_s:
            self.per_s = min(self.per_s * FASTER, self.most_per_s)
        elif sent_at >= self._slowed_at:  # once for all that were on their way together
            self._slowed_at = now
            self.per_s = max(self.per_s * SLOWER, min(LEAST_PER_S, self.most_per_s))
