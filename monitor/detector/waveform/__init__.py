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
from monitor.detector.waveform.features import FIGURES, WaveformFeatures, analyse
from monitor.detector.waveform.learning import LEARNED, STATE, TIMES, learn, tables

__all__ = [
    "COLUMNS", "FIGURES", "LEARNED", "STATE", "TIMES", "WaveformFeatures",
    "analyse", "learn", "since_column", "tables", "take",
]  # fmt: skip

# what rules and evidence may name; texts in monitor.detector.schema
COLUMNS = (
    "ride_a95_h", "ride_a95_v", "ride_jerk", "ride_speed", "bearing_line_hz",
    "bearing_prominence", "door_time_s", "door_signature_distance",
    *(f"z_{name}" for name in LEARNED), "waveform_drift",
)  # fmt: skip


def take(own: Mapping[str, Table[Any]], bursts: Sequence[Waveform]) -> NDArray[np.int32]:
    """Analyse bursts, move the state of their lifts, return those lifts: int32[k], ascending."""
    return learn(own, analyse(bursts))


def since_column(name: str) -> str:
    """Return the column of TIMES that tells since when a column of ours is what it is."""
    if name == "waveform_drift":
        return "drift"
    return "current" if name.startswith("door") else "acceleration"
