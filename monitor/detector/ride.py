"""Trips, cut from the stream: travel time, currents and vibration at speed, re-levellings.

Every sample costs a few sums over the step; the rest is done for lifts that set off or arrive in
it. A trip with a hole in it (no sample for 2.5 periods + 2 s), or a moment of any other service
than normal, gives no feature; nor does anything until half an hour after a mechanic's visit.

Must run before `trips`, whose memory still shows the sample before this one.

The profile of a trip over the distance d with rated speed v and acceleration a, speed as a
trapezoid or, where v is not reached, a triangle:

    T(d) = d / v + v / a   for d ≥ v² / a,      2 · √(d / a) below

with 3 m a storey and 0.8 m/s² as first guesses; `baseline` learns what this lift adds to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from monitor.detector.columns import DerivedColumn, count, mark, number
from monitor.detector.features import FLOORS, LOAD, PENDING, PENDING_STATE, PLACE, UP
from monitor.detector.fleet import Times, Update
from monitor.detector.reading import Now
from monitor.detector.step import Memory, Step
from monitor.detector.table import NEVER, Block

Values = NDArray[np.float32]
Mask = NDArray[np.bool_]
Index = NDArray[np.intp]

AT_SPEED = np.float32(0.5)  # share of rated speed above which a car counts as at speed
START_MS = 3_000  # the current of a start is over by then
HOLE_PERIODS, HOLE_MS = np.float32(2_500), np.float32(2_000)  # ms of silence a period s, and more
VISIT_MS = 1_800_000  # a mechanic tries the lift in normal service too
NORMAL, INSPECTION = 1, 2  # service_mode
LEAST_SAMPLES = 3  # at speed, for a mean worth the name
LONGEST_S = np.float32(600)  # no trip takes longer
STOREY = np.float32(3.0)  # m, first guess
ACCELERATION = np.float32(0.8)  # m/s², first guess
HOUR_MS = 3_600_000

MEMORY = Memory(
    times=("set_off", "arrived", "odd", "visit", "hour"),
    marks=(
        "shake.sum", "shake.count", "amps.sum", "amps.count", "amps.most", "shock.most",
        "from_floor", "trip_s", "relevels", "trips_now", "trips_hour",
    ),
    unknown=("from_floor", "trip_s"),
    tables={PENDING: PENDING_STATE},
)  # fmt: skip

COLUMNS: Mapping[str, DerivedColumn] = {
    "trip_s": number("上次行程时间", "time of the last trip", "s", mark("trip_s"), "car_status"),
    "relevels": count("停层再平层次数", "re-levellings of this stop", mark("relevels"), "speed"),
    "trips_hour": count(
        "上一小时行程数", "trips in the last full hour",
        lambda c: np.where(c.at_ms // HOUR_MS - c.times["hour"] == 0, c.marks["trips_hour"],
                           np.where(c.at_ms // HOUR_MS - c.times["hour"] == 1,
                                    c.marks["trips_now"], np.float32(0))),
        "car_status",
    ),
}  # fmt: skip


def advance(s: Step) -> None:
    """Add this sample to the trip; cut it where the car sets off or arrives."""
    u, now, m = s.u, s.now, s.m
    odd_moments(s)
    _sum_up(u, now, s.at, s.t, m, s.registry["rated_speed"])
    before = m["running"]
    arrives = np.flatnonzero(now.stands & (before == 1))
    if len(arrives):
        _arrive(s, arrives)
    starts = np.flatnonzero(now.runs & (before == 0))
    if len(starts):
        levels = now.opened[starts] & now.in_zone[starts]
        m["relevels"][starts[levels]] += 1
        s.departs = starts[~levels]
        if len(s.departs):
            _set_off(s, s.departs)


def odd_moments(s: Step) -> None:
    """Remember when a lift last was silent for too long or not in normal service."""
    mode = s.u.new["service_mode"]
    odd = s.unseen_ms > HOLE_PERIODS * s.registry["period_s"] + HOLE_MS
    odd |= (mode < NORMAL) | (mode > NORMAL)
    if odd.any():
        np.copyto(s.t["odd"], s.at, where=odd)
        np.copyto(s.t["visit"], s.at, where=mode == INSPECTION)


def _sum_up(
    u: Update, now: Now, at: Times, t: Block[np.int64], m: Block[np.float32], rated: Values
) -> None:
    if not now.runs.any():
        return
    quick = now.runs & ~(now.speed < AT_SPEED * rated)
    for slot, channel in (("shake", "acc_rms"), ("amps", "motor_current")):
        taken = quick & u.have[channel]
        np.add(m[f"{slot}.sum"], u.new[channel], out=m[f"{slot}.sum"], where=taken)
        m[f"{slot}.count"] += taken
    begins = now.runs & u.have["motor_current"] & (at - t["set_off"] <= START_MS)
    np.maximum(m["amps.most"], u.new["motor_current"], out=m["amps.most"], where=begins)
    felt = now.runs & u.have["acc_peak"]
    np.maximum(m["shock.most"], u.new["acc_peak"], out=m["shock.most"], where=felt)


def _arrive(s: Step, i: Index) -> None:
    """The trip is over: put its features down for the next judgement."""
    m, at = s.m, s.at[i]
    began = s.t["set_off"][i]
    s.t["arrived"][i] = at
    whole = (began != NEVER) & (s.t["odd"][i] < began)
    seconds = (at - began).astype(np.float32) / np.float32(1000)
    whole &= seconds <= LONGEST_S
    i, seconds = i[whole], seconds[whole]
    if not len(i):
        return
    m["trip_s"][i] = seconds
    floors = s.u.new["car_position"][i] - m["from_floor"][i]
    far = np.abs(floors)
    expected = profile_s(far * STOREY, s.registry["rated_speed"][i])
    nan = np.float32(np.nan)
    shakes, loads = m["shake.count"][i], m["amps.count"][i]
    found = np.empty((8, len(i)), np.float32)
    found[0] = np.where(far >= 1, seconds - expected, nan)
    found[1] = _mean(m["amps.sum"][i], loads)
    found[2] = np.where(m["amps.most"][i] > 0, m["amps.most"][i], nan)
    found[3] = _mean(m["shake.sum"][i], shakes)
    found[4] = np.where(m["shock.most"][i] > 0, m["shock.most"][i], nan)
    found[5] = far
    found[6] = np.where(far >= 1, floors > 0, nan)
    found[7] = s.u.old["load"][i]  # what it carried, before anybody could step out
    s.tables[PENDING].data[s.rows[i][:, None], _TRIP] = found.T


_TRIP: Final = [
    *(PLACE[name] for name in
      ("travel_time", "motor_current", "start_current", "vibration", "shock")),
    FLOORS, UP, LOAD,
]  # fmt: skip


def _mean(total: Values, samples: Values) -> Values:
    enough = samples >= LEAST_SAMPLES
    return np.where(enough, total / np.maximum(samples, 1), np.float32(np.nan))


def profile_s(metres: Values, rated: Values) -> Values:
    """Return the time of a trip over so many metres at this rated speed, s; see above."""
    long = metres / rated + rated / ACCELERATION
    short = 2 * np.sqrt(metres / ACCELERATION)
    return np.where(metres >= rated * rated / ACCELERATION, long, short).astype(np.float32)


def _set_off(s: Step, i: Index) -> None:
    m, t = s.m, s.t
    t["set_off"][i] = s.at[i]
    for slot in (
        "shake.sum", "shake.count", "amps.sum", "amps.count", "amps.most", "shock.most", "relevels",
    ):  # fmt: skip
        m[slot][i] = 0
    m["from_floor"][i] = s.u.old["car_position"][i]
    hour, last = s.at[i] // HOUR_MS, t["hour"][i]
    m["trips_hour"][i] = np.where(
        hour == last, m["trips_hour"][i], np.where(hour == last + 1, m["trips_now"][i], 0)
    )
    m["trips_now"][i] = np.where(hour == last, m["trips_now"][i] + 1, 1)
    t["hour"][i] = hour
