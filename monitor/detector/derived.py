"""Derived columns: from last known values and memory, each computed when somebody asks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from monitor.detector import reading
from monitor.detector.columns import NAN, DerivedColumn, truth

if TYPE_CHECKING:
    from monitor.detector.signals import SignalColumns

Values = NDArray[np.float32]
Mask = NDArray[np.bool_]
MOVING, DOOR = ("car_status", "speed"), ("door_closed", "door_state")

PEOPLE_MS = 60_000  # domain.md 6: people ≥1 within 60 s
CALL_MS = 600_000  # no car call is older: served, or the button is stuck
ALARM_MS = 7_200_000  # 2 h: accident class
FLAT_SAMPLES = 60
JUMPS = 2  # one jump may be a lift that finds its position again
LEVEL_MM = np.float32(100)  # where door_zone is absent
CRAWL = np.float32(0.02)  # m/s
DRIVEN = np.float32(0.5)  # m/s


def with_people(c: SignalColumns) -> Values:
    """passenger, or people now or within 60 s, or a call or alarm since the door last opened."""
    passenger, people = c["passenger"], c["people"]
    yes = (passenger == 1) | (people >= 1)
    for sign, valid_ms in (("people", PEOPLE_MS), ("call", CALL_MS), ("alarm", ALARM_MS)):
        yes |= c.at_ms - c.times[sign] <= valid_ms
    call, alarm = c["car_call"], c["alarm_button"]
    silent = np.isnan(passenger) & np.isnan(people) & np.isnan(call) & np.isnan(alarm)
    return np.where(yes, 1, np.where(silent, NAN, 0)).astype(np.float32)


def at_level(c: SignalColumns) -> Values:
    """door_zone; where it is absent, a levelling error within 100 mm."""
    zone, offset = c["door_zone"], c["level_offset"]
    near = np.where(np.isnan(offset), NAN, np.abs(offset) <= LEVEL_MM)
    return np.where(np.isnan(zone), near, zone).astype(np.float32)


def door_passable(c: SignalColumns) -> Values:
    """Door open or opening, by its state; where that is unknown, by the closed contact."""
    state = c["door_state"]
    by_state = (state == reading.OPENING) | (state == reading.OPEN)
    return np.where(state > 0, by_state, 1 - c["door_closed"]).astype(np.float32)


def contradiction(c: SignalColumns) -> Values:
    """What cannot all be true (rule 32); false, never unknown, where channels are absent."""
    speed, closed, state = np.abs(c["speed"]), c["door_closed"], c["door_state"]
    runs_without_speed = (c["door_open"] == 1) & (c["running"] == 1) & (speed < CRAWL)
    stands_with_speed = (c["car_status"] == 0) & (speed > DRIVEN)
    shut = (state == reading.CLOSED) | (state == reading.LOCKED)
    door_differs = ((closed == 1) & (state == reading.OPEN)) | ((closed == 0) & shut)
    flat = c["flat_samples"] >= FLAT_SAMPLES
    jumpy = c["position_jumps"] >= JUMPS
    found: Mask = runs_without_speed | stands_with_speed | door_differs | flat | jumpy
    return found.astype(np.float32)


def relevelling(c: SignalColumns) -> Values:
    """Moving in the zone with the door open, after having stood there so (rule 6)."""
    moving = (np.abs(c["speed"]) >= reading.STANDSTILL) | (c["running"] == 1)
    open_here = (c["door_open"] == 1) & (c["door_zone"] != 0)
    found: Mask = (c.marks["armed"] == 1) & open_here & moving
    return found.astype(np.float32)


COLUMNS: Mapping[str, DerivedColumn] = {
    "with_people": truth(
        "轿内有人", "people in the car", with_people, "passenger", "people", "car_call",
        "alarm_button",
    ),
    "running": truth("运行中", "running", lambda c: reading.running_of(c.channels), *MOVING),
    "stopped": truth("停止", "stopped", lambda c: 1 - c["running"], *MOVING),
    "at_level": truth("在平层", "at a floor", at_level, "door_zone", "level_offset"),
    "door_open": truth(
        "门开（未关到位）", "door open (not fully closed)",
        lambda c: reading.door_open_of(c.channels), *DOOR,
    ),
    "door_passable": truth("门开或正在开", "door open or opening", door_passable, *DOOR),
    "relevelling": truth("再平层", "re-levelling", relevelling, "speed", *DOOR),
    "contradiction": truth(
        "传感器自相矛盾", "sensors contradict each other", contradiction, *MOVING, *DOOR
    ),
}  # fmt: skip
