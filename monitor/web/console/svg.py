"""Lines, steps, dots and bands as SVG paths, and the ticks of their axes; numbers only.

A path lies in a box of `count` × TALL units that the page stretches to its place, its strokes
unscaled. So the same path serves every width, and nothing has to be measured in the browser.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any

import numpy as np
from numpy.typing import NDArray

TALL = 1000
Values = NDArray[np.floating[Any]]
Index = NDArray[np.integer[Any]]
_SECOND, _MINUTE, _HOUR, _DAY = 1000, 60_000, 3_600_000, 86_400_000
_STEPS = (
    *(s * _SECOND for s in (1, 5, 10, 30)),
    *(m * _MINUTE for m in (1, 2, 5, 10, 15, 30)),
    *(h * _HOUR for h in (1, 2, 3, 6, 12)),
    *(d * _DAY for d in (1, 2, 7, 14)),
)
_MONTHS = (1, 2, 3, 6, 12, 24, 60)


@dataclass(frozen=True, slots=True)
class Scale:
    """lo at the bottom, hi at the top of the box."""

    lo: float
    hi: float

    def y(self, values: Values) -> Index:
        """Return heights from the top, int[k]; values are finite."""
        share = (self.hi - values.astype(np.float64)) / (self.hi - self.lo)
        return np.round(np.clip(share, -0.02, 1.02) * TALL).astype(np.int64)

    def share(self, value: float) -> float:
        """Return how far from the top a value stands, 0..1."""
        return (self.hi - value) / (self.hi - self.lo)


def scale_of(lo: float, hi: float, whole: bool = False) -> tuple[Scale, list[float]]:
    """Return a scale that holds lo..hi with some room, and two to four round ticks."""
    room = (hi - lo) or max(abs(hi) * 0.1, 1.0)
    step = 10 ** math.floor(math.log10(room / 2))
    step = next(step * m for m in (1, 2, 5, 10) if room / (step * m) <= 4)
    if whole:
        step = max(1.0, round(step))
    first, last = math.ceil(lo / step - 1e-9), math.floor(hi / step + 1e-9)
    ticks = [round(i * step, 10) for i in range(first, last + 1)] or [lo]
    return Scale(min(lo, ticks[0]) - 0.06 * room, max(hi, ticks[-1]) + 0.06 * room), ticks


def line(x: Index, lo: Index, hi: Index, last: Index, breaks: NDArray[np.bool_]) -> str:
    """Return a line through each bucket's extremes, ending near its last value."""
    parts: list[str] = []
    rows = zip(x.tolist(), lo.tolist(), hi.tolist(), last.tolist(), breaks.tolist(), strict=True)
    for at, low, high, end, cut in rows:
        first, then = (low, high) if abs(end - high) <= abs(end - low) else (high, low)
        parts.append(f"{'M' if cut or not parts else 'L'}{at} {first}")
        if then != first:
            parts.append(f"V{then}")
        elif cut:
            parts.append("h0")  # a lone point is a dot
    return "".join(parts)


def steps(x: Index, lo: Index, hi: Index, last: Index, breaks: NDArray[np.bool_], end: int) -> str:
    """Return steps: a state holds until the next is told, at most to `end`."""
    parts: list[str] = []
    before, y = 0, -1
    rows = zip(x.tolist(), lo.tolist(), hi.tolist(), last.tolist(), breaks.tolist(), strict=True)
    for at, low, high, now, cut in rows:
        if cut or not parts:
            if parts:
                parts.append(f"H{before + 1}")
            parts.append(f"M{at} {now}")
        elif now != y or low != high:
            parts.append(f"H{at}")
        if low != high:
            parts.append(f"V{low}V{high}")
        if (now != y or low != high) and parts[-1] != f"M{at} {now}":
            parts.append(f"V{now}")
        before, y = at, now
    return "".join(parts) + f"H{min(before + 1, end)}" if parts else ""


def dense(lo: Index, hi: Index) -> bool:
    """Return whether lines would only fill an area: most buckets hold many values."""
    return len(lo) > 60 and bool((lo != hi).mean() > 0.5)


def areas(x: Index, lo: Index, hi: Index, breaks: NDArray[np.bool_]) -> tuple[str, str]:
    """Return the area between least and greatest as one path, its upper and lower edge another.

    One piece between two breaks; each bucket is as wide as it is.
    """
    area, edge = [], []
    cuts = np.flatnonzero(np.append(breaks[1:], True)) + 1  # the end is a cut, too
    first = 0
    for end in cuts.tolist():
        own = slice(first, end)
        wide = np.append(x[own], x[end - 1] + 1)
        low, high = np.append(lo[own], lo[end - 1]), np.append(hi[own], hi[end - 1])
        area.append(band(wide, low, high))
        for side in (high, low):
            points = zip(wide.tolist(), side.tolist(), strict=True)
            edge.append("M" + "L".join(f"{a} {b}" for a, b in points))
        first = end
    return "".join(area), "".join(edge)


def dots(x: Index, y: Index) -> str:
    """Return a dot a point: strokes of no length with round ends."""
    return "".join(f"M{a} {b}h0" for a, b in zip(x.tolist(), y.tolist(), strict=True))


def band(x: Index, lo: Index, hi: Index) -> str:
    """Return the area between two lines."""
    if not len(x):
        return ""
    there = [f"{a} {b}" for a, b in zip(x.tolist(), hi.tolist(), strict=True)]
    back = [f"{a} {b}" for a, b in zip(x[::-1].tolist(), lo[::-1].tolist(), strict=True)]
    return "M" + "L".join(there + back) + "Z"


def time_ticks(from_ms: int, to_ms: int, tz: tzinfo, most: int = 8) -> list[tuple[float, str]]:
    """Return (place in %, word) of round local times, `most` at most."""
    found = list(_times(from_ms, to_ms, tz, most))
    whole = max(1, to_ms - from_ms)
    placed = [(round((at - from_ms) / whole * 100, 2), word) for at, word in found]
    return [(x, word) for x, word in placed if 3 <= x <= 97]  # no word is cut off


def _times(from_ms: int, to_ms: int, tz: tzinfo, most: int) -> Iterator[tuple[int, str]]:
    step = next((s for s in _STEPS if (to_ms - from_ms) / s <= most), None)
    if step is None:
        yield from _month_ticks(from_ms, to_ms, tz, most)
        return
    begin = datetime.fromtimestamp(from_ms / 1000, tz)
    midnight = begin.replace(hour=0, minute=0, second=0, microsecond=0)
    if step >= _DAY:  # days counted from a fixed one, so that a moved view keeps its ticks
        days = step // _DAY
        midnight -= timedelta(days=midnight.toordinal() % days)
    first = round(midnight.timestamp() * 1000)
    for at in range(first, to_ms, step):
        local = datetime.fromtimestamp(at / 1000, tz)
        if at < from_ms:
            continue
        if step >= _DAY or (local.hour, local.minute, local.second) == (0, 0, 0):
            yield at, local.strftime("%m-%d")
        else:
            yield at, local.strftime("%H:%M:%S" if step < _MINUTE else "%H:%M")


def _month_ticks(
    from_ms: int, to_ms: int, tz: tzinfo, most: int
) -> Iterator[tuple[int, str]]:  # fmt: skip
    begin = datetime.fromtimestamp(from_ms / 1000, tz)
    months = (to_ms - from_ms) / (30.44 * _DAY)
    step = next((m for m in _MONTHS if months / m <= most), _MONTHS[-1])
    number = begin.year * 12 + begin.month - 1
    number = number // step * step
    while True:
        year, month = divmod(number, 12)
        local = datetime(year, month + 1, 1, tzinfo=tz)
        at = round(local.timestamp() * 1000)
        if at >= to_ms:
            return
        if at >= from_ms:
            yield at, local.strftime("%Y-%m")
        number += step


def told(values: Sequence[float]) -> str:
    """Return one bucket's values as the page carries them: one where they are equal."""
    same = all(value == values[0] for value in values)
    return "~".join(f"{value:.4g}" for value in (values[:1] if same else values))
