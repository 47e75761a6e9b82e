"""One channel of one lift over time, thinned in the database to what a chart can show."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import numpy as np
from numpy.typing import NDArray

from monitor.store.history import History


@dataclass(frozen=True, slots=True)
class Series:
    """One row a time bucket: ts_ms int64[k]; lo, hi, mean, last float32[k]; samples int64[k]."""

    ts_ms: NDArray[np.int64]
    lo: NDArray[np.float32]
    hi: NDArray[np.float32]
    mean: NDArray[np.float32]
    last: NDArray[np.float32]
    samples: NDArray[np.int64]


def source(db: duckdb.DuckDBPyConnection, from_ms: int, to_ms: int, columns: str) -> str:
    """Return SQL for all samples of a span: fresh rows and the segments that touch it."""
    files = db.execute(
        "SELECT file FROM segment WHERE hi_ms >= ? AND lo_ms <= ?", (from_ms, to_ms)
    ).fetchall()
    fresh = f"SELECT {columns} FROM sample"  # noqa: S608
    if not files:
        return fresh
    names = ", ".join("'" + name.replace("'", "''") + "'" for (name,) in files)
    # union_by_name: a segment older than a channel simply has none of it
    old = f"SELECT {columns} FROM read_parquet([{names}], union_by_name=true)"  # noqa: S608
    return f"{fresh} UNION ALL {old}"


def series(
    history: History, lift: int, channel: str, from_ms: int, to_ms: int, points: int = 600
) -> Series:
    """Read `channel` of registry row `lift` in [from_ms, to_ms), at most `points` buckets.

    Raises KeyError for an unknown channel.
    """
    name = history.vocab.by_name[channel].name
    width = max(1, -(-(to_ms - from_ms) // max(1, points)))
    db = history.reader()
    try:
        rows = source(db, from_ms, to_ms, f'lift, ts_ms, "{name}" AS v')
        found = db.execute(
            f"SELECT min(ts_ms) AS ts_ms, min(v) AS lo, max(v) AS hi, avg(v) AS mean, "  # noqa: S608
            f"arg_max(v, ts_ms) AS last, count(v) AS samples FROM ({rows}) "
            "WHERE lift = ? AND ts_ms >= ? AND ts_ms < ? AND v IS NOT NULL "
            "GROUP BY (ts_ms - ?) // ? ORDER BY 1",
            (lift, from_ms, to_ms, from_ms, width),
        ).fetchnumpy()
    finally:
        db.close()
    floats = {n: np.asarray(found[n]).astype(np.float32) for n in ("lo", "hi", "mean", "last")}
    counts = np.asarray(found["samples"]).astype(np.int64)
    return Series(np.asarray(found["ts_ms"]).astype(np.int64), samples=counts, **floats)


def count_samples(history: History) -> int:
    """Return how many samples the history holds, fresh and in segments."""
    db = history.reader()
    try:
        row = db.execute(
            "SELECT (SELECT count(*) FROM sample) +"
            " (SELECT coalesce(sum(samples), 0)::BIGINT FROM segment)"
        ).fetchone()
    finally:
        db.close()
    return int(row[0]) if row else 0
