"""Cut time, so that few lifts make wide rounds, and put the pieces together again.

A round costs a fixed time, whoever is in it (some 800 lift-samples' worth). Of few lifts, several
pieces of time are therefore walked side by side, each begun a day early: that is what the
detector needs to know a lift again. What it then says at the cut is held against what the piece
before said there, and how often the two disagree is told.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from alerts.rules import RuleTransitions

DAY_MS = 86_400_000
EARLY_MS = DAY_MS
FIXED = 800.0  # what a round costs, in lift-samples (benchmarks backtest measures both)
WORTH = 0.8  # cut only where the work falls below this share


class Piece(NamedTuple):
    """Walked from begin_ms, counted from cut_ms until end_ms."""

    begin_ms: int
    cut_ms: int
    end_ms: int


@dataclass(slots=True)
class Seams:
    """At the cuts: rules that stood on one side at least, and of these how many not on both."""

    standing: int = 0
    disagree: int = 0

    def add(self, other: Seams) -> None:
        """Add those of another group."""
        self.standing += other.standing
        self.disagree += other.disagree


def cut(begin_ms: int, end_ms: int, lifts: int) -> tuple[Piece, ...]:
    """Return the pieces for a group of lifts; one where cutting is not worth it.

    The work of p pieces is (T/p + W) · (F + lifts · p), least at p = √(T·F / (W·lifts)).
    """
    whole = end_ms - begin_ms
    best = math.sqrt(whole * FIXED / (EARLY_MS * max(lifts, 1)))
    count = min(int(best), whole // EARLY_MS)  # no piece shorter than what goes before it
    if count < 2:
        return (Piece(begin_ms, begin_ms, end_ms),)
    work = (whole / count + EARLY_MS) * (FIXED + lifts * count)
    if work > WORTH * whole * (FIXED + lifts):
        return (Piece(begin_ms, begin_ms, end_ms),)
    length = -(-whole // count // 1000) * 1000
    cuts = [*range(begin_ms, end_ms, length), end_ms]
    return tuple(
        Piece(max(begin_ms, here - EARLY_MS), here, there)
        for here, there in itertools.pairwise(cuts)
    )


_Event = tuple[int, int, bool]  # at, since, raised


def stitch(
    moved: RuleTransitions, pieces: tuple[Piece, ...], k: int
) -> tuple[RuleTransitions, Seams]:
    """Put together the transitions of lift i in piece p, which stand under number p · k + i.

    At a cut the piece before is believed, for it remembers more: what stands there alone ends at
    the cut, what stands only in the piece after it is left out.
    """
    seams = Seams()
    if len(pieces) == 1:
        return moved, seams
    told: dict[tuple[int, int], dict[int, list[_Event]]] = {}
    columns = (moved.lift, moved.rule, moved.at_ms, moved.since_ms, moved.raised)
    for number, rule, at, since, raised in zip(*(c.tolist() for c in columns), strict=True):
        piece, lift = divmod(number, k)
        told.setdefault((lift, rule), {}).setdefault(piece, []).append((at, since, raised))
    rows = [
        (lift, rule, *event)
        for (lift, rule), by_piece in told.items()
        for event in _one(by_piece, pieces, seams)
    ]
    return _joined(rows), seams


def _one(
    by_piece: dict[int, list[_Event]], pieces: tuple[Piece, ...], seams: Seams
) -> list[_Event]:
    """Return the events of one lift and rule over all pieces."""
    found: list[_Event] = []
    before: _Event | None = None  # what stands in the piece before
    for p, piece in enumerate(pieces):
        events = by_piece.get(p, [])
        early = [one for one in events if p and one[0] < piece.cut_ms]
        here = events[len(early) :]
        own = early[-1] if early and early[-1][2] else None
        seams.standing += bool(before or own)
        seams.disagree += (before is None) != (own is None)
        if before and not own:
            found.append((piece.cut_ms, before[1], False))
        elif own and not before and here and not here[0][2]:
            here = here[1:]
        elif own and before and here and not here[0][2]:
            here = [(here[0][0], before[1], False), *here[1:]]  # its onset is known better there
        last = p == len(pieces) - 1
        here = [one for one in here if last or one[0] < piece.end_ms]
        found += here
        if here:
            before = here[-1] if here[-1][2] else None
        elif not own:
            before = None
    return found


def _joined(rows: list[tuple[int, int, int, int, bool]]) -> RuleTransitions:
    """As RuleTransitions, of each lift and rule in order."""
    if not rows:
        return RuleTransitions.empty()
    lift, rule, at, since, raised = zip(*rows, strict=True)
    return RuleTransitions(
        np.array(lift, np.int32),
        np.array(rule, np.int16),
        np.array(raised, np.bool_),
        np.array(at, np.int64),
        np.array(since, np.int64),
    )


def tiled(registry: dict[str, NDArray[np.float32]], times: int) -> dict[str, NDArray[np.float32]]:
    """Return the registry columns of lifts that stand there several times."""
    return {name: np.tile(column, times) for name, column in registry.items()}
