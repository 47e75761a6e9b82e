"""Many channels of one lift over time, thinned in the database: least, greatest, last a bucket.

All channels come from one pass. Short times are read from the samples themselves, long ones from
the rollups of the segments (`rollup`), and from the samples where a segment has none yet; so no
extreme is ever lost, and what came late or was filled in counts at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from monitor.store.bundles import HOUR_MS, bundle_of, by_month, month_ms, month_of
from monitor.store.history import History
from monitor.store.rollup import BUCKET_MS, PARTS, rollup_of

MOST_RAW = 400_000  # samples a lift may have in a span that is read sample by sample


@dataclass(frozen=True, slots=True)
class Curve:
    """One channel by bucket: lo, hi, last float32[k], NaN where it said nothing."""

    lo: NDArray[np.float32]
    hi: NDArray[np.float32]
    last: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Curves:
    """k buckets that have samples, rising: ts_ms int64[k] their beginning, each width_ms long;
    n int64[k] samples in them, late int64[k] of these late; a curve a channel."""

    from_ms: int
    to_ms: int
    width_ms: int
    ts_ms: NDArray[np.int64]
    n: NDArray[np.int64]
    late: NDArray[np.int64]
    channels: Mapping[str, Curve]


def curves(
    history: History, lift: int, channels: Sequence[str], from_ms: int, to_ms: int, points: int
) -> Curves:
    """Read channels of registry row `lift` in [from_ms, to_ms), in at most `points` buckets.

    Where buckets are longer than five minutes they are whole multiples of them, and the first may
    begin before from_ms. Raises KeyError for an unknown channel.
    """
    names = [history.vocab.by_name[name].name for name in dict.fromkeys(channels)]
    width = max(1, -(-(to_ms - from_ms) // max(1, points)))
    rolled = width >= BUCKET_MS or to_ms - from_ms > MOST_RAW * 1000
    if rolled:
        whole = HOUR_MS if width >= HOUR_MS else BUCKET_MS
        width = -(-width // whole) * whole
        from_ms = from_ms // width * width
    db = history.reader()
    try:
        found = _read(db, lift, names, from_ms, to_ms, width, rolled)
    except duckdb.IOException:  # compaction has just replaced a file: the list is new now
        found = _read(db, lift, names, from_ms, to_ms, width, rolled)
    finally:
        db.close()
    return Curves(
        from_ms,
        to_ms,
        width,
        np.asarray(found["bucket"]).astype(np.int64) * width + from_ms,
        np.asarray(found["n"]).astype(np.int64),
        np.asarray(found["late"]).astype(np.int64),
        {
            name: Curve(*(_floats(found[f"{name}.{part}"]) for part in PARTS)) for name in names
        },
    )  # fmt: skip


def _floats(column: Any) -> NDArray[np.float32]:
    told: NDArray[np.float32] = np.ma.filled(np.ma.asarray(column).astype(np.float32), np.nan)
    return told


def _read(
    db: duckdb.DuckDBPyConnection,
    lift: int,
    names: Sequence[str],
    from_ms: int,
    to_ms: int,
    width: int,
    rolled: bool,
) -> Mapping[str, Any]:
    whole, short = _files(db, from_ms, to_ms, width, rolled)
    span = f"lift = {int(lift)} AND {{}} >= {int(from_ms)} AND {{}} < {int(to_ms)}"
    told = [f'"{n}" AS "{n}.{part}"' for n in names for part in PARTS]
    raw = ", ".join(["ts_ms AS begin_ms, ts_ms AS end_ms, 1 AS n, late::INTEGER AS late", *told])
    raw_where = span.format("ts_ms", "ts_ms")
    parts = [f"SELECT {raw} FROM sample WHERE {raw_where}"]  # noqa: S608
    if whole:
        rows = parquet_rows(db, whole, names)
        parts.append(f"SELECT {raw} FROM {rows} WHERE {raw_where}")  # noqa: S608
    if short:
        kept = ", ".join(
            ["begin_ms, end_ms, n, late", *(f'"{n}.{p}"' for n in names for p in PARTS)]
        )
        rows = parquet_rows(
            db, [str(file) for file in short], [f"{n}.{p}" for n in names for p in PARTS]
        )
        parts.append(
            f"SELECT {kept} FROM {rows}"  # noqa: S608
            f" WHERE {span.format('begin_ms', 'begin_ms')}"
        )
    made = ["sum(n)::BIGINT AS n, sum(late)::BIGINT AS late"]
    made += [
        f'min("{n}.lo") AS "{n}.lo", max("{n}.hi") AS "{n}.hi",'
        f' arg_max("{n}.last", end_ms) AS "{n}.last"'
        for n in names
    ]
    found: Mapping[str, Any] = db.execute(
        f"SELECT (begin_ms - {int(from_ms)}) // {int(width)} AS bucket, {', '.join(made)}"  # noqa: S608
        f" FROM ({' UNION ALL '.join(parts)}) GROUP BY 1 ORDER BY 1"
    ).fetchnumpy()
    return found


def _files(
    db: duckdb.DuckDBPyConnection, from_ms: int, to_ms: int, width: int, rolled: bool
) -> tuple[list[str], list[str]]:
    """Return the segments to read themselves, and the rollups and bundles to read instead."""
    ends = (month_ms(month_of(from_ms))[0], month_ms(month_of(to_ms))[1])
    rows = db.execute(
        "SELECT file, lo_ms, hi_ms FROM segment WHERE hi_ms >= ? AND lo_ms < ?", ends
    ).fetchall()
    touching = {str(file) for file, lo_ms, hi_ms in rows if hi_ms >= from_ms and lo_ms < to_ms}
    if not rolled:
        return sorted(touching), []
    whole: list[str] = []
    short: list[str] = []
    for month, segments in by_month((str(file), lo_ms) for file, lo_ms, _ in rows).items():
        wanted = [file for file in segments if file in touching]
        if not wanted:
            continue
        bundle = bundle_of(rollup_of(wanted[0]).parent, month, segments)
        if width % HOUR_MS == 0 and len(wanted) > 1 and bundle.exists():
            short.append(str(bundle))
            continue
        for segment in wanted:
            rollup = rollup_of(segment)
            if rollup.exists():
                short.append(str(rollup))
            else:
                whole.append(segment)
    return whole, short


def parquet_rows(db: duckdb.DuckDBPyConnection, files: Sequence[str], names: Sequence[str]) -> str:
    """Return SQL for the rows of these files; a column that is newer than all of them is NULL."""
    told = ", ".join("'" + file.replace("'", "''") + "'" for file in files)
    rows = f"read_parquet([{told}], union_by_name=true)"
    newest = "'" + max(files).replace("'", "''") + "'"
    have = {str(row[0]) for row in db.execute(f"DESCRIBE FROM read_parquet({newest})").fetchall()}
    if set(names) <= have:
        return rows
    have = {str(row[0]) for row in db.execute(f"DESCRIBE FROM {rows}").fetchall()}
    added = "".join(f', NULL::FLOAT AS "{name}"' for name in names if name not in have)
    return f"(SELECT *{added} FROM {rows})"  # noqa: S608
