"""Puts an event into a lift's day: finds the moment, lets it play, mends the day after it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from devices.simulator.month.fleet import Fleet
from devices.simulator.month.play import Play
from devices.simulator.month.segments import (
    CLOSED,
    FIRST,
    OPEN,
    REST,
    RIDE,
    SCRIPTED,
    Segments,
    history,
    motion,
)

# Where in its day a lift is taken over.
RIDING, EMPTY_RIDE, ARRIVING, STANDING, BOARDED, ANY = range(6)
_SEARCH_MS: Final = 20 * 3_600_000
Moment = tuple[int, int]  # segment, ms


def find(
    line: Segments, kind: int, after: int, rng: np.random.Generator, ride_s: float = 6.0,
    storey: float = 3.0, early: bool = False,
) -> Moment | None:  # fmt: skip
    """Return the first fitting moment of a line after `after`, or None.

    RIDING: in mid-run with people, well between two landings · EMPTY_RIDE: so without · ARRIVING:
    the moment the run with people ends · STANDING: at a landing, shut and empty · BOARDED: door
    open with people inside · ANY: at once.
    """
    ok = (line["part"] != SCRIPTED) & (line["t1"] > after) & (line["t0"] < after + _SEARCH_MS)
    took = line["t1"] - line["t0"]
    ride = ok & (line["law"] == RIDE) & (took >= ride_s * 1000) & (line["t0"] > after)
    if kind == ANY:
        at = int(np.searchsorted(line["t1"], after, "right"))
        return (at, after) if at < len(line) and ok[at] else None
    if kind in (RIDING, EMPTY_RIDE):
        fits = np.flatnonzero(ride & ((line["people"] > 0) == (kind == RIDING)))
        return _between(line, fits, rng, storey, early)
    if kind == ARRIVING:
        fits = np.flatnonzero(ride & (line["people"] > 0))
        return (int(fits[0]), int(line["t1"][fits[0]]) - 1) if len(fits) else None
    if kind == STANDING:
        still = ok & (line["law"] == REST) & (line["door"] == CLOSED) & (line["people"] == 0)
        fits = np.flatnonzero(still & (line["call"] == 0) & (took > 3000))
        if not len(fits):
            return None
        at = int(fits[0])
        return at, max(after, int(line["t0"][at])) + 1000
    fits = np.flatnonzero(ok & (line["door"] == OPEN) & (line["people"] > 0) & (took > 1200))
    return (int(fits[0]), int(line["t0"][fits[0]]) + 1000) if len(fits) else None


def _between(
    line: Segments, fits: np.ndarray, rng: np.random.Generator, storey: float, early: bool
) -> Moment | None:
    """A moment in the middle of a run from where the brake ends the way between landings."""
    for at in fits[:40].tolist():
        one = line[at : at + 1]
        whole = int(one["t1"][0] - one["t0"][0])
        for share in rng.uniform(*((0.2, 0.35) if early else (0.3, 0.7)), 8):
            ms = int(whole * share)
            x, v, _ = motion(one, np.array([ms]))
            rest = float(x[0] + v[0] * abs(v[0]) / 3.0)
            if 0.25 < rest / storey % 1.0 < 0.75:
                return at, int(one["t0"][0]) + ms
    return None


def take_over(
    fleet: Fleet, line: Segments, row: int, moment: Moment, script: Callable[[Play], None]
) -> tuple[Segments, Play]:
    """Cut a lift's line at a moment, play, and let the ordinary day go on after it."""
    at, t = moment
    play = Play(fleet, row, line, t, at)
    script(play)
    before = line[: at + 1].copy()
    before["t1"][-1] = t
    if before["t0"][-1] >= t:
        before = before[:-1]
    end = int(line["t1"][-1])
    later = line[at + 1 :]
    starts = np.flatnonzero((later["part"] == FIRST) & (later["t0"] > play.t + 2000))
    for first in starts[:50].tolist():
        wanted = round(float(later["x"][first]) / play.storey)
        needed = fleet.seconds_for(np.array([row]), np.array([abs(play.off_to(wanted))]))
        if int(later["t0"][first]) > play.t + int(needed[0] * 1000) + 2000:
            play.ride(wanted)
            play.stay_until(int(later["t0"][first]))
            rest = later[first:]
            break
    else:
        play.stay_until(max(end, play.t + 1000))
        rest = later[:0]
    whole: Segments = np.concatenate([before, play.segments(), rest])
    history(whole)
    return whole, play
