"""Segments to channels: what a device reads at a moment, with its noise and resolution."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from devices.simulator.month.chance import F32, normal, uniform
from devices.simulator.month.dialects import BLANK, PASS
from devices.simulator.month.fleet import F64, I64, Bool, Fleet, G
from devices.simulator.month.segments import CLOSED, CLOSING, OPENING, REST, Segments, motion
from devices.vocabulary import Vocabulary

ZONE_M: Final = 0.2
LIMIT_M: Final = 0.15
CHUNK: Final = 8_192  # rows that stay in the cache while columns are written
FULL_SCALE: Final = 19.6  # of an acceleration sensor of 2 g
DAY_MS: Final = 86_400_000
_STANDBY_A: Final = 0.4


@dataclass(slots=True)
class Form:
    """Segments of a window with what is worked out once for each: see `Channels.form`.

    table float32[segments, C]: what stands still · odd: the people channels need a closer look ·
    until: presence is held so long, ms · lagged: the counter knows of the last change, ms.
    """

    made: Segments
    table: F32
    lift: I64
    moving: Bool
    odd: Bool
    until: I64
    lagged: I64


class Channels:
    """Fills the matrix. Works in chunks that stay in the cache."""

    def __init__(self, fleet: Fleet, vocab: Vocabulary) -> None:
        self._fleet, self._vocab = fleet, vocab
        self.col = {channel.name: i for i, channel in enumerate(vocab.channels)}
        lacks = [[c.name in d.lacks for c in vocab.channels] for d in fleet.dialects]
        self.lacks: Bool = np.array(lacks, np.bool_)
        # added to a value: 0 where the device has the channel, NaN where not
        self._mask: F32 = np.where(self.lacks, np.nan, 0).astype(np.float32)
        self._fast = np.ascontiguousarray(self._mask.T)
        # what wears, changed by drift from hour to hour
        self.roughness, self.door_drag = fleet.roughness.copy(), fleet.door_drag.copy()
        self.level_mm, self.amps = fleet.level_bias_mm.copy(), np.ones(fleet.n)

    def standing(self, made: Segments, place: I64) -> F32:
        """Return float32[segments, C]: what does not change within a segment."""
        fleet, lift = self._fleet, made["lift"]
        out = np.full((len(made), len(self.col)), np.nan, np.float32)
        x, storey = made["x"].astype(np.float64), fleet.storey[lift]
        nearest = np.clip(np.rint(x / storey), 0, fleet.top[lift])
        off = x - nearest * storey
        still = made["law"] == REST
        zone = np.abs(off) <= ZONE_M
        shut = made["door"] == CLOSED
        lit = made["power"] == 0
        level = off * 1000 + self.level_mm[lift] + 1.5 * normal(place, 1)
        step = fleet.load_step[lift]
        drive = np.where(fleet.motion_status[lift], ~still, made["drive"] != 0)
        works = ((made["door"] == OPENING) | (made["door"] == CLOSING)) & (made["drag"] > 0)
        beyond = np.where(x > fleet.top[lift] * storey + LIMIT_M, 1, np.where(x < -LIMIT_M, 2, 0))
        put: dict[str, NDArray[np.generic] | float] = {
            "service_mode": made["mode"],
            "car_status": drive,
            "car_direction": np.where(drive, np.where(made["sign"] >= 0, 1, 2), 0),
            "door_zone": np.where(~still & (fleet.zone[lift] == BLANK), np.nan, zone),
            "car_position": np.where(made["lost"] != 0, np.nan, nearest + fleet.floor_lo[lift]),
            "door_closed": shut,
            "door_state": made["door"],
            "landing_locked": shut,
            "passenger": made["people"] > 0,
            "people": made["people"],
            "car_call": made["call"],
            "alarm_button": made["alarm"],
            "safety_chain": made["chain"],
            "brake": (made["drive"] == 0) & still,
            "power": made["power"],
            "speed": 0.0,
            "load": 100.0 * made["mass"] / fleet.rated_kg[lift] + fleet.load_zero[lift] + 0 * step,
            "acc_rms": 0.012 * self.roughness[lift] + 0.008 * works,
            "acc_peak": G, "acc_min": G,
            "motor_current": np.where(lit, _STANDBY_A + made["effort"] * fleet.rated_amps[lift], 0),
            "door_current": np.where(lit, 0.05 + works * 0.9 * made["drag"]
                                     * self.door_drag[lift], 0),
            "level_offset": np.where(still & zone, np.rint(level), np.nan),
            "final_limit": beyond,
        }  # fmt: skip
        for name, value in put.items():
            out[:, self.col[name]] = value
        out += self._mask[lift]
        return out

    def form(self, made: Segments, place: I64) -> Form:
        """Return what is worked out once a segment, for `fill`."""
        fleet, people = self._fleet, made["people"]
        lift = made["lift"].astype(np.int64)
        until = np.where(people == 0, made["emptied"] + fleet.hold_ms[lift], 0)
        lagged = made["moved"] + fleet.lag_ms[lift]
        odd = (people > 0) | (until > made["t0"]) | (lagged > made["t0"])
        table = np.empty((len(made), len(self.col)), np.float32)
        for a in range(0, len(made), CHUNK):
            table[a : a + CHUNK] = self.standing(made[a : a + CHUNK], place[a : a + CHUNK])
        return Form(made, table, lift, made["law"] != REST, odd, until, lagged)

    def fill(self, out: F32, form: Form, segment: I64, t: I64, place: I64) -> None:
        """Write the samples of `segment` at `t` (ms) into out float32[k, C]."""
        np.take(form.table, segment, axis=0, out=out, mode="clip")
        lift = form.lift[segment]
        noise = self._fleet.noise[lift]
        self._noise(out, lift, noise, place)
        self._people(out, form, segment, t, place)
        moving = np.flatnonzero(form.moving[segment])
        if len(moving):
            seg = segment[moving]
            self._motion(out, form.made[seg], moving, t[moving], place[moving])

    def _noise(self, out: F32, lift: I64, noise: F32, place: I64) -> None:
        col, step = self.col, self._fleet.load_step[lift]
        load = out[:, col["load"]] + 0.35 * noise * normal(place, 2)
        out[:, col["load"]] = np.maximum(np.rint(load / step) * step, 0)
        rms = out[:, col["acc_rms"]] * (1 + 0.1 * noise * normal(place, 3))
        out[:, col["acc_rms"]] = np.rint(np.maximum(rms, 0.001) * 1000) / 1000
        shake = 2.5 * rms
        out[:, col["acc_peak"]] = np.rint((out[:, col["acc_peak"]] + shake) * 100) / 100
        out[:, col["acc_min"]] = np.rint((out[:, col["acc_min"]] - shake) * 100) / 100
        amps = out[:, col["motor_current"]]
        amps = amps + (amps > 0) * (0.05 + 0.02 * amps) * noise * normal(place, 4)
        out[:, col["motor_current"]] = np.rint(np.maximum(amps, 0) * 10) / 10
        door = out[:, col["door_current"]]
        door = door * (1 + 0.05 * noise * normal(place, 5))
        out[:, col["door_current"]] = np.rint(door * 100) / 100

    def _people(self, out: F32, form: Form, segment: I64, t: I64, place: I64) -> None:
        """Sensors hold, cameras lag and miscount, infrared loses who stands still."""
        fleet, col = self._fleet, self.col
        rows = np.flatnonzero(form.odd[segment])
        if not len(rows):
            return
        seg, place = segment[rows], place[rows]
        made, lift = form.made, form.lift[seg]
        inside = made["people"][seg]
        presence = col["passenger"]
        lost = uniform(place, 6) < 0.02 * fleet.noise[lift] * (inside > 0)
        seen = np.where(inside > 0, ~lost, t[rows] < form.until[seg])
        out[rows, presence] = seen + self._fast[presence][lift]
        count = np.where(t[rows] < form.lagged[seg], made["before"][seg], inside)
        chance = uniform(place, 7)
        count = count + (count >= 3) * ((chance < 0.03).astype(int) - (chance > 0.97))
        out[rows, col["people"]] = count + self._fast[col["people"]][lift]

    def _motion(self, out: F32, part: Segments, rows: I64, t: I64, place: I64) -> None:
        fleet, col, fast = self._fleet, self.col, self._fast
        lift = part["lift"]
        x, v, a = motion(part, t - part["t0"])
        noise = fleet.noise[lift]
        speed = np.rint(100 * (v + 0.006 * noise * normal(place, 8))) / 100
        out[rows, col["speed"]] = speed + fast[col["speed"]][lift]
        storey = fleet.storey[lift]
        nearest = np.clip(np.rint(x / storey), 0, fleet.top[lift])
        floor = np.where(part["lost"] != 0, np.nan, nearest + fleet.floor_lo[lift])
        out[rows, col["car_position"]] = floor + fast[col["car_position"]][lift]
        passing = fleet.zone[lift] == PASS
        zone = np.abs(x - nearest * storey) <= ZONE_M
        out[rows[passing], col["door_zone"]] = zone[passing]
        rms = self.roughness[lift] * (0.012 + 0.045 * np.abs(v)) * (1 + 0.1 * normal(place, 9))
        put = col["acc_rms"]
        out[rows, put] = np.rint(rms * 1000) / 1000 + fast[put][lift]
        put = col["acc_peak"]
        peak = np.minimum(G + np.maximum(a, 0) + 2.5 * rms, FULL_SCALE)
        out[rows, put] = np.rint(peak * 100) / 100 + fast[put][lift]
        put = col["acc_min"]
        out[rows, put] = np.rint((G + np.minimum(a, 0) - 2.5 * rms) * 100) / 100 + fast[put][lift]
        put = col["motor_current"]
        amps = self._amps(part, v, a) * (1 + 0.02 * noise * normal(place, 10))
        out[rows, put] = np.rint(amps * 10) / 10 + fast[put][lift]

    def _amps(self, part: Segments, v: F64, a: F64) -> F64:
        """Balance of car and counterweight, friction, inertia; nothing without the drive."""
        fleet, lift = self._fleet, part["lift"]
        heading = np.where(v < 0, -1.0, 1.0)
        unbalance = heading * (part["mass"] / fleet.rated_kg[lift] - 0.5) * 2.0
        effort = np.abs(0.25 + 0.75 * unbalance + 0.8 * heading * a) + part["effort"]
        load = fleet.rated_amps[lift] * self.amps[lift] * (0.25 + 0.75 * effort)
        amps: F64 = np.where(part["drive"] != 0, _STANDBY_A + load, _STANDBY_A)
        return np.where(part["power"] != 0, 0.0, amps)

    def slow(self, out: F32, lift: I64, t: I64, place: I64) -> None:
        """Write temperatures, humidity and battery into these rows."""
        fleet, col = self._fleet, self.col
        day = 2 * math.pi * (t % DAY_MS / DAY_MS - 0.625)
        week = 1.5 * np.sin(t / (6.3 * DAY_MS))  # the weather
        room = 24.0 + 3.0 * np.cos(day) + week + fleet.room_offset[lift]
        put = {
            "room_temp": np.rint((room + 0.06 * normal(place, 11)) * 10) / 10,
            "motor_temp": np.rint((room + fleet.motor_rise[lift]
                                   + 0.2 * normal(place, 12)) * 10) / 10,
            "humidity": np.rint(62.0 - 9.0 * np.cos(day) + 0.5 * normal(place, 13)),
            "battery": np.rint(fleet.battery[lift]),
        }  # fmt: skip
        for name, value in put.items():
            out[:, col[name]] = value + self._fast[col[name]][lift]
