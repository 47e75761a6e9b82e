"""Slow twins of the kernels of the general method: whole past in lists, one channel at a time."""

from __future__ import annotations

import math


def surprises(numbers):
    """−ln p of each number among those before it (see tail.py), from scratch every time."""
    told, fitted = [], None
    for i, x in enumerate(numbers):
        value = math.log(max(x, 1e-12))
        past = sorted(math.log(max(p, 1e-12)) for p in numbers[:i])
        if len(past) < 30:
            told.append(0.0)
            continue
        if len(past) < 200 or i % 10 == 0:
            above = past[int(0.98 * len(past)) :]
            fitted = above[0], max(sum(above) / len(above) - above[0], 0.02)
        share = sum(p >= value for p in past) / len(past)
        u, m = fitted
        told.append(-math.log(max(share, 0.02)) + max(value - u, 0) / m)
    return told


class NaiveMemory:
    """Which moments are remembered is found anew from all that were ever kept."""

    def __init__(self, most, apart):
        self.rows, self.most, self.apart = [], most, apart

    def keep(self, row):
        self.rows.append(row)

    def past(self):
        settled = self.rows[: max(len(self.rows) - self.apart, 0)]
        stride = 1
        while len(settled[::stride]) > self.most:
            stride *= 2
        return settled[::stride]

    def nearest(self, row, weight):
        past = self.past()
        if len(past) < 20:
            return math.nan
        return min(
            math.sqrt(sum(((a - b) * w) ** 2 for a, b, w in zip(p, row, weight, strict=True)))
            for p in past
        )


class NaiveChannel:
    def __init__(self, span):
        self.span = span
        self.level = self.fast = self.var = self.mean = self.rms2 = self.mad = 0.0
        self.side, self.turns, self.doubt, self.peak = 0, 0, 0.0, 0.0

    def sigma(self):
        own = math.sqrt(math.sqrt(self.rms2) * 1.4826 * self.mad)
        least = 1e-4 * abs(self.level) + 1e-12
        return max(own, math.sqrt(self.var / self.span), self.doubt, least)

    def z(self, d):
        t, nu = min(abs(d) / self.sigma(), 1e9), self.turns + 1
        return (8 * nu + 1) / (8 * nu + 3) * math.sqrt(nu * math.log1p(t * t / nu))

    def learn(self, n, x, d):
        sigma = self.sigma()
        gain, settled = max(1 / n, 1 / 3000), max(n - 2 * self.span, 1)
        slow = max(1 / settled, 1 / 3000) if n > 2 * self.span else 1.0
        moved = self.level + gain * (x - self.level)
        self.var += gain * ((x - self.level) * (x - moved) - self.var)
        mean = self.mean + slow * (self.fast - self.mean)
        self.rms2 += slow * ((self.fast - self.mean) * (self.fast - mean) - self.rms2)
        if n <= 2 * self.span or self.mad == 0:
            self.mad = abs(d)
        else:
            sign = (abs(d) > self.mad) - (abs(d) < self.mad)
            self.mad *= 1 + max(2 / (settled + 1), 1 / 3000) * sign
        side = 1 if d > sigma / 2 else -1 if d < -sigma / 2 else self.side
        self.turns += side * self.side < 0 and n > 2 * self.span
        self.level, self.mean, self.side = moved, mean, side


class NaiveMachine:
    """One machine of `shift`, channel by channel."""

    def __init__(self, channels, span):
        self.span = span
        self.channels = [NaiveChannel(span) for _ in range(channels)]
        self.n, self.held, self.wait = 0, False, 0
        self.limit = math.sqrt(3.6**2 + 2 * math.log(max(channels / 8, 1)))

    def see(self, xs, learning):
        """Return z of each channel; `held` tells the rest."""
        ds, zs, values = [], [], []
        for c, given in zip(self.channels, xs, strict=True):
            x = given
            if math.isnan(x):
                x = 0.0 if self.n == 0 else c.fast
            if self.n == 0:
                c.level = c.fast = x
            else:
                c.fast += max(2 / (self.span + 1), 1 / (self.n + 1)) * (x - c.fast)
            values.append(x)
            ds.append(c.fast - c.level)
            zs.append(c.z(ds[-1]))
        judged = not learning and self.n > 2 * self.span
        was = self.held
        fresh = judged and not was and self.wait == 0 and max(zs) >= self.limit
        held = was or fresh
        for c, d in zip(self.channels, ds, strict=True):
            if fresh:
                c.peak = 0.0
            if held and abs(d) > abs(c.peak):
                c.peak = d
        lead = max(range(len(ds)), key=lambda i: (self.channels[i].z(self.channels[i].peak), -i))
        peak, now = self.channels[lead].peak, ds[lead]
        back = held and (abs(now) < 0.12 * abs(peak) or now * peak < 0)
        teaches = learning or (not held and self.wait == 0)
        sigmas_doubt = [c.doubt * (1 - 1 / 3000) for c in self.channels]
        self.wait = 12 if back else max(self.wait - 1, 0)
        self.held = held and not back
        if teaches:
            self.n += 1
        for c, x, d, doubt in zip(self.channels, values, ds, sigmas_doubt, strict=True):
            if teaches:
                c.learn(self.n, x, d)
            c.doubt = max(doubt, 0.1 * abs(c.peak) if back else 0.0)
        return [z if judged else 0.0 for z in zs]
