"""What is kept, how large it is, and what retention deletes next."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from config.settings import Settings
from config.text import Text

DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the data folder: files and bytes."""

    name: str
    text: Text
    files: int
    bytes: int

    def as_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        told = {"name": self.name, "text": self.text.as_json()}
        return told | {"files": self.files, "bytes": self.bytes}


def parts(settings: Settings) -> list[Part]:
    """Return the parts of the data folder; the rest stands last."""
    folder, history = settings.data_dir, settings.data_dir / "history"
    everything = _files(folder)  # walked once: there are thousands
    fresh = [one for one in history.glob("history.duckdb*") if one.is_file()]

    def below(part: Path) -> list[Path]:
        return [one for one in everything if one.is_relative_to(part)]

    groups = (
        ("segments", Text("历史：整日的分段", "history: segments of whole days"),
         below(history / "segments")),
        ("fresh", Text("历史：近期数据、消息与隔离区", "history: fresh data, messages, quarantine"),
         fresh),
        ("database", Text("警情、流水与账号", "alerts, journal and accounts"),
         [*folder.glob("liftwatch.db*")]),
        ("snapshots", Text("检测状态", "states of the detector"), below(folder / "snapshots")),
        ("photos", Text("现场照片", "photos from the site"), below(folder / "photos")),
    )  # fmt: skip
    found = [Part(name, text, len(some), _bytes(some)) for name, text, some in groups]
    known = sum(one.bytes for one in found)
    others = len(everything) - sum(one.files for one in found)
    text = Text("其他", "others")
    return [*found, Part("others", text, max(others, 0), max(_bytes(everything) - known, 0))]


def disk(settings: Settings) -> dict[str, int]:
    """Return total and free bytes of the disk under the data folder."""
    told = shutil.disk_usage(settings.data_dir)
    return {"total": told.total, "free": told.free}


def retention(settings: Settings, now_ms: int, within_days: int = 30) -> dict[str, Any]:
    """Return since when history is kept, and which segments go by when.

    due: whole days that the next run deletes · soon: those of the next `within_days`.
    """
    days = settings.history.retention_days
    before = now_ms - days * DAY_MS
    found = sorted(
        (span for span in map(_span, _files(settings.data_dir / "history" / "segments")) if span),
        key=lambda one: one["from_ms"],
    )
    due = [one for one in found if one["to_ms"] < before]
    soon = [one for one in found if before <= one["to_ms"] < before + within_days * DAY_MS]
    return {
        "retention_days": days,
        "quarantine_mb": settings.history.quarantine_mb,
        "kept_from_ms": before,
        "oldest_ms": found[0]["from_ms"] if found else None,
        "segments": len(found),
        "due": _sum(due),
        "soon": _sum(soon) | {"days": within_days},
    }


def _sum(rows: list[dict[str, Any]]) -> dict[str, int]:
    keys = ("samples", "bytes")
    return {"segments": len(rows)} | {key: sum(one[key] for one in rows) for key in keys}


def _span(file: Path) -> dict[str, Any] | None:
    """First and last event time of a segment, by its own statistics."""
    try:
        told = file.stat()
        return _read_span(file, told.st_mtime_ns, told.st_size)
    except (OSError, ValueError):  # replaced or deleted meanwhile, or none of ours
        return None


@lru_cache(maxsize=8192)
def _read_span(file: Path, changed_ns: int, size: int) -> dict[str, Any]:
    """Read it once for each state of the file: a segment never changes in place."""
    about = pq.ParquetFile(file).metadata
    column = about.schema.names.index("ts_ms")
    told = [about.row_group(i).column(column).statistics for i in range(about.num_row_groups)]
    low, high = min(one.min for one in told), max(one.max for one in told)
    return {"from_ms": low, "to_ms": high, "samples": about.num_rows, "bytes": size}


def _files(folder: Path) -> list[Path]:
    return [one for one in folder.rglob("*") if one.is_file()] if folder.is_dir() else []


def _bytes(files: list[Path]) -> int:
    total = 0
    for one in files:
        try:
            total += one.stat().st_size
        except OSError:
            continue
    return total
