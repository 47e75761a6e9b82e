"""Slow twin of multivariate.py: one lift, one trip, one number after another, in float32."""

from __future__ import annotations

import math

import numpy as np

F = np.float32
NAN = F("nan")
CHANNELS = ("motor_current", "start_current", "vibration", "travel_time", "motor_heat")
C = len(CHANNELS)


class NaiveTogether:
    """Covariance of five channels of a lift."""

    def __init__(self):
        self.n = 0
        self.s = {(i, j): F(0) for i in range(C) for j in range(i + 1)}
        self.cause = 0

    def see(self, z):
        """z: channel → sigma. Returns the joint distance, NaN with fewer than two channels."""
        v = [z.get(name, NAN) for name in CHANNELS]
        here = [not math.isnan(x) for x in v]
        if sum(here) < 2:
            return NAN
        inverse = invert(self.shrunk(here))
        w = [x if ok else F(0) for x, ok in zip(v, here, strict=True)]
        u = []
        for i in range(C):
            total = F(inverse[i][0] * w[0])
            for j in range(1, C):
                total = F(total + F(inverse[i][j] * w[j]))
            u.append(total)
        d2 = F(w[0] * u[0])
        for i in range(1, C):
            d2 = F(d2 + F(w[i] * u[i]))
        d2 = max(d2, F(0))
        part = [F(F(u[i] * u[i]) / inverse[i][i]) if here[i] else F(0) for i in range(C)]
        self.learn(v, F(sum(here)), d2)
        deviation = F(F(np.sqrt(F(F(2) * d2))) - F(np.sqrt(F(F(2) * F(sum(here)) - F(1)))))
        if self.n <= 200:
            return NAN
        if deviation > 3:
            self.cause = part.index(max(part)) + 1
        return deviation

    def shrunk(self, here):
        sure = F(F(self.n) / F(self.n + 10))
        found = {}
        for (i, j), x in self.s.items():
            seen = F(sure * x)
            if i == j:
                found[i, i] = max(F(seen + F(F(1) - sure)), F(0.04)) if here[i] else F(1)
            else:
                found[i, j] = F(F(0.9) * seen) if here[i] and here[j] else F(0)
        return found

    def learn(self, v, channels, d2):
        self.n += 1
        weight = F(channels / max(d2, channels))
        gain = F(max(F(F(1) / F(self.n)), F(0.002)) * weight)
        clipped = [F(np.clip(x, F(-4), F(4))) for x in v]
        for i, j in self.s:
            product = F(clipped[i] * clipped[j])
            if not math.isnan(product):
                self.s[i, j] = F(self.s[i, j] + F(gain * F(product - self.s[i, j])))


def invert(s):
    """Inverse of a symmetric positive matrix, given as its lower triangle, by sweeping."""
    a = [[s[max(i, j), min(i, j)] for j in range(C)] for i in range(C)]
    for p in range(C):
        by = F(F(1) / max(a[p][p], F(1e-6)))
        row = [F(x * by) for x in a[p]]
        column = [a[i][p] for i in range(C)]
        for i in range(C):
            for j in range(C):
                a[i][j] = F(a[i][j] - F(column[i] * row[j]))
        for j in range(C):
            a[p][j] = row[j]
        for i in range(C):
            a[i][p] = F(-column[i] * by)
        a[p][p] = by
    return a
