"""How fast back-fill goes: as fast as is free, and no faster, by what the service's answers show.

A window of messages that are not confirmed, for traffic that may wait (LEDBAT, RFC 6817): what an
answer takes beyond the shortest of this connection is somebody's queue. A round trip adds one
message and takes away the share of the window that the queue is of `target_s`. That has one fixed
point for all who share a queue, whoever came first (as in FAST TCP: Wei, Jin, Low, Hegde, IEEE/ACM
Transactions on Networking 14(6), 2006); LEDBAT's own step leaves a latecomer nothing. Below one
message the pauses grow instead. When something *live* waits the window is halved: the service may
let back-fill wait for what is live, but never the other way round.

A thousand gateways that come back in the same minute so share what the service can take, without
knowing of each other.
"""

from __future__ import annotations

FIRST, LEAST, MOST = 1.0, 0.1, 16.0  # messages: softly at first, the answers tell how far it goes
TARGET_S = 0.5
LONGEST_LINE_S = 0.6  # of a slower answer the rest counts as somebody's queue
LONGEST_PAUSE_S = 5.0  # a backlog ends some day whatever happens
STARTED = 0.75  # of the target: from there on it is felt for, no longer doubled


class Pace:
    """Times are seconds of any steady clock, given by the caller; `window` counts messages."""

    def __init__(self, target_s: float = TARGET_S, most_per_s: float | None = None) -> None:
        """most_per_s: lift-samples a second that are never exceeded."""
        self.target_s, self.most_per_s = target_s, most_per_s
        self._next_at = 0.0
        self.line_changed()

    def line_changed(self) -> None:
        """There is a new connection: how long its answers need is not known yet."""
        self.window, self._starting, self._halved_at = FIRST, True, 0.0
        self._shortest_s = self._shortest_live_s = LONGEST_LINE_S
        self._heard_live = False

    @property
    def patience_s(self) -> float:
        """How long an answer to what is live may take until it counts as waiting."""
        return (self._shortest_live_s if self._heard_live else 0.0) + self.target_s

    def wait_s(self, now: float, open_: int) -> float:
        """Return how long the next message of back-fill has to wait, 0 for not at all, where
        `open_` are not confirmed; infinity: for an answer."""
        if open_ >= max(1, int(self.window)):
            return float("inf")
        return max(0.0, self._next_at - now)

    def sent(self, samples: int, now: float) -> None:
        """A message of so many samples went out."""
        if self.most_per_s is not None:
            self._next_at = max(now, self._next_at) + samples / self.most_per_s

    def confirmed(self, sent_at: float, now: float) -> None:
        """A message of back-fill that went out at `sent_at` was confirmed."""
        took = now - sent_at
        # never forgotten while the connection lasts: else a queue of our own making would
        # come to count as the length of the line
        self._shortest_s = min(took, self._shortest_s)
        queue = (took - self._shortest_s) / self.target_s
        if queue > STARTED:
            self._starting = False
        if sent_at >= self._halved_at:  # else it knows nothing of the window of now
            self._move(queue)
        if self.window < 1.0:
            pause = min(took * (1 / self.window - 1), LONGEST_PAUSE_S)
            self._next_at = max(self._next_at, now + pause)

    def _move(self, queue: float) -> None:
        """Grow or shrink by what one answer of a window full of them should weigh."""
        window = self.window
        if self._starting:
            step = 1.0
        elif window < 1.0:
            step = min(window, window * (1 - window * queue))
        else:
            step = (1 - window * queue) / window
        self.window = min(MOST, max(LEAST, window / 2, window + step))

    def live_confirmed(self, sent_at: float, now: float) -> None:
        """Something live that went out at `sent_at` was confirmed."""
        took = now - sent_at
        self._shortest_live_s, self._heard_live = min(took, self._shortest_live_s), True
        if took > self.patience_s:
            self.waiting(sent_at, now)

    def waiting(self, sent_at: float, now: float) -> None:
        """What is live and went out at `sent_at` is not confirmed yet, or was so late."""
        if sent_at >= self._halved_at:  # once for all that were on their way together
            self._halved_at, self._starting = now, False
            self.window = max(LEAST, self.window / 2)
