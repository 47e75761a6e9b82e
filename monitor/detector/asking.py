"""What a person asks of a detector: the last known values of lifts, and since when."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from monitor.detector import upkeep, waveform
from monitor.detector.fleet import Rows, Times
from monitor.detector.schema import DERIVED
from monitor.detector.signals import SignalColumns
from monitor.detector.table import NEVER

if TYPE_CHECKING:
    from monitor.detector.detector import Detector


def evidence_of(
    detector: Detector, rows: Rows, names: Sequence[str]
) -> list[list[tuple[str, float | None, int]]]:
    """Return the evidence of many lifts at once, rows int32[k]; for a power cut."""
    if len(rows) and not 0 <= rows.min() <= rows.max() < detector.n:
        raise IndexError(f"rows {rows.min()}..{rows.max()}: the fleet has 0..{detector.n - 1}")
    columns = _last_known(detector, rows, names)
    made = []
    for name in names:
        values, since = columns[name], _since(detector, rows, name).tolist()
        plain = [None if unknown else value for value, unknown in
                 zip(values.tolist(), np.isnan(values).tolist(), strict=True)]  # fmt: skip
        made.append(list(zip([name] * len(rows), plain, since, strict=True)))
    return [list(one) for one in zip(*made, strict=True)] if made else [[] for _ in rows]


def live(detector: Detector, row: int) -> dict[str, tuple[float, int]]:
    """Return name → (value, ts_ms) of all that is known of a lift, derived columns too.

    Raises IndexError for a row the fleet has not.
    """
    names = [name for name, column in DERIVED.items() if not column.time_driven]
    channels = detector.fleet.values.names
    times = dict.fromkeys(names, max(0, int(detector.fleet.at_ms[row])))
    reported = detector.fleet.reported.data[row].astype(np.int64) * 1000
    times |= dict(zip(channels, reported.tolist(), strict=True))
    heard = detector.fleet.at_ms[row] != NEVER
    known = detector.evidence(row, [*channels, *names]) if heard else []
    return {name: (value, times[name]) for name, value, _ in known if value is not None}


def _last_known(detector: Detector, rows: Rows, names: Sequence[str]) -> SignalColumns:
    columns = detector.as_known(rows, detector.fleet.at_ms[rows]).columns
    if any(name in DERIVED and DERIVED[name].time_driven for name in names):
        fleet = detector.clocks(detector.silence.last_now_ms)
        columns.replace({name: column[rows] for name, column in fleet.items()})
    return columns


def _since(detector: Detector, rows: Rows, name: str) -> Times:
    index, at = detector.fleet.values.index, detector.fleet.at_ms[rows]
    if "(" in name:
        return detector.codes.since(rows, name)
    if name in upkeep.COLUMNS:
        table, now_ms = detector.own[upkeep.NAME], detector.silence.last_now_ms
        return upkeep.since(table, rows, name, detector.registry, now_ms, detector.zone)
    if name in DERIVED and DERIVED[name].time_driven:
        heard: Times = np.maximum(detector.silence.heard.data[rows, 0], 0)
        return heard
    if name in waveform.TEXTS:
        times = detector.own[waveform.TIMES]
        burst = times.data[rows, times.index[waveform.since_column(name)]]
        return np.where(burst == NEVER, np.maximum(at, 0), burst)
    sources = (name,) if name in index else DERIVED[name].sources if name in DERIVED else ()
    since: Times = np.full(len(rows), NEVER, np.int64)
    for source in sources:
        changed = detector.fleet.changed.data[rows, index[source]].astype(np.int64) * 1000
        np.maximum(since, np.where(changed > 0, changed, NEVER), out=since)
    since = np.where(since == NEVER, at, since)
    return np.maximum(since, 0, out=since)
