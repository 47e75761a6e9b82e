"""Publishing a world: one gateway of the SDK for each simulated gateway, at any speed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from devices.batch import TelemetryBatch
from devices.gateway import Gateway
from devices.registry import Registry
from devices.simulator.plan import Plan
from devices.simulator.world import STEP_MS, World
from devices.vocabulary import Vocabulary

WARM_S: Final = 120.0  # ordinary life before the start, so that the district is in full swing
PLAN_EVERY_MS: Final = 1000
TICK_S: Final = 0.1  # of wall time between two looks at the clock
LONGEST_LOOK_MS: Final = 5000  # when behind, catch up in pieces that still go out
MERGE_FROM: Final = 5  # instants in one look from which they travel in one message
MOST_ROWS: Final = 1000  # samples in one message
_STATES: Final[tuple[Literal["off", "on", "once"], ...]] = ("off", "on", "once")


class Sink(Protocol):
    """The part of the gateway SDK that the simulator uses."""

    def publish_columns(
        self, ts_ms: int | Sequence[int], lifts: Sequence[str], columns: Mapping[str, Any]
    ) -> object: ...

    def publish_message(
        self, lift: str, ts_ms: int, code: int, state: Literal["on", "off", "once"] = "once"
    ) -> object: ...


@dataclass(frozen=True, slots=True)
class SimClock:
    """Simulated time as a function of wall time, the same in every process that is told it."""

    start_ms: int
    wall_start_ms: int
    speed: float = 1.0

    def at(self, wall_ms: float) -> int:
        """Return simulated ms at a wall time in ms, never before the start."""
        return self.start_ms + max(0, int((wall_ms - self.wall_start_ms) * self.speed))

    def now_ms(self) -> int:
        """Return simulated ms now."""
        return self.at(time.time() * 1000)


@dataclass(slots=True)
class Counts:
    """What was given to the gateways: samples of lifts, messages of controllers, wire messages."""

    samples: int = 0
    messages: int = 0
    sent: int = 0
    durable: bool = False
    last_ms: int = 0
    by_gateway: dict[str, int] = field(default_factory=dict)


def make_world(
    registry: Registry, vocab: Vocabulary, seed: int, start_ms: int, plan: Plan | None = None
) -> World:
    """Return a world that stands at `start_ms` after some minutes nobody saw."""
    world = World(registry, vocab, seed, start_ms - int(WARM_S * 1000))
    run_to(world, plan, start_ms)
    world.drain()
    return world


def run_to(world: World, plan: Plan | None, to_ms: int) -> None:
    """Advance a world; the plan looks at it at every whole second of simulated time.

    In however many pieces time is advanced, the same things happen at the same instants.
    """
    while world.now_ms + STEP_MS <= to_ms:
        if plan is not None and world.now_ms % PLAN_EVERY_MS == 0:
            plan.step(world)
        world.advance(min(to_ms, (world.now_ms // PLAN_EVERY_MS + 1) * PLAN_EVERY_MS))


class Publisher:
    """Turns batches into wire messages of their gateways and counts them."""

    def __init__(self, world: World, sinks: Mapping[str, Sink]) -> None:
        """sinks: gateway id → gateway; those without one stay silent."""
        self._world, self._sinks = world, sinks
        self._owner = world.registry.lift_gateway
        self._names = [gateway.id for gateway in world.registry.gateways]
        self._codes = [lift.reg_code if lift else "" for lift in world.registry.slots]
        self.counts = Counts()

    def publish(self, batch: TelemetryBatch) -> None:
        """Give a batch to its gateways: the lifts of a gateway with the same instant together."""
        for rows in self._groups(batch):
            name = self._names[self._owner[batch.lift[rows[0]]]]
            sink = self._sinks.get(name)
            if sink is None:
                continue
            times = batch.ts_ms[rows]
            same = bool((times == times[0]).all())
            lifts = [self._codes[row] for row in batch.lift[rows]]
            columns = self._columns(batch.values[rows])
            sink.publish_columns(int(times[0]) if same else times.tolist(), lifts, columns)
            self._count(name, samples=len(rows))
        self._messages(batch)

    def _groups(self, batch: TelemetryBatch) -> Iterator[NDArray[np.intp]]:
        if not len(batch):
            return
        owner = self._owner[batch.lift]
        merge = len(np.unique(batch.ts_ms)) >= MERGE_FROM
        instant = np.zeros_like(batch.ts_ms) if merge else batch.ts_ms
        order = np.lexsort((batch.ts_ms, owner, instant))
        split = np.flatnonzero(np.diff(owner[order]) | (np.diff(instant[order]) != 0)) + 1
        for part in np.split(order, split):
            for at in range(0, len(part), MOST_ROWS):
                yield part[at : at + MOST_ROWS]

    def _columns(self, values: NDArray[np.float32]) -> dict[str, Any]:
        columns: dict[str, Any] = {}
        there = ~np.isnan(values)
        for channel in self._world.vocab.channels:
            some = there[:, channel.index]
            if not some.any():
                continue
            column = values[:, channel.index]
            whole = self._world.vocab.integral[channel.index] and some.all()
            kind: type[np.generic] = np.int32 if whole else np.float32
            columns[channel.name] = np.ascontiguousarray(column, kind)
        return columns

    def _messages(self, batch: TelemetryBatch) -> None:
        rows = batch.messages
        for lift, ts_ms, code, state in zip(
            rows.lift.tolist(), rows.ts_ms.tolist(), rows.code.tolist(), rows.state.tolist(),
            strict=True,
        ):  # fmt: skip
            name = self._names[self._owner[lift]]
            sink = self._sinks.get(name)
            if sink is not None:
                sink.publish_message(self._codes[lift], ts_ms, code, _STATES[state])
                self._count(name, messages=1)

    def _count(self, name: str, samples: int = 0, messages: int = 0) -> None:
        counts = self.counts
        counts.samples += samples
        counts.messages += messages
        counts.sent += 1
        counts.by_gateway[name] = counts.by_gateway.get(name, 0) + 1


def publish_world(
    world: World,
    plan: Plan | None,
    clock: SimClock,
    *,
    url: str,
    store: Path,
    username: str | None = None,
    password: str | None = None,
    seconds: float | None = None,
    stop: threading.Event | None = None,
    releases: Callable[[], list[str]] | None = None,
    on_progress: Callable[[World, Counts], None] | None = None,
    flush_s: float = 20.0,
    real: Collection[str] = (),
    **sign_in: Any,
) -> Counts:
    """Publish a world until `seconds` of simulated time are over or `stop` is set.

    store: folder for the gateways' stores. releases: returns reg_codes of lifts to which help
    has come since the last call. real: gateways that somebody else is; nothing is said in their
    name. sign_in: further options of the SDK (ca_file …). Returns when
    everything is durable or `flush_s` are over; `Counts.durable` tells which.
    """
    stop = stop or threading.Event()
    end_ms = None if seconds is None else clock.start_ms + int(seconds * 1000)
    store.mkdir(parents=True, exist_ok=True)
    gateways: dict[str, Gateway] = {}
    try:
        for gateway in (one for one in world.registry.gateways if one.id not in real):
            gateways[gateway.id] = Gateway(
                gateway.id, store=store / f"{gateway.id}.db", url=url, username=username,
                password=password, clock=lambda: clock.now_ms() / 1000, **sign_in,
            ).start()  # fmt: skip
        publisher = Publisher(world, gateways)
        while not stop.is_set() and (end_ms is None or world.now_ms + STEP_MS <= end_ms):
            for reg_code in releases() if releases else ():
                world.release(reg_code)
            due_ms = clock.now_ms() if end_ms is None else min(clock.now_ms(), end_ms)
            run_to(world, plan, min(due_ms, world.now_ms + LONGEST_LOOK_MS))
            publisher.publish(world.drain())
            publisher.counts.last_ms = world.now_ms
            if on_progress:
                on_progress(world, publisher.counts)
            if world.now_ms + STEP_MS > due_ms:
                stop.wait(TICK_S)
        limit = time.monotonic() + flush_s
        counts = publisher.counts
        counts.durable = all(
            [g.flush(max(0.0, limit - time.monotonic())) for g in gateways.values()]
        )
        return counts
    finally:
        for sdk in gateways.values():
            sdk.close()
