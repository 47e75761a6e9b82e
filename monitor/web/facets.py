"""How many alerts each choice of a filter would leave: the numbers beside the choices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import Column, Connection, case, func, select

from alerts.database.tables import alert
from alerts.model import Aside
from monitor.web.find import NOBODY, Query, where
from monitor.web.order import needs

MOST = 200
_BY: Mapping[str, Column[str]] = {
    name: alert.c[name]
    for name in ("severity", "rule", "street_office", "maintenance", "use_unit", "owner")
}


def counts(conn: Connection, query: Query) -> dict[str, dict[str, int]]:
    """Return filter → {choice: alerts}, each with all the other filters as they are.

    `state` counts open alerts alone (open, unacknowledged, aside): the closed ones of years are
    counted by nobody. `total` is under `all`: what fits every filter. Choices of a filter beyond
    the 200 most frequent are left out.
    """
    found = {}
    for name, by in _BY.items():
        others: dict[str, Any] = {name: ""}
        found[name] = _of(conn, replace(query, **others), by)
    found["owner"][NOBODY] = found["owner"].pop("", 0)
    still_open = replace(query, state="open")
    numbers = conn.execute(
        select(
            func.count(),
            func.sum(case((needs(), 1), else_=0)),
            func.sum(case((alert.c.aside != Aside.NONE.value, 1), else_=0)),
        ).where(*where(still_open))
    ).one()
    names = ("open", "unacknowledged", "aside")
    found["state"] = {name: int(n or 0) for name, n in zip(names, numbers, strict=True)}
    with_people = select(func.count()).where(*where(replace(query, people=True)))
    found["people"] = {"true": conn.execute(with_people).scalar_one()}
    every = select(func.count()).where(*where(query))
    found["total"] = {"all": conn.execute(every.select_from(alert)).scalar_one()}
    return found


def _of(conn: Connection, query: Query, by: Column[str]) -> dict[str, int]:
    grouped = (
        select(by, func.count())
        .where(*where(query))
        .group_by(by)
        .order_by(func.count().desc(), by)
        .limit(MOST)
    )
    return {str(value or ""): int(n) for value, n in conn.execute(grouped)}
