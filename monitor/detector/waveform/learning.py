"""Each lift's own normal of its bursts, and the truth that they stay off it.

Learned as `baseline` learns trips: of each figure in LEARNED a robust level and spread; of the
door motor's signature one for each of its 16 points, forwards and backwards apart. The distance
of a door movement is the root of the mean squared deviation of its points, in sigma: about 1 for
another like those before.

Bursts come seldom, hourly or daily, so it judges after 12 and speaks after 3 beyond the limit,
less 1 for each within; it is still again when that count is back at zero. Vibration, jerk and
lines drift upwards only. Limits: domain default.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from monitor.detector.table import NEVER, Table
from monitor.detector.waveform import robust
from monitor.detector.waveform.door_motor import POINTS
from monitor.detector.waveform.features import WaveformFeatures

Rows = NDArray[np.int32]
Index = NDArray[np.intp]
Values = NDArray[np.float32]

STATE, TIMES, DRIFT = "waveform", "waveform_ms", "waveform_drift"
WARM_UP: Final = 12
BEYOND: Final = np.float32(6)  # sigma, of a figure
FAR: Final = np.float32(3)  # sigma, root mean square over the points of a signature
OUTLIER: Final = np.float32(20)  # sigma that a single point may add to a distance
SPEAKS_AT, COUNT_MOST, COUNT_BACK = 3, 6, 1
POINT_FLOOR_A, POINT_FLOOR_SHARE = np.float32(0.05), np.float32(0.05)

# floor: least spread in the figure's unit, and as a share of its level
LEARNED: Final[Mapping[str, tuple[float, float]]] = {
    "ride_a95_h": (0.01, 0.1),
    "ride_a95_v": (0.01, 0.1),
    "ride_jerk": (0.05, 0.1),
    "bearing_prominence": (1.0, 0.2),
}
LAST: Final = (*LEARNED, "ride_speed", "bearing_line_hz", "door_time_s")
WAYS: Final = ("forwards", "backwards")
_PARTS = ("n", "level", "spread", "out", "drift")
_NAMES = (
    *LAST,
    "door_signature_distance",
    *(f"z_{name}" for name in LEARNED),
    "door.out", "door.drift",
    *(f"{name}.{part}" for part in _PARTS for name in LEARNED),
    *(f"{way}.n" for way in WAYS),
    *(f"{way}.{part}.{i}" for way in WAYS for part in ("level", "spread") for i in range(POINTS)),
)  # fmt: skip
_UNKNOWN = frozenset((*LAST, "door_signature_distance", *(f"z_{name}" for name in LEARNED)))
_FLOOR, _SHARE = np.array(list(LEARNED.values()), np.float32).T
_AT = {name: i for i, name in enumerate(_NAMES)}


def tables(n: int) -> dict[str, Table[Any]]:
    """Return the state of n lifts of which no burst has come.

    waveform float32: figures of the last burst (NaN at first), normals, counts ·
    waveform_ms int64: time of the last burst of acceleration and of current, and since when
    the drift is what it is · waveform_drift float32: 1 or 0, by itself because a rule asks for it
    at every sample: a column that lies together is gathered four times as fast.
    """
    fill = [np.nan if name in _UNKNOWN else 0.0 for name in _NAMES]
    return {
        STATE: Table(_NAMES, np.float32, fill, n),
        TIMES: Table(("acceleration", "current", "drift"), np.int64, NEVER, n),
        DRIFT: Table((DRIFT,), np.float32, 0, n),
    }


def learn(own: Mapping[str, Table[Any]], features: WaveformFeatures) -> Rows:
    """Take bursts into the state, each lift's in order of time; return the lifts, int32[k].

    A burst not newer than the lift's last one of its kind is passed over, so a repeat changes
    nothing. Judged by what was normal before it.
    """
    touched = [_learn_round(own, features, which) for which in _rounds(features)]
    return np.unique(np.concatenate([np.empty(0, np.int32), *touched]))


def _learn_round(own: Mapping[str, Table[Any]], features: WaveformFeatures, which: Index) -> Rows:
    """Take one burst of each of some lifts; return those for whom it was new."""
    state, times = own[STATE], own[TIMES]
    kind = features.current[which].astype(np.intp)
    fresh = features.ts_ms[which] > times.data[features.lift[which], kind]
    which, kind = which[fresh], kind[fresh]
    rows, ts = features.lift[which], features.ts_ms[which]
    times.data[rows, kind] = ts
    s = state.data[rows]
    with np.errstate(invalid="ignore"):
        _figures(s, features, which)
        _door(s, features, which)
    drift = s[:, [*_of("drift"), _AT["door.drift"]]].max(axis=1)
    changed = drift != own[DRIFT].data[rows, 0]
    own[DRIFT].data[rows, 0] = drift
    times.data[rows[changed], times.index["drift"]] = ts[changed]
    state.data[rows] = s
    return rows


def _rounds(features: WaveformFeatures) -> Iterator[Index]:
    """Yield the k-th burst of each lift: acceleration and current in one order of time."""
    order = np.lexsort((features.ts_ms, features.lift))
    lift = features.lift[order]
    starts = np.flatnonzero(np.r_[True, lift[1:] != lift[:-1]][: len(lift)])
    rank = np.arange(len(lift)) - np.repeat(starts, np.diff(np.r_[starts, len(lift)]))
    for k in range(int(rank.max(initial=-1)) + 1):
        yield order[rank == k]


def _of(part: str) -> list[int]:
    return [_AT[f"{name}.{part}"] for name in LEARNED]


def _figures(s: Values, features: WaveformFeatures, which: Index) -> None:
    for name in LAST:
        x = features.columns[name][which]
        s[:, _AT[name]] = np.where(np.isnan(x), s[:, _AT[name]], x)
    x = np.stack([features.columns[name][which] for name in LEARNED], axis=1)
    before = robust.Robust(*(s[:, _of(part)] for part in ("n", "level", "spread")))
    after, r = robust.learn(before, x, robust.Limits(_FLOOR, _SHARE, warm_up=WARM_UP))
    for part, column in zip(("n", "level", "spread"), after, strict=True):
        s[:, _of(part)] = column
    warm = (before.n >= WARM_UP) & ~np.isnan(x)
    z = [_AT[f"z_{name}"] for name in LEARNED]
    s[:, z] = np.where(warm, r, s[:, z])
    _count(s, _of("out"), _of("drift"), warm, r > BEYOND)


def _count(s: Values, out: list[int], drift: list[int], judged: Any, wrong: Any) -> None:
    count = s[:, out]
    moved = np.where(wrong, np.minimum(count + 1, COUNT_MOST), np.maximum(count - COUNT_BACK, 0))
    count = np.where(judged, moved, count)
    s[:, out] = count
    s[:, drift] = np.where(count >= SPEAKS_AT, 1, np.where(count == 0, 0, s[:, drift]))


def _door(s: Values, features: WaveformFeatures, which: Index) -> None:
    for way, name in enumerate(WAYS):
        moved = ~np.isnan(features.signature[which, 0])
        moved &= features.backwards[which] == bool(way)
        here = np.flatnonzero(moved)
        if len(here):
            part = s[here]
            _door_way(part, name, features.signature[which[here]])
            s[here] = part


def _door_way(s: Values, way: str, x: Values) -> None:
    n = s[:, _AT[f"{way}.n"]].copy()
    level = slice(_AT[f"{way}.level.0"], _AT[f"{way}.level.0"] + POINTS)
    spread = slice(_AT[f"{way}.spread.0"], _AT[f"{way}.spread.0"] + POINTS)
    before = robust.Robust(np.repeat(n[:, None], POINTS, axis=1), s[:, level], s[:, spread])
    limits = robust.Limits(POINT_FLOOR_A, POINT_FLOOR_SHARE, warm_up=WARM_UP)
    after, r = robust.learn(before, x, limits)
    s[:, _AT[f"{way}.n"]] = after.n[:, 0]
    s[:, level], s[:, spread] = after.level, after.spread
    warm = n >= WARM_UP
    square = np.minimum(np.abs(r), OUTLIER) ** 2
    distance = np.sqrt(square.mean(axis=1, dtype=np.float64)).astype(np.float32)
    place = _AT["door_signature_distance"]
    s[:, place] = np.where(warm, distance, s[:, place])
    wrong = (distance > FAR)[:, None]
    _count(s, [_AT["door.out"]], [_AT["door.drift"]], warm[:, None], wrong)
