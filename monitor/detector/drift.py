"""Features that left their normal and stay away: a two-sided CUSUM over trips (rule 27).

Of each feature's z at every trip (`baseline`), clipped at ±5 sigma (`method.cusum`):

    up ← max(0, up + z − 1),    down ← max(0, down − z − 1),    drifts from 24 on, until 0 again

so it takes six trips beyond 5 sigma, or twenty-four at 2 sigma, and what stays below one sigma is
left alone. The time at which the sum left zero is told as the beginning (`method.change`).

False words: for independent normal z the average run length of a side is
(e^{2kb} − 2kb − 1) / 2k² with k = 1, b = 24 + 1.166 (D. Siegmund, Sequential Analysis, 1985,
doi:10.1007/978-1-4757-1862-1): 10²¹ trips, that is never. Real noise has heavy tails, lasts over
trips, is rounded and follows the rush hours; so the limit was set by simulation of such lifts
(tests/monitor/detector/healthy.py). Counted again with today's features, on a seed that was not
used for it (41): of 800 healthy lifts × 3,000 trips, all features, a limit of 12 gives 18 false
words under Laplace noise and 30 under Student's t, 16 gives none and 1, 20 and 24 none. 1,000
lifts make some 4.5 million trips a month.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from monitor.detector.columns import Compute, DerivedColumn, number, truth
from monitor.detector.features import FEATURES, NAMES, ONE_SIDED, PLACE, F, gather, scatter
from monitor.detector.method import change, cusum
from monitor.detector.step import Departed, Memory, State
from monitor.detector.table import NEVER

Values = NDArray[np.float32]

LIMITS: Final = cusum.Limits(slack=1.0, limit=24.0, most=5.0)
DRIFT, SINCE = "drift", "drift_since"
FIELDS: Final = ("up", "down", "held", "up_n", "up_total", "down_n", "down_total")
SPEAKS: Final = np.array([[f.speaks] for f in FEATURES])
BIT: Final = np.array([[1 << i] for i in range(F)], np.float32)

MEMORY = Memory(
    times=("drift_began",),
    marks=("drifts",),
    tables={
        DRIFT: State(tuple(f"{field}.{name}" for field in FIELDS for name in NAMES)),
        # seconds: a drift is told of by the hour, and half the memory matters here
        SINCE: State(
            tuple(f"{side}.{name}" for side in ("up", "down") for name in NAMES), np.uint32
        ),
    },
)


def drifts(*names: str) -> Compute:
    """Return a column that is 1 where one of these features drifts."""
    bits = sum(1 << PLACE[name] for name in names)
    return lambda c: ((c.marks["drifts"].astype(np.int32) & bits) != 0).astype(np.float32)


def _seconds(c: object) -> Values:
    began, at = c.times["drift_began"], c.at_ms  # type: ignore[attr-defined]
    return np.where(began == NEVER, 0, (at - began) / 1000).astype(np.float32)


_ONE = {name: (name,) for name in (
    "travel_time", "motor_current", "vibration", "levelling", "door_current", "motor_heat",
    "load_zero", "joint",
)}  # fmt: skip
COLUMNS: Mapping[str, DerivedColumn] = {
    **{
        f"{name}_drift": truth(
            f"{FEATURES[PLACE[name]].text.zh}持续偏离",
            f"{FEATURES[PLACE[name]].text.en} stays off its normal",
            drifts(*names), *FEATURES[PLACE[name]].sources,
        )
        for name, names in _ONE.items()
    },
    "door_time_drift": truth(
        "开关门时间持续偏离", "door times stay off their normal",
        drifts("opening_time", "closing_time"), "door_state",
    ),
    "any_drift": truth(
        "有特征持续偏离", "a feature stays off its normal",
        drifts(*(f.name for f in FEATURES if f.speaks and f.name != "joint")),
    ),
    "drift_s": number("偏离已持续", "time since the drift began", "s", _seconds),
}  # fmt: skip


def settle(d: Departed) -> None:
    """Move the sums of the lifts that were judged."""
    state = gather(d.tables[DRIFT], d.rows)
    begins = np.full((2 * F, len(d.rows)), NEVER, np.int64)
    move(state, begins, d.z, d.at, d.fresh)
    scatter(d.tables[DRIFT], d.rows, state)
    since = d.tables[SINCE].data
    column, lift = (begins != NEVER).nonzero()  # few: the others keep what they have
    since[d.rows[lift], column] = d.at[lift] // 1000
    held = state[2 * F : 3 * F] * SPEAKS
    d.note(("drifts",), (BIT * (held != 0)).sum(axis=0)[None])
    began = d.times.data[:, d.times.index["drift_began"]]
    began[d.rows] = NEVER
    some = (held != 0).any(axis=0).nonzero()[0]
    if len(some):
        held, times = held[:, some], d.tables[SINCE].part(d.rows[some]).T.astype(np.int64) * 1000
        first = np.where(held == 1, times[:F], np.where(held == -1, times[F:], d.at[some]))
        began[d.rows[some]] = first.min(axis=0)


def move(
    state: Values,
    since: NDArray[np.int64],
    z: Values,
    at: NDArray[np.int64],
    fresh: NDArray[np.bool_] | None,
) -> None:
    """Move sums [7 F, j] and times [2 F, j] in place by z float32[F, j]; fresh ones begin anew."""
    parts = state.reshape(7, F, -1)
    if fresh is not None:
        parts[:, fresh] = 0
    sums = cusum.advance(cusum.Cusum(parts[0], parts[1], parts[2]), z, LIMITS)
    # where only more is worse, nothing adds up below: such a sum never speaks
    sums = sums._replace(down=np.where(ONE_SIDED, 0, sums.down).astype(np.float32))
    sums = sums._replace(held=np.where(ONE_SIDED, np.maximum(sums.held, 0), sums.held))
    tail, began = change.advance(
        change.Change(*parts[3:]), change.Began(since[:F], since[F:]), sums, z, at
    )
    parts[0], parts[1], parts[2] = sums
    for i, part in enumerate(tail):
        parts[3 + i] = part
    since[:F], since[F:] = began
