"""Rollups of a month in one file, an hour a row: to open 365 files costs more than to read them.

A bundle is named after the month and a hash of the names of all segments of that month. So it
belongs to exactly these segments: when one is written anew, or late data make another one, nobody
finds the bundle any more, the rollups of the days are read, and a new one is made.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

HOUR_MS = 3_600_000
LIFTS_A_TURN = 200
Month = tuple[int, int]


def month_of(at_ms: int) -> Month:
    """Return the month of UTC a time lies in."""
    at = datetime.fromtimestamp(at_ms / 1000, UTC)
    return at.year, at.month


def month_ms(month: Month) -> tuple[int, int]:
    """Return its first moment, and the moment after its last."""
    year, number = month
    ends = (year, number), (year + number // 12, number % 12 + 1)
    begin, end = (datetime(y, m, 1, tzinfo=UTC) for y, m in ends)
    return round(begin.timestamp() * 1000), round(end.timestamp() * 1000)


def by_month(segments: Iterable[tuple[str, int]]) -> Mapping[Month, list[str]]:
    """Return the segments, (file, first moment) each, by month; files in order."""
    found: dict[Month, list[str]] = {}
    for file, lo_ms in sorted(segments):
        found.setdefault(month_of(lo_ms), []).append(file)
    return found


def bundle_of(folder: Path, month: Month, segments: Sequence[str]) -> Path:
    """Return where the bundle of a month is, or would be; segments: all of the month."""
    names = "\n".join(sorted(file.replace("\\", "/").rpartition("/")[2] for file in segments))
    mark = hashlib.sha256(names.encode()).hexdigest()[:16]
    return folder / f"month-{month[0]}-{month[1]:02}-{mark}.parquet"


def bundle(
    db: duckdb.DuckDBPyConnection, file: Path, rollups: Sequence[Path], names: Sequence[str]
) -> None:
    """Write a bundle of these rollups, whose channels are `names`; renamed when it is whole."""
    part = file.with_suffix(".part")
    told = ", ".join("'" + str(one).replace("'", "''") + "'" for one in rollups)
    rows = f"read_parquet([{told}], union_by_name=true)"
    (bounds,) = db.execute(f"SELECT min(lift), max(lift) FROM {rows}").fetchall()  # noqa: S608
    have = {str(row[0]) for row in db.execute(f"DESCRIBE FROM {rows}").fetchall()}
    columns = ", ".join(
        f'min("{n}.lo") AS "{n}.lo", max("{n}.hi") AS "{n}.hi",'
        f' arg_max("{n}.last", end_ms) AS "{n}.last"'
        for n in names
        if f"{n}.lo" in have
    )
    writer: pq.ParquetWriter | None = None
    for first in range(bounds[0], bounds[1] + 1, LIFTS_A_TURN):
        table: pa.Table = db.sql(
            f"SELECT lift, begin_ms // {HOUR_MS} * {HOUR_MS} AS begin_ms, max(end_ms) AS end_ms,"  # noqa: S608
            f" sum(n)::INTEGER AS n, sum(late)::INTEGER AS late, {columns} FROM {rows}"
            f" WHERE lift BETWEEN {first} AND {first + LIFTS_A_TURN - 1}"
            " GROUP BY 1, 2 ORDER BY 1, 2"
        ).to_arrow_table()
        if writer is None:
            writer = pq.ParquetWriter(part, table.schema, compression="zstd")
        if table.num_rows:
            writer.write_table(table)
    if writer is not None:
        writer.close()
        part.replace(file)
