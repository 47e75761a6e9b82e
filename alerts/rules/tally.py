"""How often rules were raised on a lift in the last days: the column `raised(30, 1, 2, 11)`.

One event may raise several rules, and one rule several times: what follows a counted raise
within an hour belongs to it. Of each lift the last eight times are kept, so a count goes to 8.
Times are event times, so a replay counts the same.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray

from alerts.rules.model import Columns, RuleSet, RuleTransitions
from config.text import Text

Times = NDArray[np.int64]
Values = NDArray[np.float32]
FORM: Final = "raised("
MOST: Final = 8  # times kept of each lift
APART_MS: Final = 3_600_000  # raises closer than that are one event
LONGEST_DAYS: Final = 400
DAY_MS: Final = 86_400_000
NEVER: Final = -(1 << 60)


@dataclass(frozen=True, slots=True)
class Count:
    """One column: `name` as written in rules, `days` back, ids of the rules counted."""

    name: str
    days: int
    rules: tuple[str, ...]

    @property
    def text(self) -> Text:
        """What the column is called."""
        ids = self.rules
        return Text(
            f"{self.days} 天内规则 {'、'.join(ids)} 触发次数",
            f"raises of rules {', '.join(ids)} in {self.days} days",
        )


def count_of(name: str) -> Count | None:
    """Return what a column name asks for, None where it is no such column."""
    if not name.startswith(FORM):
        return None
    days, *ids = name[len(FORM) : -1].split(",")
    return Count(name, int(days), tuple(ids))


def name_of(days: int, ids: Iterable[str]) -> str:
    """Return the column name; one name for one meaning."""
    return f"{FORM}{days},{','.join(dict.fromkeys(ids))})"


class Tally:
    """at_ms int64[N, K, 8]: times of counted raises, newest first; K columns that rules name."""

    def __init__(self, ruleset: RuleSet, n_lifts: int) -> None:
        named = dict.fromkeys(name for rule in ruleset.rules for name in rule.names)
        found = (count_of(name) for name in named)
        self.counts = tuple(count for count in found if count is not None)
        number = {rule: r for r, rule in enumerate(ruleset.ids)}
        # bool[K, R]: which rules a column counts
        self._counted = np.zeros((len(self.counts), len(number)), np.bool_)
        for k, count in enumerate(self.counts):
            self._counted[k, [number[rule] for rule in count.rules]] = True
        self._watched: NDArray[np.bool_] = np.logical_or.reduce(self._counted, axis=0)
        self.n = n_lifts
        self._all = self._room(max(2 * n_lifts, 1))

    def _room(self, n: int) -> Times:
        return np.full((n, len(self.counts), MOST), NEVER, np.int64)

    @property
    def at_ms(self) -> Times:
        """All lifts; a view."""
        return self._all[: self.n]

    def grow(self, n_lifts: int) -> None:
        """Make room for more lifts; doubles, so growing one by one costs little."""
        if n_lifts > len(self._all):
            wide = self._room(2 * n_lifts)
            wide[: self.n] = self.at_ms
            self._all = wide
        self.n = max(self.n, n_lifts)

    def forget(self, rows: NDArray[np.int32]) -> None:
        """Forget what was counted of these lifts: replaced, or no more of the site."""
        self._all[rows] = NEVER

    def note(self, moved: RuleTransitions) -> RuleTransitions:
        """Count what was raised; returns what it was given. Costs nothing where nothing moved."""
        if not len(moved) or not self.counts:
            return moved
        raised = moved.raised & self._watched[moved.rule]
        if raised.any():
            lift, at, rule = moved.lift[raised], moved.at_ms[raised], moved.rule[raised]
            for k in range(len(self.counts)):
                mine = self._counted[k, rule]
                self._push(k, lift[mine], at[mine])
        return moved

    def _push(self, k: int, lift: NDArray[np.int32], at: Times) -> None:
        for part in _in_turn(lift, at):
            rows, times = lift[part], at[part]
            new = times - self._all[rows, k, 0] >= APART_MS
            rows, times = rows[new], times[new]
            self._all[rows, k, 1:] = self._all[rows, k, :-1]
            self._all[rows, k, 0] = times

    def beside(self, columns: Columns, now_ms: int) -> Columns:
        """Return the columns of the whole fleet together with the counts as of now."""
        if not self.counts:
            return columns
        own = {count.name: self._within(k, now_ms) for k, count in enumerate(self.counts)}
        return cast(Columns, ChainMap(own, cast("dict[str, Values]", columns)))

    def _within(self, k: int, now_ms: int) -> Values:
        """float32[N]: few lifts have ever rung, so only those are counted."""
        found = np.zeros(self.n, np.float32)
        some = np.flatnonzero(self._all[: self.n, k, 0] != NEVER)
        ago = now_ms - self._all[some, k]
        found[some] = (ago <= self.counts[k].days * DAY_MS).sum(axis=1)
        return found

    def evidence(self, lift: int, name: str, now_ms: int) -> tuple[str, float, int]:
        """Return (name, count, time of the first event counted) of one lift."""
        k = next(k for k, count in enumerate(self.counts) if count.name == name)
        at = self._all[lift, k]
        at = at[now_ms - at <= self.counts[k].days * DAY_MS]
        return name, float(len(at)), int(at[-1]) if len(at) else 0

    @property
    def bytes_per_lift(self) -> int:
        """Memory of one lift."""
        return len(self.counts) * MOST * 8

    def saved(self) -> tuple[list[str], Times]:
        """Return the names of the columns and their times, for a snapshot."""
        return [count.name for count in self.counts], self.at_ms

    def load(self, header: Mapping[str, Any], arrays: Mapping[str, Times]) -> None:
        """Take up a snapshot; a column that rules name only now has counted nothing."""
        self._all[:] = NEVER
        stood = {name: k for k, name in enumerate(header.get("tally", ()))}
        for k, count in enumerate(self.counts):
            if count.name in stood:
                times = arrays["tally"][:, stood[count.name]]
                self._all[: len(times), k] = times


def _in_turn(lift: NDArray[np.int32], at: Times) -> Iterator[NDArray[np.intp]]:
    """Yield the k-th raise of each lift, in order of time."""
    order = np.lexsort((at, lift))
    while len(order):
        first = np.r_[True, lift[order[1:]] != lift[order[:-1]]]
        yield order[first]
        order = order[~first]
