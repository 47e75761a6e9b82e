"""Rollups: five-minute extremes of each segment, so that a year of a lift is read at once.

A rollup is a Parquet file of the same name as its segment, in the folder `rollups` beside
`segments`. A segment never changes, and one that is written anew has another name, so a rollup
either belongs to its segment or to none: no table has to name it, it is never out of date, and
all of them may be deleted at any time. It is written under a temporary name and renamed; who
finds none reads the segment itself. So a crash costs work and never a value.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import structlog

from monitor.store.bundles import bundle, bundle_of, by_month
from monitor.store.history import History

log = structlog.get_logger()
BUCKET_MS = 300_000
LIFTS_A_TURN = 200  # bounds the memory of one turn; a segment is sorted by lift
PARTS = ("lo", "hi", "last")
FOLDER = "rollups"


def rollup_of(segment: str) -> Path:
    """Return where the rollup of a segment is, or would be."""
    file = Path(segment)
    return file.parent.parent / FOLDER / file.name


def roll_up(history: History, stopping: Callable[[], bool] = lambda: False) -> int:
    """Write what is missing, remove what belongs to nothing; return how many rollups were made.

    One thread at a time. `stopping` is asked between files. A segment that went away meanwhile
    is left out. Raises OSError where the disk refuses.
    """
    db = history.reader()
    try:
        rows = db.execute("SELECT file, lo_ms FROM segment ORDER BY lo_ms DESC").fetchall()
        segments = [(str(file), int(lo_ms)) for file, lo_ms in rows]
        months = by_month(segments)
        folder = history.folder / FOLDER
        whole = {month: bundle_of(folder, month, files) for month, files in months.items()}
        _remove_strays(folder, {rollup_of(file) for file, _ in segments} | set(whole.values()))
        made = 0
        for segment, _ in segments:  # the newest first: they are asked for most
            if stopping():
                return made
            if not rollup_of(segment).exists():
                made += _one(history, db, segment)
        for month in sorted(months)[:-1]:  # the newest month is still growing
            if stopping():
                return made
            _month(history, db, whole[month], [rollup_of(file) for file in months[month]])
    finally:
        db.close()
    return made


def _month(
    history: History, db: duckdb.DuckDBPyConnection, file: Path, rollups: list[Path]
) -> None:
    if not file.exists() and all(one.exists() for one in rollups):
        bundle(db, file, rollups, [channel.name for channel in history.vocab.channels])


def _remove_strays(folder: Path, wanted: set[Path]) -> None:
    folder.mkdir(exist_ok=True)
    for file in folder.iterdir():
        if file not in wanted:
            file.unlink(missing_ok=True)


def _one(history: History, db: duckdb.DuckDBPyConnection, segment: str) -> int:
    file = rollup_of(segment)
    part = file.with_suffix(".part")
    try:
        have = set(_said(segment))
        # every channel is a column, so that all rollups are alike; what nobody said costs nothing
        names = [channel.name for channel in history.vocab.channels]
        columns = ", ".join(_columns(name, name in have) for name in names)
        (bounds,) = db.execute(
            "SELECT min(lift), max(lift) FROM read_parquet(?)", (segment,)
        ).fetchall()  # all of it: a result not read to its end keeps the connection busy
        if bounds[0] is None:
            return 0
        writer: pq.ParquetWriter | None = None
        for first in range(bounds[0], bounds[1] + 1, LIFTS_A_TURN):
            rows: pa.Table = db.sql(
                f"SELECT lift, ts_ms // {BUCKET_MS} * {BUCKET_MS} AS begin_ms,"  # noqa: S608
                " max(ts_ms) AS end_ms, count(*)::INTEGER AS n, count_if(late)::INTEGER AS late,"
                f" {columns} FROM read_parquet(?)"
                " WHERE lift BETWEEN ? AND ? GROUP BY 1, 2 ORDER BY 1, 2",
                params=(segment, first, first + LIFTS_A_TURN - 1),
            ).to_arrow_table()
            if writer is None:
                writer = pq.ParquetWriter(part, rows.schema, compression="zstd")
            if rows.num_rows:
                writer.write_table(rows)
        if writer is not None:
            writer.close()
    except (duckdb.IOException, FileNotFoundError):  # the segment has just been replaced
        part.unlink(missing_ok=True)
        return 0
    except (duckdb.Error, pa.ArrowException) as error:  # damaged: the others have theirs
        part.unlink(missing_ok=True)
        log.error("rollup.unreadable", segment=segment, reason=str(error))
        return 0
    part.replace(file)
    return 1


def _said(segment: str) -> list[str]:
    """Return the columns of which somebody said something."""
    with pq.ParquetFile(segment) as file:
        about = file.metadata
        names = about.schema.names
        told = []
        for i, name in enumerate(names):
            groups = [about.row_group(g).column(i) for g in range(about.num_row_groups)]
            nulls = [g.statistics.null_count if g.statistics else None for g in groups]
            if any(n is None or n < g.num_values for n, g in zip(nulls, groups, strict=True)):
                told.append(name)
        return told


def _columns(name: str, said: bool) -> str:
    if not said:
        return ", ".join(f'NULL::FLOAT AS "{name}.{part}"' for part in PARTS)
    return (
        f'min("{name}") AS "{name}.lo", max("{name}") AS "{name}.hi",'
        f' arg_max("{name}", ts_ms) AS "{name}.last"'
    )
