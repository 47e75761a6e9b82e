"""The month: days of traffic with what goes wrong in them, read hour by hour."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from devices.simulator.month import (
    events_faults,
    events_habits,
    events_life,
    events_near,
    events_sensors,
    events_supply,
    events_visits,
    events_wear,
)
from devices.simulator.month.channels import Channels
from devices.simulator.month.dialects import MonthData, load_month
from devices.simulator.month.director import ANY, RIDING, find, take_over
from devices.simulator.month.fleet import Fleet
from devices.simulator.month.play import Play
from devices.simulator.month.scene import Drift, MonthLabel, Scene
from devices.simulator.month.schedule import Planned, Schedule, rates
from devices.simulator.month.segments import SEGMENT, Segments
from devices.simulator.month.traffic import DAY_MS, Carry, day
from devices.simulator.month.window import Line, Reader, Window
from devices.vocabulary import Vocabulary

START_MS: Final = 1_789_920_000_000  # a Monday, midnight of UTC+8
ALL_EVENTS: Final = (
    events_life, events_faults, events_near, events_habits, events_visits, events_sensors,
    events_supply, events_wear,
)  # fmt: skip
_KEEP_MS: Final = 26 * 3_600_000  # so much of the past stays at hand for what is sent late


class Month:
    """Lifts, their days, and what a service would receive of them. Same arguments, same bits."""

    def __init__(
        self, vocab: Vocabulary, lifts: int, days: int, seed: int, intensity: float = 1.0,
        data: MonthData | None = None,
    ) -> None:  # fmt: skip
        self.data = data or load_month()
        self.fleet = Fleet(lifts, seed, self.data)
        self.days, self.seed = days, seed
        self.channels = Channels(self.fleet, vocab)
        self.reader = Reader(self.fleet, self.channels, seed, START_MS)
        self.labels: list[MonthLabel] = []
        self.rates = rates(self.data.events)
        plan = Schedule(self.fleet, self.rates, days, seed, intensity)
        self.unplaced = plan.refused
        self._drifts: list[Drift] = []
        self._plan: dict[int, list[Planned]] = defaultdict(list)
        for one in plan.planned:
            self._plan[one.t // DAY_MS].append(one)
        self._lines: list[Segments] = [np.empty(0, SEGMENT) for _ in range(lifts)]
        never = np.full(lifts, -(1 << 40), np.int64)
        self._carry = Carry(self.fleet.lobby.copy(), np.zeros(lifts, np.int64), never)

    @property
    def end_ms(self) -> int:
        """When the month is over, ms since epoch."""
        return START_MS + self.days * DAY_MS

    def windows(self) -> Iterator[Window]:
        """Yield hour after hour of what is received."""
        for number in range(self.days):
            self._next_day(number)
            lines = [Line.of(line) for line in self._lines]
            for hour in range(24 * number, 24 * number + 24):
                self._wear(hour)
                yield self.reader.read(lines, hour)

    def _next_day(self, number: int) -> None:
        start = number * DAY_MS
        lines = day(self.fleet, self.seed, number, self._carry)
        for row, new in enumerate(lines):
            old = self._lines[row]
            self._lines[row] = np.concatenate([old[old["t1"] > start - _KEEP_MS], new])
        for planned in self._plan.pop(number, ()):
            self._happen(planned)
        for row, line in enumerate(self._lines):
            last = line[-1]
            self._carry.since[row] = last["t1"]
            self._carry.floor[row] = round(float(last["x"]) / self.fleet.storey[row])
            self._carry.emptied[row] = last["emptied"]
        self._forget(start)

    def _happen(self, planned: Planned) -> None:
        """Play an event, on one lift or on all of its feeder."""
        options = dict(planned.options) | {"col": self.channels.col}
        if planned.event.scope != "feeder":
            self._play(planned, planned.row, planned.t, options)
            return
        if planned.event.where != ANY:
            for row in options["rows"]:
                self._play(planned, row, planned.t, options)
            return
        # a cut is worth telling when somebody rides: wait for that on the lift it was drawn for
        rng = np.random.default_rng([self.seed, 9, planned.number])
        line = self._lines[planned.row]
        moment = find(line, RIDING, planned.t, rng, 6.0, float(self.fleet.storey[planned.row]))
        if moment is None:
            self.unplaced += 1
            return
        options["until"] = moment[1] + int(options["cut"])
        for row in options["rows"]:
            self._play(planned, row, moment[1], options)

    def _play(self, planned: Planned, row: int, t: int, options: dict[str, Any]) -> None:
        event, fleet = planned.event, self.fleet
        rng = np.random.default_rng([self.seed, 7, planned.number, row])
        scene = Scene(fleet, row, event, t, rng, START_MS, self.days * DAY_MS, options=options)
        if event.where is None:
            event.script(scene)
        else:
            storey = float(fleet.storey[row])
            moment = find(self._lines[row], event.where, t, rng, event.ride_s, storey, event.early)
            if moment is None or (event.where != ANY and moment[1] > t + 20 * 3_600_000):
                self.unplaced += 1
                return

            def script(play: Play) -> None:
                scene.play = play
                event.script(scene)

            self._lines[row], play = take_over(fleet, self._lines[row], row, moment, script)
            self.reader.noted.told += play.told
            self.reader.noted.shocks += play.shocks
        self.labels += scene.labels
        self.reader.noted.overlays += scene.overlays
        self.reader.noted.silences += scene.silences
        self._drifts += scene.drifts

    def _wear(self, hour: int) -> None:
        """Set what wears to its level of this hour."""
        fleet, channels, t = self.fleet, self.channels, hour * 3_600_000
        channels.roughness[:], channels.door_drag[:] = fleet.roughness, fleet.door_drag
        channels.level_mm[:], channels.amps[:] = fleet.level_bias_mm, 1.0
        for one in self._drifts:
            if one.t0 <= t < one.t2:
                column, share = getattr(channels, one.name), min(1.0, (t - one.t0)
                                                                 / (one.t1 - one.t0))  # fmt: skip
                if one.name == "level_mm":
                    column[one.lift] += share * one.goal
                else:
                    column[one.lift] *= 1.0 + share * (one.goal - 1.0)

    def _forget(self, start: int) -> None:
        """Drop what lies further back than anything that is still to be sent."""
        noted, past = self.reader.noted, start - 2 * DAY_MS
        noted.told = [one for one in noted.told if one.t > past]
        noted.shocks = [one for one in noted.shocks if one[1] > past]
        noted.overlays = [one for one in noted.overlays if one.t1 > past]
        noted.silences = [one for one in noted.silences if one.t1 > past]
