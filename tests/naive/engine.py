"""Slow and obvious: one lift, one rule, one truth after another."""

from __future__ import annotations

GAP_MS = 120_000


class NaiveRule:
    """States idle, pending, active, clearing; times in ms; truths True, False, None."""

    def __init__(self, hold_ms, clear_ms, min_samples, seen_ms):
        self.hold, self.clear, self.least, self.seen = hold_ms, clear_ms, min_samples, seen_ms
        self.state, self.count, self.since, self.clear_since = "idle", 0, 0, 0
        self.out = []

    def emit(self, raised, at):
        self.out.append((raised, at, self.since))

    def settle(self, upto, last_at):
        """Let the last known truth, seen until last_at, go on until then."""
        if (
            self.state == "pending"
            and self.count >= self.least
            and last_at - self.since >= self.seen
            and self.since + self.hold <= upto
        ):
            self.state = "active"
            self.emit(True, self.since + self.hold)
        elif self.state == "clearing" and self.clear_since + self.clear <= upto:
            self.state, self.count = "idle", 0
            self.emit(False, self.clear_since + self.clear)

    def see(self, at, truth, at_once, counts=True):
        """A new truth at this event time; settle() was called before."""
        if truth is True and self.state == "idle":
            self.since, self.count = at, 1
            if at_once or (self.hold == 0 and self.least <= 1):
                self.state = "active"
                self.emit(True, at)
            else:
                self.state = "pending"
        elif truth is True and self.state == "pending":
            had = self.count >= self.least
            self.count += counts
            due = self.since + self.hold
            if at_once:
                self.state = "active"
                self.emit(True, at)
            elif self.count >= self.least and due <= at:
                self.state = "active"
                self.emit(True, due if had else at)
        elif truth is not True and self.state == "pending":
            self.state, self.count = "idle", 0
        elif truth is False and self.state == "active":
            self.clear_since = at
            if self.clear == 0:
                self.state, self.count = "idle", 0
                self.emit(False, at)
            else:
                self.state = "clearing"
        elif truth is False and self.state == "clearing":
            if self.clear_since + self.clear <= at:
                self.state, self.count = "idle", 0
                self.emit(False, self.clear_since + self.clear)
        elif self.state == "clearing":
            self.state = "active"


class NaiveEngine:
    """rules: NaiveRule factory arguments; one lift after the other."""

    def __init__(self, rules, n_lifts, asleep_ms=30_000):
        self.pairs = [[NaiveRule(*rule) for rule in rules] for _ in range(n_lifts)]
        self.last_at = [None] * n_lifts
        self.offset = [0] * n_lifts
        self.last_now, self.asleep = None, asleep_ms

    def _wake(self, now):
        if self.last_now is not None and now - self.last_now > self.asleep:
            self.offset = [x + now - self.last_now for x in self.offset]
        self.last_now = now if self.last_now is None else max(now, self.last_now)

    def sample(self, lift, at, truths, now, counts=True):
        """truths: (truth, at_once) for each rule."""
        self._wake(now)
        last = self.last_at[lift]
        for rule, (truth, at_once) in zip(self.pairs[lift], truths, strict=True):
            if last is not None and at - last <= GAP_MS:
                rule.settle(at, last)
            quiet = last is not None and at - last > 60_000  # these columns name no period
            if quiet and rule.state == "pending" and last - rule.since < rule.seen:
                rule.state, rule.count = "idle", 0
            rule.see(at, truth, at_once, counts)
        self.last_at[lift], self.offset[lift] = at, now - at

    def tick(self, now):
        self._wake(now)
        for lift, rules in enumerate(self.pairs):
            for rule in rules:
                rule.settle(now - self.offset[lift], self.last_at[lift])

    def log(self):
        """Return every transition as {(lift, rule, raised, at, since)} in order per pair."""
        return {
            (lift, r): rule.out
            for lift, rules in enumerate(self.pairs)
            for r, rule in enumerate(rules)
            if rule.out
        }
