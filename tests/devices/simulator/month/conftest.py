"""A small month, made once: two days of forty lifts with much going wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest

from devices.batch import TelemetryBatch, concat
from devices.simulator.month.month import Month
from devices.simulator.month.window import Silence, Window
from devices.vocabulary import load_vocabulary

VOCAB = load_vocabulary()
COL = {channel.name: channel.index for channel in VOCAB.channels}
LIFTS, DAYS = 40, 2
CUT_MS = (9 * 3_600_000, 11 * 3_600_000)  # two lifts are cut off, and send it afterwards


@dataclass
class Small:
    """A month that is over, all it sent, in order of receipt, and when (ms)."""

    month: Month
    batch: TelemetryBatch
    received: np.ndarray

    def of(self, row: int) -> TelemetryBatch:
        """What one lift sent."""
        at = np.flatnonzero(self.batch.lift == row)
        b = self.batch
        return TelemetryBatch(b.lift[at], b.ts_ms[at], b.values[at], b.late[at])


def make(seed: int = 5, lifts: int = LIFTS, days: int = DAYS, intensity: float = 20.0) -> Month:
    """A month not yet begun."""
    return Month(VOCAB, lifts, days, seed, intensity)


def whole(windows: Iterator[Window]) -> TelemetryBatch:
    """Everything that was received."""
    hours = [batch for window in windows for _, batch in window.strides(3_600_000)]
    return concat(hours, len(VOCAB))


@pytest.fixture(scope="session")
def small() -> Small:
    """The small month."""
    month = make()
    keeps = [i for i, d in enumerate(month.fleet.dialects) if d.backfill][:2]
    month.reader.noted.silences.append(Silence(tuple(keeps), *CUT_MS, kept=True))
    windows = list(month.windows())
    received = np.concatenate([w.rows(w.start, w.end).received for w in windows])
    return Small(month, whole(iter(windows)), received)
