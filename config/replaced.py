"""A file replaced in one step, the old one kept beside it: a crash leaves the one or the other."""

from __future__ import annotations

import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path

BACKUPS = 10


def replace_text(file: Path, text: str, mode: int = 0o644) -> None:
    """Write a file so that nobody ever reads half of it; an old one's rights stay."""
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    new = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        new.chmod(file.stat().st_mode & 0o777 if file.exists() else mode)
        new.replace(file)
    finally:
        new.unlink(missing_ok=True)


def keep_old(file: Path, now_ms: int) -> Path:
    """Copy a file to `NAME.TIME.bak` beside it; the last ten are kept."""
    stamp = datetime.fromtimestamp(now_ms / 1000, UTC).strftime("%Y%m%dT%H%M%S.%f")[:-3]
    backup = file.with_name(f"{file.name}.{stamp}Z.bak")
    backup.write_bytes(file.read_bytes())
    backup.chmod(file.stat().st_mode & 0o777)
    for older in sorted(file.parent.glob(f"{file.name}.*.bak"))[:-BACKUPS]:
        older.unlink()
    return backup
