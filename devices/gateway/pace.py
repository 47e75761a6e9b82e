"""How fast back-fill goes: as fast as the service confirms it without live data waiting.

The service's own answers are the measure. While they come as quickly as the line allows the
rate grows; when they take `target_s` longer, somebody is waiting, and it shrinks. A thousand
gateways that come back in the same minute so share what the service can take, without knowing
of each other.
"""

from __future__ import annotations

FASTER, SLOWER = 1.15, 0.75
LEAST_PER_S = 200.0  # lift-samples; a backlog ends some day whatever happens
FIRST_PER_S = 1_000.0  # softly: the first answers tell how long the line is
MOST_AT_A_TIME = 8  # messages of back-fill that are not confirmed
LONGEST_LINE_S = 0.6  # of a slower answer the rest counts as somebody's queue


class Pace:
    """Times are seconds of any steady clock, given by the caller; rates lift-samples a second."""

    def __init__(self, target_s: float = 0.4, most_per_s: float | None = None) -> None:
        self.target_s = target_s
        self.most_per_s = most_per_s or 1e9
        self.per_s = min(FIRST_PER_S, self.most_per_s)
        self._next_at = self._slowed_at = 0.0
        self._shortest_s = LONGEST_LINE_S
        self._heard = False

    @property
    def patience_s(self) -> float:
        """How long an answer may take until somebody is waiting."""
        return (self._shortest_s if self._heard else 0.0) + self.target_s

    def line_changed(self) -> None:
        """There is a new connection: how long its answers need is not known yet."""
        self._shortest_s, self._heard = LONGEST_LINE_S, False

    def wait_s(self, now: float) -> float:
        """Return how long the next message of back-fill has to wait, 0 for not at all."""
        return max(0.0, self._next_at - now)

    def sent(self, samples: int, now: float) -> None:
        """A message of so many samples went out."""
        self._next_at = max(now, self._next_at) + samples / self.per_s

    def confirmed(self, sent_at: float, now: float) -> None:
        """A message that went out at `sent_at` was confirmed."""
        took = now - sent_at
        # never forgotten while the connection lasts: else a queue of our own making would
        # come to count as the length of the line
        self._shortest_s, self._heard = min(took, self._shortest_s), True
        if took <= self.patience_s:
            self.per_s = min(self.per_s * FASTER, self.most_per_s)
        else:
            self.waiting(sent_at, now)

    def waiting(self, sent_at: float, now: float) -> None:
        """What went out at `sent_at` is not confirmed yet, or was so late."""
        if sent_at >= self._slowed_at:  # once for all that were on their way together
            self._slowed_at = now
            self.per_s = max(self.per_s * SLOWER, min(LEAST_PER_S, self.most_per_s))
