"""What happens in a month, where and when: drawn from rates, so that nothing meets by accident."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from config.text import Text
from devices.simulator.errors import SimulatorError
from devices.simulator.month.fleet import HOUR_MS, Fleet
from devices.simulator.month.scene import EVENTS, LIFE, Event

_DAY_MS: Final = 24 * HOUR_MS
_MONTH_DAYS: Final = 30.0
_LEAD_MS: Final = HOUR_MS // 4
_TRIES: Final = 30
# Share of events by local hour: things happen where people are.
_HOURS: Final = np.array([1, 1, 1, 1, 1, 1, 3, 6, 8, 7, 6, 6, 6, 6, 6, 6, 6, 7, 8, 6, 5, 4, 2, 1.0])


@dataclass(frozen=True, slots=True)
class Rate:
    """One line of month.toml [[event]]: a lift has so many a month.

    natural: so many in real life, where `rate` is raised to count misses · hours: how long the
    lift is kept clear of anything else · every_days: regular visits in working hours instead ·
    after_days: not before (what is a change against the past needs one).
    """

    event: Event
    rate: float
    natural: float
    hours: float
    every_days: float
    after_days: int


@dataclass(frozen=True, slots=True)
class Planned:
    """An event to come: lift, moment (ms), a number for its chance, and what belongs to it."""

    event: Event
    row: int
    t: int
    number: int
    options: Mapping[str, Any] = field(default_factory=dict)


def rates(rows: Sequence[Mapping[str, Any]]) -> list[Rate]:
    """Read [[event]] tables. Raises SimulatorError for an event that nobody wrote."""
    found = []
    for row in rows:
        if row["name"] not in EVENTS:
            way_out = Text("应为 events_*.py 中的事件", "must be an event of events_*.py")
            raise SimulatorError("event", row["name"], way_out)
        rate = float(row["rate"])
        natural = float(row.get("natural", rate))
        hours, every = float(row.get("hours", 4)), float(row.get("every_days", 0))
        after = int(row.get("after_days", 0))
        found.append(Rate(EVENTS[row["name"]], rate, natural, hours, every, after))
    return found


class Schedule:
    """Draws the plan. Life-critical rates are multiplied by `intensity`, others are not."""

    def __init__(
        self, fleet: Fleet, table: Sequence[Rate], days: int, seed: int, intensity: float
    ) -> None:
        self._fleet, self._days, self._rng = fleet, days, np.random.default_rng([seed, 5])
        self._busy: dict[int, list[tuple[int, int]]] = defaultdict(list)
        self._hour = np.cumsum(_HOURS) / _HOURS.sum()
        self.planned: list[Planned] = []
        self.refused = 0
        for one in sorted(table, key=lambda rate: -rate.hours):
            if one.every_days:
                self._regular(one)
            else:
                self._random(one, intensity if one.event.rule in LIFE else 1.0)
        self.planned.sort(key=lambda plan: (plan.t, plan.number))

    def _random(self, one: Rate, factor: float) -> None:
        fleet, event = self._fleet, one.event
        fitting = [i for i, d in enumerate(fleet.dialects) if d.sees(event.only_with)]
        share = one.rate * factor * max(0, self._days - one.after_days) / _MONTH_DAYS
        for _ in range(int(self._rng.poisson(share * len(fitting)))):
            for _ in range(_TRIES):
                row = fitting[int(self._rng.integers(len(fitting)))]
                if self._try(one, row, self._moment(one.after_days)):
                    break
            else:
                self.refused += 1

    def _regular(self, one: Rate) -> None:
        for row in range(self._fleet.n):
            at = float(self._rng.uniform(0, one.every_days))
            while at < self._days:
                hour = float(self._rng.uniform(8.0, 15.5))
                t = int((int(at) * 24 + hour) * HOUR_MS)
                if not self._try(one, row, t):
                    self._try(one, row, t + _DAY_MS)
                at += one.every_days + float(self._rng.uniform(-1, 0))

    def _moment(self, after: int) -> int:
        hour = int(np.searchsorted(self._hour, self._rng.random()))
        inside = self._rng.random()
        day = int(self._rng.integers(after, self._days))
        return int(((day * 24 + hour) + inside) * HOUR_MS) + _LEAD_MS

    def _rows(self, event: Event, row: int) -> tuple[int, ...]:
        of = {"feeder": self._fleet.feeder, "gateway": self._fleet.gateway}.get(event.scope)
        if of is None:
            return (row,)
        return tuple(np.flatnonzero(of == of[row]).tolist())

    def _try(self, one: Rate, row: int, t: int) -> bool:
        """Plan it unless something else is near or the month would end over it."""
        rows = self._rows(one.event, row)
        until = t + int(one.hours * HOUR_MS)
        if t + 2 * HOUR_MS > self._days * _DAY_MS:
            return False
        if any(a < until and t < b for r in rows for a, b in self._busy[r]):
            return False
        number = len(self.planned)
        if one.hours:
            for r in rows:
                self._busy[r].append((t - _LEAD_MS, until))
        options: dict[str, Any] = {"rows": rows}
        if one.event.scope == "feeder":
            minutes = float(self._rng.uniform(3, 60))
            options["cut"] = int(minutes * 60_000)
        self.planned.append(Planned(one.event, row, t, number, options))
        return True
