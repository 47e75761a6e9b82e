"""What happened while somebody was away: what was raised, what grew worse, what is over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select

from alerts.chains.ladder import Chains
from alerts.database.tables import alert, journal
from alerts.desk import queries
from monitor.web.find import visible

SHOWN = 8
AT_ONCE_MS = 5_000
"""Who is called within this time of the raise was called by it; later it is an escalation."""

_LATER = and_(journal.c.kind == "paged", journal.c.at_ms > alert.c.last_raised_ms + AT_ONCE_MS)
KINDS: dict[str, ColumnElement[bool]] = {
    "raised": journal.c.kind == "raised",
    "escalated": or_(journal.c.kind.in_(("upgraded", "nobody")), _LATER),
    "closed": journal.c.kind == "closed",
}


@dataclass(frozen=True, slots=True)
class Away:
    """Alerts by what happened to them: how many, and the gravest few as JSON."""

    newest: int
    since_ms: int | None
    counts: dict[str, int]
    alerts: dict[str, list[dict[str, Any]]]

    def as_json(self) -> dict[str, Any]:
        """Return it as the API tells it."""
        kinds = {kind: {"count": self.counts[kind], "alerts": self.alerts[kind]} for kind in KINDS}
        return {"newest": self.newest, "since_ms": self.since_ms, **kinds}


def away(conn: Connection, after: int, scope: str | None, chains: Chains | None) -> Away:
    """Return what happened after a journal line, of a unit's alerts; exercises are left out.

    An alert stands once under each kind, however often it happened. A line that the journal does
    not have yet (another database than before) is answered with nothing.
    """
    newest = queries.newest_line(conn)
    since_ms = conn.execute(
        select(journal.c.at_ms).where(journal.c.id > after).order_by(journal.c.id).limit(1)
    ).scalar()
    numbers, told = {}, {}
    for kind, condition in KINDS.items():
        touched = (
            select(journal.c.alert_id)
            .join(alert, alert.c.id == journal.c.alert_id)
            .where(journal.c.id > after, condition, alert.c.exercise.is_(False), *visible(scope))
            .distinct()
        )
        numbers[kind] = conn.execute(
            select(func.count()).select_from(touched.subquery())
        ).scalar_one()
        gravest = (
            select(alert.c.id)
            .where(alert.c.id.in_(touched))
            .order_by(alert.c.severity_rank, alert.c.raised_ms.desc(), alert.c.id.desc())
            .limit(SHOWN)
        )
        wanted = conn.execute(gravest).scalars().all() if numbers[kind] else []
        by_id = queries.alerts_by_id(conn, wanted, chains)
        told[kind] = [by_id[ident] for ident in wanted]
    return Away(newest, since_ms, numbers, told)
