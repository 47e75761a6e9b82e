"""Door movements and stops, cut from the stream: opening, closing and standing time, levelling,
the load cell of an empty car, a door contact that bounces.

Every sample costs one sum of door current; the rest is done for lifts whose door changed. A
movement with a hole in it, or one that turned back, gives no time. Must run before `trips`.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from monitor.detector.columns import DerivedColumn, count, mark, number
from monitor.detector.features import PENDING, PLACE
from monitor.detector.reading import CLOSED, CLOSING, LOCKED, OPEN, OPENING
from monitor.detector.step import Memory, Step
from monitor.detector.table import NEVER

Index = NDArray[np.intp]

IDLE_MS = 180_000  # shut and still for so long: whoever was in the car would have pressed a button
BOUNCE_MS = 2_000  # a door needs longer from shut to shut
BOUNCES_MOST = 100
DOOR = ("door_state", "door_closed")

MEMORY = Memory(
    times=("door_began", "contact"),
    marks=("door_amps.sum", "door_amps.count", "opening_s", "closing_s", "dwell_s", "bounces"),
    unknown=("opening_s", "closing_s", "dwell_s"),
)

COLUMNS: Mapping[str, DerivedColumn] = {
    "opening_s": number("上次开门时间", "time of the last opening", "s", mark("opening_s"), *DOOR),
    "closing_s": number("上次关门时间", "time of the last closing", "s", mark("closing_s"), *DOOR),
    "dwell_s": number("上次开门停留", "time the door stood open", "s", mark("dwell_s"), *DOOR),
    "contact_bounces": count(
        "门触点连续抖动次数", "flickers of the door contact in a row", mark("bounces"), *DOOR
    ),
}


def advance(s: Step) -> None:
    """Add this sample to the door's movement; cut it where the state of the door changed."""
    u, now, m = s.u, s.now, s.m
    state = u.new["door_state"]
    moving = ((state == CLOSING) | (state == OPENING)) & u.have["door_current"]
    if moving.any():
        np.add(m["door_amps.sum"], u.new["door_current"], out=m["door_amps.sum"], where=moving)
        m["door_amps.count"] += moving
    changed = np.flatnonzero(u.have["door_state"] & (state != u.old["door_state"]))
    if len(changed):
        _cut(s, changed)
    turned = np.flatnonzero(u.have["door_closed"] & (u.new["door_closed"] != u.old["door_closed"]))
    if len(turned):
        _contact(s, turned)
    opens = np.flatnonzero(now.opened & (m["door_open"] == 0))
    if len(opens):
        _open(s, opens)
    arrives = np.flatnonzero(now.stands & (m["running"] == 1) & u.have["level_offset"])
    if len(arrives):
        _level(s, arrives)


def _cut(s: Step, i: Index) -> None:
    state, before = s.u.new["door_state"][i], s.u.old["door_state"][i]
    at, began = s.at[i], s.t["door_began"][i]
    whole = (began != NEVER) & (s.t["odd"][i] < began)
    seconds = (at - began).astype(np.float32) / np.float32(1000)
    pending = s.tables[PENDING].data
    opened = whole & (before == OPENING) & (state == OPEN)
    closed = whole & (before == CLOSING) & ((state == CLOSED) | (state == LOCKED))
    stood = whole & (before == OPEN) & (state == CLOSING)
    for name, slot, ends in (
        ("opening_time", "opening_s", opened), ("closing_time", "closing_s", closed),
        ("", "dwell_s", stood),
    ):  # fmt: skip
        s.m[slot][i[ends]] = seconds[ends]
        if name:
            pending[s.rows[i[ends]], PLACE[name]] = seconds[ends]
    # from CLOSED or OPEN a whole movement begins, and with OPEN a stay; all else is half of one
    opens = (state == OPENING) & ((before == CLOSED) | (before == LOCKED))
    closes = (state == CLOSING) & (before == OPEN)
    s.t["door_began"][i] = np.where(opens | closes | (state == OPEN), at, NEVER)


def _contact(s: Step, i: Index) -> None:
    """Count changes of the contact that follow each other faster than a door can move."""
    soon = s.at[i] - s.t["contact"][i] <= BOUNCE_MS
    soon &= s.t["odd"][i] < s.at[i] - BOUNCE_MS
    s.m["bounces"][i] = np.where(soon, np.minimum(s.m["bounces"][i] + 1, BOUNCES_MOST), 0)
    s.t["contact"][i] = s.at[i]


def _open(s: Step, i: Index) -> None:
    """The door of a standing car opens: levelling, and what the cell weighed while empty."""
    _level(s, i[s.u.have["level_offset"][i]])
    since = np.maximum(s.t["cycle"][i], s.t["arrived"][i])
    idle = (since != NEVER) & (s.at[i] - since >= IDLE_MS) & (s.t["odd"][i] < since)
    i = i[idle & s.now.stands[i]]
    s.tables[PENDING].data[s.rows[i], PLACE["load_zero"]] = s.u.old["load"][i]


def _level(s: Step, i: Index) -> None:
    i = i[s.now.in_zone[i]]
    s.tables[PENDING].data[s.rows[i], PLACE["levelling"]] = s.u.new["level_offset"][i]
