"""Plays faults in a world and keeps what the devices said, for naive eyes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from devices.registry import Registry
from devices.simulator.faults import CATALOGUE
from devices.simulator.labels import Label
from devices.simulator.world import World
from devices.vocabulary import load_vocabulary
from tests.devices.simulator.conftest import MORNING_MS

AT_S = 200.0  # faults strike so long after the start: they are prepared by then
LONGEST_S = 100.0
OWN_WORLD = ("power_cut", "gateway_offline")  # they befall other lifts too


@dataclass(frozen=True)
class Played:
    """Samples of one lift: `t` seconds after the fault's onset, `of[name]` a column each."""

    label: Label
    t: NDArray[np.float64]
    of: dict[str, NDArray[np.float32]]
    messages: list[tuple[float, int, int]]  # seconds, code, state
    world: World

    def between(self, start_s: float, end_s: float) -> dict[str, NDArray[np.float32]]:
        """The columns of the samples in [start_s, end_s] after the onset."""
        inside = (self.t >= start_s) & (self.t <= end_s)
        assert inside.any(), "no samples in that time"
        return {name: column[inside] for name, column in self.of.items()}

    @property
    def end_s(self) -> float:
        """Seconds from onset to end."""
        assert self.label.end_ms is not None
        return (self.label.end_ms - self.label.start_ms) / 1000

    @property
    def codes(self) -> list[int]:
        """Codes of all messages, in order."""
        return [code for _, code, _ in self.messages]


def play(names: Sequence[str], registry: Registry) -> dict[str, Played]:
    """Let one fault a lift happen, all at the same time, and run until all are over."""
    vocab = load_vocabulary()
    world = World(registry, vocab, 3, MORNING_MS)
    at_ms = MORNING_MS + int(AT_S * 1000)
    for row, name in enumerate(names):
        for_s = min(LONGEST_S, CATALOGUE[name].for_s)
        world.inject(name, row, at_ms=at_ms, for_s=for_s)
    while world.jobs:
        world.advance(world.now_ms + 1000)
        assert world.now_ms < at_ms + 1_800_000, f"never ends: {list(world.jobs)}"
    world.advance(world.now_ms + 120_000)
    batch = world.drain()
    found = {}
    for row, name in enumerate(names):
        labels = [label for label in world.labels if label.fault == name]
        label = next(one for one in labels if one.row in (row, -1))
        mine = batch.lift == row
        told = batch.messages.lift == row
        seconds = (batch.messages.ts_ms[told] - label.start_ms) / 1000
        found[name] = Played(
            label,
            (batch.ts_ms[mine] - label.start_ms) / 1000,
            {c.name: batch.values[mine, c.index] for c in vocab.channels},
            list(
                zip(
                    seconds.tolist(),
                    batch.messages.code[told].tolist(),
                    batch.messages.state[told].tolist(),
                    strict=True,
                )
            ),
            world,
        )
    return found
