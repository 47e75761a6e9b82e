"""directory.toml as plain tables: read, put into one form, written readably and atomically."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, time
from pathlib import Path
from typing import Any

from alerts.directory.directory_file import load_directory, parse_directory
from alerts.directory.sheets.cells import clock_text
from alerts.directory.sheets.columns import SHEETS, Sheet
from alerts.directory.sheets.difference import Row
from config.replaced import keep_old, replace_text
from config.toml_file import read_toml

Tables = dict[str, list[Row]]
HEAD = """# Who is responsible and who is on duty. docs/directory.md tells what may stand here.
# 谁负责、谁值班。格式见 docs/directory.md。
"""


@contextmanager
def alone(file: Path) -> Iterator[None]:
    """Hold directory.toml for oneself, from reading it to its replacement.

    One editor at a time, of any thread and any process: else of two who add a row one is lost.
    """
    with (file.parent / ".directory.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def read_tables(file: Path, zone: str) -> Tables:
    """Return the file's tables in one form. Raises ConfigError as load_directory does."""
    load_directory(file, zone)  # only what is right is compared and exported
    data = read_toml(file)
    return {
        sheet.table: [tidy(sheet, row) for row in data.get(sheet.table, [])] for sheet in SHEETS
    }


def tidy(sheet: Sheet, row: Mapping[str, Any]) -> Row:
    """Return a row in one form: keys in the columns' order, nothing that says nothing."""
    found: Row = {}
    for column in sheet.columns:
        value = row.get(column.key)
        if isinstance(value, str):
            value = value.strip()
        elif isinstance(value, time):
            value = clock_text(value)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            value = round(float(value), 7)
        if value is not None and value is not False and value not in ("", []):
            found[column.key] = value
    return found


def rendered(tables: Mapping[str, Sequence[Row]], head: str = HEAD) -> str:
    """Return the text of directory.toml."""
    parts = [head.rstrip("\n") + "\n"]
    for sheet in SHEETS:
        for row in tables.get(sheet.table, []):
            lines = [f"{key} = {_toml(value)}" for key, value in row.items()]
            parts.append("\n".join([f"[[{sheet.table}]]", *lines]) + "\n")
    return "\n".join(parts)


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        return "[" + ", ".join(_toml(one) for one in value) + "]"
    return value.isoformat() if isinstance(value, date) else repr(value)


def write_tables(file: Path, tables: Mapping[str, Sequence[Row]], zone: str, now_ms: int) -> Path:
    """Write directory.toml in one step; return the backup of the old file beside it.

    The comment at the head of the file is kept, others are not (the backup has them). What is
    written is read back before it takes the old one's place. The last ten backups are kept.
    """
    old = file.read_text("utf-8")
    text = rendered(tables, _head(old))
    new = file.with_name(f".{file.name}.new")
    try:
        replace_text(new, text, file.stat().st_mode & 0o777)
        if load_directory(new, zone) != parse_directory(tables, file, file.parent, zone):
            raise RuntimeError(f"{file}: what was written reads otherwise; the old one stands")
        backup = keep_old(file, now_ms)
        new.replace(file)
    finally:
        new.unlink(missing_ok=True)
    return backup


def _head(text: str) -> str:
    lines = text.splitlines()
    end = next((i for i, line in enumerate(lines) if not line.startswith("#")), len(lines))
    return "\n".join(lines[:end]) or HEAD
