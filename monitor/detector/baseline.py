"""Each lift's own normal: robust level and spread of every feature of its trips.

When a car departs, what its last trip and stop told is judged by what it was used to, and then
learned from (`method.robust`: Huber's location, MAD spread):

    r      = (x − expected(distance, direction, load, hour) − level) / sigma
    level ← level + g_n · sigma · clip(r, −1.5, 1.5),      g_n = max(2 / (n + 2), 0.002)

A gain of 0.002 forgets in 500 trips, some days. What creeps by ρ sigma a trip is followed at a
distance of ρ / 0.002 sigma; so a season's slow change (3 sigma in 6,000 trips: 0.25 sigma behind)
stays below the slack of `drift`, wear of 10 sigma in as many days does not.

sigma is never below what a mechanic would care for (`features`). z is r · n / (n + 50): what is
known from few trips counts less. It is not told during the warm-up of 30 trips, nor learned
within half an hour of a mechanic's visit. Features that were drifting when the mechanic came are
learned anew: what was adjusted is the new normal, and what was not, `peers` still shows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from monitor.detector import expected
from monitor.detector.columns import DerivedColumn, mark, number
from monitor.detector.features import FEATURES, PENDING, PLACE, F
from monitor.detector.method import robust
from monitor.detector.ride import VISIT_MS
from monitor.detector.step import Judged, Memory, State, Step
from monitor.detector.table import NEVER

Values = NDArray[np.float32]

GAIN = 0.002
YOUNG = np.float32(50)
NORMAL: Final = "normal"
FIELDS: Final = ("n", "level", "spread")
FLOOR: Final = np.array([[f.floor] for f in FEATURES], np.float32)
SHARE: Final = np.array([[f.share] for f in FEATURES], np.float32)
PER_PERIOD: Final = np.array([[f.per_period] for f in FEATURES], np.float32)
LONGEST_PERIOD = np.float32(5)  # s; beyond, a period is the heartbeat of reporting by change
DOOR_TIMES: Final = ("opening_time", "closing_time")
TOLD: Final = tuple(f for f in FEATURES if f.speaks)

MEMORY = Memory(
    marks=tuple(f"{f.name}.z" for f in TOLD),
    tables={
        NORMAL: State(
            (
                *(f"{field}.{f.name}" for field in FIELDS for f in FEATURES),
                *(f"factor.{i}" for i in range(expected.FACTORS)),
            )
        ),
        "judged": State(("at",), np.int64, NEVER),
    },
)

COLUMNS: Mapping[str, DerivedColumn] = {
    f"z_{f.name}": number(
        f"{f.text.zh}偏离度", f"{f.text.en} against its normal", "sigma", mark(f"{f.name}.z"),
        *f.sources,
    )
    for f in TOLD
}  # fmt: skip


def advance(s: Step) -> None:
    """Judge the lifts that depart, then learn from them."""
    if not len(s.departs):
        return
    which = s.departs
    at, rows = s.at[which], s.rows[which]
    pending = s.tables[PENDING]
    x = pending.take(rows).array
    pending.data[rows] = np.nan
    _stop(s, which, x)
    told = ~np.isnan(x[:F]).all(axis=0) & (at - s.t["visit"][which] > VISIT_MS)
    if not told.all():
        which, at, rows, x = which[told], at[told], rows[told], x[:, told]
    if not len(which):
        return
    normal = s.tables[NORMAL].take(rows)
    fresh = _after_visit(s, which, rows, normal.array)
    period = np.fmin(np.nan_to_num(s.registry["period_s"][which]), LONGEST_PERIOD)
    z, r = judge(normal.array, x, at, period)
    s.tables[NORMAL].put(rows, normal)
    s.tables["judged"].data[rows, 0] = at
    s.judged = Judged(which, z, fresh)
    for f in TOLD:
        i = PLACE[f.name]
        slot = s.m[f"{f.name}.z"]
        slot[which] = np.where(np.isnan(r[i]), slot[which], r[i])


def _stop(s: Step, which: NDArray[np.intp], x: Values) -> None:
    """Add what the whole stop told: door current (holes do no harm to a mean), heat of the motor."""
    total, count = s.m["door_amps.sum"], s.m["door_amps.count"]
    n = count[which]
    x[PLACE["door_current"]] = np.where(n >= 1, total[which] / np.maximum(n, 1), np.float32(np.nan))
    total[which] = 0
    count[which] = 0
    room = s.u.new["room_temp"][which]
    x[PLACE["motor_heat"]] = s.u.new["motor_temp"][which] - np.where(np.isnan(room), 0, room)


def _after_visit(
    s: Step, which: NDArray[np.intp], rows: NDArray[np.int32], normal: Values
) -> NDArray[np.bool_] | None:
    """Forget what was drifting when the mechanic came; return it, bool[F, j], or None."""
    visited = s.t["visit"][which] > s.tables["judged"].data[rows, 0]
    if not visited.any():
        return None
    held = s.tables["drift"].take(rows)
    first = held.index[f"held.{FEATURES[0].name}"]
    fresh: NDArray[np.bool_] = visited & (held.array[first : first + F] != 0)
    learned = normal[: 3 * F].reshape(3, F, -1)
    learned[:, fresh] = 0
    return fresh


def judge(
    normal: Values, x: Values, at: NDArray[np.int64], period_s: Values
) -> tuple[Values, Values]:
    """Judge features x float32[P, j] and learn in place from them: normal float32[K, j].

    Returns z and r float32[F, j]: deviation in sigma, weighed by how much is known, and as it
    is; NaN where a feature is absent, 0 during the warm-up.
    """
    place = expected.places(x, at)
    factors = normal[3 * F :]
    usual = expected.value(factors, place, F)
    before = robust.Robust(normal[:F].copy(), normal[F : 2 * F].copy(), normal[2 * F : 3 * F])
    rest = x[:F] - usual
    floor = FLOOR + PER_PERIOD * period_s
    limits = robust.Limits(floor / MAD, SHARE / MAD, GAIN)
    after, r = robust.learn(before, rest, limits)
    n = before.n
    first = n == 0
    residual = np.where(first, 0, rest - before.level).astype(np.float32)
    normal[:F], normal[F : 2 * F], normal[2 * F : 3 * F] = after
    normal[3 * F :] = expected.learn(factors, place, residual, MAD * after.spread, n)
    r = np.where(n >= robust.WARM_UP, r, np.where(np.isnan(r), r, 0)).astype(np.float32)
    return (r * (n / (n + YOUNG))).astype(np.float32), r


MAD: Final = np.float32(robust.MAD_TO_SIGMA)
