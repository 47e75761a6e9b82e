"""Each lift's own normal: robust level and spread of every feature of its trips.

When a car departs, what its last trip and stop told is judged by what it was used to, and then
learned from (`method.robust`: Huber's location, MAD spread):

    r      = (x − expected(distance, direction, load, hour) − level) / sigma
    level ← level + g_n · sigma · clip(r, −1.5, 1.5),      g_n = max(2 / (n + 2), 0.001)

A gain of 0.001 forgets in 1,000 trips, a week or so. What creeps by ρ sigma a trip is followed
at a distance of ρ / g sigma; so a season's slow change (3 sigma in 6,000 trips: 0.5 sigma behind)
stays below the slack of `drift`, wear of 10 sigma in half as many does not. The spread learns
five times slower, else it would take that distance for noise.

sigma is never below what a mechanic would care for (`features`). z is
r · n / (n + warm-up + 20): what is known from few trips counts less. It is not told during the
warm-up (30 trips; more for what takes days to show its range), nor is anything learned within
half an hour of a mechanic's visit. Features that were drifting when the mechanic came are
learned anew: what was adjusted is the new normal, and what was not, `peers` still shows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from monitor.detector import expected
from monitor.detector.columns import DerivedColumn, count, mark, number
from monitor.detector.features import (
    FEATURES,
    LEG,
    LEGS,
    PENDING,
    PLACE,
    SHOWN,
    SLOT,
    TRIP,
    F,
    gather,
    scatter,
)
from monitor.detector.method import robust
from monitor.detector.ride import VISIT_MS
from monitor.detector.step import Departed, Memory, State
from monitor.detector.table import NEVER

Values = NDArray[np.float32]

GAIN, SPREAD_SHARE = 0.001, 0.2
NORMAL, JUDGED = "normal", "judged"
FIELDS: Final = ("n", "level", "spread")
FLOOR: Final = np.array([[f.floor] for f in FEATURES], np.float32)
SHARE: Final = np.array([[f.share] for f in FEATURES], np.float32)
WARM_UP: Final = np.array([[f.warm_up] for f in FEATURES], np.float32)
YOUNG: Final = WARM_UP + np.float32(20)
PER_PERIOD: Final = np.array([[f.per_period] for f in FEATURES], np.float32)
LONGEST_PERIOD = np.float32(5)  # s; beyond, a period is the heartbeat of reporting by change
DOOR_TIMES: Final = ("opening_time", "closing_time")
TOLD: Final = tuple(f for f in FEATURES if f.speaks)

_Z: Final = tuple(f"{f.name}.z" for f in TOLD)
_TOLD: Final = np.array([PLACE[f.name] for f in TOLD])

MEMORY = Memory(
    marks=(*_Z, *SHOWN),
    unknown=("trip_s", "opening_s", "closing_s", "dwell_s"),
    tables={
        NORMAL: State(
            (
                *(f"{field}.{f.name}" for field in FIELDS for f in FEATURES),
                *(f"factor.{i}" for i in range(expected.FACTORS)),
            )
        ),
        JUDGED: State(("at",), np.int64, NEVER),
    },
)

COLUMNS: Mapping[str, DerivedColumn] = {
    **{
        f"z_{f.name}": number(
            f"{f.text.zh}偏离度", f"{f.text.en} against its normal", "sigma", mark(f"{f.name}.z"),
            *f.sources,
        )
        for f in TOLD
    },
    "trip_s": number("上次行程时间", "time of the last trip", "s", mark("trip_s"), "car_status"),
    "opening_s": number("上次开门时间", "time of the last opening", "s", mark("opening_s"),
                        "door_state"),
    "closing_s": number("上次关门时间", "time of the last closing", "s", mark("closing_s"),
                        "door_state"),
    "dwell_s": number("上次开门停留", "time the door stood open", "s", mark("dwell_s"),
                      "door_state"),
    "relevels": count("上次停层再平层次数", "re-levellings of the last stop", mark("relevels"),
                      "speed"),
    "trips_hour": count("上一小时行程数", "trips in the hour before", mark("trips_hour"),
                        "car_status"),
}  # fmt: skip


def settle(d: Departed) -> None:
    """Judge the lifts that set off, then learn from them."""
    trip, pending = d.tables[TRIP], d.tables[PENDING]
    first = SLOT[SHOWN[0]]
    d.note(SHOWN, trip.part(d.rows)[:, first : first + len(SHOWN)].T)
    trip.data[d.rows, SLOT["relevels"]] = 0
    pending.write(d.rows, np.full(d.pending.shape[::-1], np.nan, np.float32))
    visit = d.tables[LEGS].data[:, LEG["visit"]][d.rows]
    told = ~np.isnan(d.pending[:F]).all(axis=0) & (d.at - visit > VISIT_MS)
    if not told.all():
        visit = visit[told]
        d.keep(told)
    if not len(d.rows):
        return
    normal = gather(d.tables[NORMAL], d.rows)
    d.fresh = _after_visit(d, visit, normal)
    period = np.fmin(np.nan_to_num(d.registry["period_s"][d.rows]), LONGEST_PERIOD)
    d.z, r = judge(normal, d.pending, d.at, period)
    scatter(d.tables[NORMAL], d.rows, normal)
    d.tables[JUDGED].data[d.rows, 0] = d.at
    told_r = r[_TOLD]
    d.note(_Z, np.where(np.isnan(told_r), d.noted(_Z), told_r))


def _after_visit(d: Departed, visit: NDArray[np.int64], normal: Values) -> NDArray[np.bool_] | None:
    """Forget what was drifting when the mechanic came; return it, bool[F, j], or None."""
    visited = visit > d.tables[JUDGED].data[:, 0][d.rows]
    if not visited.any():
        return None
    drift = d.tables["drift"]
    first = drift.index[f"held.{FEATURES[0].name}"]
    fresh: NDArray[np.bool_] = visited & (gather(drift, d.rows)[first : first + F] != 0)
    normal[: 3 * F].reshape(3, F, -1)[:, fresh] = 0
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
    limits = robust.Limits(floor / MAD, SHARE / MAD, GAIN, spread_share=SPREAD_SHARE)
    after, r = robust.learn(before, rest, limits)
    n = before.n
    first = n == 0
    residual = np.where(first, 0, rest - before.level).astype(np.float32)
    normal[:F], normal[F : 2 * F], normal[2 * F : 3 * F] = after
    normal[3 * F :] = expected.learn(factors, place, residual, MAD * after.spread, n)
    r = np.where(n >= WARM_UP, r, np.where(np.isnan(r), r, 0)).astype(np.float32)
    return (r * (n / (n + YOUNG))).astype(np.float32), r


MAD: Final = np.float32(robust.MAD_TO_SIGMA)
