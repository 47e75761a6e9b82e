"""The journal for readers: filtered lines, an export, and the check of its chain of hashes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, Engine, select

from alerts.database.access import reading
from alerts.database.tables import journal
from alerts.journal import audit

AT_ONCE = 1000
SHOWN = 50


@dataclass(frozen=True, slots=True)
class Wanted:
    """All that is set must fit. who: part of the actor's name · kind: the line's kind."""

    who: str = ""
    kind: str = ""
    alert: int | None = None
    from_ms: int | None = None
    to_ms: int | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return them for a query."""
        found: list[ColumnElement[bool]] = []
        if self.who:
            found.append(journal.c.actor.icontains(self.who, autoescape=True))
        if self.kind:
            found.append(journal.c.kind == self.kind)
        if self.alert is not None:
            found.append(journal.c.alert_id == self.alert)
        if self.from_ms is not None:
            found.append(journal.c.at_ms >= self.from_ms)
        if self.to_ms is not None:
            found.append(journal.c.at_ms < self.to_ms)
        return found


def lines(conn: Connection, wanted: Wanted, limit: int, before: int | None) -> list[dict[str, Any]]:
    """Return the newest lines that fit, with id below `before`, newest first."""
    query = select(journal).where(*wanted.conditions()).order_by(journal.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(journal.c.id < before)
    return [_line(row) for row in conn.execute(query).mappings()]


def export(engine: Engine, wanted: Wanted) -> Iterator[bytes]:
    """Yield all lines that fit, oldest first, as JSON lines with their hashes."""
    last = 0
    while True:
        query = select(journal).where(*wanted.conditions(), journal.c.id > last)
        with reading(engine) as conn:
            rows = list(conn.execute(query.order_by(journal.c.id).limit(AT_ONCE)).mappings())
        if not rows:
            return
        last = rows[-1]["id"]
        yield b"".join(orjson.dumps(_line(row)) + b"\n" for row in rows)


def _line(row: Any) -> dict[str, Any]:
    return {str(key): value for key, value in row.items()} | {"data": orjson.loads(row["data"])}


@dataclass
class Check:
    """How far a check is. state: none, running, done, failed; findings: the first ones."""

    state: str = "none"
    done: int = 0
    total: int = 0
    at_ms: int = 0
    by: str = ""
    head: str = ""
    findings: list[dict[str, Any]] = field(default_factory=list)
    more: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {**vars(self), "ok": self.state == "done" and not self.findings}


class Checker:
    """Walks the chain in a thread of its own, one check at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.last = Check()

    def begin(self, engine: Engine, by: str, now_ms: int) -> Check:
        """Start a check, unless one runs; return it."""
        with self._lock:
            if self.last.state != "running":
                self.last = Check("running", by=by, at_ms=now_ms)
                thread = threading.Thread(target=self._walk, args=(engine, self.last), daemon=True)
                thread.start()
            return self.last

    @staticmethod
    def _walk(engine: Engine, check: Check) -> None:
        def told(count: int) -> None:
            check.done += count

        try:
            with reading(engine) as conn:
                check.total = audit.count(conn)
                newest = audit.head(conn)
                for one in audit.check(conn, (), told):
                    if len(check.findings) == SHOWN:
                        check.more = True
                        break
                    check.findings.append(
                        {"id": one.id, "what": one.what, "text": one.text.as_json()}
                    )
            check.head = str(newest)
            check.state = "done"
        except Exception:
            check.state = "failed"
            raise
