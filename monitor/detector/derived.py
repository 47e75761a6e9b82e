"""Derived columns: from last known values and memory, each computed when somebody asks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from monitor.detector import reading
from monitor.detector.columns import DerivedColumn, truth

if TYPE_CHECKING:
    from monitor.detector.signals import SignalColumns

Values = NDArray[np.float32]
Mask = NDArray[np.bool_]
MOVING, DOOR = ("car_status", "speed"), ("door_closed", "door_state")

FLAT_SAMPLES = 60
JUMPS = 2  # one jump may be a lift that finds its position again
CRAWL = np.float32(0.02)  # m/s
DRIVEN = np.float32(0.5)  # m/s


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
    "running": truth("运行中", "running", lambda c: reading.running_of(c.channels), *MOVING),
    "stopped": truth("停止", "stopped", lambda c: 1 - c["running"], *MOVING),
    "door_open": truth(
        "门开（未关到位）", "door open (not fully closed)",
        lambda c: reading.door_open_of(c.channels), *DOOR,
    ),
    "relevelling": truth("再平层", "re-levelling", relevelling, "speed", *DOOR),
    "contradiction": truth(
        "传感器自相矛盾", "sensors contradict each other", contradiction, *MOVING, *DOOR
    ),
}  # fmt: skip
