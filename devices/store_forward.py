"""The gateway's store on disk: every message is here before it is on the wire, until durable.

One SQLite file in WAL mode, locked for one process. A crash of the program loses nothing; with
`power_safe` neither does a power cut, at the price of one disk flush a message.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from config.text import Text

_SCHEMA = """
CREATE TABLE IF NOT EXISTS start (boot INTEGER PRIMARY KEY);
CREATE TABLE IF NOT EXISTS held (
    boot INTEGER NOT NULL, seq INTEGER NOT NULL, kind TEXT NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (boot, seq)
);
"""


class GatewayError(Exception):
    """Something the program that uses the SDK must know; `text` says it in both languages."""

    def __init__(self, text: Text) -> None:
        self.text = text
        super().__init__(text.both())


class StoreFull(GatewayError):
    """The store holds as much as it may: this message was not taken, nothing was dropped."""


class StoreInUse(GatewayError):
    """Another process has this store open, or the file is not a store."""


@dataclass(frozen=True, slots=True)
class Held:
    """One message of the store. `body` is the JSON object without its `first`."""

    boot: int
    seq: int
    kind: str
    body: bytes


class Store:
    """Messages by (boot, seq), oldest first. Safe to use from several threads."""

    def __init__(self, path: Path, max_bytes: int, *, power_safe: bool = False) -> None:
        """Open or create the file at `path`. Raises StoreInUse."""
        self.path, self.max_bytes = path, max_bytes
        self._lock = threading.RLock()
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, timeout=0.5, isolation_level=None, check_same_thread=False)
        try:
            self._db.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute(f"PRAGMA synchronous = {'FULL' if power_safe else 'NORMAL'}")
            self._db.executescript(_SCHEMA)
            row = self._one("SELECT count(*), coalesce(sum(length(body)), 0) FROM held")
        except sqlite3.DatabaseError as error:
            self._db.close()
            raise StoreInUse(
                Text(
                    f"{path}: {error}；另一进程正在使用该文件，或它不是网关存储："
                    "每个网关用自己的文件",
                    f"{path}: {error}; another process uses this file, or it is no gateway store: "
                    "give every gateway a file of its own",
                )
            ) from None
        self.count, self.bytes = row

    def close(self) -> None:
        """Close the file; what is held stays in it."""
        with self._lock:
            self._db.close()

    def new_boot(self, at_least: int) -> int:
        """Return a boot larger than every earlier one of this store, and remember it."""
        with self._lock:
            (last,) = self._one("SELECT max(coalesce(max(boot), 0), 0) FROM start")
            (held,) = self._one("SELECT coalesce(max(boot), 0) FROM held")
            boot = max(at_least, last + 1, held + 1)
            self._db.execute("BEGIN IMMEDIATE")
            self._db.execute("DELETE FROM start")
            self._db.execute("INSERT INTO start VALUES (?)", (boot,))
            self._db.execute("COMMIT")
            return int(boot)

    def has_room(self, size: int) -> bool:
        """True if a message of `size` bytes fits."""
        return self.bytes + size <= self.max_bytes

    def add(self, message: Held) -> None:
        """Write one message; it is on disk when this returns. Raises StoreFull."""
        with self._lock:
            if not self.has_room(len(message.body)):
                raise self._full(f"{self.bytes} of {self.max_bytes} bytes")
            row = (message.boot, message.seq, message.kind, message.body)
            try:
                self._db.execute("INSERT INTO held VALUES (?, ?, ?, ?)", row)
            except sqlite3.OperationalError as error:  # the disk itself is full
                raise self._full(str(error)) from error
            self.count += 1
            self.bytes += len(message.body)

    def after(self, boot: int, seq: int, most: int) -> list[Held]:
        """Return up to `most` messages behind (boot, seq), in order."""
        with self._lock:
            rows = self._db.execute(
                "SELECT boot, seq, kind, body FROM held WHERE (boot, seq) > (?, ?) "
                "ORDER BY boot, seq LIMIT ?",
                (boot, seq, most),
            ).fetchall()
        return [Held(*row) for row in rows]

    def get(self, boot: int, ranges: Iterable[Sequence[int]], most: int) -> list[Held]:
        """Return up to `most` messages of these inclusive seq ranges, in order."""
        found: list[Held] = []
        with self._lock:
            for low, high in ranges:
                rows = self._db.execute(
                    "SELECT boot, seq, kind, body FROM held "
                    "WHERE boot = ? AND seq BETWEEN ? AND ? ORDER BY seq LIMIT ?",
                    (boot, low, high, most - len(found)),
                ).fetchall()
                found += [Held(*row) for row in rows]
        return found

    def first(self, boot: int) -> int | None:
        """Return the oldest seq still held of a boot."""
        with self._lock:
            (seq,) = self._one("SELECT min(seq) FROM held WHERE boot = ?", boot)
            return None if seq is None else int(seq)

    def holds(self, boot: int, seq: int) -> bool:
        """True if this message is still held."""
        return bool(self.get(boot, [(seq, seq)], 1))

    def forget(self, boot: int, durable: int, gaps: Iterable[Sequence[int]] = ()) -> int:
        """Delete what is durable: seq ≤ durable outside the gaps. Returns how many it was."""
        ranges, low = [], 0
        for a, b in sorted((int(a), int(b)) for a, b in gaps):
            ranges.append((low, min(a - 1, durable)))
            low = max(low, b + 1)
        ranges.append((low, durable))
        with self._lock:
            return sum(self._delete(boot, *span) for span in ranges if span[0] <= span[1])

    def drop_oldest(self, size: int) -> list[tuple[int, int]]:
        """Delete the oldest messages until `size` bytes fit; returns their (boot, seq)."""
        dropped: list[tuple[int, int]] = []
        with self._lock:
            while not self.has_room(size) and (oldest := self.after(0, -1, 1)):
                self._delete(oldest[0].boot, oldest[0].seq, oldest[0].seq)
                dropped.append((oldest[0].boot, oldest[0].seq))
        return dropped

    def _delete(self, boot: int, low: int, high: int) -> int:
        where = "FROM held WHERE boot = ? AND seq BETWEEN ? AND ?"
        count, size = self._one(
            f"SELECT count(*), coalesce(sum(length(body)), 0) {where}",
            *(boot, low, high),
        )
        if count:
            self._db.execute(f"DELETE {where}", (boot, low, high))
            self.count -= count
            self.bytes -= size
        return int(count)

    def _one(self, query: str, *parameters: object) -> tuple[int, ...]:
        row: tuple[int, ...] = self._db.execute(query, parameters).fetchone()
        return row

    def _full(self, detail: str) -> StoreFull:
        return StoreFull(
            Text(
                f"网关存储已满（{detail}）：该消息未被接收；等待恢复连接后重试，"
                "或增大 max_store_bytes",
                f"the gateway's store is full ({detail}): this message was not taken; try again "
                "once the link is back, or raise max_store_bytes",
            )
        )
