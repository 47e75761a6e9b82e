"""Sensors that lie, told over trips: how far presence can be believed, the zero of the load
cell, lines without noise, leaps that cannot be, a door contact that bounces (rule 32).

Judged when a lift departs, from what it said then and while it stood idle.

Presence agrees or disagrees with the rest of what is known; quality ← quality + g · (agrees −
quality), from 1, g = 0.05 at a departure and 0.2 after an idle time:

    somebody, yet the car stood shut and still for 10 min and more       disagrees
    somebody, yet the load cell says empty (below 1 % over its zero)     disagrees
    nobody, yet the load is 10 % over its zero                           disagrees
    somebody at 60 departures in a row, or nobody at 200                 disagrees

A line is flat (`method.flat`) when it shows one value for three times as many departures as it
ever did while well, and for at least as many as said below. The zero of the load cell is what
an idle car weighs; an idle car has nobody in it who would not have pressed a button.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from monitor.detector.columns import DerivedColumn, count, mark, number, recent, truth
from monitor.detector.features import (
    LEAVES,
    LEG,
    LEGS,
    SAID,
    SENSED,
    SLOT,
    TRIP,
    gather,
    scatter,
)
from monitor.detector.method import flat
from monitor.detector.ride import VISIT_MS
from monitor.detector.step import Departed, Memory, State
from monitor.detector.table import NEVER

Values = NDArray[np.float32]
Mask = NDArray[np.bool_]

EMPTY, LOADED = np.float32(1), np.float32(10)  # % rated over the zero
ALWAYS, NEVER_ANY = 60, 200  # departures in a row with somebody, with nobody
ZERO_GAIN, ZERO_CLIP = np.float32(0.1), np.float32(5)
GAIN_TRIP, GAIN_IDLE = np.float32(0.05), np.float32(0.2)
BOUNCES, BOUNCED_MOST = 6, 10
DAY_MS = 86_400_000
# departures with one value before a channel counts as flat; the fastest change, a second; slack
LEAST: Final = {"load": 60, "level_offset": 60, "motor_temp": 300, "room_temp": 500,
                "humidity": 1000, "acc_peak": 60}  # fmt: skip
RATE: Final = {"motor_temp": 0.05, "room_temp": 0.02, "humidity": 0.1}
SLACK: Final = {"motor_temp": 25.0, "room_temp": 15.0, "humidity": 40.0}
N: Final = len(LEAST)
CHANNELS: Final = SENSED[:N]
_LEAST = np.array([[LEAST[name]] for name in CHANNELS], np.float32)
_NEVER = float("inf")
_RATE = np.array([[RATE.get(name, 0.0)] for name in CHANNELS], np.float32)
_SLACK = np.array([[SLACK.get(name, _NEVER)] for name in CHANNELS], np.float32)
_BIT = np.array([[1 << i] for i in range(N)], np.float32)
assert CHANNELS[0] == "load"  # its bit is the lowest
TABLE: Final = "sensors"
FIELDS: Final = (
    *(f"{part}.{name}" for part in ("last", "run", "longest") for name in CHANNELS),
    "zero", "quality", "somebody", "nobody", "bouncing",
)  # fmt: skip
_NAN: Final = float("nan")
_FILL: Final = tuple(
    _NAN if name.startswith("last.") or name == "zero" else 1.0 if name == "quality" else 0.0
    for name in FIELDS
)

MEMORY = Memory(
    times=("leap1", "leap2"),
    marks=("load_zero", "presence_quality", "flat_channels", "bouncing"),
    unknown=("load_zero", "presence_quality"),
    tables={TABLE: State(FIELDS, np.float32, _FILL), "sensed": State(("at",), np.int64, NEVER)},
)

COLUMNS: Mapping[str, DerivedColumn] = {
    "load_zero": number("称重零点", "load cell when empty", "% rated", mark("load_zero"), "load"),
    "presence_quality": number(
        "有人信号可信度", "how far presence can be believed", "", mark("presence_quality"),
        "passenger", "people",
    ),
    "flat_line": truth(
        "某通道数值不变", "a channel shows one value only",
        lambda c: (c.marks["flat_channels"] > 0).astype(np.float32), *CHANNELS,
    ),
    "load_flat": truth(
        "称重值不变", "the load cell shows one value only",
        lambda c: (c.marks["flat_channels"] % 2 >= 1).astype(np.float32), "load",
    ),
    "sensor_leaps": count(
        "24 小时内不可能的跳变", "impossible leaps in 24 h", recent(("leap1", "leap2"), DAY_MS),
        *RATE,
    ),
    "contact_bounces": count(
        "近来门触点抖动的停层数", "stops with a bouncing door contact, lately", mark("bouncing"),
        "door_closed",
    ),
}  # fmt: skip


def settle(d: Departed) -> None:
    """Look at the sensors of the lifts that set off; a mechanic at work confuses them."""
    trip = d.tables[TRIP].data
    bounced = trip[:, SLOT["bounces_most"]][d.rows] >= BOUNCES
    trip[d.rows, SLOT["bounces_most"]] = 0
    alone = d.at - d.tables[LEGS].data[:, LEG["visit"]][d.rows] > VISIT_MS
    if not alone.all():
        d, bounced = replace(d), bounced[alone]
        d.keep(alone)
    if not len(d.rows):
        return
    said = d.pending[SAID:]
    state = gather(d.tables[TABLE], d.rows)
    since = d.tables["sensed"].data
    seconds = ((d.at - since[:, 0][d.rows]) / 1000).astype(np.float32)
    since[d.rows, 0] = d.at
    lies, leaps = _lines(state, said, seconds)
    _zero(state, said)
    known = _presence(state, said)
    bouncing = state[FIELDS.index("bouncing")]
    bouncing[...] = np.where(
        bounced, np.minimum(bouncing + 1, BOUNCED_MOST), np.maximum(bouncing - 1, 0)
    )
    scatter(d.tables[TABLE], d.rows, state)
    quality = np.where(known, state[FIELDS.index("quality")], np.float32(np.nan))
    flats = (_BIT * lies).sum(axis=0)
    d.note(MEMORY.marks, np.stack([state[FIELDS.index("zero")], quality, flats, bouncing]))
    if leaps.any():
        times, rows = d.times, d.rows[leaps]
        first, second = times.index["leap1"], times.index["leap2"]
        times.data[rows, second] = times.data[rows, first]
        times.data[rows, first] = d.at[leaps]


def _lines(state: Values, said: Values, seconds: Values) -> tuple[Mask, Mask]:
    """Move the runs; return which channels are flat, bool[N, j], and who leapt, bool[j]."""
    last, run, longest = state[:N].copy(), state[N : 2 * N].copy(), state[2 * N : 3 * N]
    x = said[:N]
    after, lies = flat.advance(flat.Flat(run, longest.copy()), last, x, _LEAST)
    leaps: Mask = np.asarray(flat.jump(last, x, seconds, _RATE, _SLACK).any(axis=0))
    state[:N] = np.where(np.isnan(x), last, x)
    state[N : 2 * N], state[2 * N : 3 * N] = after
    return lies, leaps


def _zero(state: Values, said: Values) -> None:
    zero = state[FIELDS.index("zero")]
    weighed = said[LEAVES["idle_load"]]
    moved = zero + ZERO_GAIN * np.clip(weighed - zero, -ZERO_CLIP, ZERO_CLIP)
    new = np.where(np.isnan(zero), weighed, moved)
    zero[...] = np.where(np.isnan(weighed), zero, new)


def _presence(state: Values, said: Values) -> Mask:
    """Move the quality; return who has a presence sensor, bool[j]."""
    quality, somebody, nobody = (
        state[FIELDS.index(name)] for name in ("quality", "somebody", "nobody")
    )
    here, idle = said[LEAVES["presence"]], said[LEAVES["idle_presence"]]
    known: Mask = ~np.isnan(here)
    yes, no = here == 1, here == 0
    somebody[...] = np.where(yes, np.minimum(somebody + 1, 1000), np.where(no, 0, somebody))
    nobody[...] = np.where(no, np.minimum(nobody + 1, 1000), np.where(yes, 0, nobody))
    zero = state[FIELDS.index("zero")]
    over = said[LEAVES["load"]] - np.where(np.isnan(zero), 0, zero)
    wrong = (yes & (over < EMPTY)) | (no & (over > LOADED))
    wrong |= (somebody >= ALWAYS) | (nobody >= NEVER_ANY)
    # a loaded car with somebody in it, an empty one with nobody: both say the same
    right = (yes & (over > LOADED)) | (no & (over < EMPTY))
    moved = quality + GAIN_TRIP * (np.where(wrong, np.float32(0), 1) - quality)
    moved = np.where(wrong | right, moved, quality)
    after = moved + GAIN_IDLE * ((idle == 0) - moved)
    quality[...] = np.where(np.isnan(idle), moved, after)
    return known
