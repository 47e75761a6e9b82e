"""What else belongs to an alert: its incident's other lifts, the same site now, this lift before.

Every query keeps to what a unit may see; the newest facts are read, nothing is cached.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, and_, case, func, or_, select

from alerts.chains.ladder import Chains
from alerts.database.tables import alert
from alerts.lifecycle.causes import Causes
from alerts.model import RescueState
from monitor.web import find, order

YEAR_MS: Final = 365 * 86_400_000
BEFORE: Final = 30  # shown; the count is of all
MEMBERS: Final = 200
SITE: Final = 20
Json = dict[str, Any]


def same_lift(
    conn: Connection, one: Mapping[str, Any], scope: str | None, causes: Causes, now_ms: int
) -> Json:
    """Return this lift's alerts of the same rule or incident within the last 12 months.

    `total`, `false` of them, and `alerts` (the newest BEFORE): id, rule_text, raised_ms, closed_ms,
    lasted_ms, people, cause, rescue_state, `verdict` (false, true, unknown: nobody said why yet).
    """
    where = (
        *find.visible(scope),
        alert.c.subject_kind == one["subject_kind"],
        alert.c.subject == one["subject"],
        or_(alert.c.rule == one["rule"], alert.c.incident == one["incident"]),
        alert.c.id != one["id"],
        alert.c.exercise.is_(False),
        alert.c.raised_ms > now_ms - YEAR_MS,
    )
    query = select(
        alert.c.id, alert.c.rule, alert.c.rule_zh, alert.c.rule_en, alert.c.raised_ms,
        alert.c.since_ms, alert.c.closed_ms, alert.c.cleared_ms, alert.c.people,
        alert.c.with_people,
        alert.c.cause, alert.c.rescue_state, alert.c.cancelled_ms,
    ).where(*where).order_by(alert.c.raised_ms.desc(), alert.c.id.desc())  # fmt: skip
    rows = [dict(row) for row in conn.execute(query).mappings()]
    told = [_before(row, causes) for row in rows]
    false = sum(row["verdict"] == "false" for row in told)
    return {"total": len(told), "false": false, "alerts": told[:BEFORE]}


def _before(row: Json, causes: Causes) -> Json:
    ended = row["cleared_ms"] or row["closed_ms"]
    text = {"zh": row.pop("rule_zh"), "en": row.pop("rule_en")}
    lasted = None if ended is None else max(0, ended - row["since_ms"])
    return row | {"rule_text": text, "lasted_ms": lasted, "verdict": verdict(row, causes)}


def verdict(row: Mapping[str, Any], causes: Causes) -> str:
    """Return true or false as people found it, unknown while nobody has said.

    False: the filed cause says that the lift was well, or the desk cancelled it. True: any other
    cause was filed, or people were freed.
    """
    if causes.is_false(row["cause"]):
        return "false"
    if row["cause"] or row["rescue_state"] in (RescueState.FREED, RescueState.VERIFIED):
        return "true"
    return "false" if row["cancelled_ms"] is not None else "unknown"


def same_site(
    conn: Connection, one: Mapping[str, Any], scope: str | None, chains: Chains
) -> list[Json]:
    """Return open alerts of the same place or feeder, those of this incident left out."""
    near: list[ColumnElement[bool]] = []
    if one["place"]:
        near.append(alert.c.place == one["place"])
    if one["feeder"]:
        near.append(alert.c.feeder == one["feeder"])
    if not near:
        return []
    return _found(
        conn,
        scope,
        chains,
        SITE,
        or_(*near),
        alert.c.incident != one["incident"],
        alert.c.closed_ms.is_(None),
    )


def members(
    conn: Connection, one: Mapping[str, Any], scope: str | None, chains: Chains
) -> tuple[int, list[Json]]:
    """Return how many other alerts the incident has, and MEMBERS of them: people first."""
    same = and_(alert.c.incident == one["incident"], alert.c.id != one["id"])
    count = select(func.count()).select_from(alert).where(same, *find.visible(scope))
    total = int(conn.execute(count).scalar() or 0)
    return total, _found(conn, scope, chains, MEMBERS, same) if total else []


def _found(
    conn: Connection, scope: str | None, chains: Chains, limit: int, *where: ColumnElement[bool]
) -> list[Json]:
    over = case((alert.c.closed_ms.is_(None), 0), else_=1)
    held = case(  # nobody on the way to them yet: those first of all
        (alert.c.rescue_state == RescueState.RAISED, 0),
        (alert.c.rescue_state.in_(order.HELD), 1),
        else_=2,
    )
    people = case((alert.c.with_people.is_(True), 0), else_=1)
    chosen = (
        select(alert.c.id)
        .where(*where, *find.visible(scope), alert.c.exercise.is_(False))
        .order_by(over, held, people, alert.c.severity_rank, alert.c.raised_ms, alert.c.id)
        .limit(limit)
    )
    return find.by_ids(conn, conn.execute(chosen).scalars().all(), chains)
