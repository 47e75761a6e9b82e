"""The site's registry files, changed in one step: read, changed, checked, written, kept.

Columns of the files that we do not know stay as they are.
"""

from __future__ import annotations

import csv
import fcntl
import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from config.replaced import keep_old, replace_text
from devices.registry import Registry, parse_registry
from devices.registry.files import FILES, names_of, read_rows

Rows = list[dict[str, str]]
Tables = dict[str, Rows]
LIFTS, GATEWAYS, SETS = "lifts.csv", "gateways.csv", "sensor_sets.csv"


class SiteFiles:
    """lifts.csv, gateways.csv and sensor_sets.csv of one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read(self) -> Tables:
        """Return all rows as text. Raises ConfigError as load_registry does."""
        return {name: [row for _, row in read_rows(self.folder, name)] for name in FILES}

    def check(self, tables: Mapping[str, Rows], source: Path | None = None) -> Registry:
        """Return the registry these rows are. Raises ConfigError, told as of `source`."""
        numbered = {name: list(enumerate(rows, start=2)) for name, rows in tables.items()}
        return parse_registry(numbered, source or self.folder)

    def edit(self, change: Callable[[Tables], None], now_ms: int) -> list[Path]:
        """Have `change` work on the rows, then write what it changed; return the backups.

        One editor at a time, of any process. Raises ConfigError for what would not load: nothing
        is written then.
        """
        with self._alone():
            old, new = self.read(), self.read()
            change(new)
            self.check(new)
            changed = [name for name in FILES if new[name] != old[name]]
            kept = [keep_old(self.folder / n, now_ms) for n in changed if self._has(n)]
            # gateways before lifts: a service that reads in between finds every lift's gateway
            for name in changed:
                replace_text(self.folder / name, self._text(name, new[name]))
            return kept

    def _has(self, name: str) -> bool:
        return (self.folder / name).exists()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with (self.folder / ".registry.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _text(self, name: str, rows: Rows) -> str:
        old, header, unknown = self._raw(name)
        used = {column for row in rows for column, value in row.items() if value}
        header = header or [n for n in names_of(FILES[name])]
        header += [n for n in names_of(FILES[name]) if n in used and n not in header]
        out = io.StringIO()
        writer = csv.DictWriter(out, header, restval="", extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        key = names_of(FILES[name])[0]
        writer.writerows(unknown.get(row[key], {}) | row for row in rows)
        return ("\ufeff" if old.startswith("\ufeff") else "") + out.getvalue()

    def _raw(self, name: str) -> tuple[str, list[str], dict[str, dict[str, str]]]:
        """Return the file as it is: text, header, and every row by its first known column."""
        if not self._has(name):
            return "", [], {}
        text = (self.folder / name).read_text("utf-8")
        reader = csv.DictReader(io.StringIO(text.lstrip("\ufeff"), newline=""))
        key = names_of(FILES[name])[0]
        rows = {
            (row.get(key) or "").strip(): {k: v or "" for k, v in row.items() if k}
            for row in reader
        }
        return text, list(reader.fieldnames or ()), rows
