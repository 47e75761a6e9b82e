"""Rules that waiting makes true, from when lifts were heard.

Live these are looked at every second for the whole fleet, by the time of receipt. History keeps
no receipt time for long, but it keeps what was late; what was not arrived within the limit of
lateness, so its event time stands for its receipt. What was late says nothing here: when it came
the silence had been told.

Of a silence only the moments count at which some rule changes its mind. The truth of every whole
second of a longer silence is computed at once, and the engine is shown the beginning and the end
of each run of equal truth; so it rings and clears at the very second.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alerts.rules import RuleSet
from alerts.rules import nodes as n
from alerts.rules.compile import Compiler
from monitor.backtest.both import REGISTRY, as_sampled
from monitor.backtest.lane import Lane
from monitor.detector.silence import LEAST_S, PERIODS

Rows = NDArray[np.int32]
Times = NDArray[np.int64]
Values = NDArray[np.float32]
Mask = NDArray[np.bool_]
SECOND = 1000
LONGEST_PROBE_S = 7200
AT_ONCE = 2_000_000  # looks: some 100 MB


@dataclass(frozen=True, slots=True)
class Deaf:
    """When nobody at all was heard, so that it was we who did not listen: begin and end
    int64[d], ms, ascending. Silence is not counted meanwhile, nor is anything looked at.
    """

    begin: Times
    end: Times

    def before(self, at_ms: Times) -> Times:
        """Return for each moment how long nobody had listened until then, ms."""
        total = np.concatenate([[0], np.cumsum(self.end - self.begin)])
        k = np.searchsorted(self.begin, at_ms, "right")
        inside = np.maximum(self.end[k - 1] - at_ms, 0) if len(self.end) else 0
        return np.where(k > 0, total[k] - inside, 0)

    def during(self, at_ms: Times) -> Mask:
        """Tell which moments lie where nobody listened."""
        if not len(self.begin):
            return np.zeros(len(at_ms), np.bool_)
        k = np.searchsorted(self.begin, at_ms, "right")
        found: Mask = (k > 0) & (at_ms < self.end[k - 1])
        return found


@dataclass(frozen=True, slots=True)
class _Silences:
    """rows, begin: every time a lift was heard, sorted · who, first, stop: silences of which the
    whole seconds [first, stop) must be looked at · over: the lift was heard again at `stop`.
    """

    rows: Rows
    begin: Times
    who: Rows
    first: Times
    stop: Times
    over: Mask

    @property
    def seconds(self) -> int:
        """How many looks these are."""
        return int(np.maximum(self.stop - self.first, 0).sum()) // SECOND

    def heard_by(self, row: Rows, tick: Times) -> Times:
        """Return when these lifts had been heard last at these moments."""
        some = np.isin(self.rows, row)  # few lifts of many
        rows, begin = self.rows[some], self.begin[some]
        base = int(begin.min())
        width = int(max(begin.max(), tick.max())) - base + 1
        key = rows.astype(np.int64) * width + (begin - base)
        asked = row.astype(np.int64) * width + (tick - base)
        found: Times = begin[np.searchsorted(key, asked, "right") - 1]
        return found


class SilenceLane:
    """The time-driven rules of one group of lifts."""

    def __init__(
        self,
        timed: RuleSet,
        registry: Mapping[str, Values],
        heard_ms: Times,
        begin_ms: int,
        deaf: Deaf,
    ) -> None:
        """registry: float32[N] columns · heard_ms int64[N]: when each was heard before begin_ms."""
        n_lifts = len(heard_ms)
        self.lane = Lane(as_sampled(timed), n_lifts)
        self._registry, self._deaf, self._n = registry, deaf, n_lifts
        self._rules = timed.rules
        self._least = max((rule.min_samples for rule in timed.rules), default=1)
        self._heard = heard_ms.copy()
        self._done_ms = begin_ms
        self._back: tuple[Rows, Times] = (np.empty(0, np.int32), np.empty(0, np.int64))
        self._compiler = Compiler()
        self._slots = [
            slot
            for rule in timed.rules
            for part in (rule.when, rule.at_once, rule.suppressed_by)
            if part is not None
            for slot in (self._compiler.true(part), self._compiler.false(part))
        ]
        self._whole = any("gateway_silent" in rule.names for rule in timed.rules)
        limit = np.fmax(PERIODS * registry["period_s"], LEAST_S)
        self._quiet_ms = self._shortest(limit)

    def _shortest(self, limit: Values) -> Times:
        """Return for each lift a silence below which no rule can be but false, in ms.

        Found by asking with everything else unknown: what is false then is false whatever it is.
        """
        table = np.stack([self._registry[name] for name in REGISTRY] + [limit])
        kinds, which = np.unique(table, axis=1, return_inverse=True, equal_nan=True)
        seconds = np.arange(LONGEST_PROBE_S, dtype=np.float32)
        unknown = np.full(len(seconds), np.nan, np.float32)
        conditions = [
            n.Any((rule.when, rule.at_once)) if rule.at_once is not None else rule.when
            for rule in self._rules
        ]
        no = [self._compiler.false(one) for one in conditions]
        found = np.zeros(kinds.shape[1], np.int64)
        for k in range(kinds.shape[1]):
            columns = {
                name: np.full(len(seconds), kinds[j, k], np.float32)
                for j, name in enumerate(REGISTRY)
            }
            columns["silent_s"] = seconds
            columns["last_in_inspection"] = unknown
            columns["gateway_silent"] = np.where(seconds < kinds[-1, k], np.float32(0), unknown)
            with np.errstate(all="ignore"):
                run = self._compiler.run(columns, always=False)
                open_ = np.zeros(len(seconds), np.bool_)
                for slot in no:
                    open_ |= ~np.broadcast_to(run.get(slot), open_.shape)
            # a second less: between two whole ones it may have become true
            found[k] = max(int(np.argmax(open_)) - 1, 0) if open_.any() else LONGEST_PROBE_S - 1
        shortest: Times = found[which.reshape(-1)] * SECOND
        return shortest

    def advance(self, lift: Rows, at_ms: Times, to_ms: int) -> None:
        """Take what was heard on time until to_ms: lift int32[k] sorted, at_ms ascending in each.

        Looks at the clock at the whole seconds since the last call and before to_ms.
        """
        silences = self._silences(lift, at_ms, to_ms)
        middle = _whole((self._done_ms + to_ms) // 2)
        if silences.seconds > AT_ONCE and self._done_ms < middle < to_ms:
            early = at_ms < middle
            self.advance(lift[early], at_ms[early], middle)
            self.advance(lift[~early], at_ms[~early], to_ms)
            return
        rows, ticks = self._looks(silences, to_ms)
        if len(rows):
            columns = self._columns(rows, ticks, silences.heard_by(rows, ticks))
            keep = self._telling(rows, ticks, columns)
            self._show(rows[keep], ticks[keep], {k: v[keep] for k, v in columns.items()})
        if len(lift):
            last = np.flatnonzero(np.r_[lift[1:] != lift[:-1], True])
            self._heard[lift[last]] = np.maximum(self._heard[lift[last]], at_ms[last])
        self._done_ms = to_ms

    def _silences(self, lift: Rows, at_ms: Times, to_ms: int) -> _Silences:
        everybody = np.arange(self._n, dtype=np.int32)
        places = np.searchsorted(lift, everybody, "left")
        rows = np.insert(lift, places, everybody)
        begin = np.insert(at_ms, places, self._heard)
        is_last = np.r_[rows[1:] != rows[:-1], True]
        end = np.r_[begin[1:], to_ms]
        end[is_last] = to_ms
        which = np.flatnonzero(end - begin > self._quiet_ms[rows])
        first = self._after(begin[which], self._quiet_ms[rows[which]])
        first = np.maximum(_whole(first), _whole(np.int64(self._done_ms)))
        return _Silences(rows, begin, rows[which], first, _whole(end[which]), ~is_last[which])

    def _looks(self, silences: _Silences, to_ms: int) -> tuple[Rows, Times]:
        """Return the whole seconds at which something may be true, or ends: lift and moment,
        sorted. After a silence comes one look more, which finds the lift heard.
        """
        who, over = silences.who, silences.over
        counts = np.maximum(silences.stop - silences.first, 0) // SECOND
        row = np.concatenate([np.repeat(who, counts), who[over], self._back[0]])
        within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        tick = np.repeat(silences.first, counts) + within * SECOND
        tick = np.concatenate([tick, silences.stop[over], self._back[1]])
        later = tick >= to_ms
        self._back = row[later], tick[later]
        mine = ~later & ~self._deaf.during(tick)
        row, tick = row[mine], tick[mine]
        order = np.lexsort((tick, row))
        row, tick = row[order], tick[order]
        fresh = np.r_[True, (row[1:] != row[:-1]) | (tick[1:] != tick[:-1])][: len(row)]
        return row[fresh], tick[fresh]

    def _after(self, begin: Times, quiet_ms: Times) -> Times:
        """Return the moment by which quiet_ms have passed in which somebody listened."""
        if not len(self._deaf.begin):
            return begin + quiet_ms
        at = begin + quiet_ms
        for _ in range(len(self._deaf.begin)):
            later = begin + quiet_ms + self._deaf.before(at) - self._deaf.before(begin)
            if (later == at).all():
                break
            at = later
        return at

    def _columns(self, rows: Rows, ticks: Times, heard: Times) -> dict[str, Values]:
        listened = ticks - heard - (self._deaf.before(ticks) - self._deaf.before(heard))
        columns = {name: self._registry[name][rows] for name in REGISTRY}
        columns["silent_s"] = (np.maximum(listened, 0) / SECOND).astype(np.float32)
        columns["gateway_silent"] = np.zeros(len(rows), np.float32)
        columns["last_in_inspection"] = columns["gateway_silent"]  # nobody asks the samples here
        if self._whole:
            silent = columns["silent_s"] >= np.fmax(PERIODS * columns["period_s"], LEAST_S)
            columns["gateway_silent"] = self._gateways(rows, ticks, silent)
        return columns

    def _gateways(self, rows: Rows, ticks: Times, silent: Mask) -> Values:
        """Return 1 where all lifts of the gateway are silent at that moment."""
        gateway = self._registry["gateway_row"]
        has = gateway >= 0
        sizes = np.bincount(gateway[has].astype(np.int64))
        mine = np.where(np.isnan(gateway[rows]), -1, gateway[rows]).astype(np.int64)
        key = mine * (1 << 32) + ticks // SECOND
        kinds, which = np.unique(key, return_inverse=True)
        quiet = np.bincount(which.reshape(-1), weights=silent, minlength=len(kinds))
        whole = quiet[which.reshape(-1)] == sizes[np.maximum(mine, 0)]
        found: Values = (whole & (mine >= 0)).astype(np.float32)
        return found

    def _telling(self, rows: Rows, ticks: Times, columns: Mapping[str, Values]) -> NDArray[np.intp]:
        """Return the looks that the engine must be shown: ends of runs of equal truth."""
        with np.errstate(all="ignore"):
            run = self._compiler.run(columns, always=False)
            truth = [np.broadcast_to(run.get(slot), rows.shape) for slot in self._slots]
        breaks = (rows[1:] != rows[:-1]) | (ticks[1:] - ticks[:-1] != SECOND)
        for one in truth:
            breaks |= one[1:] != one[:-1]
        begins = np.r_[True, breaks]
        keep = np.r_[breaks, True]
        since = np.arange(len(rows)) - np.maximum.accumulate(
            np.where(begins, np.arange(len(rows)), 0)
        )
        return np.flatnonzero(keep | (since < self._least))

    def _show(self, rows: Rows, ticks: Times, columns: dict[str, Values]) -> None:
        starts = np.flatnonzero(np.r_[True, rows[1:] != rows[:-1]])
        rank = np.arange(len(rows)) - np.repeat(starts, np.diff(np.r_[starts, len(rows)]))
        order = np.argsort(rank, kind="stable")
        for part in np.split(order, np.flatnonzero(np.diff(rank[order])) + 1):
            lift, at = rows[part], ticks[part]
            self.lane.catch_up(lift, at)
            self.lane.evaluate(lift, at, {name: column[part] for name, column in columns.items()})


def _whole(at_ms: Any) -> Any:
    """Return the first whole second not before it."""
    return -(-at_ms // SECOND) * SECOND
