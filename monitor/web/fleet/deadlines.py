"""The deadlines that come next, for a screen everybody looks at."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, func, select

from alerts.chains.ladder import Chains
from alerts.database.tables import alert, timer
from alerts.desk import queries
from monitor.web.find import visible

_TOLD = ("id", "subject", "severity", "place", "name", "rule_text", "people", "with_people")


def next_dues(
    conn: Connection, scope: str | None, chains: Chains | None, limit: int
) -> list[dict[str, Any]]:
    """Return the open alerts whose next deadline comes first, with `due_ms` and `due_text`.

    Only alerts of the unit `scope` (None = all); exercises are left out.
    """
    due = func.min(timer.c.due_ms)
    query = (
        select(timer.c.alert_id)
        .join(alert, alert.c.id == timer.c.alert_id)
        .where(timer.c.state == "pending", alert.c.closed_ms.is_(None))
        .where(alert.c.exercise.is_(False), *visible(scope))
        .group_by(timer.c.alert_id)
        .order_by(due, timer.c.alert_id)
        .limit(limit)
    )
    wanted = list(conn.execute(query).scalars())
    found = queries.alerts_by_id(conn, wanted, chains)
    return [
        {name: found[one].get(name) for name in _TOLD}
        | {"due_ms": found[one]["next_due_ms"], "due_text": found[one]["next_due_text"]}
        for one in wanted
    ]
