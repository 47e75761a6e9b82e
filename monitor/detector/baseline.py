"""Each lift's own normal: robust level and spread of one number a trip, learned as it runs.

One number x a trip: the mean of acc_rms at speed, of door_current while the door moves, the
levelling error when the door opens. Level and spread are those of `method.robust`.

It speaks after 5 trips beyond 6 sigma, less 2 for each trip within, and is still again when
that count is back at zero; never during the warm-up of 30 trips.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.detector.columns import DerivedColumn, mark, number, truth
from monitor.detector.method import robust
from monitor.detector.reading import CLOSING, OPENING
from monitor.detector.step import Memory, Step
from monitor.detector.table import Block

Values = NDArray[np.float32]
Mask = NDArray[np.bool_]

SPEAKS_AT, COUNT_MOST, COUNT_BACK = 5, 10, 2
AT_SPEED = np.float32(0.5)  # share of rated speed above which vibration is compared


@dataclass(frozen=True, slots=True)
class Feature:
    """floor: least spread in the channel's unit; floor_share: and as a share of the level."""

    floor: np.float32
    floor_share: np.float32
    one_sided: bool
    least_samples: int


FEATURES: Mapping[str, Feature] = {
    "vibration": Feature(np.float32(0.005), np.float32(0.05), True, 3),
    "door_current": Feature(np.float32(0.02), np.float32(0.04), False, 1),
    "levelling": Feature(np.float32(1.0), np.float32(0), False, 1),
}
LEARNED = ("trips", "level", "spread")  # the columns of robust.Robust
MEMORY = Memory(
    marks=(
        "was_running", "was_moving_door", "was_open",
        *(
        f"{name}.{part}"
        for name in FEATURES
        for part in ("sum", "count", "level", "spread", "trips", "out", "z", "drift")
    )),
    unknown=("was_running", "was_open"),
)  # fmt: skip


COLUMNS: Mapping[str, DerivedColumn] = {
    "z_vibration": number(
        "振动偏离度", "vibration against its normal", "sigma", mark("vibration.z"), "acc_rms"
    ),
    "z_door_current": number(
        "门机电流偏离度", "door current against its normal", "sigma", mark("door_current.z"),
        "door_current",
    ),
    "z_levelling": number(
        "平层偏离度", "levelling against its normal", "sigma", mark("levelling.z"), "level_offset"
    ),
    "vibration_drift": truth(
        "振动持续偏离", "vibration stays off its normal", mark("vibration.drift"), "acc_rms"
    ),
    "door_current_drift": truth(
        "门机电流持续偏离", "door current stays off its normal", mark("door_current.drift"),
        "door_current",
    ),
    "levelling_drift": truth(
        "平层持续偏离", "levelling stays off its normal", mark("levelling.drift"), "level_offset"
    ),
}  # fmt: skip


def advance(s: Step) -> None:
    """Collect this sample; where a trip or a door movement ended, learn from it."""
    u, now, m, rated_speed = s.u, s.now, s.m, s.registry["rated_speed"]
    state = u.new["door_state"]
    door_moves = (state == CLOSING) | (state == OPENING)
    slow = now.speed < AT_SPEED * rated_speed
    ended = (m["was_running"] == 1) & now.stands
    _collect(m, "vibration", u.new["acc_rms"], u.have["acc_rms"] & now.runs & ~slow)
    _learn(m, "vibration", ended)
    _collect(m, "door_current", u.new["door_current"], u.have["door_current"] & door_moves)
    _learn(m, "door_current", (m["was_moving_door"] == 1) & ~door_moves)
    opens = now.opened & (m["was_open"] == 0) & now.in_zone
    _collect(m, "levelling", u.new["level_offset"], opens & u.have["level_offset"])
    _learn(m, "levelling", opens)
    m["was_running"], m["was_open"] = now.running, now.door_open
    m["was_moving_door"] = door_moves


def _collect(m: Block[np.float32], name: str, value: Values, take: Mask) -> None:
    if take.any():
        m[f"{name}.sum"] = np.where(take, m[f"{name}.sum"] + value, m[f"{name}.sum"])
        m[f"{name}.count"] += take


def _learn(m: Block[np.float32], name: str, ended: Mask) -> None:
    """Few lifts end a trip in one round: work on those alone."""
    which = np.flatnonzero(ended)
    if not len(which):
        return
    total, count = m[f"{name}.sum"][which], m[f"{name}.count"][which]
    m[f"{name}.sum"][which] = 0
    m[f"{name}.count"][which] = 0
    enough = count >= FEATURES[name].least_samples
    which, x = which[enough], (total[enough] / count[enough])
    if len(which):
        _update(m, name, which, x)


def _update(m: Block[np.float32], name: str, which: NDArray[np.intp], x: Values) -> None:
    feature = FEATURES[name]
    before = robust.Robust(*(m[f"{name}.{part}"][which] for part in LEARNED))
    warm = robust.warm(before)
    after, r = robust.learn(before, x, robust.Limits(feature.floor, feature.floor_share))
    for part, column in zip(LEARNED, after, strict=True):
        m[f"{name}.{part}"][which] = column
    far = warm & (np.abs(r) > robust.BEYOND)
    out = m[f"{name}.out"][which]
    wrong = warm & (r > robust.BEYOND) if feature.one_sided else far
    out = np.where(wrong, np.minimum(out + 1, COUNT_MOST), np.maximum(out - COUNT_BACK, 0))
    drift = m[f"{name}.drift"][which]
    m[f"{name}.drift"][which] = np.where(out >= SPEAKS_AT, 1, np.where(out == 0, 0, drift))
    m[f"{name}.out"][which] = out
    m[f"{name}.z"][which] = np.where(warm, r, 0)
