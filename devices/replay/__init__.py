"""Replay: a recording (CSV, Parquet) published as a gateway does, at any speed."""

from __future__ import annotations

from devices.replay.console import replay_with_bar
from devices.replay.mapping import ReplayMap, find_map, load_map
from devices.replay.player import SPEED, Progress, ReplayResult, replay
from devices.replay.recording import Recording, read_recording

__all__ = [
    "SPEED",
    "Progress",
    "Recording",
    "ReplayMap",
    "ReplayResult",
    "find_map",
    "load_map",
    "read_recording",
    "replay",
    "replay_with_bar",
]
