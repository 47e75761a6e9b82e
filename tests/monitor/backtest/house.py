"""A simulated hour in a small history, and what the judge says of it second by second."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from alerts.rules import DEFAULT_RULES, RuleSet, load_rules
from devices.batch import MessageRows, TelemetryBatch, concat
from devices.registry import Registry, load_registry
from devices.simulator.district import write_district
from devices.simulator.plan import Plan
from devices.simulator.publisher import make_world, run_to
from devices.vocabulary import load_vocabulary
from monitor.detector import rule_schema
from monitor.judge import Judge
from monitor.store.compact import DAY_MS, compact
from monitor.store.history import History

VOCAB = load_vocabulary()
T0 = 1_790_035_200_000  # 2026-09-22T08:00+08:00, a day's begin in UTC
SECONDS = 1260
LIFTS = 12
MESSAGE = ("lift", "ts_ms", "code", "state", "late")
Told = tuple[str, str, int, bool, int]


def rules() -> RuleSet:
    return load_rules(DEFAULT_RULES, rule_schema(VOCAB))


@dataclass
class House:
    """`batches`: (receipt, batch) second by second, nothing late; `folder`: data_dir."""

    folder: Path
    registry: Registry
    batches: list[tuple[int, TelemetryBatch]]

    @property
    def history(self) -> Path:
        return self.folder / "var" / "history"


def pick(batch: TelemetryBatch, rows: np.ndarray, said: np.ndarray) -> TelemetryBatch:
    messages = MessageRows(*(getattr(batch.messages, name)[said] for name in MESSAGE))
    return TelemetryBatch(
        batch.lift[rows], batch.ts_ms[rows], batch.values[rows], batch.late[rows], messages
    )


def drop(batch: TelemetryBatch, lift: int) -> TelemetryBatch:
    return pick(batch, batch.lift != lift, batch.messages.lift != lift)


def simulate(seed: int, registry: Registry, seconds: int = SECONDS) -> list:
    """An eventful time; lift 1 falls silent twice, lift 2 for good, lift 3 never speaks."""
    plan = Plan(seed, T0, 20.0)
    world = make_world(registry, VOCAB, seed, T0, plan)
    found = []
    for now_ms in range(T0 + 1000, T0 + seconds * 1000 + 1, 1000):
        run_to(world, plan, now_ms)
        batch = world.drain()
        second = (now_ms - T0) // 1000
        if 200 < second <= 420 or 700 < second <= 775:
            batch = drop(batch, 1)
        if second > 800:
            batch = drop(batch, 2)
        found.append((now_ms, drop(batch, 3)))
    return found


def store(folder: Path, registry: Registry, batches: list, half_moved: bool = True) -> None:
    """Write a history; with `half_moved` its first half lies in a segment."""
    history = History(folder / "var" / "history", VOCAB)
    history.number_lifts([lift.reg_code if lift else "" for lift in registry.slots])
    for start in range(0, len(batches), 30):
        part = batches[start : start + 30]
        history.append(concat([batch for _, batch in part], len(VOCAB)), part[-1][0], {})
    if half_moved:
        done = compact(history, T0 + 3 * DAY_MS, history.last_batch // 2, 4000, 100)
        assert done.samples
    history.close()


def make(folder: Path, seed: int = 5, seconds: int = SECONDS) -> House:
    write_district(folder / "site", lifts=LIFTS, gateways=3)
    registry = load_registry(folder / "site")
    (folder / "site.toml").write_text('data_dir = "var"\n[site]\nfolder = "site"\n', "utf-8")
    batches = simulate(seed, registry, seconds)
    store(folder, registry, batches)
    return House(folder, registry, batches)


def twin(registry: Registry, ruleset: RuleSet, batches: list, end_ms: int | None = None) -> list:
    """Slow and obvious: each batch when it came, the clock looked at every second."""
    judge = Judge(VOCAB, registry, ruleset)
    found: list[Told] = []
    for now_ms, batch in batches:
        moved = judge.judge(batch, now_ms, 0) + judge.tick(now_ms)
        found += [(t.subject, t.rule, t.at_ms, t.raised, t.since_ms) for t in moved]
    return sorted(found)


def late(batches: list, lift: int, first: int, last: int, comes: int) -> tuple[list, list]:
    """Of seconds first..last of a lift the samples come `comes` seconds after T0.

    Returns (as they came, with what was late marked; the same in the order of events).
    """
    held, came = [], []
    for now_ms, batch in batches:
        second = (now_ms - T0) // 1000
        now = batch
        if first < second <= last:
            mine = pick(batch, batch.lift == lift, batch.messages.lift == lift)
            mine.late[:] = True
            mine.messages.late[:] = True
            held.append(mine)
            now = drop(batch, lift)
        came.append((now_ms, concat([now, *held], len(VOCAB)) if second == comes else now))
    return came, batches


def longer(ruleset: RuleSet, rule: str, **changes: object) -> RuleSet:
    """The same rules, one of them changed."""
    return RuleSet(tuple(replace(one, **changes) if one.id == rule else one
                         for one in ruleset.rules))  # fmt: skip
