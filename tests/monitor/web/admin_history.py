"""Some days of history for back-tests: two lifts whose doors stand open for a while each hour."""

from __future__ import annotations

import numpy as np

from devices.batch import TelemetryBatch
from monitor.store.history import History
from tests.monitor.web.house import House

HOUR_MS = 3_600_000
PERIOD_MS = 2_000  # a longer gap would break the hold off
OPEN_S = 200


def write_history(house: House, hours: int = 30) -> None:
    """Doors of lifts 0 and 1 stand open for 200 s at the beginning of every hour."""
    folder = house.settings.data_dir / "history"
    history = History(folder, house.vocab, 64)
    history.number_lifts([lift.reg_code for lift in house.registry.lifts])
    end = house.now_ms() // HOUR_MS * HOUR_MS
    times = np.arange(end - hours * HOUR_MS, end, PERIOD_MS, dtype=np.int64)
    lift = np.repeat(np.array([0, 1], np.int32), len(times))
    at = np.tile(times, 2)
    batch = TelemetryBatch.empty(len(house.vocab))
    values = np.full((len(at), len(house.vocab)), np.nan, np.float32)
    said = {"service_mode": 1.0, "car_status": 0.0, "people": 0.0, "car_position": 5.0,
            "speed": 0.0, "door_zone": 1.0, "power": 0.0}  # fmt: skip
    for name, value in said.items():
        if name in house.vocab.by_name:
            values[:, house.vocab.index(name)] = value
    open_ = at % HOUR_MS < OPEN_S * 1000
    values[:, house.vocab.index("door_state")] = np.where(open_, 4.0, 2.0)
    late = np.zeros(len(at), np.bool_)
    filled = TelemetryBatch(lift, at, values, late, batch.messages)
    history.append(filled, end, {}, [])
    history.close()
