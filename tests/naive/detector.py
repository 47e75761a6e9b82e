"""Slow and obvious: every lift an object, every sample a step, every column an if.

Written from the rules of domain.md 6, not from the fast code; numbers are np.float32 because
the columns are.
"""

from __future__ import annotations

import math

import numpy as np

from tests.naive.belief import NaivePresence, belief
from tests.naive.trips import NaiveTrips

F = np.float32
NAN = F("nan")


def known(x):
    return not math.isnan(x)


class NaiveLift:
    """Everything known of one lift."""

    def __init__(self, channels, rated, rated_kg=NAN, period=1.0):
        self.v = dict.fromkeys(channels, NAN)
        self.time, self.changed = {}, {}
        self.rated, self.period = F(rated), period
        self.seen = self.at = None
        self.unseen = True
        self.presence, self.rated_kg = NaivePresence(), F(rated_kg)
        self.moved = self.position = self.cycle = self.ran_open = self.fast = None
        self.stops, self.closes, self.jumps = [], [], []
        self.armed = self.left = self.started = self.closing = False
        self.cycles, self.hard, self.fast_speed = 0, False, F(0)
        self.flat = {"acc_rms": 0, "motor_current": 0}
        self.was_running = self.was_open = self.was_zone = NAN
        self.trips = NaiveTrips(rated, period)
        self.codes_on, self.codes_once = {}, {}

    def running(self):
        if known(self.v["car_status"]):
            return self.v["car_status"]
        return F(abs(self.v["speed"]) >= F(0.05)) if known(self.v["speed"]) else NAN

    def door_open(self):
        if known(self.v["door_closed"]):
            return F(1 - self.v["door_closed"])
        state = self.v["door_state"]
        return F(state not in (2, 5)) if known(state) and state > 0 else NAN

    def sample(self, ts, values):
        """Returns (at, sampled), or None where the sample is older than the last."""
        if self.seen is not None and ts < self.seen:
            contact, state = values.get("door_closed", NAN), values.get("door_state", NAN)
            if contact == 0 or (not known(contact) and state > 0 and state not in (2, 5)):
                self.presence.opened_before(ts)
            return None
        sampled = self.seen is None or ts > self.seen
        gap = None if self.seen is None else ts - self.seen
        longest = max(20_000, F(F(1_200) * F(self.period)))
        self.unseen = self.seen is None or ts - self.seen > longest
        self.seen = ts
        at = self.at = ts if self.at is None else max(ts, self.at)
        old, had = dict(self.v), dict(self.time)
        have = {n: x for n, x in values.items() if known(x)}
        for n, x in have.items():
            if self.v[n] != x:
                self.changed[n] = at
            self.v[n], self.time[n] = x, at
        self.trips.sample(at, gap, self, old, have)
        self.step(at, old, have, had)
        alone = self.running() == 1 and self.door_open() == 0 and self.v["service_mode"] != 2
        for code, untrue in ((8, alone), (41, self.v["power"] == 0)):
            since, on = self.codes_on.get(code, (0, False))
            if untrue and on and at - since >= 10_000:
                self.codes_on[code] = (at, False)
        return at, sampled

    def step(self, at, old, have, had):
        v = self.v
        running, is_open = self.running(), self.door_open()
        runs, opened, shut = running == 1, is_open == 1, is_open == 0
        speed, zone = abs(v["speed"]), v["door_zone"]
        self.presence.step(at, v, old, self.unseen, runs, opened, shut, self.was_open)
        # movement
        here, before = v["car_position"], old["car_position"]
        changes = "car_position" in have and here != before
        moves = changes and known(before)
        if self.moved is None or moves or runs:
            self.moved = at
        if changes:
            self.position = at
        if moves or (runs and not opened) or v["service_mode"] in (2, 3, 4, 6):
            self.cycles = 0
        if moves:
            seconds = F(F(at - had["car_position"]) / F(1000))
            reach = F(F(F(F(1.3) * self.rated) * seconds) + F(2) * F(2.2))
            if F(abs(F(here - before)) * F(2.2)) > reach:
                self.jumps = [at, *self.jumps][:2]
        # doors
        if shut and self.was_open == 1:
            recent = self.cycle is not None and at - self.cycle <= 30_000
            self.cycles = min(self.cycles + 1, 100) if recent else 1
            self.cycle = at
        state = v["door_state"]
        if self.closing and state in (3, 4):
            self.closes = [at, *self.closes][:3]
            self.closing = False
        if shut:
            self.closing, self.closes = False, []
        if state == 1:
            self.closing = True
        # open movement
        unsafe = opened or v["landing_locked"] == 0
        leaves = self.armed and zone == 0 and self.was_zone == 1 and unsafe
        self.left = leaves or (self.left and unsafe and zone != 1)
        self.armed = (unsafe and zone == 1 and not runs) or (self.armed and unsafe)
        starts = runs and self.was_running == 0 and opened
        if runs and opened and self.was_open == 1 and abs(old["speed"]) < F(0.05):
            starts = starts or speed > F(0.3)
        self.started = starts or (self.started and runs and opened)
        levelling = zone == 1 and speed <= F(0.3)
        if runs and opened and speed > F(0.1) and not levelling:
            self.ran_open = at
        # hard stops
        self.hard = False
        recent = self.fast is not None and at - self.fast <= 4_000
        if speed > 1:
            self.fast, self.fast_speed = at, speed
        elif recent and speed < F(0.1) and not runs:
            seconds = F(F(at - self.fast) / F(1000))
            if F(self.fast_speed - speed) > F(F(1.5) * seconds) or zone == 0:
                self.hard = True
                self.stops = [at, *self.stops][:3]
            self.fast = None
        # flat lines
        for channel in self.flat:
            if runs and speed > F(0.3) and channel in have:
                same = v[channel] == old[channel]
                self.flat[channel] = self.flat[channel] + 1 if same else 0
        self.was_running, self.was_open, self.was_zone = running, is_open, zone

    def message(self, ts, code, state, named):
        """Returns at, or None where nobody asks for the code."""
        sign = code in (90, 93) and state != 0
        if code not in named and not sign:
            return None
        self.trips.settle()
        at = self.at = ts if self.at is None else max(ts, self.at)
        tests = self.was_open == 1 or self.v["service_mode"] == 2
        if sign and (code == 93 or not tests):
            self.presence.alarm = at
        if code in named:
            order, on = self.codes_on.get(code, (0, False))
            if state == 1 and not on and at >= order:
                self.codes_on[code] = (at, True)
            if state == 0 and at >= order:
                self.codes_on[code] = (at, False)
                self.codes_once.pop(code, None)
            if state == 2:
                self.codes_once[code] = max(self.codes_once.get(code, 0), at + 10_000)
        return at

    def columns(self, named):
        """Every channel, derived column and code as the fast detector names them."""
        v, at = self.v, self.at

        def within(t, ms):
            return t is not None and at - t <= ms

        def recent(times, ms):
            return F(sum(at - t <= ms for t in times))

        running, is_open = self.running(), self.door_open()
        speed, zone, state = abs(v["speed"]), v["door_zone"], v["door_state"]
        truths = []
        for code in (4, 93):
            on = self.codes_on.get(code, (0, False))[1] or self.codes_once.get(code, 0) > at
            truths.append(on if code in named else None)
        learned = self.trips.columns(at)
        sensors = (learned[n] for n in ("presence_quality", "load_zero", "load_flat"))
        who = (v, self.presence, at, self.position, self.rated_kg)
        believed = belief(*who, *truths, *sensors, period=self.period)
        moving = speed >= F(0.05) or running == 1
        contradicts = (
            (is_open == 1 and running == 1 and speed < F(0.02))
            or (v["car_status"] == 0 and speed > F(0.5))
            or (v["door_closed"] == 1 and state == 4)
            or (v["door_closed"] == 0 and state in (2, 5))
            or max(self.flat.values()) >= 60
            or recent(self.jumps, 3_600_000) >= 2
        )
        out = (
            dict(v)
            | believed
            | {
                "running": running,
                "stopped": F(1 - running),
                "door_open": is_open,
                "still_s": F((at - self.moved) / 1000) if self.moved is not None else NAN,
                "position_still_s": F((at - self.position) / 1000)
                if self.position is not None
                else NAN,
                "ran_with_door_open": F(within(self.ran_open, 2_000)),
                "start_with_door_open": F(self.started),
                "left_zone_with_door_open": F(self.left),
                "relevelling": F(self.armed and is_open == 1 and zone != 0 and moving),
                "cycles_here": F(self.cycles),
                "failed_closes": recent(self.closes, 300_000),
                "hard_stop": F(self.hard),
                "hard_stops_day": recent(self.stops, 86_400_000),
                "flat_samples": F(max(self.flat.values())),
                "impact": F(v["acc_min"] < F(0.35 * 9.81) or v["acc_peak"] > F(1.6 * 9.81)),
                "impact_lately": F(self.trips.impact_left > 0),
                "mechanic_likely": F(
                    not known(v["service_mode"]) and within(self.trips.mechanic, 1_800_000)
                ),
                "position_jumps": recent(self.jumps, 3_600_000),
                "contradiction": F(contradicts),
            }
        )
        out |= learned
        for code in named:
            once = self.codes_once.get(code, 0) > at
            out[f"code({code})"] = F(once or self.codes_on.get(code, (0, False))[1])
            out[f"once({code})"] = F(once)
        return out
