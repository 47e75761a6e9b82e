"""Telling a story: run a scenario through the physics, then judge what was heard of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from config.text import Text
from devices.batch import TelemetryBatch
from devices.registry import Registry, load_registry
from devices.simulator.district import write_district
from devices.simulator.errors import SimulatorError
from devices.simulator.labels import Label
from devices.simulator.scenario import Event, Expect, Scenario, ScenarioError
from devices.simulator.score import explains
from devices.simulator.world import World
from devices.vocabulary import Vocabulary, load_vocabulary

WARM_S: Final = 200.0  # of ordinary life before the story begins
LEAD_S: Final = 180.0  # a fault is prepared so long before its time


@dataclass(frozen=True, slots=True)
class Page:
    """What the gateways say within one stride of the story, and when it ends."""

    now_ms: int
    batch: TelemetryBatch


@dataclass(slots=True)
class Heard:
    """One rule that rang on a lift; cleared_ms None: it still stands."""

    row: int
    rule: str
    raised_ms: int
    cleared_ms: int | None = None


class Story:
    """A scenario in a world of its own. Iterate `pages()` once; `labels` say what happened."""

    def __init__(self, scenario: Scenario, folder: Path, vocab: Vocabulary | None = None) -> None:
        """Write the story's district into `folder` and let ordinary life begin."""
        self.scenario = scenario
        write_district(folder, scenario.seed, scenario.lifts, scenario.gateways,
                       scenario.vendors or None)  # fmt: skip
        self.registry: Registry = _as_told(load_registry(folder), scenario)
        self.vocab = vocab or load_vocabulary()
        begin_ms = scenario.start_ms - int(WARM_S * 1000)
        self.world = World(self.registry, self.vocab, scenario.seed, begin_ms)
        self._waiting: list[tuple[int, Event]] = sorted(
            enumerate(scenario.events, start=1), key=lambda item: item[1].at_s
        )

    @property
    def labels(self) -> list[Label]:
        """What really happened so far."""
        return self.world.labels

    def pages(self, stride_s: float = 1.0) -> Iterator[Page]:
        """Yield batches in strides, beginning with the warm-up before the story's start.

        Raises ScenarioError for an event that cannot happen to its lift.
        """
        world, end_ms = self.world, self._at_ms(self.scenario.length_s)
        while world.now_ms < end_ms:
            self._prepare()
            world.advance(min(end_ms, world.now_ms + int(stride_s * 1000)))
            yield Page(world.now_ms, world.drain())
        self._check_told()

    def _at_ms(self, seconds: float) -> int:
        return self.scenario.start_ms + int(seconds * 1000)

    def _prepare(self) -> None:
        later: list[tuple[int, Event]] = []
        for number, event in self._waiting:
            at_ms, busy = self._at_ms(event.at_s), event.lift_index in self.world.jobs
            if event.do == "release":
                if self.world.now_ms >= at_ms:
                    self.world.release(event.lift_index)
                else:
                    later.append((number, event))
            elif self.world.now_ms < at_ms - LEAD_S * 1000 or (busy and self.world.now_ms < at_ms):
                later.append((number, event))
            else:
                self._inject(number, event, at_ms)
        self._waiting = later

    def _inject(self, number: int, event: Event, at_ms: int) -> None:
        try:
            self.world.inject(
                event.do, event.lift_index, at_ms=at_ms, people=event.people,
                for_s=event.for_s, options=event.options,
            )  # fmt: skip
        except SimulatorError as error:
            key = f"event {number}.lift_index"
            raise ScenarioError(self.scenario.file, key, event.lift_index, error.way_out) from error

    def _check_told(self) -> None:
        """Every event must have come about, else its expectations would prove nothing."""
        begun = {label.fault for label in self.labels}
        for number, event in enumerate(self.scenario.events, start=1):
            if event.do != "release" and event.do not in begun:
                way_out = Text(
                    "故事太短，事件尚未发生", "the story is too short for this to happen"
                )
                raise ScenarioError(self.scenario.file, f"event {number}.do", event.do, way_out)

    def judge(self, heard: Sequence[Heard]) -> list[str]:
        """Return what is wrong with what was heard, a plain sentence each; [] if all is right."""
        wrong = [
            problem
            for expect in self.scenario.expects
            if (problem := self._miss(expect, heard)) is not None
        ]
        if self.scenario.nothing_else:
            wrong += [
                f"rule {ring.rule} rang on lift {ring.row} at {self._mark(ring.raised_ms)}, "
                "though nothing was wrong that it stands for"
                for ring in heard
                if ring.raised_ms >= self.scenario.start_ms and not self._explained(ring)
            ]
        return wrong

    def _miss(self, expect: Expect, heard: Sequence[Heard]) -> str | None:
        lo, hi = self._at_ms(expect.after_s), self._at_ms(expect.by_s)
        where = "any lift" if expect.lift_index is None else f"lift {expect.lift_index}"
        fits = [
            ring
            for ring in heard
            if ring.rule == expect.rule and expect.lift_index in (None, ring.row)
        ]
        within = [ring for ring in fits if lo <= ring.raised_ms <= hi]
        if expect.silent:
            if not within:
                return None
            at = self._mark(within[0].raised_ms)
            return f"rule {expect.rule} rang on lift {within[0].row} at {at}, and must not"
        span = f"between {self._mark(lo)} and {self._mark(hi)}"
        if not within:
            others = ", ".join(self._mark(ring.raised_ms) for ring in fits) or "never"
            return f"rule {expect.rule} must ring on {where} {span}; it rang: {others}"
        if expect.cleared_by_s is not None:
            end = self._at_ms(expect.cleared_by_s)
            if all(ring.cleared_ms is None or ring.cleared_ms > end for ring in within):
                return f"rule {expect.rule} on {where} must clear by {self._mark(end)}"
        return None

    def _explained(self, ring: Heard) -> bool:
        expected = any(
            expect.rule == ring.rule and expect.lift_index in (None, ring.row)
            for expect in self.scenario.expects
            if not expect.silent
        )
        return expected or any(
            explains(label, ring.rule)
            for label in self.labels
            if label.row == ring.row and label.start_ms <= ring.raised_ms
        )

    def _mark(self, ms: int) -> str:
        seconds = (ms - self.scenario.start_ms) / 1000
        sign, seconds = ("-", -seconds) if seconds < 0 else ("+", seconds)
        return f"{sign}{int(seconds // 60):02d}:{seconds % 60:04.1f}"


def _as_told(registry: Registry, scenario: Scenario) -> Registry:
    """Return the district's registry with what the story says of its lifts."""
    told = scenario.lifts_as
    slots = [
        replace(lift, **told[row]) if lift and row in told else lift
        for row, lift in enumerate(registry.slots)
    ]
    return Registry(slots, registry.gateways)
