"""A fleet at work as ready batches: every lift rides, stops, opens and closes, 12 channels."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from devices.batch import TelemetryBatch
from devices.vocabulary import Vocabulary

START_MS: Final = 1_790_000_000_000
CHANNELS: Final = (
    "service_mode", "car_status", "door_zone", "car_position", "door_closed", "door_state",
    "passenger", "speed", "load", "acc_rms", "motor_current", "door_current",
)  # fmt: skip
CYCLE_S, RIDE_S, DOOR_S = 40, 14, 3  # ride, open, stand open, close, stand
RATED: Final = 1.75


def registry_columns(n: int) -> dict[str, NDArray[np.float32]]:
    """Return what the registry says of n equal lifts, a hundred on each gateway."""
    facts = {"rated_speed": RATED, "period_s": 1, "floor_lo": 1, "floor_hi": 30}
    columns = {name: np.full(n, value, np.float32) for name, value in facts.items()}
    columns["gateway_row"] = (np.arange(n) // 100).astype(np.float32)
    return columns


class Fleet:
    """n lifts, each at its own place of the same cycle; seeded."""

    def __init__(self, vocab: Vocabulary, n: int, seed: int = 3) -> None:
        self.n, self._vocab = n, vocab
        self._rng = np.random.default_rng(seed)
        self._phase = self._rng.integers(0, CYCLE_S, n)
        self._trip = self._rng.integers(0, 1000, n)

    def batch(self, second: int, rows: NDArray[np.int32] | None = None) -> TelemetryBatch:
        """Return one sample of each of these lifts (None: of all), `second` s after the start."""
        rows = np.arange(self.n, dtype=np.int32) if rows is None else rows
        k = len(rows)
        moment = second + self._phase[rows]
        at, trip = moment % CYCLE_S, moment // CYCLE_S + self._trip[rows]
        ramp = np.minimum(np.minimum(at + 1, RIDE_S - at) / 3, 1)
        speed = np.where(at < RIDE_S, RATED * np.clip(ramp, 0, 1), 0)
        opens, closes = RIDE_S + DOOR_S, CYCLE_S - 6
        opening = (at >= RIDE_S) & (at < opens)
        closing = (at >= closes) & (at < closes + DOOR_S)
        stands_open = (at >= opens) & (at < closes)
        riding = at < RIDE_S
        noise = self._rng.normal(1, 0.03, (3, k))
        door_state = np.select([opening, closing, stands_open], [3, 1, 4], 2)
        said = {
            "service_mode": np.ones(k),
            "car_status": riding,
            "door_zone": ~riding,
            "car_position": 1 + (trip * 7) % 29 + riding * (at // 5),
            "door_closed": door_state == 2,
            "door_state": door_state,
            "passenger": riding & (trip % 3 == 0),
            "speed": speed * np.where(trip % 2, 1, -1),
            "load": riding * (trip % 3 == 0) * 12.0,
            "acc_rms": 0.02 + speed * 0.08 * noise[0],
            "motor_current": 1 + speed * 8 * noise[1],
            "door_current": np.where(opening | closing, 2.0, 0.1) * noise[2],
        }
        values = np.full((k, len(self._vocab)), np.nan, np.float32)
        for name in CHANNELS:
            values[:, self._vocab.index(name)] = said[name]
        ts = np.full(k, START_MS + second * 1000, np.int64)
        return TelemetryBatch(rows, ts, values, np.zeros(k, np.bool_))

    def some(self, share: float) -> NDArray[np.int32]:
        """Return a random share of the lifts, in no order."""
        size = max(1, round(self.n * share))
        return self._rng.choice(self.n, size, replace=False).astype(np.int32)
