"""A year of one lift at 1 Hz, written through the store's own writer and compaction."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from devices.batch import MessageRows, TelemetryBatch
from devices.vocabulary import Vocabulary
from monitor.store.compact import compact
from monitor.store.history import History
from monitor.store.rollup import roll_up

DAY_MS, DAY_S = 86_400_000, 86_400
CHANNELS = (
    "service_mode", "car_status", "car_direction", "door_zone", "car_position", "door_state",
    "people", "speed", "acc_rms", "motor_current", "door_current", "motor_temp",
)  # fmt: skip
RIDE_S, DOOR_S, OPEN_S = 12, 3, 6
TRIP_S = RIDE_S + 2 * DOOR_S + OPEN_S
RATED = 1.75
FLOORS = 20
DAYS_A_TURN = 30


def one_day(vocab: Vocabulary, rng: np.random.Generator, wear: float) -> NDArray[np.float32]:
    """Return values float32[86400, C] of a day with some 300 trips; wear 0..1 slows the door."""
    values = np.full((DAY_S, len(vocab)), np.nan, np.float32)
    column = {name: values[:, vocab.index(name)] for name in CHANNELS}
    for name in CHANNELS:
        column[name][:] = 0
    column["service_mode"][:], column["door_zone"][:], column["door_state"][:] = 1, 1, 2
    starts = np.sort(rng.choice((DAY_S - 600) // TRIP_S, 300, replace=False)) * TRIP_S
    ride = np.arange(RIDE_S)
    speed = RATED * np.minimum(1, np.minimum((ride + 1) / 3, (RIDE_S - ride) / 3))
    floors = rng.integers(1, FLOORS + 1, len(starts) + 1)
    open_s = DOOR_S + round(2 * wear)
    for i, at in enumerate(starts.tolist()):
        up = floors[i + 1] >= floors[i]
        going, door = slice(at, at + RIDE_S), at + RIDE_S
        column["car_status"][going] = 1
        column["car_direction"][going] = 1 if up else 2
        column["door_zone"][at + 1 : at + RIDE_S - 1] = 0
        column["speed"][going] = speed if up else -speed
        column["car_position"][going] = np.round(np.linspace(floors[i], floors[i + 1], RIDE_S))
        column["car_position"][door : starts[i + 1] if i + 1 < len(starts) else DAY_S] = floors[
            i + 1
        ]
        column["people"][going] = rng.integers(0, 6)
        column["acc_rms"][going] = 0.08 + 0.04 * wear + 0.02 * rng.random(RIDE_S)
        column["motor_current"][going] = 14 + rng.normal(0, 1, RIDE_S)
        column["door_state"][door : door + open_s] = 3
        column["door_state"][door + open_s : door + open_s + OPEN_S] = 4
        column["door_state"][door + open_s + OPEN_S : door + TRIP_S - RIDE_S] = 1
        column["door_current"][door : door + open_s] = 0.9 + 0.3 * wear
    hours = np.arange(DAY_S) / 3600
    column["motor_temp"][:] = (
        24 + 12 * np.exp(-(((hours - 15) / 5) ** 2)) + rng.normal(0, 0.2, DAY_S)
    )
    return values


def write_year(
    history: History, end_ms: int, lift: int = 0, days: int = 365, rollups: bool = True
) -> dict[str, Any]:
    """Write `days` whole days that end at the last midnight before end_ms, and today so far.

    As the service does it: append (86,400 rows a commit), compaction to segments, rollups.
    """
    vocab, rng = history.vocab, np.random.default_rng(7)
    last = end_ms // DAY_MS
    began, rows = time.perf_counter(), 0
    for first in range(last - days, last + 1, DAYS_A_TURN):
        for day in range(first, min(first + DAYS_A_TURN, last + 1)):
            wear = max(0.0, (day - last + 60) / 60)
            values = one_day(vocab, rng, wear)
            ts_ms = day * DAY_MS + np.arange(DAY_S, dtype=np.int64) * 1000
            keep = ts_ms < end_ms
            keep &= ~((day == last - 40) & (np.arange(DAY_S) // 3600 == 9))  # an hour's gap
            batch = TelemetryBatch(
                np.full(int(keep.sum()), lift, np.int32), ts_ms[keep], values[keep],
                np.zeros(int(keep.sum()), np.bool_), MessageRows.empty(),
            )  # fmt: skip
            history.append(batch, int(ts_ms[keep][-1]), {})
            rows += len(batch)
        compact(history, end_ms, history.last_batch, 400, 64)
        print(f"  {rows / 1e6:.1f} M rows", file=sys.stderr)
    written = time.perf_counter() - began
    made = roll_up(history) if rollups else 0
    rolled = time.perf_counter() - began - written
    size = _size(history.folder / "segments"), _size(history.folder / "rollups")
    return {
        "rows": rows, "write_s": round(written, 1), "rollups": made, "rollup_s": round(rolled, 1),
        "segments_mb": round(size[0] / 1e6, 1), "rollups_mb": round(size[1] / 1e6, 1),
    }  # fmt: skip


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.glob("*")) if folder.exists() else 0
