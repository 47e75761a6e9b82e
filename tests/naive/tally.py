"""Slow and obvious: how often rules were raised on one lift, an event once."""

from __future__ import annotations


class NaiveTally:
    """Raises less than an hour after a counted one belong to it; the last eight are kept."""

    def __init__(self):
        self.times = []

    def raised(self, at_ms):
        if not self.times or at_ms - self.times[-1] >= 3_600_000:
            self.times = [*self.times, at_ms][-8:]

    def count(self, now_ms, days):
        return sum(now_ms - at <= days * 86_400_000 for at in self.times)
