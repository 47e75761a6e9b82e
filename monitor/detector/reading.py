"""What one sample says: running and standing, door open and shut, in the zone or not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitor.detector.table import Block

Values = NDArray[np.float32]
Mask = NDArray[np.bool_]

STANDSTILL = np.float32(0.05)  # m/s; below it a car without car_status counts as stopped
MAINS, INSPECTION = 0, 2  # power, service_mode
DOOR = ("door_closed", "door_state")
CLOSING, CLOSED, OPENING, OPEN, LOCKED = 1, 2, 3, 4, 5  # door_state


class Now(NamedTuple):
    """What this sample says: running and door_open 1, 0 or NaN; the masks are "definitely"."""

    running: Values
    door_open: Values
    runs: Mask
    stands: Mask
    opened: Mask
    shut: Mask
    speed: Values
    in_zone: Mask
    out_of_zone: Mask


def running_of(c: Mapping[str, Values] | Block[np.float32]) -> Values:
    """1 running, 0 stopped, NaN unknown: car_status, else whether the car has speed."""
    speed = c["speed"]
    by_speed = np.where(np.isnan(speed), speed, np.abs(speed) >= STANDSTILL)
    status = c["car_status"]
    return np.where(np.isnan(status), by_speed, status).astype(np.float32, copy=False)


def door_open_of(c: Mapping[str, Values] | Block[np.float32]) -> Values:
    """1 not closed, 0 closed, NaN unknown: the closed contact, else the state of the door."""
    state = c["door_state"]
    by_state = np.where(state > 0, (state != CLOSED) & (state != LOCKED), np.float32(np.nan))
    closed = c["door_closed"]
    return np.where(np.isnan(closed), by_state, 1 - closed).astype(np.float32, copy=False)


def read(c: Block[np.float32]) -> Now:
    """Interpret the last known values."""
    running, door_open = running_of(c), door_open_of(c)
    zone = c["door_zone"]
    return Now(
        running, door_open, running == 1, running == 0, door_open == 1, door_open == 0,
        np.abs(c["speed"]), zone == 1, zone == 0,
    )  # fmt: skip
