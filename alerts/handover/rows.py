"""What the tables know of a shift. Portable SQL; every query is bounded by times that are given."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import orjson
from sqlalchemy import ColumnElement, Connection, case, func, or_, select

from alerts.database.bulk import parts
from alerts.database.tables import alert, journal, suppression, timer

LISTED: Final = 200
"""Rows a part of the report names one by one; further ones are counted."""
NEAR: Final = 5_000
"""Lines: so far about a restart may stand one that is older than its number."""
Json = dict[str, Any]
Row = Mapping[str, Any]
_HELD = ("raised", "accepted", "on_the_way", "arrived")


def real() -> list[ColumnElement[bool]]:
    """What really happened: no exercise, nothing found in late data."""
    return [alert.c.exercise.is_(False), alert.c.late.is_(False)]


def open_at(conn: Connection, at_ms: int) -> tuple[int, list[Json]]:
    """Return how many alerts were open at a moment, and those that matter most."""
    where = [
        alert.c.raised_ms <= at_ms,
        or_(alert.c.closed_ms.is_(None), alert.c.closed_ms > at_ms),
        *real(),
    ]
    total = conn.execute(select(func.count()).select_from(alert).where(*where)).scalar() or 0
    held = case((alert.c.rescue_state.in_(_HELD), 0), else_=1)
    query = (
        select(alert)
        .where(*where)
        .order_by(held, alert.c.severity_rank, alert.c.raised_ms, alert.c.id)
        .limit(LISTED)
    )
    return int(total), [dict(row) for row in conn.execute(query).mappings()]


def counted(conn: Connection, column: str, from_ms: int, to_ms: int) -> dict[str, int]:
    """Return severity → alerts that were raised or closed (by `column`) within [from, to)."""
    at = alert.c[column]
    query = (
        select(alert.c.severity, func.count())
        .where(at >= from_ms, at < to_ms, *real())
        .group_by(alert.c.severity)
    )
    return {str(name): int(n) for name, n in conn.execute(query)}


def stamped(conn: Connection, column: str, from_ms: int, to_ms: int) -> list[Json]:
    """Return alerts to which something happened (a stamp such as freed_ms) within [from, to)."""
    at = alert.c[column]
    query = select(alert).where(at >= from_ms, at < to_ms, *real()).order_by(at, alert.c.id)
    return [dict(row) for row in conn.execute(query.limit(LISTED)).mappings()]


def exercises(conn: Connection, from_ms: int, to_ms: int) -> list[Json]:
    """Return exercises that began within [from, to)."""
    query = (
        select(alert)
        .where(alert.c.raised_ms >= from_ms, alert.c.raised_ms < to_ms)
        .where(alert.c.exercise.is_(True))
        .order_by(alert.c.raised_ms, alert.c.id)
    )
    return [dict(row) for row in conn.execute(query.limit(LISTED)).mappings()]


def escalated(conn: Connection, from_ms: int, to_ms: int) -> tuple[int, list[Json]]:
    """Return steps that were called because a deadline had passed, and how many there were."""
    where = [
        timer.c.state == "fired",
        timer.c.ended_ms >= from_ms,
        timer.c.ended_ms < to_ms,
        timer.c.due_ms > alert.c.last_raised_ms,
        *real(),
    ]
    joined = timer.join(alert, alert.c.id == timer.c.alert_id)
    total = conn.execute(select(func.count()).select_from(joined).where(*where)).scalar() or 0
    names = ("id", "chain", "severity", "place", "name", "subject", "subject_kind", "rule_zh",
             "rule_en")  # fmt: skip
    query = (
        select(*(alert.c[name] for name in names), timer.c.step, timer.c.ended_ms)
        .select_from(joined)
        .where(*where)
        .order_by(timer.c.ended_ms, timer.c.id)
        .limit(LISTED)
    )
    return int(total), [dict(row) for row in conn.execute(query).mappings()]


def set_aside(conn: Connection, at_ms: int) -> list[Json]:
    """Return what stood aside at a moment, the next to end first; with its alert, if it has one."""
    query = (
        select(suppression, alert.c.rule_zh, alert.c.rule_en)
        .outerjoin(alert, alert.c.id == suppression.c.alert_id)
        .where(
            suppression.c.from_ms <= at_ms,
            or_(suppression.c.ended_ms.is_(None), suppression.c.ended_ms > at_ms),
        )
        .order_by(suppression.c.until_ms, suppression.c.id)
        .limit(LISTED)
    )
    return [dict(row) for row in conn.execute(query).mappings()]


def notes_at(conn: Connection, ids: Iterable[int], at_ms: int) -> dict[int, Json]:
    """Return alert → its hand-over note as it read at a moment: `text`, `by`, `at_ms`."""
    found: dict[int, Json] = {}
    for some in parts(list(ids)):
        query = (
            select(journal.c.alert_id, journal.c.kind, journal.c.at_ms, journal.c.actor,
                   journal.c.data)
            .where(journal.c.alert_id.in_(some), journal.c.kind.in_(("note", "note_off")))
            .where(journal.c.at_ms <= at_ms)
            .order_by(journal.c.id)
        )  # fmt: skip
        for row in conn.execute(query):
            found.pop(row.alert_id, None)
            if row.kind == "note":
                told = orjson.loads(row.data).get("comment", "")
                found[row.alert_id] = {"text": told, "by": row.actor, "at_ms": row.at_ms}
    return found


def kinds(conn: Connection, names: Sequence[str], first: int, last: int) -> dict[str, int]:
    """Return how many journal lines of these kinds stand between two lines, both included."""
    query = (
        select(journal.c.kind, func.count())
        .where(journal.c.id >= first, journal.c.id <= last, journal.c.kind.in_(names))
        .group_by(journal.c.kind)
    )
    return {str(name): int(n) for name, n in conn.execute(query)}


def lines_between(conn: Connection, from_ms: int, to_ms: int) -> tuple[int, int, str | None]:
    """Return first and last journal line of [from, to) and the hash of the last; 0 for none.

    Ids grow with time, but for a few lines about a restart, so both ends are found by halving and
    then among their neighbours: the journal of years has no index by time. Lines of the same
    commit carry one time.
    """
    first = _first_from(conn, from_ms)
    last = _first_from(conn, to_ms) - 1
    if last < first:
        return 0, 0, None
    seal = conn.execute(select(journal.c.hash).where(journal.c.id == last)).scalar()
    return first, last, seal


def _first_from(conn: Connection, at_ms: int) -> int:
    """The id of the first line at or after a moment; one more than the last where there is none."""
    low = 1
    high = (conn.execute(select(func.max(journal.c.id))).scalar() or 0) + 1
    while low < high:
        middle = (low + high) // 2
        told = conn.execute(select(journal.c.at_ms).where(journal.c.id == middle)).scalar()
        if told is not None and told >= at_ms:
            high = middle
        else:
            low = middle + 1
    near = journal.c.id.between(low - NEAR, low + NEAR)
    first = conn.execute(select(func.min(journal.c.id)).where(near, journal.c.at_ms >= at_ms))
    return int(first.scalar() or low)
