"""Slow twin of ride.py and doorway.py: one lift, one sample at a time, features in a dict."""

from __future__ import annotations

import math

import numpy as np

from tests.naive.baseline import NaiveNormals
from tests.naive.sensors import NaiveSensors, presence

F = np.float32
NAN = F("nan")
HOUR = 3_600_000


def known(x):
    return not math.isnan(x)


def profile(metres, rated):
    if metres >= F(F(rated * rated) / F(0.8)):
        return F(F(metres / rated) + F(rated / F(0.8)))
    return F(F(2) * np.sqrt(F(metres / F(0.8)))) if known(rated) else short(metres)


def short(metres):
    return F(F(2) * np.sqrt(F(metres / F(0.8))))


class NaiveTrips:
    """Trips, door movements and stops of one lift; what they told goes to its normals."""

    def __init__(self, rated, period=1.0):
        self.rated, self.period = F(rated), F(period)
        self.set_off = self.arrived = self.odd = self.visit = None
        self.impact_left = F(0)
        self.mechanic, self.top = None, F(0)
        self.hour, self.now, self.last = None, 0, 0
        self.reset()
        self.floor, self.trip_s, self.relevels = NAN, NAN, 0
        self.began = self.contact = None
        self.door_sum, self.door_count = F(0), 0
        self.opening_s = self.closing_s = self.dwell_s = NAN
        self.bounces = self.bounces_most = 0
        self.sensors = NaiveSensors()
        self.pending, self.due = {}, None
        self.shown = dict.fromkeys(("trip_s", "opening_s", "closing_s", "dwell_s"), NAN)
        self.shown |= {"relevels": F(0), "trips_hour": F(0)}
        self.normals = NaiveNormals(self.period)

    def reset(self):
        self.sum = {"acc_rms": F(0), "motor_current": F(0)}
        self.count = {"acc_rms": 0, "motor_current": 0}
        self.amps = self.shock = self.top = F(0)

    def whole(self, began):
        return began is not None and (self.odd is None or self.odd < began)

    def sample(self, at, gap_ms, lift, old, have):
        """Before the lift's own memory of the sample before is moved; gap None: the first."""
        self.settle()
        v = lift.v
        running, is_open = lift.running(), lift.door_open()
        runs, stands = running == 1, running == 0
        zone, speed = v["door_zone"], abs(v["speed"])
        mode = v["service_mode"]
        if self.impact_left:
            self.impact_left = max(F(self.impact_left - gap_ms), F(0))
        felt = have.get("acc_min", NAN) < F(0.35 * 9.81) or have.get("acc_peak", NAN) > F(
            1.6 * 9.81
        )
        lately = self.arrived is not None and at - self.arrived <= 3_000
        if felt and (lately or not (stands and lift.was_running == 0)):
            hole_ms = F(F(F(2500) * self.period) + F(2000))
            self.impact_left = hole_ms if known(hole_ms) else F(2000)
        hole = gap_ms is None or gap_ms > F(F(F(2500) * self.period) + F(2000))
        if hole or (known(mode) and mode != 1):
            self.odd = at
            if mode == 2:
                self.visit = at
        if runs and not speed < F(F(0.5) * self.rated):
            for channel in self.sum:
                if channel in have:
                    self.sum[channel] = F(self.sum[channel] + have[channel])
                    self.count[channel] += 1
        if runs and self.set_off is not None and at - self.set_off <= 3_000:
            self.amps = max(self.amps, have.get("motor_current", F(0)))
        if runs:
            self.shock = max(self.shock, have.get("acc_peak", F(0)))
            if known(speed) and have.keys() & {"acc_rms", "motor_current", "acc_peak", "speed"}:
                self.top = max(self.top, speed)
        if stands and lift.was_running == 1:
            self.arrive(at, v, old)
        if runs and lift.was_running == 0:
            if is_open == 1 and zone == 1:
                self.relevels += 1
            else:
                self.depart(at, v, old)
        self.door(at, lift, old, have, is_open, stands)

    def arrive(self, at, v, old):
        began, self.arrived = self.set_off, at
        if not self.whole(began):
            return
        seconds = F(F(at - began) / F(1000))
        if seconds > 600:
            return
        self.trip_s = seconds
        floors = F(v["car_position"] - self.floor)
        far = abs(floors)
        if 0 < self.top <= F(0.63) and not self.top > F(F(0.5) * self.rated) and seconds >= 6:
            away = v["door_zone"] == 0 or far >= 2 or self.is_there(at)
            if away and not known(v["service_mode"]):
                self.mechanic = self.visit = at
        with np.errstate(invalid="ignore"):
            time = F(seconds - profile(F(far * F(3)), self.rated)) if far >= 1 else NAN
        self.pending |= {
            "travel_time": time,
            "motor_current": self.mean("motor_current"),
            "start_current": self.amps if self.amps > 0 else NAN,
            "vibration": self.mean("acc_rms"),
            "shock": self.shock if self.shock > 0 else NAN,
            "floors": far,
            "up": F(floors > 0) if far >= 1 else NAN,
            "load": old["load"],
        }

    def is_there(self, at):
        return self.mechanic is not None and at - self.mechanic <= 1_800_000

    def mean(self, channel):
        count = self.count[channel]
        return F(self.sum[channel] / F(count)) if count >= 3 else NAN

    def depart(self, at, v, old):
        self.set_off = self.due = at
        self.pending |= {
            f"said {n}": v[n]
            for n in ("load", "level_offset", "motor_temp", "room_temp", "humidity")
        }
        self.pending |= {"said acc_peak": self.shock or NAN, "presence": presence(v)}
        self.reset()
        amps = F(self.door_sum / F(self.door_count)) if self.door_count else NAN
        self.door_sum, self.door_count = F(0), 0
        room = F(0) if math.isnan(v["room_temp"]) else v["room_temp"]
        self.pending |= {"door_current": amps, "motor_heat": F(v["motor_temp"] - room)}
        self.floor = old["car_position"]
        hour = at // HOUR
        if hour != self.hour:
            follows = self.hour is not None and hour == self.hour + 1
            self.last, self.now = (self.now if follows else 0), 0
        self.hour = hour
        self.now += 1

    def door(self, at, lift, old, have, is_open, stands):
        v = lift.v
        state, before = v["door_state"], old["door_state"]
        if state in (1, 3) and "door_current" in have:
            self.door_sum = F(self.door_sum + have["door_current"])
            self.door_count += 1
        if "door_state" in have and state != before:
            if self.whole(self.began):
                seconds = F(F(at - self.began) / F(1000))
                if before == 3 and state == 4:
                    self.opening_s = self.pending["opening_time"] = seconds
                if before == 1 and state in (2, 5):
                    self.closing_s = self.pending["closing_time"] = seconds
                if before == 4 and state == 1:
                    self.dwell_s = seconds
            begins = (state == 3 and before in (2, 5)) or (state == 1 and before == 4)
            self.began = at if begins or state == 4 else None
        if "door_closed" in have and v["door_closed"] != old["door_closed"]:
            soon = self.contact is not None and at - self.contact <= 2_000
            soon = soon and (self.odd is None or self.odd < at - 2_000)
            self.bounces = min(self.bounces + 1, 100) if soon else 0
            self.bounces_most = max(self.bounces, self.bounces_most)
            self.contact = at
        in_zone = v["door_zone"] == 1
        opens = is_open == 1 and lift.was_open == 0
        arrives = stands and lift.was_running == 1
        if (opens or arrives) and in_zone and "level_offset" in have:
            self.pending["levelling"] = v["level_offset"]
        if opens and stands and lift.cycles >= 2 and self.is_there(at):
            self.mechanic = self.visit = at
        if opens and stands:
            times = [t for t in (lift.cycle, self.arrived) if t is not None]
            since = max(times, default=None)
            if self.whole(since) and at - since >= 180_000:
                self.pending["load_zero"] = self.pending["idle_load"] = old["load"]
                if at - since >= 600_000:
                    self.pending["idle_presence"] = presence(old)

    def settle(self):
        """Before anything new is heard: judge the trip before the last departure."""
        if self.due is None:
            return
        at, seen = self.due, self.pending
        self.due, self.pending = None, {}
        self.shown = {
            "trip_s": self.trip_s, "relevels": F(self.relevels), "trips_hour": F(self.last),
            "opening_s": self.opening_s, "closing_s": self.closing_s, "dwell_s": self.dwell_s,
        }  # fmt: skip
        self.relevels = 0
        bounced, self.bounces_most = self.bounces_most >= 6, 0
        if self.visit is None or at - self.visit > 1_800_000:
            self.sensors.see(at, seen, bounced)
            self.normals.see(at, seen, self.visit)

    def columns(self, at):
        """What the last trip and stop showed, and what the judges think of it."""
        return self.shown | self.sensors.columns(at) | self.normals.columns(at)
