"""Door movements and stops, cut from the stream: opening, closing and standing time, levelling,
the load cell of an empty car, a door contact that bounces.

Every sample costs one sum of door current; the rest is done for lifts whose door changed. A
movement with a hole in it, or one that turned back, gives no time. Must run before `trips`.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from monitor.detector.columns import DerivedColumn
from monitor.detector.features import LEAVES, LEG, LEGS, PENDING, PLACE, SAID, SLOT, TRIP
from monitor.detector.reading import CLOSED, CLOSING, LOCKED, OPEN, OPENING
from monitor.detector.ride import VISIT_MS, mechanic_at, presence
from monitor.detector.step import Memory, Step
from monitor.detector.table import NEVER

Index = NDArray[np.intp]

LONG_MS = 600_000  # nobody stands in a shut car for so long and rides on
IDLE_MS = 180_000  # shut and still for so long: whoever was in the car would have pressed a button
BOUNCE_MS = 2_000  # a door needs longer from shut to shut
BOUNCES_MOST = 100
CYCLES = 2  # of the door at one landing

MEMORY = Memory()  # its tables are those of `ride`
COLUMNS: Mapping[str, DerivedColumn] = {}


def advance(s: Step) -> None:
    """Add this sample to the door's movement; cut it where the state of the door changed."""
    u, now, m = s.u, s.now, s.m
    state = u.new["door_state"]
    here = u.have.columns
    if "door_current" in here:
        moving = ((state == CLOSING) | (state == OPENING)) & u.have["door_current"]
        i = moving.nonzero()[0]
        if len(i):
            trip, rows = s.tables[TRIP].data, s.rows[i]
            trip[:, SLOT["door_amps"]][rows] += u.new["door_current"][i]
            trip[:, SLOT["door_samples"]][rows] += 1
    if "door_state" in here:
        changed = (u.have["door_state"] & (state != u.old["door_state"])).nonzero()[0]
        if len(changed):
            _cut(s, changed)
    if "door_closed" in here:
        turned = u.have["door_closed"] & (u.new["door_closed"] != u.old["door_closed"])
        if turned.any():
            _contact(s, turned.nonzero()[0])
    opens = now.opened & (m["door_open"] == 0)
    if "level_offset" in here:
        levels = u.have["level_offset"] & now.in_zone
        i = (levels & (opens | (now.stands & (m["running"] == 1)))).nonzero()[0]
        if len(i):
            pending = s.tables[PENDING].data
            pending[s.rows[i], PLACE["levelling"]] = u.new["level_offset"][i]
    wakes = (opens & now.stands).nonzero()[0]
    if len(wakes):
        _wake(s, wakes)
        _tried(s, wakes)


def _cut(s: Step, i: Index) -> None:
    state, before = s.u.new["door_state"][i], s.u.old["door_state"][i]
    rows, at, legs = s.rows[i], s.at[i], s.tables[LEGS].data
    began = legs[:, LEG["door_began"]][rows]
    whole = (began != NEVER) & (legs[:, LEG["odd"]][rows] < began)
    seconds = (at - began).astype(np.float32) / np.float32(1000)
    pending, trip = s.tables[PENDING].data, s.tables[TRIP].data
    opened = whole & (before == OPENING) & (state == OPEN)
    closed = whole & (before == CLOSING) & ((state == CLOSED) | (state == LOCKED))
    stood = whole & (before == OPEN) & (state == CLOSING)
    trip[rows[opened], SLOT["opening_s"]] = seconds[opened]
    trip[rows[closed], SLOT["closing_s"]] = seconds[closed]
    trip[rows[stood], SLOT["dwell_s"]] = seconds[stood]
    pending[rows[opened], PLACE["opening_time"]] = seconds[opened]
    pending[rows[closed], PLACE["closing_time"]] = seconds[closed]
    # from CLOSED or OPEN a whole movement begins, and with OPEN a stay; all else is half of one
    opens = (state == OPENING) & ((before == CLOSED) | (before == LOCKED))
    closes = (state == CLOSING) & (before == OPEN)
    legs[rows, LEG["door_began"]] = np.where(opens | closes | (state == OPEN), at, NEVER)


def _contact(s: Step, i: Index) -> None:
    """Count changes of the contact that follow each other faster than a door can move."""
    rows, at, legs = s.rows[i], s.at[i], s.tables[LEGS].data
    bounces = s.tables[TRIP].data[:, SLOT["bounces"]][rows]
    soon = at - legs[:, LEG["contact"]][rows] <= BOUNCE_MS
    soon &= legs[:, LEG["odd"]][rows] < at - BOUNCE_MS
    bounces = np.where(soon, np.minimum(bounces + 1, BOUNCES_MOST), 0)
    trip = s.tables[TRIP].data
    trip[rows, SLOT["bounces"]] = bounces
    trip[rows, SLOT["bounces_most"]] = np.maximum(trip[:, SLOT["bounces_most"]][rows], bounces)
    legs[rows, LEG["contact"]] = at


def _wake(s: Step, i: Index) -> None:
    """The door of an idle car opens: whatever the load cell said before, it weighed nobody."""
    legs = s.tables[LEGS].part(s.rows[i])
    since = np.maximum(s.t.at("cycle", i), legs[:, LEG["arrived"]])
    idle = (since != NEVER) & (s.at[i] - since >= IDLE_MS) & (legs[:, LEG["odd"]] < since)
    long = idle & (s.at[i] - since >= LONG_MS)
    pending = s.tables[PENDING].data
    weighed = s.u.old.at("load", i[idle])
    pending[s.rows[i[idle]], PLACE["load_zero"]] = weighed
    pending[s.rows[i[idle]], SAID + LEAVES["idle_load"]] = weighed
    i = i[long]
    pending[s.rows[i], SAID + LEAVES["idle_presence"]] = presence(s.u.old, i)


def _tried(s: Step, i: Index) -> None:
    """A mechanic who is there tries the door again and again; passengers ride away."""
    there = s.at[i] - s.t.at("mechanic", i) <= VISIT_MS
    if there.any():
        mechanic_at(s, i[there & (s.m["cycles"][i] >= CYCLES)])
