"""The Numenta Anomaly Benchmark's own score of a detector over a corpus.

A. Lavin, S. Ahmad, Evaluating real-time anomaly detection algorithms, ICMLA 2015,
doi:10.1109/ICMLA.2015.141, arXiv:1510.03336; rules as in version 1.1 of the benchmark:

* The first 15 % of a file (of 5,000 rows at most) are probation and count for nothing.
* A row inside a labelled window counts σ(y) / σ(−1), σ(y) = 2 / (1 + e^{5y}) − 1, y from −1 at the
  window's first row towards 0 at its last. Of a window only its best row counts: the earliest
  that was detected. A window without any costs the weight of a miss.
* A row outside costs the weight of a false alarm times −σ(y), y the distance to the end of the
  window before it in widths of that window; the whole weight from 3 widths on, or where no window
  was before.
* One threshold for the whole corpus: the one that scores best. 100 is every window at its
  first row and nothing else; 0 is the detector that never speaks.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

PROBATION, PROBATION_ROWS = 0.15, 5000
NEVER = 1.1  # a threshold that no score reaches


@dataclass(frozen=True, slots=True)
class Profile:
    """What a hit (1), a false alarm and a miss are worth."""

    false_alarm: float
    miss: float


PROFILES = {
    "standard": Profile(0.11, 1.0),
    "reward_low_fp": Profile(0.22, 1.0),
    "reward_low_fn": Profile(0.11, 2.0),
}


@dataclass(frozen=True, slots=True)
class Judged:
    """A file's rows: score [n] 0..1 · windows: first and last row of each, in order."""

    score: NDArray[np.float64]
    windows: Sequence[tuple[int, int]]


def probation(rows: int) -> int:
    """Return how many first rows count for nothing."""
    return math.ceil(min(math.floor(PROBATION * rows), PROBATION * PROBATION_ROWS))


def scaled_sigmoid(y: NDArray[np.float64]) -> NDArray[np.float64]:
    """σ(y), −1 from 3 on."""
    return np.where(y >= 3, -1.0, 2 / (1 + np.exp(5 * np.minimum(y, 3))) - 1)


def worth(file: Judged, profile: Profile) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Return what each row is worth if detected, and its window (−1: outside)."""
    rows = np.arange(len(file.score))
    inside = np.full(len(rows), -1)
    gain = np.full(len(rows), -profile.false_alarm)
    for number, (first, last) in enumerate(file.windows):
        width = last - first + 1
        after = rows > last
        past = scaled_sigmoid((rows[after] - last) / max(width - 1, 1e-9))
        gain[after] = past * profile.false_alarm
        at = slice(first, last + 1)
        best = float(scaled_sigmoid(np.array([-1.0]))[0])
        gain[at] = scaled_sigmoid(-(last - rows[at] + 1) / width) / best
        inside[at] = number
    return gain, inside


def raw(files: Sequence[Judged], threshold: float, profile: Profile) -> float:
    """Return the corpus score at one threshold, before it is scaled to 0..100."""
    total = 0.0
    for file in files:
        gain, inside = worth(file, profile)
        heard = file.score >= threshold
        heard[: probation(len(heard))] = False
        total += float(gain[heard & (inside < 0)].sum())
        for number in range(len(file.windows)):
            hits = gain[heard & (inside == number)]
            total += float(hits.max()) if len(hits) else -profile.miss
    return total


def scaled(files: Sequence[Judged], threshold: float, profile: Profile) -> float:
    """Return the score at one threshold: 100 perfect, 0 the detector that never speaks."""
    windows = sum(len(file.windows) for file in files)
    if not windows:
        raise ValueError("files: no labelled window in any of them; NAB's score needs one")
    silent = -profile.miss * windows
    return 100 * (raw(files, threshold, profile) - silent) / (windows - silent)


def best_threshold(files: Sequence[Judged], profile: Profile) -> float:
    """Return the threshold that scores best over all files: every score there is, is tried.

    Going down through the scores, each row adds what it is worth: outside a window its cost,
    inside what it betters the window's best so far.
    """
    steps: list[tuple[float, int, int, float]] = []
    for number, file in enumerate(files):
        gain, inside = worth(file, profile)
        for row in range(probation(len(file.score)), len(file.score)):
            steps.append((float(file.score[row]), number, int(inside[row]), float(gain[row])))
    steps.sort(key=lambda step: -step[0])
    windows: dict[tuple[int, int], float] = {}
    now, best, at = 0.0, 0.0, NEVER
    for i, (score, number, window, gain) in enumerate(steps):
        if window < 0:
            now += gain
        else:
            before = windows.get((number, window), -profile.miss)
            windows[number, window] = max(before, gain)
            now += max(gain - before, 0.0)
        if (i + 1 == len(steps) or steps[i + 1][0] != score) and now > best:
            best, at = now, score
    return at
