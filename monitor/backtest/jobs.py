"""Cut a back-test into groups of lifts and walk them, on as many cores as there are."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, field
from queue import Empty
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alerts.rules import RuleTransitions
from devices.vocabulary import load_vocabulary
from monitor.backtest.both import Plan
from monitor.backtest.course import Spent, walk
from monitor.backtest.lane import Lane
from monitor.backtest.silence import Deaf, SilenceLane
from monitor.backtest.source import Source
from monitor.backtest.windows import Reader, Window
from monitor.detector import Detector

DAY_MS = 86_400_000
HOUR_MS = 3_600_000
WIDEST = 4096  # lifts a group: more do not share the cost of a round any better
ROWS_AT_ONCE = 6_000_000  # samples of a window in memory: 12 channels of them are 400 MB
Rows = NDArray[np.int32]
Tell = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Task:
    """One group: registry rows int32[k], registry columns float32[k] each, the windows in order.

    `span`: begin of the warm-up and end, ms.
    """

    source: Source
    plan: Plan
    rows: Rows
    registry: dict[str, NDArray[np.float32]]
    span: tuple[int, int]
    step_ms: int
    deaf: Deaf
    without_late: bool = False


@dataclass(slots=True)
class Found:
    """Transitions of sampled and of timed rules (`Plan.sampled`, `Plan.timed`), by registry row,
    and what they cost.
    """

    sampled: RuleTransitions = field(default_factory=RuleTransitions.empty)
    timed: RuleTransitions = field(default_factory=RuleTransitions.empty)
    spent: Spent = field(default_factory=Spent)


def judge(task: Task, tell: Tell) -> Found:
    """Walk one group; `tell` is given lift-days as they are done."""
    vocab = load_vocabulary()
    k, (begin_ms, end_ms) = len(task.rows), task.span
    reader = Reader(task.source, task.rows, vocab, task.without_late)
    detector = Detector(vocab, task.registry, k, codes=task.plan.codes)
    lane = Lane(task.plan.sampled, k)
    silence = SilenceLane(task.plan.timed, task.registry, k, begin_ms, task.deaf)
    spent = Spent()
    for lo in range(begin_ms, end_ms, task.step_ms):
        hi = min(lo + task.step_ms, end_ms)
        begun = perf_counter()
        window = reader.read(lo, hi)
        spent.reading += perf_counter() - begun
        if len(task.plan.sampled):
            walk(window, detector, lane, vocab, spent)
        begun = perf_counter()
        if len(task.plan.timed):
            silence.advance(*heard(window), hi)
        spent.silence += perf_counter() - begun
        tell(k * (hi - lo) / DAY_MS)
    lane.settle(end_ms, detector)
    silence.lane.settle(end_ms)
    return Found(_rows(lane, task.rows), _rows(silence.lane, task.rows), spent)


def _rows(lane: Lane, rows: Rows) -> RuleTransitions:
    """Return a group's transitions, by registry row."""
    moved = RuleTransitions.join(lane.found)
    moved.lift = rows[moved.lift]
    return moved


def heard(window: Window) -> tuple[Rows, NDArray[np.int64]]:
    """Return when lifts were heard on time: lift sorted, ms ascending in each."""
    on_time = ~window.late
    lift, ts = window.lift, window.ts_ms
    if not on_time.all():
        lift, ts = lift[on_time], ts[on_time]
    said = np.flatnonzero(~window.messages.late)
    if len(said):
        own, at = window.messages.lift[said], window.messages.ts_ms[said]
        low = int(min(at.min(), ts.min(initial=at.min())))
        width = int(max(at.max(), ts.max(initial=at.max()))) - low + 1
        keys = lift.astype(np.int64) * width + (ts - low)
        places = np.searchsorted(keys, own.astype(np.int64) * width + (at - low), "right")
        lift, ts = np.insert(lift, places, own), np.insert(ts, places, at)
    return lift, ts


# -- cutting ----------------------------------------------------------------------------------


def groups(rows: Rows, gateway: NDArray[np.float32], whole: bool, cores: int) -> list[Rows]:
    """Cut lifts (ascending) into groups for the cores; `whole`: a gateway's lifts together.

    Few wide groups: the fixed cost of a round is paid once for each.
    """
    count = max(cores, -(-len(rows) // WIDEST))
    if not whole:
        return [part for part in np.array_split(rows, count) if len(part)]
    order = np.argsort(gateway[rows], kind="stable")
    by_gateway = np.split(rows[order], np.flatnonzero(np.diff(gateway[rows][order])) + 1)
    found: list[list[Rows]] = [[] for _ in range(count)]
    for part in sorted(by_gateway, key=len, reverse=True):
        min(found, key=lambda group: sum(map(len, group))).append(part)
    return [np.sort(np.concatenate(group)) for group in found if group]


def step_ms(samples_a_day: float) -> int:
    """Return how long a window of a group is, from what the group says a day.

    Long windows lose less where lifts differ; what is read must fit into memory.
    """
    fits = ROWS_AT_ONCE / max(samples_a_day, 1) * DAY_MS
    if fits >= DAY_MS:
        return min(int(fits // DAY_MS), 7) * DAY_MS
    return int(max(fits // HOUR_MS, 1)) * HOUR_MS


# -- running ----------------------------------------------------------------------------------


def run(tasks: Sequence[Task], tell: Tell, cores: int | None = None) -> Found:
    """Walk all groups, side by side where there are several cores; join what was found."""
    cores = min(cores or os.cpu_count() or 1, len(tasks))
    parts = [judge(task, tell) for task in tasks] if cores <= 1 else list(_pooled(tasks, tell, cores))
    spent = Spent()
    for part in parts:
        spent.add(part.spent)
    return Found(
        RuleTransitions.join([part.sampled for part in parts]),
        RuleTransitions.join([part.timed for part in parts]),
        spent,
    )


def _pooled(tasks: Sequence[Task], tell: Tell, cores: int) -> Iterator[Found]:
    # spawn: a child that begins fresh holds none of our locks and threads
    context = multiprocessing.get_context("spawn")
    told: Any = context.Queue()
    with ProcessPoolExecutor(cores, context, _begin, (told,)) as pool:
        work: list[Future[Found]] = [pool.submit(_judge_and_tell, task) for task in tasks]
        left = set(work)
        while left:
            try:
                tell(told.get(timeout=0.2))
            except Empty:
                _, left = wait(left, timeout=0)
            if any(one.done() and one.exception() for one in work):
                pool.shutdown(wait=False, cancel_futures=True)
                break
        yield from (one.result() for one in work)


_told: Any = None


def _begin(told: Any) -> None:
    """In a child: remember where to tell what is done."""
    global _told  # noqa: PLW0603 - a pool gives its workers no other way
    _told = told


def _judge_and_tell(task: Task) -> Found:
    return judge(task, _told.put)
