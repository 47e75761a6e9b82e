"""Trips, cut from the stream: travel time, currents and vibration at speed, re-levellings.

A sample costs a few sums over the cars that run; the rest is done for lifts that set off or
arrive. A trip with a hole in it (no sample for 2.5 periods + 2 s), or a moment of any other service
than normal, gives no feature; nor does anything until half an hour after a mechanic's visit.

A device that does not tell its mode cannot say that a mechanic is at work. His runs can: no faster
than inspection speed, over floors or to a place outside the door zone, where passengers are never
taken. So believed, he is taken to be there for half an hour after the last such sign.

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

from monitor.detector.columns import NAN, DerivedColumn, truth
from monitor.detector.features import (
    DOOR_SUMS,
    DUE,
    FLOORS,
    LEAVES,
    LEG,
    LEGS,
    LOAD,
    PENDING,
    PLACE,
    SAID,
    SENSED,
    SLOT,
    STATES,
    SUMS,
    TRIP,
    UP,
)
from monitor.detector.step import Memory, Step
from monitor.detector.table import NEVER, Block

Values = NDArray[np.float32]
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
SLOW = np.float32(0.63)  # m/s; EN 81-20 5.12.1.5.2.1: inspection speed at most
SLOW_S = np.float32(6)  # a shorter run may only not have got up to speed
SHOCK_MS = 3_000  # the shock may be told by the sample after the one that tells of the stop
FALL, BLOW = np.float32(0.35 * 9.81), np.float32(1.6 * 9.81)  # m/s², rule 10
FELT = ("acc_min", "acc_peak")

MEMORY = Memory(times=("mechanic",), marks=("impact_left_ms",), tables=STATES)

COLUMNS: Mapping[str, DerivedColumn] = {
    "impact": truth(
        "坠落或撞击般的加速度", "acceleration of a fall or an impact",
        lambda c: beyond(c["acc_min"], c["acc_peak"]).astype(np.float32), *FELT,
    ),
    # What a fall breaks is often told by the sample after the one that carried the shock.
    "impact_lately": truth(
        "运行中刚有坠落或撞击般的加速度", "such an acceleration in the last samples of a ride",
        lambda c: (c.marks["impact_left_ms"] > 0).astype(np.float32), *FELT,
    ),
    "mechanic_likely": truth(
        "未报检修，但像在检修", "looks like a mechanic at work, though no mode is told",
        lambda c: ((c.at_ms - c.times["mechanic"] <= VISIT_MS) & np.isnan(c["service_mode"]))
        .astype(np.float32), "service_mode", "speed",
    ),
}  # fmt: skip


def advance(s: Step) -> None:
    """Add this sample to the trip; cut it where the car sets off or arrives."""
    now, before = s.now, s.m["running"]
    _impacts(s, ~(now.stands & (before == 0)))
    _odd_moments(s)
    _sum_up(s)
    arrives = (now.stands & (before == 1)).nonzero()[0]
    if len(arrives):
        _arrive(s, arrives)
    starts = (now.runs & (before == 0)).nonzero()[0]
    if len(starts):
        levels = now.opened[starts] & now.in_zone[starts]
        s.tables[TRIP].data[s.rows[starts[levels]], SLOT["relevels"]] += 1
        s.departs = starts[~levels]
        if len(s.departs):
            _set_off(s, s.departs)


def beyond(least: Values, most: Values) -> NDArray[np.bool_]:
    """Return where the least or the greatest acceleration, m/s², is that of a fall or an impact."""
    found: NDArray[np.bool_] = (least < FALL) | (most > BLOW)
    return found


def _impacts(s: Step, rode: NDArray[np.bool_]) -> None:
    """Remember an impact for as long as the next samples may take to tell what it broke.

    `rode`: not known to stand before and after; a mechanic's foot on the box of a car that has
    not just arrived is no impact.
    """
    left = s.m["impact_left_ms"]
    some = left.nonzero()[0]
    if len(some):
        s.m.edit("impact_left_ms")[some] = np.maximum(left[some] - s.unseen_ms[some], 0)
    u = s.u
    if not any(name in u.have.columns for name in FELT):
        return
    felt = beyond(*(np.where(u.have[name], u.new[name], NAN) for name in FELT))
    i = felt.nonzero()[0]
    if len(i):
        arrived = s.tables[LEGS].data[:, LEG["arrived"]][s.rows[i]]
        i = i[rode[i] | (s.at[i] - arrived <= SHOCK_MS)]
        hole_ms = HOLE_PERIODS * s.registry["period_s"][i] + HOLE_MS
        s.m.edit("impact_left_ms")[i] = np.where(np.isnan(hole_ms), HOLE_MS, hole_ms)


def _odd_moments(s: Step) -> None:
    """Remember when a lift last was silent for too long or not in normal service."""
    mode = s.u.new["service_mode"]
    odd = s.unseen_ms > HOLE_PERIODS * s.registry["period_s"] + HOLE_MS
    odd |= (mode < NORMAL) | (mode > NORMAL)
    i = odd.nonzero()[0]
    if len(i):
        legs, rows, at = s.tables[LEGS].data, s.rows[i], s.at[i]
        legs[rows, LEG["odd"]] = at
        mechanic = mode[i] == INSPECTION
        legs[rows[mechanic], LEG["visit"]] = at[mechanic]


def _sum_up(s: Step) -> None:
    """Sums over the running cars, float32[j, 7] as they lie in the table."""
    i = s.now.runs.nonzero()[0]
    here = s.u.have.columns
    summed = ("acc_rms", "motor_current", "acc_peak", "speed")
    if not len(i) or not any(name in here for name in summed):
        return
    rows, u = s.rows[i], s.u
    # not known to be slow: without a rated speed every moment of a trip counts
    quick = ~(s.now.speed[i] < AT_SPEED * s.registry["rated_speed"][i])
    trip = s.tables[TRIP]
    sums = trip.part(rows)
    for slot, channel in ((0, "acc_rms"), (2, "motor_current")):
        if channel in here:
            taken = quick & u.have[channel][i]
            sums[:, slot] += np.where(taken, u.new[channel][i], 0)
            sums[:, slot + 1] += taken
    if "motor_current" in here:
        set_off = s.tables[LEGS].data[:, LEG["set_off"]][rows]
        begins = u.have["motor_current"][i] & (s.at[i] - set_off <= START_MS)
        np.maximum(sums[:, 4], u.new["motor_current"][i], out=sums[:, 4], where=begins)
    if "acc_peak" in here:
        felt = u.have["acc_peak"][i]
        np.maximum(sums[:, 5], u.new["acc_peak"][i], out=sums[:, 5], where=felt)
    np.fmax(sums[:, 6], s.now.speed[i], out=sums[:, 6])
    trip.write(rows, sums)


def _arrive(s: Step, i: Index) -> None:
    """The trip is over: put its features down for the next judgement."""
    legs, rows = s.tables[LEGS].data, s.rows[i]
    leg = s.tables[LEGS].part(rows)
    began = leg[:, LEG["set_off"]]
    legs[rows, LEG["arrived"]] = s.at[i]
    seconds = (s.at[i] - began).astype(np.float32) / np.float32(1000)
    whole = (began != NEVER) & (leg[:, LEG["odd"]] < began) & (seconds <= LONGEST_S)
    i, rows, seconds = i[whole], rows[whole], seconds[whole]
    if not len(i):
        return
    trip = s.tables[TRIP].data
    trip[rows, SLOT["trip_s"]] = seconds
    said = s.tables[TRIP].part(rows).T
    floors = s.u.new.at("car_position", i) - said[SLOT["from_floor"]]
    far = np.abs(floors)
    moved = far >= 1
    expected = profile_s(far * STOREY, s.registry["rated_speed"][i])
    _slow_run(s, i, said[SLOT["top_speed"]], seconds, far)
    found = np.empty((8, len(i)), np.float32)
    found[0] = np.where(moved, seconds - expected, NAN)
    found[1] = _mean(said[SLOT["amps"]], said[SLOT["amp_samples"]])
    found[2] = np.where(said[SLOT["amps_most"]] > 0, said[SLOT["amps_most"]], NAN)
    found[3] = _mean(said[SLOT["shake"]], said[SLOT["shakes"]])
    found[4] = np.where(said[SLOT["shock_most"]] > 0, said[SLOT["shock_most"]], NAN)
    found[5] = far
    found[6] = np.where(moved, floors > 0, NAN)
    found[7] = s.u.old.at("load", i)  # what it carried, before anybody could step out
    s.tables[PENDING].data[rows[:, None], _TRIP] = found.T


def _slow_run(s: Step, i: Index, top: Values, seconds: Values, far: Values) -> None:
    """Who rides so slowly is a mechanic; one who is there already needs less to show it."""
    slow = (top > 0) & (top <= SLOW) & ~(top > AT_SPEED * s.registry["rated_speed"][i])
    slow &= (seconds >= SLOW_S) & np.isnan(s.u.new.at("service_mode", i))
    there = s.at[i] - s.t.at("mechanic", i) <= VISIT_MS
    mechanic_at(s, i[slow & (there | s.now.out_of_zone[i] | (far >= 2))])


def mechanic_at(s: Step, i: Index) -> None:
    """These lifts show that a mechanic is at work."""
    if len(i):
        s.t.edit("mechanic")[i] = s.at[i]
        s.tables[LEGS].data[s.rows[i], LEG["visit"]] = s.at[i]


_TRIP: Final = [
    *(PLACE[name] for name in
      ("travel_time", "motor_current", "start_current", "vibration", "shock")),
    FLOORS, UP, LOAD,
]  # fmt: skip


def _mean(total: Values, samples: Values) -> Values:
    return np.where(samples >= LEAST_SAMPLES, total / np.maximum(samples, 1), NAN)


def profile_s(metres: Values, rated: Values) -> Values:
    """Return the time of a trip over so many metres at this rated speed, s; see above."""
    long = metres / rated + rated / ACCELERATION
    short = 2 * np.sqrt(metres / ACCELERATION)
    return np.where(metres >= rated * rated / ACCELERATION, long, short).astype(np.float32)


def _set_off(s: Step, i: Index) -> None:
    """A new trip begins, and the last one is due to be judged."""
    rows, at = s.rows[i], s.at[i]
    legs, trip = s.tables[LEGS].data, s.tables[TRIP]
    s.tables[DUE].data[rows, 0] = at
    _stop(s, i, rows)
    legs[rows, LEG["set_off"]] = at
    hour, last = at // HOUR_MS, legs[rows, LEG["hour"]]
    legs[rows, LEG["hour"]] = hour
    said = trip.part(rows)
    now, before = said[:, SLOT["trips_now"]], said[:, SLOT["trips_hour"]]
    said[:, SLOT["trips_hour"]] = np.where(hour == last, before, np.where(hour == last + 1, now, 0))
    said[:, SLOT["trips_now"]] = np.where(hour == last, now + 1, 1)
    said[:, SLOT["from_floor"]] = s.u.old.at("car_position", i)
    said[:, : len(SUMS) + len(DOOR_SUMS)] = 0
    trip.write(rows, said)


def _stop(s: Step, i: Index, rows: NDArray[np.int32]) -> None:
    """What the whole stop told: door current (holes harm no mean), heat of the motor."""
    trip = s.tables[TRIP].data
    total, n = (trip[:, len(SUMS) + slot][rows] for slot in range(2))
    room = s.u.new.at("room_temp", i)
    heat = s.u.new.at("motor_temp", i) - np.where(np.isnan(room), 0, room)
    amps = np.where(n >= 1, total / np.maximum(n, 1), NAN)
    pending = s.tables[PENDING].data
    pending[rows[:, None], _STOP] = np.stack([amps, heat], axis=1)
    said = [s.u.new.at(name, i) for name in SENSED[:6]]
    most = trip[:, SLOT["shock_most"]][rows]
    said[LEAVES["acc_peak"]] = np.where(most > 0, most, NAN)
    pending[rows, SAID : SAID + 7] = np.stack([*said, presence(s.u.new, i)], axis=1)


def presence(said: Block[np.float32], i: Index) -> Values:
    """Return 1 somebody, 0 nobody, NaN unknown, by the sensors of presence and of people."""
    passenger, people = said.at("passenger", i), said.at("people", i)
    counted = np.where(np.isnan(people), people, people >= 1)
    return np.where(np.isnan(passenger), counted, passenger).astype(np.float32)


_STOP: Final = [PLACE["door_current"], PLACE["motor_heat"]]
