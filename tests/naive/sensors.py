"""Slow twin of sensors.py: one lift, one departure at a time."""

from __future__ import annotations

import math

import numpy as np

F = np.float32
NAN = F("nan")
CHANNELS = {  # least equal numbers, fastest change a second, slack
    "load": (60, None, None), "level_offset": (60, None, None), "motor_temp": (300, 0.05, 25),
    "room_temp": (500, 0.02, 15), "humidity": (1000, 0.1, 40), "acc_peak": (60, None, None),
}  # fmt: skip
DAY = 86_400_000


def presence(v):
    if not math.isnan(v["passenger"]):
        return v["passenger"]
    return v["people"] if math.isnan(v["people"]) else F(v["people"] >= 1)


class Line:
    """One channel: how long it has shown one value, and how long it did while well."""

    def __init__(self, least):
        self.least, self.last, self.run, self.longest = least, NAN, 0, 0

    def see(self, x):
        """True where the line is flat."""
        known = not math.isnan(x) and not math.isnan(self.last)
        if known and x == self.last:
            self.run += 1
        elif known:
            if self.run <= max(3 * self.longest, self.least):
                self.longest = max(self.longest, self.run)
            self.run = 0
        if not math.isnan(x):
            self.last = x
        return self.run > max(3 * self.longest, self.least)


class NaiveSensors:
    """How far the sensors of one lift can be believed."""

    def __init__(self):
        self.lines = {name: Line(least) for name, (least, _, _) in CHANNELS.items()}
        self.zero, self.quality = NAN, F(1)
        self.somebody = self.nobody = self.bouncing = 0
        self.known, self.flat, self.leaps, self.at = False, False, [], None
        self.flat_load = False

    def see(self, at, seen, bounced):
        leapt, flat = False, False
        for name, line in self.lines.items():
            x, (_, rate, slack) = seen.get(f"said {name}", NAN), CHANNELS[name]
            if rate is not None and self.at is not None:
                reach = F(F(F(rate) * F((at - self.at) / 1000)) + F(slack))
                leapt |= bool(abs(F(x - line.last)) > reach)
            stays = line.see(x)
            flat |= stays
            if name == "load":
                self.flat_load = stays
        self.flat, self.at = flat, at
        if leapt:
            self.leaps = [at, *self.leaps][:2]
        idle_load = seen.get("idle_load", NAN)
        if not math.isnan(idle_load):
            if math.isnan(self.zero):
                self.zero = idle_load
            else:
                off = F(np.clip(F(idle_load - self.zero), F(-5), F(5)))
                self.zero = F(self.zero + F(F(0.1) * off))
        here, idle = seen.get("presence", NAN), seen.get("idle_presence", NAN)
        self.known = not math.isnan(here)
        yes, no = here == 1, here == 0
        self.somebody = min(self.somebody + 1, 1000) if yes else 0 if no else self.somebody
        self.nobody = min(self.nobody + 1, 1000) if no else 0 if yes else self.nobody
        over = F(seen.get("said load", NAN) - (F(0) if math.isnan(self.zero) else self.zero))
        wrong = (yes and over < 1) or (no and over > 10)
        wrong = wrong or self.somebody >= 60 or self.nobody >= 200
        right = (yes and over > 10) or (no and over < 1)
        if wrong or right:
            self.move(F(0.05), F(0) if wrong else F(1))
        if not math.isnan(idle):
            self.move(F(0.2), F(idle == 0))
        self.bouncing = min(self.bouncing + 1, 10) if bounced else max(self.bouncing - 1, 0)

    def move(self, gain, to):
        self.quality = F(self.quality + F(gain * F(to - self.quality)))

    def columns(self, at):
        """Every column of sensors.py."""
        return {
            "load_zero": self.zero,
            "presence_quality": self.quality if self.known else NAN,
            "flat_line": F(self.flat),
            "load_flat": F(self.flat_load),
            "sensor_leaps": F(sum(at - t <= DAY for t in self.leaps)),
            "contact_bounces": F(self.bouncing),
        }
