"""The suite: the detectors of one sample, in the order in which they run, and those of one trip.

A new detector is one file with `MEMORY`, `COLUMNS` and `advance(step)` (or `settle(departed)`),
and one line here.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from monitor.detector import (
    baseline,
    doorway,
    drift,
    multivariate,
    peers,
    presence,
    ride,
    sensors,
    trips,
    upkeep,
)
from monitor.detector.step import Judge, Part
from monitor.detector.table import NEVER, Table

SUITE: Final[tuple[Part, ...]] = (
    presence,  # what stands before trips sees its memory as the sample before left it
    ride,
    doorway,
    trips,
    upkeep,
)
JUDGES: Final[tuple[Judge, ...]] = (
    sensors,  # before baseline, which takes what is pending
    baseline,
    drift,
    multivariate,
    peers,
)
ALL: Final[tuple[Part | Judge, ...]] = (*SUITE, *JUDGES)


def times_table(n: int) -> Table[np.int64]:
    """Return the times of all parts, for n lifts that have said nothing."""
    return Table([name for part in ALL for name in part.MEMORY.times], np.int64, NEVER, n)


def marks_table(n: int) -> Table[np.float32]:
    """Return the marks of all parts, for n lifts that have said nothing."""
    names = [name for part in ALL for name in part.MEMORY.marks]
    unknown = {name for part in ALL for name in part.MEMORY.unknown}
    fill = [float("nan") if name in unknown else 0.0 for name in names]
    return Table(names, np.float32, fill, n)


def own_tables(n: int) -> dict[str, Table[np.generic]]:
    """Return the tables that parts keep for themselves, by name."""
    return {name: state.table(n) for part in ALL for name, state in part.MEMORY.tables.items()}
