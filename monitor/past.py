"""What a person asks of a lift's past: curves, trips, normal, messages, visits, quality of data.

One object over history and detector; the web asks it and computes nothing. All methods may be
called from worker threads: each reads by a cursor of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from devices.registry import Registry
from monitor.detector import drift, peers, sensors, trip_list, upkeep
from monitor.detector.baseline import MAD, NORMAL, WARM_UP
from monitor.detector.detector import Detector
from monitor.detector.features import FEATURES, F
from monitor.detector.table import NEVER
from monitor.detector.trip_list import Judged, Trips
from monitor.store import lift_log, lift_rows
from monitor.store.bundles import HOUR_MS
from monitor.store.curves import Curve, Curves, curves
from monitor.store.gaps import gaps_between
from monitor.store.history import History
from monitor.store.lift_log import Message
from monitor.store.rollup import BUCKET_MS

DAY_MS = 86_400_000
INSPECTION = 2  # service_mode
LEAST_VISIT_MS = upkeep.VISIT_MS
SHORT_MS = 7 * DAY_MS  # so many days are read to five minutes at once
MOST_PARTS = 24  # of more of them, one reading of the whole is cheaper
Had = Callable[[Curve], NDArray[np.bool_]]
GAP_PERIODS, LEAST_GAP_MS = 3, 60_000  # as rule 23 counts silence


@dataclass(frozen=True, slots=True)
class Spell:
    """From when to when something lasted."""

    from_ms: int
    to_ms: int


class Past:
    """The past of the lifts of one site."""

    def __init__(
        self, history: History, registry: Registry, detector: Callable[[], Detector]
    ) -> None:
        self._history, self._registry, self._detector = history, registry, detector

    # -- samples ------------------------------------------------------------------------

    def curves(
        self, row: int, channels: Sequence[str], from_ms: int, to_ms: int, points: int
    ) -> Curves:
        """Return the channels of a lift by bucket, thinned in the database; extremes are kept."""
        return curves(self._history, row, channels, from_ms, to_ms, points)

    def days(
        self, row: int, channels: Sequence[str], from_ms: int, to_ms: int
    ) -> Iterator[tuple[int, pa.Table]]:
        """Yield every sample of a span, a day at a time; see `store.lift_rows.days`."""
        return lift_rows.days(self._history, row, channels, from_ms, to_ms)

    def gaps(self, row: int, found: Curves) -> list[Spell]:
        """Return the times within these curves of which nothing is known.

        Three periods of the lift and at least a minute; no finer than the buckets are.
        """
        lift = self._registry.lift(row)
        least = max(GAP_PERIODS * lift.period_s * 1000, LEAST_GAP_MS, 2 * found.width_ms)
        edges = np.concatenate([[found.from_ms - found.width_ms], found.ts_ms, [found.to_ms]])
        ends, begins = edges[:-1] + found.width_ms, edges[1:]
        which = (begins - ends) >= np.where(found.width_ms >= BUCKET_MS, found.width_ms, least)
        return [
            Spell(int(a), int(b)) for a, b in zip(ends[which], begins[which], strict=True)
        ]  # fmt: skip

    # -- trips and their normal -----------------------------------------------------------

    def trips(self, row: int, from_ms: int, to_ms: int) -> Trips:
        """Return the trips of a span, in order of time."""
        at, said = lift_rows.samples(self._history, row, trip_list.CHANNELS, from_ms, to_ms)
        lift = self._registry.lift(row)
        return trip_list.cut(at, said, lift.period_s, lift.rated_speed)

    def judged(self, row: int, trips: Trips) -> Judged:
        """Return the features of trips beside the normal that the lift has now."""
        return trip_list.judged(self._detector(), row, trips)

    def normal(self, row: int) -> list[dict[str, Any]]:
        """Return a row a feature: what the detector has learned and thinks of it now.

        trips: learned from · level, sigma: in `unit`, beside what distance, load and hour add ·
        z: last trip, sigma · up, down: sums of the drift, of `limit` · drifts: −1, 0, 1 and since
        when · peers_z: against lifts of its kind. None where nothing is known.
        """
        detector = self._detector()
        own = {name: detector.own[name] for name in (NORMAL, drift.DRIFT, drift.SINCE, peers.PEERS)}
        data = {name: table.data[row].tolist() for name, table in own.items()}
        marks = detector.marks.data[row].tolist()
        found = []
        for i, feature in enumerate(FEATURES):
            n, level, spread = (data[NORMAL][i + k * F] for k in range(3))
            index = own[drift.DRIFT].index
            up, down, held = (
                data[drift.DRIFT][index[f"{part}.{feature.name}"]]
                for part in ("up", "down", "held")
            )
            since = data[drift.SINCE][i if held > 0 else i + F] if held else 0
            mark = detector.marks.index.get(f"{feature.name}.z")
            found.append(
                {
                    "name": feature.name,
                    "text": feature.text.as_json(),
                    "unit": feature.unit,
                    "trips": int(n),
                    "warm_up": int(WARM_UP[i, 0]),
                    "level": _known(level if n else None),
                    "sigma": _known(float(MAD) * spread if n else None),
                    "z": _known(marks[mark] if mark is not None and n >= WARM_UP[i, 0] else None),
                    "up": _known(up),
                    "down": _known(down),
                    "limit": drift.LIMITS.limit,
                    "drifts": int(held) if feature.speaks else 0,
                    "since_ms": int(since) * 1000 if since and feature.speaks else None,
                    "peers_z": _known(data[peers.PEERS][i]),
                }
            )
        return found

    def flags(self, row: int) -> list[tuple[str, float | None, int]]:
        """Return what the detector thinks of the lift's own sensors now: (column, value, since)."""
        detector = self._detector()
        if detector.fleet.at_ms[row] == NEVER:
            return []
        return detector.evidence(row, list(sensors.COLUMNS))

    def upkeep(self, row: int) -> dict[str, float | None]:
        """Return days and hours since tests and visits, by column of `detector.upkeep`."""
        detector = self._detector()
        if detector.silence.last_now_ms == NEVER:  # not a moment of its own yet
            return dict.fromkeys(upkeep.COLUMNS)
        found = detector.evidence(row, list(upkeep.COLUMNS))
        return {name: value for name, value, _ in found}

    # -- messages, visits, quality ----------------------------------------------------------

    def messages(
        self, row: int, from_ms: int, to_ms: int, limit: int, code: int | None,
        after: lift_log.Place | None = None,
    ) -> list[Message]:  # fmt: skip
        """Return what the controller reported, the newest first; behind `after` in that order."""
        return lift_log.messages(self._history, row, from_ms, to_ms, limit, code, after)

    def codes(self, row: int, from_ms: int, to_ms: int) -> list[tuple[int, int, int]]:
        """Return (code, how often, last ts_ms), the most frequent first."""
        return lift_log.codes(self._history, row, from_ms, to_ms)

    def by_hours(self, row: int, from_ms: int, to_ms: int) -> Curves | None:
        """Return what `inspections` and `on_other_power` seek by, read once for both.

        None for a short time, in which they look at once as closely as they can.
        """
        if to_ms - from_ms <= SHORT_MS:
            return None
        hours = (to_ms - from_ms) // HOUR_MS
        return self.curves(row, ["service_mode", "power"], from_ms, to_ms, hours)

    def inspections(
        self, row: int, from_ms: int, to_ms: int, hours: Curves | None = None
    ) -> list[Spell]:
        """Return when the lift was in inspection mode for ten minutes or longer, to 5 minutes.

        `hours`: what `by_hours` gave for these times, if the caller has it.
        """
        found = self.mode(row, "service_mode", INSPECTION, from_ms, to_ms, hours)
        return [spell for spell in found if spell.to_ms - spell.from_ms >= LEAST_VISIT_MS]

    def mode(
        self, row: int, channel: str, value: float, from_ms: int, to_ms: int,
        hours: Curves | None = None,
    ) -> list[Spell]:  # fmt: skip
        """Return when a state channel had this value, to five minutes at most."""

        def had(curve: Curve) -> NDArray[np.bool_]:
            within: NDArray[np.bool_] = (curve.lo <= value) & (curve.hi >= value)
            return within

        def exactly(curve: Curve) -> NDArray[np.bool_]:
            told: NDArray[np.bool_] = (curve.lo == value) | (curve.hi == value)
            told |= curve.last == value
            return told

        return self._lasting(row, channel, had, exactly, (from_ms, to_ms), hours)

    def on_other_power(
        self, row: int, from_ms: int, to_ms: int, hours: Curves | None = None
    ) -> list[Spell]:
        """Return when the lift was on battery or another supply than the mains."""

        def had(curve: Curve) -> NDArray[np.bool_]:
            other: NDArray[np.bool_] = curve.hi > 0
            return other

        return self._lasting(row, "power", had, had, (from_ms, to_ms), hours)

    def _lasting(
        self, row: int, channel: str, perhaps: Had, surely: Had, times: tuple[int, int],
        hours: Curves | None,
    ) -> list[Spell]:  # fmt: skip
        """Return when something lasted: sought by the hour, and only there to five minutes.

        A year has 365 files of five minutes, and twelve of hours. What is true of five minutes
        must, by `perhaps`, be true of their hour.
        """
        from_ms, to_ms = times
        parts = [times]
        if to_ms - from_ms > SHORT_MS:
            hours = hours or self.curves(row, [channel], *times, (to_ms - from_ms) // HOUR_MS)
            curve = hours.channels[channel]
            said = ~np.isnan(curve.hi)
            rough = _spells(hours.ts_ms[said], perhaps(curve)[said], hours.width_ms, hours.width_ms)
            if len(rough) <= MOST_PARTS:
                parts = [(max(one.from_ms, from_ms), min(one.to_ms, to_ms)) for one in rough]
        found: list[Spell] = []
        for first, last in parts:
            begin, end = first // BUCKET_MS * BUCKET_MS, -(-last // BUCKET_MS) * BUCKET_MS
            near = self.curves(row, [channel], begin, end, max(1, (end - begin) // BUCKET_MS))
            curve = near.channels[channel]
            said = ~np.isnan(curve.hi)
            found += _spells(near.ts_ms[said], surely(curve)[said], near.width_ms)
        return [spell for spell in found if spell.from_ms < to_ms]

    def refusals(self, reg_code: str, from_ms: int, to_ms: int) -> list[dict[str, Any]]:
        """Return what was refused of this lift, the newest first."""
        return lift_log.refusals(self._history, reg_code, from_ms, to_ms)

    def given_up(self, gateway: str, from_ms: int, to_ms: int) -> list[dict[str, Any]]:
        """Return the gaps that the lift's gateway named itself."""
        told = gaps_between(self._history, from_ms, to_ms, gateway)
        names = ("from_ms", "to_ms", "samples", "kept", "reason")
        return [{name: getattr(one, name) for name in names} for one in told]


def _known(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else round(float(value), 4)


def _spells(
    ts_ms: NDArray[np.int64], had: NDArray[np.bool_], width_ms: int, more_ms: int = 0
) -> list[Spell]:
    """Return the runs of True: each from its first bucket to the next bucket that is False.

    `more_ms`: and as much of that one, for who looks closer within.
    """
    if not len(ts_ms):
        return []
    turns = np.flatnonzero(np.diff(had.astype(np.int8), prepend=0, append=0))
    ends = np.append(ts_ms, ts_ms[-1] + width_ms)
    return [
        Spell(int(ends[a]), int(ends[b]) + more_ms)
        for a, b in zip(turns[::2], turns[1::2], strict=True)
    ]
