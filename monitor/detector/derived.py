"""Derived columns: from last known values and memory, each computed when somebody asks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from monitor.detector import reading, waveform
from monitor.detector.table import NEVER

if TYPE_CHECKING:
    from monitor.detector.signals import SignalColumns

Values = NDArray[np.float32]
Mask = NDArray[np.bool_]
NAN = np.float32(np.nan)

PEOPLE_MS = 60_000  # domain.md 6: people ≥1 within 60 s
CALL_MS = 600_000  # no car call is older: served, or the button is stuck
ALARM_MS = 7_200_000  # 2 h: accident class
RAN_OPEN_MS = 2_000  # rule 7
FAILED_CLOSE_MS = 300_000  # rule 16
DAY_MS = 86_400_000
HOUR_MS = 3_600_000
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


def _relevelling(c: SignalColumns) -> Values:
    moving = (np.abs(c["speed"]) >= reading.STANDSTILL) | (c["running"] == 1)
    open_here = (c["door_open"] == 1) & (c["door_zone"] != 0)
    found: Mask = (c.marks["armed"] == 1) & open_here & moving
    return found.astype(np.float32)


def _seconds_since(name: str) -> Callable[[SignalColumns], Values]:
    def seconds(c: SignalColumns) -> Values:
        since = c.times[name]
        value = ((c.at_ms - since) / 1000).astype(np.float32)
        return np.where(since == NEVER, NAN, value)

    return seconds


def _recent(slots: tuple[str, ...], within_ms: int) -> Callable[[SignalColumns], Values]:
    def count(c: SignalColumns) -> Values:
        total = np.zeros(len(c.at_ms), np.float32)
        for slot in slots:
            total += c.at_ms - c.times[slot] <= within_ms
        return total

    return count


def _mark(name: str) -> Callable[[SignalColumns], Values]:
    return lambda c: c.marks[name]


def _flat(c: SignalColumns) -> Values:
    return np.maximum(c.marks["flat_acc"], c.marks["flat_motor"])


def _learned(part: str) -> dict[str, Callable[[SignalColumns], Values]]:
    names = ("vibration", "door_current", "levelling")
    form = "z_{}" if part == "z" else "{}_drift"
    return {form.format(name): _mark(f"{name}.{part}") for name in names}


COMPUTE: Mapping[str, Callable[[SignalColumns], Values]] = {
    "with_people": with_people,
    "running": lambda c: reading.running_of(c.channels),
    "stopped": lambda c: 1 - c["running"],
    "at_level": at_level,
    "door_open": lambda c: reading.door_open_of(c.channels),
    "door_passable": door_passable,
    "still_s": _seconds_since("moved"),
    "position_still_s": _seconds_since("position"),
    "ran_with_door_open": lambda c: (c.at_ms - c.times["ran_open"] <= RAN_OPEN_MS).astype(
        np.float32
    ),
    "start_with_door_open": _mark("started_open"),
    "left_zone_with_door_open": _mark("left_zone"),
    "relevelling": _relevelling,
    "cycles_here": _mark("cycles"),
    "failed_closes": _recent(("close1", "close2", "close3"), FAILED_CLOSE_MS),
    "hard_stop": _mark("hard_stop"),
    "hard_stops_day": _recent(("stop1", "stop2", "stop3"), DAY_MS),
    "flat_samples": _flat,
    "position_jumps": _recent(("jump1", "jump2"), HOUR_MS),
    "contradiction": contradiction,
    **_learned("z"),
    **_learned("drift"),
    **{name: waveform.reader(name) for name in waveform.TEXTS},
}
