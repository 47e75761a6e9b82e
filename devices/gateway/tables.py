"""The store's file: one SQLite database in WAL mode, locked for one process.

SQLite's log has a checksum a page, so whatever byte a crash stops at, the file opens as it was
after some whole transaction. Samples carry a checksum of their own beside that: a medium that
forgets is found out when they are read, not when somebody wonders about a chart.
"""

from __future__ import annotations

import logging
import re
import sqlite3
import time
from contextlib import suppress
from pathlib import Path

from devices.gateway.errors import StoreInUse

SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS name (id INTEGER PRIMARY KEY, text TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS part (
    lo INTEGER PRIMARY KEY, hi INTEGER NOT NULL, runs TEXT NOT NULL, born_ms INTEGER NOT NULL,
    from_ms INTEGER NOT NULL, to_ms INTEGER NOT NULL, level INTEGER NOT NULL,
    crc INTEGER NOT NULL, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS event (
    id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, born_ms INTEGER NOT NULL,
    body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS number (
    boot INTEGER NOT NULL, seq INTEGER NOT NULL, lo INTEGER, hi INTEGER, event INTEGER,
    done INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (boot, seq)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS number_done ON number (lo) WHERE done = 1;
"""
_log = logging.getLogger(__name__)
_HEAD = re.compile(rb'\{"v":\d+,"boot":\d+,"seq":\d+,')


def open_database(path: Path, *, power_safe: bool) -> sqlite3.Connection:
    """Open or create the file. One that is damaged is set aside, named, never deleted.

    Raises StoreInUse where another process has it, or it is something else.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    db = _connect(path, power_safe)
    if not _sound(db):
        db.close()
        aside = path.with_name(f"{path.name}.broken-{int(time.time())}")
        for suffix in ("", "-wal", "-shm"):
            with suppress(FileNotFoundError):
                path.with_name(path.name + suffix).rename(aside.with_name(aside.name + suffix))
        _log.error("%s is damaged: set aside as %s, beginning with an empty store", path, aside)
        db = _connect(path, power_safe)
    return db


def _connect(path: Path, power_safe: bool) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=0.5, isolation_level=None, check_same_thread=False)
    try:
        db.execute("PRAGMA auto_vacuum = INCREMENTAL")  # before the first table
        db.execute("PRAGMA locking_mode = EXCLUSIVE")
        db.execute("PRAGMA journal_mode = WAL")
        db.execute(f"PRAGMA synchronous = {'FULL' if power_safe else 'NORMAL'}")
        db.execute("PRAGMA cache_size = -8000")
        db.executescript(SCHEMA)
        _adopt(db)
    except sqlite3.DatabaseError as error:
        if _damaged(error):
            return db
        db.close()
        raise StoreInUse.of(path, str(error)) from None
    return db


def _damaged(error: sqlite3.DatabaseError) -> bool:
    """A file that once was a store, not one that never was."""
    return error.sqlite_errorcode == sqlite3.SQLITE_CORRUPT


def _sound(db: sqlite3.Connection) -> bool:
    try:
        found = db.execute("PRAGMA quick_check(1)").fetchone()
        tables = db.execute("SELECT count(*) FROM sqlite_master WHERE type = 'table'").fetchone()
    except sqlite3.DatabaseError:
        return False
    return bool(found == ("ok",) and tables[0] >= 5)


def _adopt(db: sqlite3.Connection) -> None:
    """Take over what a store of the first layout holds, under the numbers it has there."""
    old = db.execute("SELECT name FROM sqlite_master WHERE name IN ('held', 'start')").fetchall()
    if len(old) < 2:
        return
    db.execute("BEGIN IMMEDIATE")
    rows = db.execute("SELECT boot, seq, kind, body FROM held ORDER BY boot, seq").fetchall()
    for boot, seq, kind, body in rows:
        rest = b"{" + _HEAD.sub(b"", bytes(body), count=1)
        place = db.execute("INSERT INTO event VALUES (NULL, ?, 0, ?)", (kind, rest)).lastrowid
        db.execute("INSERT INTO number VALUES (?, ?, NULL, NULL, ?, 0)", (boot, seq, place))
    db.execute(
        "INSERT OR REPLACE INTO meta SELECT 'boot', max(coalesce(max(boot), 0),"
        " coalesce((SELECT max(boot) FROM held), 0)) FROM start"
    )
    db.execute("DROP TABLE held")
    db.execute("DROP TABLE start")
    db.execute("COMMIT")
