"""What one lift said over the last hour and more, in the history of a House."""

from __future__ import annotations

import numpy as np

from devices.batch import MessageRows, TelemetryBatch
from tests.monitor.web.house import House

ROWS = 5_000


def write_past(house: House) -> int:
    """Write samples of lift 0 over 1 h 23 min up to now, every second, with 500 s of silence, and
    code 2 twice; return the end, epoch ms."""
    history, vocab = house.quarantine._history, house.vocab
    history.number_lifts([lift.reg_code for lift in house.registry.lifts])
    end = house.now_ms() // 1000 * 1000
    ts = end - np.arange(ROWS, 0, -1, dtype=np.int64) * 1000
    values = np.full((ROWS, len(vocab)), np.nan, np.float32)
    values[:, vocab.index("speed")] = np.sin(np.arange(ROWS) / 50)
    values[:, vocab.index("door_state")] = 2
    values[1000:2000, vocab.index("power")] = 1
    values[2000:, vocab.index("power")] = 0
    values[3000:3900, vocab.index("service_mode")] = 2
    values[3900:, vocab.index("service_mode")] = 1
    keep = np.ones(ROWS, np.bool_)
    keep[2200:2700] = False  # 500 s of silence
    told = MessageRows(
        np.zeros(2, np.int32), ts[[10, 20]], np.array([2, 2], np.int32),
        np.array([1, 0], np.int8), np.zeros(2, np.bool_),
    )  # fmt: skip
    count = int(keep.sum())
    batch = TelemetryBatch(
        np.zeros(count, np.int32), ts[keep], values[keep], np.zeros(count, np.bool_), told
    )
    history.append(batch, end, {})
    return end
