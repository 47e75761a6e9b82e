"""Time is cut where it pays, and put together as if it had not been."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from alerts.rules import RuleTransitions
from monitor.backtest.pieces import DAY_MS, FIXED, Piece, Seams, cut, stitch

MONTH = 30 * DAY_MS


def moved(rows: list[tuple[int, int, bool, int]]) -> RuleTransitions:
    """rows: (number, at, raised, since) of rule 0."""
    number, at, raised, since = zip(*rows, strict=True) if rows else ((), (), (), ())
    return RuleTransitions(
        np.array(number, np.int32), np.zeros(len(rows), np.int16), np.array(raised, np.bool_),
        np.array(at, np.int64), np.array(since, np.int64),
    )  # fmt: skip


def events(found: RuleTransitions) -> list[tuple[int, int, bool, int]]:
    columns = (found.lift, found.at_ms, found.raised, found.since_ms)
    return list(zip(*(c.tolist() for c in columns), strict=True))


def work(pieces: tuple[Piece, ...], lifts: int) -> float:
    longest = max(p.end_ms - p.begin_ms for p in pieces)
    return longest * (FIXED + lifts * len(pieces))


@pytest.mark.parametrize("lifts", [1, 20, 100, 500, 2000, 4096])
def test_pieces_cover_the_span_and_pay(lifts: int) -> None:
    pieces = cut(5, MONTH + 5, lifts)
    assert pieces[0].begin_ms == pieces[0].cut_ms == 5 and pieces[-1].end_ms == MONTH + 5
    for left, right in itertools.pairwise(pieces):
        assert left.end_ms == right.cut_ms
        assert right.cut_ms - right.begin_ms == min(DAY_MS, right.cut_ms - 5)
    whole = (Piece(5, 5, MONTH + 5),)
    assert work(pieces, lifts) <= work(whole, lifts)
    assert (len(pieces) > 1) == (lifts <= 1000)


def test_a_short_span_stays_whole() -> None:
    assert len(cut(0, DAY_MS, 5)) == 1


CUTS = (Piece(0, 0, 100), Piece(60, 100, 200), Piece(160, 200, 300))


@pytest.mark.parametrize(
    ("said", "whole", "seams"),
    [  # numbers: piece · 2 + lift
        # stands over a cut: one ring, its onset as the first piece knows it
        ([(0, 50, True, 40), (2, 65, True, 60), (2, 150, False, 60)],
         [(0, 50, True, 40), (0, 150, False, 40)], (1, 0)),
        # over two cuts
        ([(1, 50, True, 40), (3, 60, True, 60), (5, 160, True, 160), (5, 250, False, 160)],
         [(1, 50, True, 40), (1, 250, False, 40)], (2, 0)),
        # what happened early is not told twice; what is raised at the cut is told once
        ([(0, 80, True, 70), (0, 90, False, 70), (2, 80, True, 70), (2, 90, False, 70),
          (0, 100, True, 95), (2, 100, True, 95), (2, 110, False, 95)],
         [(0, 80, True, 70), (0, 90, False, 70), (0, 100, True, 95), (0, 110, False, 95)], (0, 0)),
        # the piece after the cut does not know of it
        ([(0, 50, True, 40)], [(0, 50, True, 40), (0, 100, False, 40)], (1, 1)),
        # it believes in something that never was
        ([(2, 70, True, 65), (2, 120, False, 65)], [], (1, 1)),
    ],
)  # fmt: skip
def test_seams(said: list, whole: list, seams: tuple[int, int]) -> None:
    found, told = stitch(moved(said), CUTS, 2)
    assert events(found) == whole
    assert told == Seams(*seams)


def test_one_piece_is_left_as_it_is() -> None:
    said = moved([(0, 50, True, 40), (1, 60, True, 40)])
    assert stitch(said, CUTS[:1], 2)[0] is said
