"""Slow twins of the kernels in monitor/detector/method: one series, one number at a time.

All arithmetic in float32, in the order of the formulas, so that equal means equal bits.
"""

from __future__ import annotations

import math

import numpy as np

F = np.float32


class NaiveRobust:
    def __init__(self, floor=0.0, share=0.0):
        self.floor, self.share = F(floor), F(share)
        self.n, self.level, self.spread = 0, F(0), F(0)

    def see(self, x):
        if math.isnan(x):
            return F("nan")
        if self.n == 0:
            self.level, self.spread = x, F(F(0.1) * abs(x))
        floor = max(self.floor, F(self.share * abs(self.level)))
        spread = max(self.spread, floor)
        sigma = F(F(1.4826) * spread)
        off = F(x - self.level)
        if off == 0:
            r = F(0)
        elif sigma == 0:
            r = F(math.copysign(math.inf, off))
        else:
            r = F(off / sigma)
        gain = max(F(F(2) / F(self.n + 2)), F(0.02))
        if self.n >= 30 and abs(r) > 6:
            gain = F(gain * F(0.1))
        away = F(np.sign(F(abs(off) - spread)))
        clipped = min(max(r, F(-1.5)), F(1.5))
        if self.n == 0:
            wider = spread
        elif spread == 0:
            wider = F(gain * abs(off))
        else:
            wider = F(spread * F(F(1) + F(gain * away)))
        self.spread = max(wider, floor)
        self.level = F(self.level + F(F(gain * sigma) * clipped))
        self.n = min(self.n + 1, 1_000_000)
        return r


class NaiveSeason:
    def __init__(self, rings):
        self.rings = rings  # (period ms, bins)
        self.factors = [[F(0)] * bins for _, bins in rings]

    def places(self, at, shift):
        for (period, bins), factors in zip(self.rings, self.factors, strict=True):
            width = period // bins
            into = (at - 4 * 86_400_000 + shift - width // 2) % (width * bins)
            before = into // width
            w = F((into - before * width) / width)
            yield factors, before, (before + 1) % bins, w

    def value(self, at, shift=0):
        total = F(0)
        for factors, i, j, w in self.places(at, shift):
            total = F(total + F(F(F(F(1) - w) * factors[i]) + F(w * factors[j])))
        return total

    def learn(self, at, residual, sigma, gain, shift=0):
        limit = F(F(1.5) * sigma)
        e = F(0) if math.isnan(residual) else min(max(residual, F(-limit)), limit)
        for factors, i, j, w in self.places(at, shift):
            factors[i] = F(factors[i] + F(F(F(gain) * F(F(1) - w)) * e))
            factors[j] = F(factors[j] + F(F(F(gain) * w) * e))


class NaiveShift:
    """CUSUM and change point of one series, from the whole story of z so far."""

    def __init__(self, slack=0.5, limit=8.0, most=3.0):
        self.slack, self.limit, self.most = F(slack), F(limit), F(most)
        self.sums = {1: F(0), -1: F(0)}
        self.run = {1: [], -1: []}  # (at, z) since the sum left zero
        self.held = 0

    def see(self, z, at):
        known = not math.isnan(z)
        for side in (1, -1):
            before = self.sums[side]
            if known:
                step = min(max(z, -self.most), self.most)
                after = F(F(before + F(F(side) * step)) - self.slack)
                self.sums[side] = min(max(after, F(0)), F(2 * self.limit))
            if self.sums[side] > 0:
                self.run[side].append((at, z))
            else:
                self.run[side] = []
        if self.held and self.sums[self.held] == 0:
            self.held = 0
        if self.sums[1] >= self.limit:
            self.held = 1
        elif self.sums[-1] >= self.limit:
            self.held = -1

    def reset(self):
        self.sums, self.held = {1: F(0), -1: F(0)}, 0

    def told(self):
        """(held, mean residual since it began, when it began)."""
        if not self.held:
            return 0, F(0), None
        run = self.run[self.held]
        seen = [z for _, z in run if not math.isnan(z)]
        total = F(0)
        for z in seen:
            total = F(total + z)
        return self.held, F(total / F(max(len(seen), 1))), run[0][0]


def flat_runs(values, least, factor):
    """Whether each number of one series ends a flat line, from the list of all runs so far."""
    spoken, run, longest, before = [], 0, 0, math.nan
    for x in values:
        if not math.isnan(x) and not math.isnan(before):
            if x == before:
                run += 1
            else:
                if run <= max(factor * longest, least):
                    longest = max(longest, run)
                run = 0
        spoken.append(run > max(factor * longest, least))
        before = x
    return spoken


class NaiveTogether:
    """C channels of one series with numpy's own inverse, in float64."""

    def __init__(self, channels):
        self.n, self.s = 0, np.zeros((channels, channels))

    def judge(self, z):
        here = ~np.isnan(z)
        sure = self.n / (self.n + 10)
        s = 0.9 * sure * self.s
        np.fill_diagonal(s, np.maximum(sure * np.diag(self.s) + 1 - sure, 0.04))
        s, v = s[np.ix_(here, here)], z[here].astype(float)
        part = np.zeros(len(z))
        if not here.any():
            return 0.0, part
        inverse = np.linalg.inv(s)
        whole = v @ inverse @ v
        for i, channel in enumerate(np.flatnonzero(here)):
            # what the others say this channel should show
            others = [j for j in range(len(v)) if j != i]
            without = v[others] @ np.linalg.inv(s[np.ix_(others, others)]) @ v[others]
            part[channel] = whole - without
        return whole, part

    def learn(self, z, d2):
        self.n += 1
        present = np.count_nonzero(~np.isnan(z))
        gain = max(1 / self.n, 0.01) * present / max(d2, present, 1)
        for i in range(len(z)):
            for j in range(len(z)):
                product = np.clip(z[i], -4, 4) * np.clip(z[j], -4, 4)
                if not np.isnan(product):
                    self.s[i, j] += gain * (product - self.s[i, j])
