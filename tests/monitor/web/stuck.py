"""A lift that rides, loads two people, and stops between two floors: history by the second.

`StuckHistory(since_ms)`: at `since_ms` the car stands between the floors 6 and 7, its door closed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from devices.vocabulary import load_vocabulary

# Seconds before the stop → what holds from then on.
FLOORS = ((-600, 1), (-95, 1), (-92, 2), (-89, 3), (-86, 4), (-14, 5), (-9, 6), (-4, 7))
DOORS = ((-600, 2), (-82, 3), (-79, 4), (-24, 1), (-20, 2))
PEOPLE = ((-600, 0), (-70, 1), (-60, 2))
MOVES = ((-98, -84, 1.5), (-17, 0, 1.6))
SILENT = (-300, -240)


def _steps(changes: tuple[tuple[float, float], ...], s: NDArray[np.float64]) -> NDArray[np.float64]:
    at = np.array([change[0] for change in changes])
    values = np.array([change[1] for change in changes], np.float64)
    return values[np.clip(np.searchsorted(at, s, "right") - 1, 0, None)]


class StuckHistory:
    """Fits HistoryPort; one sample a second, none while SILENT."""

    def __init__(self, since_ms: int) -> None:
        self.since_ms = since_ms

    def series(
        self, row: int, channel: str, from_ms: int, to_ms: int, points: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        load_vocabulary().index(channel)
        times = np.arange(from_ms - from_ms % 1000 + 1000, to_ms + 1, 1000, dtype=np.int64)
        s = (times - self.since_ms) / 1000
        heard = (s < SILENT[0]) | (s >= SILENT[1])
        times, s = times[heard], s[heard]
        speed = np.zeros(len(s))
        for begin, end, fast in MOVES:
            ramp = np.minimum(np.minimum((s - begin) / 2, (end - s) / (0.4 if end == 0 else 2)), 1)
            speed = np.where((s > begin) & (s < end), fast * np.clip(ramp, 0, 1), speed)
        moving = np.abs(speed) > 0.05
        zone = ~((s > -15) | ((s > -96) & (s < -85)))
        values = {
            "car_position": _steps(FLOORS, s),
            "door_state": _steps(DOORS, s),
            "people": _steps(PEOPLE, s),
            "speed": speed,
            "door_zone": zone * 1.0,
            "car_status": moving * 1.0,
            "car_direction": moving * 1.0,
            "level_offset": np.where(zone & ~moving, 4.0, np.nan),
        }
        if channel not in values:
            return np.zeros(0, np.int64), np.zeros(0, np.float32)
        return times, values[channel].astype(np.float32)
