"""Cut a back-test into groups of lifts and walk them, on as many cores as there are."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, field
from queue import Empty
from time import process_time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alerts.rules import RuleTransitions
from devices.vocabulary import load_vocabulary
from monitor.backtest.both import Plan
from monitor.backtest.course import Spent, walk
from monitor.backtest.lane import Lane
from monitor.backtest.pieces import Piece, Seams, stitch, tiled
from monitor.backtest.silence import Deaf, SilenceLane
from monitor.backtest.source import Source
from monitor.backtest.windows import Reader, Window, side_by_side
from monitor.detector import Detector

DAY_MS = 86_400_000
HOUR_MS = 3_600_000
WIDEST = 4096  # lifts a group: more do not share the cost of a round any better
NARROWEST = 50  # nor is a core worth beginning for fewer
ROWS_AT_ONCE = 6_000_000  # samples of a window in memory: 12 channels of them are 400 MB
Rows = NDArray[np.int32]
Tell = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Task:
    """One group: registry rows int32[k], registry columns float32[k] each, the pieces of time
    that are walked side by side, in windows of step_ms.
    """

    source: Source
    plan: Plan
    rows: Rows
    registry: dict[str, NDArray[np.float32]]
    pieces: tuple[Piece, ...]
    step_ms: int
    deaf: Deaf
    without_late: bool = False

    @property
    def lift_days(self) -> float:
        """How much is walked, what is walked twice included."""
        return len(self.rows) * sum(p.end_ms - p.begin_ms for p in self.pieces) / DAY_MS


@dataclass(slots=True)
class Found:
    """Transitions of sampled and of timed rules (`Plan.sampled`, `Plan.timed`), by registry row,
    what they cost, and how well the pieces fitted.
    """

    sampled: RuleTransitions = field(default_factory=RuleTransitions.empty)
    timed: RuleTransitions = field(default_factory=RuleTransitions.empty)
    spent: Spent = field(default_factory=Spent)
    seams: Seams = field(default_factory=Seams)
    pieces: int = 1


def judge(task: Task, tell: Tell) -> Found:
    """Walk one group; `tell` is given lift-days as they are done."""
    group = _Group(task)
    longest = max(piece.end_ms - piece.begin_ms for piece in task.pieces)
    for after in range(0, longest, task.step_ms):
        tell(group.advance(after))
    return group.end()


class _Group:
    """The lifts of a task, once for each piece: lift i of piece p is number p · k + i."""

    def __init__(self, task: Task) -> None:
        plan, self._k, count = task.plan, len(task.rows), len(task.pieces)
        self._task, self._spent = task, Spent()
        self._vocab = load_vocabulary()
        self._reader = Reader(task.source, task.rows, self._vocab, task.without_late)
        registry = tiled(task.registry, count)
        n = self._k * count
        self._detector = Detector(self._vocab, registry, n, codes=plan.codes)
        self._lane = Lane(plan.sampled, n)
        self._silences = self._silence_lanes() if len(plan.timed) else []

    def _silence_lanes(self) -> list[SilenceLane]:
        """One for each piece, which knows when lifts had been heard before it."""
        task, found = self._task, []
        heard = np.full(self._k, task.pieces[0].begin_ms, np.int64)
        before = task.pieces[0].begin_ms
        for piece in task.pieces:
            if piece.begin_ms > before:
                heard = np.maximum(heard, self._reader.last_heard(before, piece.begin_ms))
                before = piece.begin_ms
            found.append(
                SilenceLane(task.plan.timed, task.registry, heard, piece.begin_ms, task.deaf)
            )
        return found

    def advance(self, after_ms: int) -> float:
        """Walk the window that begins so long after each piece's begin; return lift-days."""
        parts, days = [], 0.0
        for p, piece in enumerate(self._task.pieces):
            lo = piece.begin_ms + after_ms
            hi = min(lo + self._task.step_ms, piece.end_ms)
            if lo >= hi:
                continue
            begun = process_time()
            window = self._reader.read(lo, hi)
            if after_ms == 0:
                window.messages = self._reader.with_standing(window.messages, lo)
            read = process_time()
            if self._silences:
                self._silences[p].advance(*heard(window), hi)
            self._spent.reading += read - begun
            self._spent.silence += process_time() - read
            parts.append((p * self._k, window))
            days += self._k * (hi - lo) / DAY_MS
        if len(self._task.plan.sampled):
            walk(side_by_side(parts), self._detector, self._lane, self._vocab, self._spent)
        return days

    def end(self) -> Found:
        """Let time run to the end of each piece; return what was found, put together."""
        pieces, k, rows = self._task.pieces, self._k, self._task.rows
        ends = np.repeat(np.array([piece.end_ms for piece in pieces], np.int64), k)
        self._lane.settle(ends, self._detector)
        timed: list[RuleTransitions] = []
        for p, silence in enumerate(self._silences):
            silence.lane.settle(np.full(k, pieces[p].end_ms, np.int64))
            moved = RuleTransitions.join(silence.lane.found)
            moved.lift = moved.lift + np.int32(p * k)
            timed.append(moved)
        found = Found(spent=self._spent, pieces=len(pieces))
        found.sampled, found.seams = stitch(RuleTransitions.join(self._lane.found), pieces, k)
        found.timed, seams = stitch(RuleTransitions.join(timed), pieces, k)
        found.seams.add(seams)
        for moved in (found.sampled, found.timed):
            moved.lift = rows[moved.lift]
        return found


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
    count = max(min(cores, len(rows) // NARROWEST), -(-len(rows) // WIDEST), 1)
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
    parts = (
        [judge(task, tell) for task in tasks] if cores <= 1 else list(_pooled(tasks, tell, cores))
    )
    found = Found(
        RuleTransitions.join([part.sampled for part in parts]),
        RuleTransitions.join([part.timed for part in parts]),
    )
    for part in parts:
        found.spent.add(part.spent)
        found.seams.add(part.seams)
        found.pieces = max(found.pieces, part.pieces)
    return found


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
    """In a child: remember where to tell what is done; stand back behind the service."""
    os.nice(10)
    global _told  # noqa: PLW0603 - a pool gives its workers no other way
    _told = told


def _judge_and_tell(task: Task) -> Found:
    return judge(task, _told.put)
