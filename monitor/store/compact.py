"""Compaction and retention: whole days move into Parquet segments, old ones go.

A segment is sorted by lift and time, so a year of one lift is read from a few row groups.
Order of steps, so that a crash at any point loses and doubles nothing: write the file under a
temporary name, rename it, then in one transaction note it and delete its rows. A file that no
row of `segment` names is a left-over of such a crash and is removed.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from monitor.store.history import History

DAY_MS = 86_400_000
KEEP_BATCHES_MS = 7_200_000  # longer than what is judged again where no snapshot can be used


@dataclass(frozen=True, slots=True)
class Compacted:
    """What one run did."""

    segments: int
    samples: int
    removed: int


def compact(
    history: History, now_ms: int, replayed_to: int, retention_days: int, quarantine_mb: int
) -> Compacted:
    """Move days that ended before yesterday's end out of the live table; drop what is too old.

    `replayed_to`: batches above it may still be needed to rebuild the detector and stay.
    """
    with history.still:
        return _compact(history, now_ms, replayed_to, retention_days, quarantine_mb)


def _compact(
    history: History, now_ms: int, replayed_to: int, retention_days: int, quarantine_mb: int
) -> Compacted:
    folder = history.folder / "segments"
    folder.mkdir(exist_ok=True)
    _remove_strays(history, folder)
    today = now_ms // DAY_MS
    moved = samples = 0
    db = history.reader()
    try:
        days = db.execute(
            "SELECT DISTINCT ts_ms // ? FROM sample WHERE ts_ms < ? AND batch <= ? ORDER BY 1",
            (DAY_MS, today * DAY_MS, replayed_to),
        ).fetchall()
    finally:
        db.close()
    for (day,) in days:
        samples += _move_day(history, folder, int(day), replayed_to)
        moved += 1
    removed = _expire(history, now_ms - retention_days * DAY_MS, replayed_to)
    _drop_batches(history, now_ms - KEEP_BATCHES_MS, replayed_to)
    _bound_quarantine(history, quarantine_mb * 1024 * 1024)
    return Compacted(moved, samples, removed)


def _move_day(history: History, folder: Path, day: int, replayed_to: int) -> int:
    lo, hi = day * DAY_MS, (day + 1) * DAY_MS - 1
    # The number in the name makes late data of a day that was moved already a file of its own.
    file = folder / f"{day}-{replayed_to}.parquet"
    part = file.with_suffix(".part")
    where = "WHERE ts_ms BETWEEN ? AND ? AND batch <= ?"
    span = (lo, hi, replayed_to)
    name = str(part).replace("'", "''")
    db = history.reader()
    try:
        row = db.execute(f"SELECT count(*) FROM sample {where}", span).fetchone()  # noqa: S608
        db.execute(
            f"COPY (SELECT * FROM sample {where} ORDER BY lift, ts_ms) "  # noqa: S608
            f"TO '{name}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 122880)",
            span,
        )
    finally:
        db.close()
    part.replace(file)
    count = int(row[0]) if row else 0
    history.run(
        ("INSERT INTO segment VALUES (?, ?, ?, ?)", (str(file), lo, hi, count)),
        (f"DELETE FROM sample {where}", span),  # noqa: S608
    )
    return count


def _expire(history: History, before_ms: int, replayed_to: int) -> int:
    db = history.reader()
    try:
        files = db.execute("SELECT file FROM segment WHERE hi_ms < ?", (before_ms,)).fetchall()
    finally:
        db.close()
    history.run(
        ("DELETE FROM segment WHERE hi_ms < ?", (before_ms,)),
        ("DELETE FROM message WHERE ts_ms < ? AND batch <= ?", (before_ms, replayed_to)),
        ("DELETE FROM waveform WHERE ts_ms < ?", (before_ms,)),
        ("DELETE FROM gap WHERE to_ms < ?", (before_ms,)),
        ("DELETE FROM ledger WHERE changed_ms < ?", (before_ms,)),
        ("DELETE FROM quarantine WHERE at_ms < ?", (before_ms,)),
    )
    for (file,) in files:
        Path(file).unlink(missing_ok=True)
    return len(files)


def _drop_batches(history: History, before_ms: int, replayed_to: int) -> None:
    """Forget numbers of batches that neither a replay nor the ledger needs any more.

    The newest stays in any case: numbers go on from it.
    """
    history.run(
        (
            "DELETE FROM batch WHERE now_ms < ? AND id < ? AND id <="
            " (SELECT coalesce(max(batch), 0) FROM cursor WHERE name = 'ledger')",
            (before_ms, replayed_to),
        )
    )


def _bound_quarantine(history: History, limit_bytes: int) -> None:
    """What was replayed or dropped makes room first, then the oldest."""
    history.run(
        (
            "DELETE FROM quarantine WHERE id IN (SELECT id FROM (SELECT id, sum(size) OVER"
            " (ORDER BY outcome IS NULL DESC, id DESC) AS held FROM quarantine) WHERE held > ?)",
            (limit_bytes,),
        )
    )


def _remove_strays(history: History, folder: Path) -> None:
    db = history.reader()
    try:
        known = {row[0] for row in db.execute("SELECT file FROM segment").fetchall()}
    finally:
        db.close()
    for path in folder.iterdir():
        if str(path) not in known:
            path.unlink()
