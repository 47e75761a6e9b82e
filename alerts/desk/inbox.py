"""Transitions that are accepted and not worked off yet: rows, as durable as the alerts themselves.

A row is written when the desk accepts, and deleted in the transaction that does what it says; so
after a crash what is left here is exactly what is still to do. What one lift said stays in order:
whoever changes a lift's alerts by another way first takes what waits of it (`of`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import orjson
import structlog
from sqlalchemy import Connection, Select, delete, func, select, update

from alerts.database.bulk import insert_rows, parts, rows_of
from alerts.database.tables import inbox
from alerts.desk.work import Work
from alerts.model import Evidence, Transition

log = structlog.get_logger()
URGENT, ORDINARY = 0, 1  # it calls rescuers, or comes before what does; all else
ASIDE = 2  # cannot be done by this program: kept for whoever mends it, in nobody's way
Of = tuple[str, str]  # subject_kind, subject

_LIVING: Final = inbox.c.priority < ASIDE
_ANY: Final = select(inbox.c.id).where(_LIVING).limit(1)
_ROW: Final = select(inbox.c.id, inbox.c.priority, inbox.c.data).where(_LIVING)
_NEXT: Final = _ROW.order_by(inbox.c.priority, inbox.c.id)
_BEHIND: Final = select(func.count(), func.min(inbox.c.accepted_ms)).select_from(inbox)


@dataclass(frozen=True, slots=True)
class Behind:
    """How many transitions wait, and since when the oldest does (epoch ms)."""

    count: int
    since_ms: int | None


def empty(conn: Connection) -> bool:
    """True if nothing waits to be done."""
    return conn.execute(_ANY).first() is None


def behind(conn: Connection) -> Behind:
    """Return how much waits."""
    count, since_ms = conn.execute(_BEHIND).one()
    return Behind(count, since_ms)


def by_now(one: Transition, now_ms: int) -> Transition:
    """A device's clock may be ahead: a deadline counts from our time at the latest."""
    return replace(one, at_ms=now_ms) if one.raised and one.at_ms > now_ms else one


def put(work: Work, urgent: Sequence[Transition], others: Sequence[Transition]) -> None:
    """Keep transitions, each subject's in the order given; one that waits already stays once.

    What waits of a subject that has something urgent now becomes urgent with it.
    """
    subjects = {one.key[:2] for one in urgent}
    if not empty(work.conn):
        for kind, some in _by_kind(subjects):
            of = (inbox.c.subject_kind == kind, inbox.c.subject.in_(some))
            work.conn.execute(update(inbox).where(*of, _LIVING).values(priority=URGENT))
    rows = [_row(one, URGENT, work.now_ms) for one in urgent]
    rows += [_row(one, ORDINARY, work.now_ms) for one in others]
    insert_rows(work.conn, inbox, rows, or_nothing=True)


def first(work: Work, at_most: int, urgent_at_most: int) -> list[Transition]:
    """Take what is to be done next; what is urgent goes first, and by itself."""
    rows = work.conn.execute(_NEXT.limit(at_most)).all()
    if rows and rows[0].priority == URGENT:
        rows = [row for row in rows[:urgent_at_most] if row.priority == URGENT]
    return _taken(work, rows)


def of(work: Work, subjects: Iterable[Of]) -> list[Transition]:
    """Take all that waits of these subjects, in order."""
    if empty(work.conn):
        return []
    rows: list[Any] = []
    for kind, some in _by_kind(subjects):
        its = _ROW.where(inbox.c.subject_kind == kind, inbox.c.subject.in_(some))
        rows += work.conn.execute(its).all()
    return _taken(work, sorted(rows, key=lambda row: int(row.id)))


def set_aside_first(conn: Connection) -> None:
    """Leave out what would be done next: it was tried by itself, and failed."""
    row = conn.execute(_NEXT.limit(1)).first()
    if row is not None:
        _set_aside(conn, row)


def _set_aside(conn: Connection, row: Any) -> None:
    log.error("inbox.set_aside", row=row.id, data=row.data)
    conn.execute(update(inbox).where(inbox.c.id == row.id).values(priority=ASIDE))


def of_kind(conn: Connection, kind: str, rule: str) -> list[tuple[str, bool]]:
    """Return (subject, raised) of what waits of one kind and rule, in order; it goes on waiting."""
    query: Select[Any] = select(inbox.c.subject, inbox.c.raised).order_by(inbox.c.id)
    query = query.where(inbox.c.subject_kind == kind, inbox.c.rule == rule, _LIVING)
    return [(row["subject"], bool(row["raised"])) for row in rows_of(conn, query)]


def _by_kind(subjects: Iterable[Of]) -> Iterable[tuple[str, list[str]]]:
    kinds: dict[str, list[str]] = {}
    for kind, subject in dict.fromkeys(subjects):
        kinds.setdefault(kind, []).append(subject)
    return ((kind, some) for kind, whole in kinds.items() for some in parts(whole))


def _row(one: Transition, priority: int, now_ms: int) -> dict[str, Any]:
    return {
        "priority": priority,
        "subject_kind": one.subject_kind,
        "subject": one.subject,
        "rule": one.rule,
        "since_ms": one.since_ms,
        "raised": one.raised,
        "with_people": one.with_people,
        "late": one.late,
        "accepted_ms": now_ms,
        "data": orjson.dumps(one).decode(),
    }


def _taken(work: Work, rows: Sequence[Any]) -> list[Transition]:
    found: dict[int, Transition] = {}
    for row in rows:
        try:
            found[row.id] = _transition(orjson.loads(row.data))
        except (KeyError, TypeError, ValueError):  # of another version of this program
            _set_aside(work.conn, row)
    for some in parts(found):
        work.conn.execute(delete(inbox).where(inbox.c.id.in_(some)))
    return list(found.values())


def _transition(data: dict[str, Any]) -> Transition:
    data["evidence"] = tuple(Evidence(**one) for one in data["evidence"])
    return Transition(**data)
