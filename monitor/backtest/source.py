"""Take from the history what a back-test needs, and let go of it.

DuckDB lets one process at a time write a database file, and nobody else read it meanwhile. A
back-test lasts minutes and must neither wait for the service nor hinder its start. So it works
on files of its own: the Parquet segments of whole days, which never change, and a small export
of fresh rows and messages. Where the service runs, database and write-ahead log are copied; the
copy counts only if the database was not written to meanwhile, for then both belong together.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq

from config.errors import ConfigError
from config.text import Text

NAME = "history.duckdb"
TRIES = 5
MEMORY_MB = 1024


@dataclass(frozen=True, slots=True)
class File:
    """A Parquet file of samples: path, first and last event time, rows."""

    path: str
    lo_ms: int
    hi_ms: int
    samples: int


@dataclass(frozen=True, slots=True)
class Source:
    """What history holds, as files that nobody changes.

    lifts: registration code by row · files: samples · messages: file of the messages ·
    channels: names that some file says anything of · copied: True where the service held it.
    """

    lifts: tuple[str, ...]
    files: tuple[File, ...]
    messages: str
    channels: tuple[str, ...]
    copied: bool

    def between(self, lo_ms: int, hi_ms: int) -> list[str]:
        """Return the files that may hold samples of [lo_ms, hi_ms)."""
        return [one.path for one in self.files if one.lo_ms < hi_ms and one.hi_ms >= lo_ms]

    @property
    def span(self) -> tuple[int, int] | None:
        """First and last event time of any sample, None where there is none."""
        if not self.files:
            return None
        return min(one.lo_ms for one in self.files), max(one.hi_ms for one in self.files)


def open_reader(threads: int = 1) -> duckdb.DuckDBPyConnection:
    """Return a connection that reads Parquet files, without a word of its own on the screen."""
    db = duckdb.connect()
    db.execute(f"SET threads={threads}")
    db.execute("SET enable_progress_bar=false")
    return db


def take(folder: Path, work: Path) -> Source:
    """Read `folder` (a history's), write the export into `work`.

    Raises ConfigError where there is no history, or no way to read it now.
    """
    if not (folder / NAME).exists():
        way_out = Text(
            "此处还没有历史；请用 --config 指明站点，或用 --history 指明历史文件夹",
            "no history here yet; name the site by --config, or the folder by --history",
        )
        raise ConfigError("history", "folder", str(folder), way_out)
    try:
        db = duckdb.connect(str(folder / NAME), read_only=True)
        copied = False
    except duckdb.IOException:
        db, copied = _open_copy(folder, work), True
    try:
        return _export(db, folder, work, copied)
    except duckdb.CatalogException as error:
        way_out = Text("不是本系统的历史库", "this is no history of ours")
        raise ConfigError("history", NAME, str(error).split("\n", 1)[0], way_out) from None
    finally:
        db.close()
        for name in (NAME, f"{NAME}.wal"):
            (work / name).unlink(missing_ok=True)


def _open_copy(folder: Path, work: Path) -> duckdb.DuckDBPyConnection:
    """Copy database and log at a moment between two checkpoints; try again if there was one."""
    for attempt in range(TRIES):
        before = _stamp(folder / NAME)
        shutil.copyfile(folder / NAME, work / NAME)
        log = work / f"{NAME}.wal"
        log.unlink(missing_ok=True)
        if (folder / log.name).exists():
            shutil.copyfile(folder / log.name, log)
        if _stamp(folder / NAME) == before:
            try:
                return duckdb.connect(str(work / NAME))
            except duckdb.Error:  # the log was caught in the middle of a line
                pass
        time.sleep(0.2 * (attempt + 1))
    way_out = Text(
        "服务正在写入，未能取得一致的副本；请稍后再试，或对文件系统快照用 --history 指明其文件夹",
        "the service writes too fast for a consistent copy; try again later, or take a "
        "file-system snapshot and name its folder by --history",
    )
    raise ConfigError("history", NAME, str(folder), way_out)


def _stamp(file: Path) -> tuple[int, int]:
    told = file.stat()
    return told.st_mtime_ns, told.st_size


def _export(db: duckdb.DuckDBPyConnection, folder: Path, work: Path, copied: bool) -> Source:
    db.execute("SET enable_progress_bar=false")
    db.execute(f"SET memory_limit='{MEMORY_MB}MB'")
    db.execute(f"SET temp_directory={_quoted(work / 'spill')}")
    lifts = db.execute("SELECT reg_code FROM lift ORDER BY slot").fetchall()
    segments = db.execute("SELECT file FROM segment WHERE samples > 0").fetchall()
    files = [_file(_segment(folder, name)) for (name,) in segments]
    messages = work / "messages.parquet"
    _copy(db, "SELECT batch, lift, ts_ms, code, state, late FROM message", messages)
    if db.execute("SELECT 1 FROM sample LIMIT 1").fetchone():
        fresh = work / "fresh.parquet"
        _copy(db, "SELECT * FROM sample", fresh)
        files.append(_file(str(fresh)))
    channels = _spoken([one.path for one in files])
    codes = tuple(code for (code,) in lifts)
    return Source(codes, tuple(files), str(messages), channels, copied)


def _file(path: str) -> File:
    """A file and its span as its own statistics tell: a segment is noted as its whole day."""
    about = pq.ParquetFile(path).metadata
    column = about.schema.names.index("ts_ms")
    told = [about.row_group(i).column(column).statistics for i in range(about.num_row_groups)]
    return File(path, min(s.min for s in told), max(s.max for s in told), about.num_rows)


def _copy(db: duckdb.DuckDBPyConnection, query: str, file: Path) -> None:
    db.execute(
        f"COPY ({query} ORDER BY lift, ts_ms, batch) TO {_quoted(file)} "
        "(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 122880)"
    )


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def _segment(folder: Path, name: str) -> str:
    """Segments are found beside the database: it may be a copy in another place."""
    path = folder / "segments" / Path(name).name
    if not path.exists():
        way_out = Text(
            "历史所列的分段文件不在；备份须包含 segments 文件夹",
            "a segment that history lists is not there; a copy needs the folder segments too",
        )
        raise ConfigError("history", "segment", str(path), way_out)
    return str(path)


def _spoken(files: Sequence[str]) -> tuple[str, ...]:
    """Return the channels that any of these files has a value of, by their statistics."""
    found: dict[str, None] = {}
    for path in files:
        about = pq.ParquetFile(path).metadata
        for group in range(about.num_row_groups):
            row_group = about.row_group(group)
            for column in range(row_group.num_columns):
                one = row_group.column(column)
                if not _empty(one.statistics, row_group.num_rows):
                    found[one.path_in_schema] = None
    for name in ("batch", "lift", "ts_ms", "late"):
        found.pop(name, None)
    return tuple(found)


def _empty(statistics: Any, rows: int) -> bool:
    return (
        statistics is not None and statistics.has_null_count and int(statistics.null_count) == rows
    )
