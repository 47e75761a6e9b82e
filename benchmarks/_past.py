"""A past of any length, made fast: days of riding, standing and silence, written as segments."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from benchmarks._district import reg_code, write_site
from devices.vocabulary import Vocabulary
from monitor.store.history import History

START_MS = 1_790_035_200_000  # midnight UTC
DAY_MS, DAY_S = 86_400_000, 86_400
TEMPLATES = 32
RIDE_S, DOOR_S, OPEN_S = 14, 3, 8
ACTIVE_S = RIDE_S + 2 * DOOR_S + OPEN_S + 9
RATED = 1.75
Day = dict[str, NDArray[np.float32]]


def write_past(
    folder: Path, vocab: Vocabulary, lifts: int, days: int, on_change: bool, seed: int
) -> int:
    """Write site and history below `folder`; return the number of samples.

    on_change: a sample where something changed and every 60 s; else every 10 s, and every second
    while the lift is at work. 120 to 280 trips a day.
    """
    write_site(folder / "site", lifts)
    text = (folder / "site" / "lifts.csv").read_text("utf-8")
    period = "60" if on_change else "10"
    (folder / "site" / "lifts.csv").write_text(text.replace(",3600,", f",{period},"), "utf-8")
    (folder / "site.toml").write_text('data_dir = "var"\n[site]\nfolder = "site"\n', "utf-8")
    history = History(folder / "var" / "history", vocab)
    history.number_lifts([reg_code(i) for i in range(lifts)])
    segments = history.folder / "segments"
    segments.mkdir(exist_ok=True)
    rng = np.random.default_rng(seed)
    templates = [_day(rng, on_change) for _ in range(TEMPLATES)]
    total = 0
    for day in range(days):
        begin = START_MS + day * DAY_MS
        file = segments / f"{begin // DAY_MS}-1.parquet"
        count = _write_day(file, rng, templates, begin, lifts)
        history.run(
            ("INSERT INTO segment VALUES (?, ?, ?, ?)",
             (str(file), begin, begin + DAY_MS - 1, count)),
        )  # fmt: skip
        total += count
    history.close()
    return total


def _write_day(
    file: Path, rng: np.random.Generator, templates: list[Day], begin: int, lifts: int
) -> int:
    writer, count = None, 0
    for first in range(0, lifts, 50):
        picked = [(lift, templates[rng.integers(len(templates))])
                  for lift in range(first, min(first + 50, lifts))]  # fmt: skip
        columns = {
            name: np.concatenate([day[name] for _, day in picked])
            for name in picked[0][1]
            if name != "s"
        }
        for name in ("motor_current", "acc_rms", "door_current"):
            noise = rng.normal(1, 0.03, len(columns[name])).astype(np.float32)
            columns[name] = columns[name] * noise
        seconds = np.concatenate([day["s"] for _, day in picked]).astype(np.int64)
        lift = np.repeat([one for one, _ in picked], [len(day["s"]) for _, day in picked])
        table = pa.table(
            {
                "batch": pa.array(np.ones(len(lift), np.int64)),
                "lift": pa.array(lift.astype(np.int32)),
                "ts_ms": pa.array(begin + seconds * 1000),
                "late": pa.array(np.zeros(len(lift), np.bool_)),
                **{name: pa.array(column) for name, column in columns.items()},
            }
        )
        writer = writer or pq.ParquetWriter(file, table.schema, compression="zstd")
        writer.write_table(table, row_group_size=122_880)
        count += len(lift)
    if writer:
        writer.close()
    return count


def _day(rng: np.random.Generator, on_change: bool) -> Day:
    """One day of one lift by the second, then what of it is reported; now and then a fault."""
    trips = int(rng.integers(120, 280))
    starts = np.sort(rng.choice(DAY_S // ACTIVE_S - 12, trips, replace=False)) * ACTIVE_S
    at = np.full(DAY_S, -1)
    for start in starts.tolist():
        at[start : start + ACTIVE_S] = np.arange(ACTIVE_S)
    at[DAY_S - 400 : DAY_S - 400 + 90] = RIDE_S + DOOR_S  # a door held open for 90 s
    riding = (at >= 0) & (at < RIDE_S)
    ramp = np.clip(np.minimum(at + 1, RIDE_S - at) / 3, 0, 1)
    speed = np.where(riding, RATED * ramp, 0)
    opening = (at >= RIDE_S) & (at < RIDE_S + DOOR_S)
    open_ = (at >= RIDE_S + DOOR_S) & (at < RIDE_S + DOOR_S + OPEN_S)
    closing = (at >= RIDE_S + DOOR_S + OPEN_S) & (at < RIDE_S + 2 * DOOR_S + OPEN_S)
    trip = np.cumsum(at == 0)
    state = np.select([opening, closing, open_], [3, 1, 4], 2)
    said = {
        "service_mode": np.ones(DAY_S),
        "car_status": riding,
        "door_zone": ~riding,
        "car_position": 1 + (trip * 7) % 29 + riding * (at // 5),
        "door_closed": state == 2,
        "door_state": state,
        "passenger": riding & (trip % 3 == 0),
        "speed": speed,
        "load": riding * (trip % 3 == 0) * 12.0,
        "acc_rms": 0.02 + speed * 0.08,
        "motor_current": 1 + speed * 8,
        "door_current": np.where(opening | closing, 2.0, 0.1),
    }
    day = {name: np.asarray(column).astype(np.float32) for name, column in said.items()}
    kept = np.arange(DAY_S) % (60 if on_change else 10) == 0
    if on_change:
        kept[1:] |= np.any([day[name][1:] != day[name][:-1] for name in day], axis=0)
    else:
        kept |= at >= 0
    hour = int(rng.integers(2, 20)) * 3600
    kept[hour : hour + 400] = False  # the line was down
    return {name: column[kept] for name, column in day.items()} | {
        "s": np.flatnonzero(kept).astype(np.float32)
    }
