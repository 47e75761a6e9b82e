"""The memory of one lift's bursts, slowly: one burst after the other, one number at a time."""

from __future__ import annotations

import math

import numpy as np

F = np.float32
FLOORS = {  # least spread, and as a share of the level
    "ride_a95_h": (F(0.01), F(0.1)),
    "ride_a95_v": (F(0.01), F(0.1)),
    "ride_jerk": (F(0.05), F(0.1)),
    "bearing_prominence": (F(1), F(0.2)),
}
WARM_UP = 12


class Normal:
    """Robust level and spread; see monitor/detector/baseline.py for the formula."""

    def __init__(self, floor, share):
        self.floor, self.share = floor, share
        self.n, self.level, self.spread = 0, F(0), F(0)

    def take(self, x):
        """Learn from x; return how many sigma it lay off the level before."""
        first = self.n == 0
        level = x if first else self.level
        floor = max(self.floor, F(self.share * abs(level)))
        spread = max(F(F(0.1) * abs(x)) if first else self.spread, floor)
        sigma = F(F(1.4826) * spread)
        r = F(0) if x == level else F(F(x - level) / sigma)
        gain = max(F(F(2) / F(self.n + 2)), F(0.02))
        if self.n >= WARM_UP and abs(r) > 6:
            gain = F(gain * F(0.1))
        away = np.sign(F(abs(F(x - level)) - spread))
        wider = F(spread * F(F(1) + F(gain * away)))
        self.level = F(level + F(F(gain * sigma) * F(np.clip(r, F(-1.5), F(1.5)))))
        self.spread = max(spread if first else wider, floor)
        self.n += 1
        return r


class Counter:
    """Speaks at three beyond, less one for each within; still when back at zero."""

    def __init__(self):
        self.out, self.drift = 0, 0

    def take(self, wrong):
        self.out = min(self.out + 1, 6) if wrong else max(self.out - 1, 0)
        self.drift = 1 if self.out >= 3 else 0 if self.out == 0 else self.drift


class LiftBursts:
    """All that is kept of one lift's bursts."""

    def __init__(self):
        self.times = {False: None, True: None}
        self.normal = {name: Normal(*limits) for name, limits in FLOORS.items()}
        self.count = {name: Counter() for name in (*FLOORS, "door")}
        self.points = {way: [Normal(F(0.05), F(0.05)) for _ in range(16)] for way in (0, 1)}
        self.shown = {}

    def take(self, ts, current, figures, signature, backwards):
        """One burst; returns whether it was new."""
        if self.times[current] is not None and ts <= self.times[current]:
            return False
        self.times[current] = ts
        for name, x in figures.items():
            if math.isnan(x):
                continue
            self.shown[name] = x
            if name in FLOORS:
                warm = self.normal[name].n >= WARM_UP
                r = self.normal[name].take(x)
                if warm:
                    self.shown[f"z_{name}"] = r
                    self.count[name].take(r > 6)
        if not math.isnan(signature[0]):
            points = self.points[int(backwards)]
            warm = points[0].n >= WARM_UP
            r = [p.take(x) for p, x in zip(points, signature, strict=True)]
            if warm:
                square = [F(min(abs(x), F(20)) ** 2) for x in r]
                distance = F(math.sqrt(sum(map(float, square)) / 16))
                self.shown["door_signature_distance"] = distance
                self.count["door"].take(distance > 3)
        return True

    def column(self, name):
        if name == "waveform_drift":
            return F(max(c.drift for c in self.count.values()))
        return self.shown.get(name, F("nan"))
