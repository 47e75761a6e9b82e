"""How the database is opened, read and written.

One writer at a time holds for every write (BEGIN IMMEDIATE on SQLite, an advisory lock on
PostgreSQL), so journal ids are handed out without gaps and in the order of commit: a feed that
has seen id n has seen everything before it.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine, create_engine, event, make_url, text

WRITER_LOCK = 0x4C494654  # "LIFT"; any number that nobody else of this database locks
BUSY_MS = 10_000
CACHE_KIB = 65_536  # per connection: the indices of a city's year fit, a flood hits all of them
CHECKPOINT_PAGES = 8_000  # 32 MB of log; a page that many alerts touch is copied back once


def open_engine(url: str) -> Engine:
    """Open a database by URL.

    SQLite: WAL, synchronous FULL (a committed alert survives a power cut), foreign keys on,
    waits up to 10 s for the writer before. The folder of a SQLite file is made if missing.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return create_engine(parsed, pool_pre_ping=True)
    if parsed.database and parsed.database != ":memory:":
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(parsed, connect_args={"timeout": BUSY_MS / 1000})
    event.listen(engine, "connect", _on_sqlite_connect)
    event.listen(engine, "begin", _on_sqlite_begin)
    return engine


def _on_sqlite_connect(dbapi: Any, _record: Any) -> None:
    dbapi.isolation_level = None  # BEGIN is ours, see _on_sqlite_begin
    cursor = dbapi.cursor()
    for pragma in (
        f"busy_timeout = {BUSY_MS}",
        "journal_mode = WAL",
        "synchronous = FULL",
        f"cache_size = -{CACHE_KIB}",
        f"wal_autocheckpoint = {CHECKPOINT_PAGES}",
        "foreign_keys = ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _on_sqlite_begin(connection: Connection) -> None:
    # A write takes its lock at once: a read that turns into a write could not wait, only fail.
    writing = connection.get_execution_options().get("liftwatch_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


class Turns:
    """First come, first served among the writers of one process.

    SQLite lets its waiters poll: whoever writes in a loop would keep all others out for minutes.
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._waiting: deque[threading.Lock] = deque()

    def __enter__(self) -> None:
        mine = threading.Lock()
        mine.acquire()
        with self._guard:
            self._waiting.append(mine)
            if self._waiting[0] is mine:
                mine.release()
        mine.acquire()

    def __exit__(self, *_: object) -> None:
        with self._guard:
            self._waiting.popleft()
            if self._waiting:
                self._waiting[0].release()


_turns: WeakKeyDictionary[Engine, Turns] = WeakKeyDictionary()
_turns_guard = threading.Lock()


def _turns_of(engine: Engine) -> Turns:
    with _turns_guard:
        return _turns.setdefault(engine, Turns())


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """One write transaction, serialised with every other one; commits, or rolls back and raises."""
    with (
        _turns_of(engine),
        engine.connect().execution_options(liftwatch_write=True) as connection,
        connection.begin(),
    ):
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": WRITER_LOCK})
        yield connection


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """One read transaction: everything read in it belongs to the same moment."""
    with engine.connect() as connection, connection.begin():
        yield connection
