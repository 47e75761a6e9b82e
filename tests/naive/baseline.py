"""Slow twin of baseline.py, expected.py and drift.py: one lift, one number at a time."""

from __future__ import annotations

import math

import numpy as np

from tests.naive.drift import NaiveDrift
from tests.naive.multivariate import NaiveTogether

F = np.float32
NAN = F("nan")
MAD = F(1.4826)
FEATURES = {  # floor, share of level, share of the period, only more is worse, speaks
    "travel_time": (0.4, 0, 0.4, False, True),
    "motor_current": (0.3, 0.04, 0, False, True),
    "start_current": (0.6, 0.08, 0, False, False),
    "vibration": (0.005, 0.05, 0, True, True),
    "shock": (0.1, 0.1, 0, True, False),
    "levelling": (1.5, 0, 0, False, True),
    "opening_time": (0.15, 0.04, 0.4, False, True),
    "closing_time": (0.15, 0.04, 0.4, False, True),
    "door_current": (0.02, 0.04, 0, False, True),
    "motor_heat": (4.0, 0.05, 0, True, True),
    "load_zero": (1.0, 0, 0, False, True),
    "joint": (1.75, 0, 0, True, True),
}
WARM_UP = {"motor_heat": 400, "joint": 100}
KNOTS = (1, 2, 4, 8, 16, 32)
HOUR, DAY = 3_600_000, 86_400_000


def number(x, otherwise=0):
    return F(otherwise) if math.isnan(x) else x


def on_ring(at, period, bins):
    """Bin before, bin after, weight of the latter."""
    width = period // bins
    into = (at - 4 * DAY + 8 * HOUR - width // 2) % (width * bins)
    i = into // width
    return i, (i + 1) % bins, F((into - i * width) / width)


class NaiveExpected:
    """Factors of one lift, ring by ring."""

    def __init__(self):
        self.travel = [F(0)] * 6
        self.amps, self.start = [F(0)] * 8, [F(0)] * 8
        self.shake = [F(0)] * 2
        self.amps_hour, self.heat_hour, self.heat_day = [F(0)] * 8, [F(0)] * 8, [F(0)] * 7

    @property
    def factors(self):
        rings = (self.travel, self.amps, self.start, self.shake, self.amps_hour)
        return [x for ring in (*rings, self.heat_hour, self.heat_day) for x in ring]

    def places(self, how, at):
        """(feature, factors, before, after, weight) for every ring."""
        floors, load, up = (number(how.get(n, NAN)) for n in ("floors", "load", "up"))
        knot = max(k for k in range(5) if k == 0 or floors >= KNOTS[k])
        way = F(F(floors - F(KNOTS[knot])) / F(KNOTS[knot + 1] - KNOTS[knot]))
        share = min(max(F(load / F(25)), F(0)), F(3))
        step = min(int(share), 2)
        first = 4 * int(up) + step
        hour, day = on_ring(at, DAY, 8), on_ring(at, 7 * DAY, 7)
        loaded = (first, first + 1, F(share - F(step)))
        return [
            ("travel_time", self.travel, knot, knot + 1, min(max(way, F(0)), F(1))),
            ("motor_current", self.amps, *loaded),
            ("start_current", self.start, *loaded),
            ("vibration", self.shake, int(up), int(up), F(0)),
            ("motor_current", self.amps_hour, *hour),
            ("motor_heat", self.heat_hour, *hour),
            ("motor_heat", self.heat_day, *day),
        ]


def interpolated(f, i, j, w):
    return F(F(F(F(1) - w) * f[i]) + F(w * f[j]))


class NaiveNormals:
    """All features of one lift with what they are used to."""

    def __init__(self, period):
        self.period = min(number(period), F(5))
        self.n = dict.fromkeys(FEATURES, 0)
        self.level, self.spread, self.z = ({f: F(0) for f in FEATURES} for _ in range(3))
        self.expected = NaiveExpected()
        self.drift = NaiveDrift({f: (x[3], x[4]) for f, x in FEATURES.items()})
        self.together, self.joint = NaiveTogether(), NAN
        self.judged = None

    def see(self, at, seen, visit):
        seen = seen | {"joint": self.joint}
        self.joint = NAN
        known = {f: x for f, x in seen.items() if f in FEATURES and not math.isnan(x)}
        if not known:
            return
        if visit is not None and (self.judged is None or visit > self.judged):
            for feature in self.drift.begin_anew():
                self.n[feature], self.level[feature], self.spread[feature] = 0, F(0), F(0)
        self.judged = at
        places = self.expected.places(seen, at)
        usual = dict.fromkeys(FEATURES, F(0))
        for feature, factors, *where in places:
            usual[feature] = F(usual[feature] + interpolated(factors, *where))
        weighed, residual, young = {}, {}, dict(self.n)
        for feature, x in known.items():
            rest = F(x - usual[feature])
            first = self.n[feature] == 0
            residual[feature] = F(0) if first else F(rest - self.level[feature])
            r = self.learn(feature, rest)
            warm_up = WARM_UP.get(feature, 30)
            if young[feature] < warm_up:
                r = F(0)
            n = F(young[feature])
            weighed[feature], self.z[feature] = F(r * F(n / F(n + F(warm_up + 20)))), r
        moved = []
        for feature, factors, i, j, w in places:
            if feature not in residual:
                continue
            sigma = F(MAD * self.spread[feature])
            e, gain = residual[feature], F(F(F(0.1) * F(60)) / F(F(60) + F(young[feature])))
            gain = max(gain, F(0.001))
            if abs(e) > F(F(6) * sigma):
                gain = F(gain * F(0.1))
            limit = F(F(1.5) * sigma)
            e = min(max(e, -limit), limit)
            moved.append((factors, i, F(F(gain * F(F(1) - w)) * e)))
            moved.append((factors, j, F(F(gain * w) * e)))
        for factors, i, step in moved:
            factors[i] = F(factors[i] + step)
        self.drift.see(at, weighed)
        self.joint = self.together.see(weighed)

    def learn(self, feature, x):
        floor, share, per_period, *_ = FEATURES[feature]
        floor = F(F(F(floor) + F(F(per_period) * self.period)) / MAD)
        n = self.n[feature]
        if n == 0:
            self.level[feature], self.spread[feature] = x, F(F(0.1) * abs(x))
        level = self.level[feature]
        floor = max(floor, F(F(F(share) / MAD) * abs(level)))
        spread = max(self.spread[feature], floor)
        sigma = F(MAD * spread)
        off = F(x - level)
        r = F(off / sigma)
        gain = max(F(F(2) / F(n + 2)), F(0.001))
        if n >= 30 and abs(r) > 6:
            gain = F(gain * F(0.1))
        slower = F(gain * F(0.2)) if n >= 200 else gain
        wider = F(spread * F(F(1) + F(slower * F(np.sign(F(abs(off) - spread))))))
        self.spread[feature] = max(spread if n == 0 else wider, floor)
        self.level[feature] = F(level + F(F(gain * sigma) * min(max(r, F(-1.5)), F(1.5))))
        self.n[feature] = n + 1
        return r

    def columns(self, at):
        """z of the features that speak, and their drift."""
        told = {f"z_{f}": self.z[f] for f, x in FEATURES.items() if x[4]}
        told["joint_cause"] = F(self.together.cause)
        return told | self.drift.columns(at)
