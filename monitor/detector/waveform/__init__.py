"""Bursts of acceleration and current: figures of ride, bearings and door, and their drift.

`take` is all the detector calls: bursts in, the state of their lifts moved, their rows out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from devices.batch import Waveform
from monitor.detector.table import Table
from monitor.detector.waveform.columns import TEXTS, reader, since_column
from monitor.detector.waveform.features import FIGURES, WaveformFeatures, analyse
from monitor.detector.waveform.learning import DRIFT, LEARNED, STATE, TIMES, learn, tables

__all__ = [
    "DRIFT", "FIGURES", "LEARNED", "STATE", "TEXTS", "TIMES", "WaveformFeatures",
    "analyse", "learn", "reader", "since_column", "tables", "take",
]  # fmt: skip


def take(own: Mapping[str, Table[Any]], bursts: Sequence[Waveform]) -> NDArray[np.int32]:
    """Analyse bursts, move the state of their lifts, return those lifts: int32[k], ascending."""
    return learn(own, analyse(bursts))
