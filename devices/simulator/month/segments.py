"""Segments: the timeline of every lift as rows of formulas, sorted by lift and time.

A segment is valid from `t0` until `t1` (ms since the start of the month). Where the car is:
law REST x = x0; law RIDE an S-curve of `length` metres in the direction `sign`, `peak` speed and
ramps of `ramp` seconds, as in the step simulator; law PULL x0 + v0·t + a·t²/2, with v0 in `peak`
and a in `ramp`. Everything else is constant over a segment.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
Bool = NDArray[np.bool_]
Segments = NDArray[np.void]  # dtype SEGMENT

REST, RIDE, PULL = range(3)
CLOSING, CLOSED, OPENING, OPEN, PARTLY = 1, 2, 3, 4, 6  # door, as the channel door_state
NATURAL, FIRST, SCRIPTED = range(3)  # part: of ordinary traffic, its first of a call, of an event
SEGMENT: Final = np.dtype(
    [
        ("lift", np.int32), ("t0", np.int64), ("t1", np.int64),
        ("x", np.float32), ("length", np.float32), ("peak", np.float32), ("ramp", np.float32),
        ("sign", np.int8), ("law", np.int8), ("part", np.int8), ("door", np.int8),
        ("people", np.int16), ("mass", np.float32), ("call", np.int8), ("alarm", np.int8),
        ("mode", np.int8), ("chain", np.int8), ("power", np.int8), ("drive", np.int8),
        ("lost", np.int8), ("drag", np.float32), ("effort", np.float32),
        ("emptied", np.int64), ("before", np.int16), ("moved", np.int64), ("arrived", np.int64),
    ]
)  # fmt: skip
# drag: door motor against a new door (0: no current) · effort: extra motor current, share of rated
# arrived: when the car last came to rest, ms
# emptied: when the last person left, ms · before: people until `moved`, the last change


def blank(n: int) -> Segments:
    """Return n segments of a healthy lift that stands with its door closed."""
    made: Segments = np.zeros(n, SEGMENT)
    made["door"], made["mode"], made["drag"] = CLOSED, 1, 1.0
    made["emptied"], made["moved"] = -(1 << 40), -(1 << 40)
    return made


def motion(part: Segments, ms: I64) -> tuple[F64, F64, F64]:
    """Return position m, speed m/s and acceleration m/s² (up positive) `ms` after t0 of each."""
    t = ms.astype(np.float64) / 1000.0
    peak, ramp = part["peak"].astype(np.float64), part["ramp"].astype(np.float64)
    length, sign = part["length"].astype(np.float64), part["sign"].astype(np.float64)
    ride = part["law"] == RIDE
    safe = np.where(ride & (ramp > 0), ramp, 1.0)
    total = safe + np.where(ride, length / np.where(peak > 0, peak, 1.0), 0.0)
    first = t < 0.5 * total
    tau = np.clip(np.minimum(t, total - t), 0.0, None)
    u = np.minimum(tau / safe, 1.0)
    way = peak * (safe * u * u * u * (1.0 - 0.5 * u) + np.maximum(tau - safe, 0.0))
    way = np.where(first, way, length - way)
    pull = part["law"] == PULL
    x = part["x"] + np.where(ride, sign * way, np.where(pull, (peak + 0.5 * ramp * t) * t, 0.0))
    v = np.where(ride, sign * peak * u * u * (3.0 - 2.0 * u), np.where(pull, peak + ramp * t, 0.0))
    bend = np.where(first, sign, -sign) * peak / safe * 6.0 * u * (1.0 - u)
    a = np.where(ride, bend, np.where(pull, ramp, 0.0))
    return x, v, a


def history(made: Segments) -> None:
    """Fill in who left when (`emptied`, `before`, `moved`) and when the car `arrived`.

    Rows sorted by lift and time.
    Continues from the first row of each lift, which says how it was before.
    """
    n = len(made)
    if n == 0:
        return
    people, lift, t0 = made["people"], made["lift"], made["t0"]
    row = np.arange(n)
    head = np.ones(n, np.bool_)
    head[1:] = lift[1:] != lift[:-1]
    change = np.zeros(n, np.bool_)
    change[1:] = (people[1:] != people[:-1]) & ~head[1:]
    start = np.maximum.accumulate(np.where(head, row, 0))
    last = np.maximum.accumulate(np.where(change, row, -1))
    has = last >= start
    safe = np.where(has, last, 0)
    made["moved"] = np.where(has, t0[safe], made["moved"][start])
    made["before"] = np.where(has, people[safe - 1], made["before"][start])
    gone = change & (people == 0)
    out = np.maximum.accumulate(np.where(gone, row, -1))
    was = out >= start
    rest = made["law"] == REST
    halt = np.zeros(n, np.bool_)
    halt[1:] = rest[1:] & ~rest[:-1] & ~head[1:]
    stood = np.maximum.accumulate(np.where(halt, row, -1))
    made["arrived"] = np.where(stood >= start, t0[np.maximum(stood, 0)], made["arrived"][start])
    made["emptied"] = np.where(was, t0[np.where(was, out, 0)], made["emptied"][start])


def bounds(made: Segments, n: int) -> I64:
    """Return int64[n + 1]: rows of lift i are bounds[i]:bounds[i + 1]."""
    found: I64 = np.searchsorted(made["lift"], np.arange(n + 1)).astype(np.int64)
    return found
