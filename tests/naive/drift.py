"""Slow twin of drift.py: sums of one lift, feature by feature."""

from __future__ import annotations

import numpy as np

F = np.float32
SLACK, LIMIT, MOST = F(1), F(24), F(5)


class Side:
    """One sum, since when it is above zero, and what went into it."""

    def __init__(self):
        self.sum, self.n, self.total, self.since = F(0), 0, F(0), None

    def see(self, at, z, sign, idle):
        step = F(sign * min(max(z, -MOST), MOST))
        self.sum = min(max(F(F(self.sum + step) - SLACK), F(0)), F(2) * LIMIT)
        if idle:
            self.sum = F(0)
        if self.sum == 0:
            self.n, self.total = 0, F(0)
            return
        if self.n == 0:
            self.since = at
        self.n, self.total = self.n + 1, F(self.total + z)


class NaiveDrift:
    """features: name → (only more is worse, speaks)."""

    def __init__(self, features):
        self.features = features
        self.up, self.down = ({f: Side() for f in features} for _ in range(2))
        self.held = dict.fromkeys(features, 0)

    def begin_anew(self):
        """A mechanic was there: return what was drifting, and forget it."""
        found = [f for f, held in self.held.items() if held]
        for f in found:
            for side in (self.up[f], self.down[f]):
                side.sum, side.n, side.total = F(0), 0, F(0)
            self.held[f] = 0
        return found

    def see(self, at, z):
        for f, x in z.items():
            one_sided = self.features[f][0]
            up, down = self.up[f], self.down[f]
            up.see(at, x, 1, False)
            down.see(at, x, -1, one_sided)
            if (self.held[f] == 1 and up.sum == 0) or (self.held[f] == -1 and down.sum == 0):
                self.held[f] = 0
            if up.sum >= LIMIT:
                self.held[f] = 1
            elif down.sum >= LIMIT:
                self.held[f] = -1

    def columns(self, at):
        """Every drift column."""
        told = {f for f, held in self.held.items() if held and self.features[f][1]}
        names = (
            "travel_time", "motor_current", "vibration", "levelling", "door_current",
            "motor_heat", "load_zero", "joint",
        )  # fmt: skip
        out = {f"{f}_drift": F(f in told) for f in names}
        out["door_time_drift"] = F("opening_time" in told or "closing_time" in told)
        out["any_drift"] = F(bool(told - {"joint"}))
        began = [
            (self.up if self.held[f] == 1 else self.down)[f].since // 1000 * 1000 for f in told
        ]
        out["drift_s"] = F((at - min(began)) / 1000) if began else F(0)
        return out
