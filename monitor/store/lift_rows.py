"""Samples of one lift in order of time, day by day: for trips, and for taking them away whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from monitor.store.curves import parquet_rows
from monitor.store.history import History

DAY_MS = 86_400_000


def days(
    history: History, lift: int, channels: Sequence[str], from_ms: int, to_ms: int
) -> Iterator[tuple[int, pa.Table]]:
    """Yield (time up to which it is told, samples) of [from_ms, to_ms), a day of UTC each.

    Columns: ts_ms int64, then the channels float32, null where the sample does not tell one; by
    ts_ms. At most a day of one lift is in memory. Raises KeyError for an unknown channel.
    """
    names = [history.vocab.by_name[name].name for name in dict.fromkeys(channels)]
    begin = from_ms
    while begin < to_ms:
        end = min(to_ms, (begin // DAY_MS + 1) * DAY_MS)
        try:
            rows = _day(history, lift, names, begin, end)
        except duckdb.IOException:  # compaction has just replaced a file: the list is new now
            rows = _day(history, lift, names, begin, end)
        yield end, rows
        begin = end


def samples(
    history: History, lift: int, channels: Sequence[str], from_ms: int, to_ms: int
) -> tuple[NDArray[np.int64], dict[str, NDArray[np.float32]]]:
    """Return times int64[n], rising, and channel → float32[n], NaN where it was not told."""
    tables = [table for _, table in days(history, lift, channels, from_ms, to_ms)]
    if not tables:
        return np.empty(0, np.int64), {}
    whole = pa.concat_tables(tables)
    told = {
        name: np.asarray(whole[name].to_numpy(), np.float32).astype(np.float32)
        for name in whole.column_names[1:]
    }
    return whole["ts_ms"].to_numpy().astype(np.int64), told


def _day(history: History, lift: int, names: Sequence[str], from_ms: int, to_ms: int) -> pa.Table:
    db = history.reader()
    try:
        files = db.execute(
            "SELECT file FROM segment WHERE hi_ms >= ? AND lo_ms < ?", (from_ms, to_ms)
        ).fetchall()
        columns = ", ".join(["ts_ms", *(f'"{name}"' for name in names)])
        span = f"lift = {int(lift)} AND ts_ms >= {int(from_ms)} AND ts_ms < {int(to_ms)}"
        parts = [f"SELECT {columns} FROM sample WHERE {span}"]  # noqa: S608
        if files:
            rows = parquet_rows(db, [str(row[0]) for row in files], names)
            parts.append(f"SELECT {columns} FROM {rows} WHERE {span}")  # noqa: S608
        found: Any = db.sql(f"{' UNION ALL '.join(parts)} ORDER BY ts_ms").to_arrow_table()
    finally:
        db.close()
    table: pa.Table = found
    return table
