"""The trips of one lift over a time, cut from its samples as the live detector cuts them.

The live suite (`ride`, `doorway`) keeps the last trip of every lift; a person asks for all trips
of one. Here the same cuts are made over time instead of over the fleet: same reading of a sample,
same limits, same holes. What may differ: a re-levelling ends no trip here (there the arrival
after it is told as one), and the first trip of a span lacks what happened before it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from monitor.detector import expected, ride
from monitor.detector.baseline import MAD, NORMAL, judge
from monitor.detector.detector import Detector
from monitor.detector.features import FEATURES, FLOORS, LOAD, PENDING_STATE, PLACE, UP, F
from monitor.detector.reading import (
    CLOSED,
    CLOSING,
    LOCKED,
    OPEN,
    OPENING,
    door_open_of,
    running_of,
)
from monitor.detector.table import NEVER

Values = NDArray[np.float32]
Times = NDArray[np.int64]
Mask = NDArray[np.bool_]
Index = NDArray[np.intp]

CHANNELS: Final = (
    "service_mode", "car_status", "door_zone", "car_position", "door_closed", "door_state", "load",
    "speed", "acc_rms", "acc_peak", "motor_current", "door_current", "level_offset", "motor_temp",
    "room_temp",
)  # fmt: skip
"""What trips are cut from."""
COLUMNS: Final = (
    "travel_s", "floors", "from_floor", "to_floor", "load", "top_speed", "opening_s", "closing_s",
    "dwell_s", "levelling_mm", "relevels", "peak_acc", "vibration", "motor_current",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Trips:
    """j trips: set_off, arrived int64[j] epoch ms · columns: name of COLUMNS → float32[j], NaN
    where it could not be measured · pending float32[P, j]: as the judges get it."""

    set_off: Times
    arrived: Times
    columns: Mapping[str, Values]
    pending: Values

    def __len__(self) -> int:
        return len(self.set_off)


@dataclass(frozen=True, slots=True)
class Judged:
    """Features of trips beside what the lift was used to: value, normal, sigma float32[F, j]."""

    value: Values
    normal: Values
    sigma: Values


class _Samples:
    """Samples of one lift in order of time, each channel as last known."""

    def __init__(
        self, at: Times, said: Mapping[str, Values], period_s: float, rated: float
    ) -> None:
        n = len(at)
        self.at, self.rated = at, np.float32(rated)
        none = np.full(n, np.nan, np.float32)
        self.have = {name: ~np.isnan(said.get(name, none)) for name in CHANNELS}
        self.known = {name: _filled(said.get(name, none), self.have[name]) for name in CHANNELS}
        running, door = running_of(self.known), door_open_of(self.known)
        self.runs, self.stands, self.opened = running == 1, running == 0, door == 1
        before = _before(running)
        self.in_zone = self.known["door_zone"] == 1
        self.speed = np.abs(self.known["speed"])
        self.arrives, starts = self.stands & (before == 1), self.runs & (before == 0)
        self.relevels = starts & self.opened & self.in_zone
        self.departs = starts & ~self.relevels
        self.opens = self.opened & (_before(door) == 0)
        mode = self.known["service_mode"]
        hole = ride.HOLE_PERIODS * np.float32(period_s) + ride.HOLE_MS
        odd = (np.diff(at, prepend=at[:1]) > hole) | (mode < ride.NORMAL) | (mode > ride.NORMAL)
        self.odd = np.maximum.accumulate(np.where(odd, at, NEVER))


def cut(at: Times, said: Mapping[str, Values], period_s: float, rated: float) -> Trips:
    """Return the trips that ended in a span. at int64[n] rising, epoch ms; said: channel →
    float32[n], NaN where the sample does not tell it; period_s, rated m/s: of the registry."""
    s = _Samples(at, said, period_s, rated)
    first = s.departs.nonzero()[0]
    ends = np.append(first[1:], len(at))
    arrivals = s.arrives.nonzero()[0]
    place = np.searchsorted(arrivals, first, "right")
    there = np.append(arrivals, len(at))[np.minimum(place, len(arrivals))]
    whole = there < ends
    first, there, ends = first[whole], there[whole], ends[whole]
    seconds = (at[there] - at[first]).astype(np.float32) / np.float32(1000)
    whole = (s.odd[there] < at[first]) & (seconds <= ride.LONGEST_S)
    first, there, ends, seconds = first[whole], there[whole], ends[whole], seconds[whole]
    columns = _rides(s, first, there, seconds) | _stops(s, first, ends)
    return Trips(at[first], at[there], columns, _pending(s, columns, there))


def judged(detector: Detector, row: int, trips: Trips) -> Judged:
    """Return each trip's features beside the normal this lift has now; float32[F, j]."""
    normal = detector.own[NORMAL].data[row].astype(np.float32)[:, None]
    tiled = np.repeat(normal, len(trips), axis=1)
    usual = expected.value(tiled[3 * F :], expected.places(trips.pending, trips.arrived), F)
    level, spread, n = tiled[F : 2 * F], tiled[2 * F : 3 * F], tiled[:F]
    known = n > 0
    period = np.full(len(trips), detector.registry["period_s"][row], np.float32)
    with np.errstate(invalid="ignore", divide="ignore"):
        # the sigma by which the judge divides; what it learns on the way is thrown away
        r = judge(tiled.copy(), trips.pending, trips.arrived, np.nan_to_num(period))[1]
        rest = trips.pending[:F] - usual - level
        sigma = np.where((r != 0) & np.isfinite(r), rest / r, MAD * spread)
    unknown = np.float32(np.nan)
    return Judged(
        trips.pending[:F],
        np.where(known, usual + level, unknown).astype(np.float32),
        np.where(known, np.abs(sigma), unknown).astype(np.float32),
    )


def _filled(column: Values, have: Mask) -> Values:
    last = np.maximum.accumulate(np.where(have, np.arange(len(column)), -1))
    return np.where(last >= 0, column[last], np.float32(np.nan)).astype(np.float32)


def _before(column: Values) -> Values:
    return np.append(np.float32(np.nan), column[:-1]) if len(column) else column


def _rides(s: _Samples, first: Index, there: Index, seconds: Values) -> dict[str, Values]:
    before = np.maximum(first - 1, 0)
    position = s.known["car_position"]
    quick = s.runs & ~(s.speed < ride.AT_SPEED * s.rated)
    load = s.known["load"]
    return {
        "travel_s": seconds,
        "from_floor": position[before],
        "to_floor": position[there],
        "floors": position[there] - position[before],
        "load": load[np.maximum(there - 1, 0)],
        "top_speed": _most(s.speed, s.runs, first, there),
        "peak_acc": _most(s.known["acc_peak"], s.runs & s.have["acc_peak"], first, there),
        "vibration": _mean(s, "acc_rms", quick, first, there),
        "motor_current": _mean(s, "motor_current", quick, first, there),
        "start_current": _most(
            s.known["motor_current"],
            s.runs & s.have["motor_current"],
            first,
            np.minimum(there, np.searchsorted(s.at, s.at[first] + ride.START_MS, "right")),
        ),
    }


def _mean(s: _Samples, channel: str, which: Mask, first: Index, ends: Index) -> Values:
    taken = which & s.have[channel]
    total = np.append(0, np.cumsum(np.where(taken, s.known[channel], 0).astype(np.float64)))
    count = np.append(0, np.cumsum(taken))
    n = count[ends] - count[first + 1]
    mean = (total[ends] - total[first + 1]) / np.maximum(n, 1)
    return np.where(n >= ride.LEAST_SAMPLES, mean, np.nan).astype(np.float32)


def _most(column: Values, which: Mask, first: Index, ends: Index) -> Values:
    """Return the greatest value within (first, ends) of each trip, NaN for none above 0."""
    if not len(first):
        return np.empty(0, np.float32)
    padded = np.append(np.where(which & ~np.isnan(column), column, 0), 0).astype(np.float32)
    cuts = np.stack([first + 1, np.maximum(ends, first + 2)], axis=1).ravel()
    most = np.maximum.reduceat(padded, np.minimum(cuts, len(padded) - 1))[::2]
    return np.where((most > 0) & (ends > first + 1), most, np.nan).astype(np.float32)


def _stops(s: _Samples, first: Index, ends: Index) -> dict[str, Values]:
    """What the stop after each trip told: the last of each kind before the next departure."""
    state, before = s.known["door_state"], _before(s.known["door_state"])
    i = (s.have["door_state"] & (state != before) & ~np.isnan(before)).nonzero()[0]
    now, was, at = state[i], before[i], s.at[i]
    opens = (now == OPENING) & ((was == CLOSED) | (was == LOCKED))
    closes = (now == CLOSING) & (was == OPEN)
    began = np.append(NEVER, np.where(opens | closes | (now == OPEN), at, NEVER)[:-1])[: len(i)]
    whole = (began != NEVER) & (s.odd[i] < began)
    seconds = ((at - began) / 1000).astype(np.float32)
    told = {
        "opening_s": whole & (was == OPENING) & (now == OPEN),
        "closing_s": whole & (was == CLOSING) & ((now == CLOSED) | (now == LOCKED)),
        "dwell_s": whole & (was == OPEN) & (now == CLOSING),
    }
    found = {name: _last(i[mask], seconds[mask], first, ends) for name, mask in told.items()}
    levels = s.have["level_offset"] & s.in_zone & (s.opens | s.arrives)
    level = levels.nonzero()[0]
    found["levelling_mm"] = _last(level, s.known["level_offset"][level], first, ends)
    moving = ((state == CLOSING) | (state == OPENING)) & s.have["door_current"]
    total = np.append(0, np.cumsum(np.where(moving, s.known["door_current"], 0).astype(np.float64)))
    count = np.append(0, np.cumsum(moving))
    n = count[ends] - count[first]
    mean = (total[ends] - total[first]) / np.maximum(n, 1)
    found["door_current"] = np.where(n >= 1, mean, np.nan).astype(np.float32)
    again = np.append(0, np.cumsum(s.relevels))
    found["relevels"] = (again[ends] - again[first]).astype(np.float32)
    return found


def _last(where: Index, values: Values, first: Index, ends: Index) -> Values:
    """Return of each trip the last of these values within (first, ends), NaN for none."""
    if not len(where):
        return np.full(len(first), np.nan, np.float32)
    place = np.searchsorted(where, ends, "left") - 1
    at = where[np.maximum(place, 0)]
    return np.where((place >= 0) & (at > first), values[np.maximum(place, 0)], np.nan).astype(
        np.float32
    )


def _pending(s: _Samples, c: Mapping[str, Values], there: Index) -> Values:
    j = len(there)
    x = np.full((len(PENDING_STATE.names), j), np.nan, np.float32)
    far = np.abs(c["floors"])
    moved = far >= 1
    usual = ride.profile_s(far * ride.STOREY, np.full(j, s.rated, np.float32))
    x[PLACE["travel_time"]] = np.where(moved, c["travel_s"] - usual, np.nan)
    for feature, name in _SAME.items():
        x[PLACE[feature]] = c[name]
    x[FLOORS], x[UP] = far, np.where(moved, c["floors"] > 0, np.nan)
    x[LOAD] = c["load"]
    return x


_SAME: Final = {
    "motor_current": "motor_current", "start_current": "start_current", "vibration": "vibration",
    "shock": "peak_acc", "levelling": "levelling_mm", "opening_time": "opening_s",
    "closing_time": "closing_s", "door_current": "door_current",
}  # fmt: skip
MEASURED: Final = tuple(
    f for f in FEATURES if f.name == "travel_time" or (f.speaks and f.name in _SAME)
)
"""The features that can be told of trips gone by and have a drift of their own."""
