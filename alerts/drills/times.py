"""What drills yielded: how long until somebody had the page, answered, arrived, freed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, func, select

from alerts.database.tables import alert, outbox
from alerts.drills.marks import real_rule

Json = dict[str, Any]
# name → (from, to): columns of the alert, or "delivered", the first page's receipt
SPANS: Mapping[str, tuple[str, str]] = {
    "delivered": ("raised_ms", "delivered_ms"),
    "answer": ("raised_ms", "answered_ms"),
    "way": ("answered_ms", "arrived_ms"),
    "freeing": ("arrived_ms", "freed_ms"),
    "whole": ("raised_ms", "freed_ms"),
}


def list_drills(conn: Connection, limit: int = 100, before: int | None = None) -> list[Json]:
    """Return the newest drills with their times; `before`: those with a smaller id.

    Keys: id, lift, name, place, rule, text, people, raised_ms, closed_ms, rescue_state, owner,
    on_time (arrived within the limit; None = not arrived), and `ms`: {delivered, answer, way,
    freeing, whole}, None where it did not come to it.
    """
    first = (
        select(outbox.c.alert_id, func.min(outbox.c.delivered_ms).label("delivered_ms"))
        .group_by(outbox.c.alert_id)
        .subquery()
    )
    query = (
        select(alert, first.c.delivered_ms)
        .outerjoin(first, first.c.alert_id == alert.c.id)
        .where(alert.c.exercise.is_(True))
        .order_by(alert.c.raised_ms.desc(), alert.c.id.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(alert.c.id < before)
    return [_drill(dict(row)) for row in conn.execute(query).mappings()]


def _drill(row: Json) -> Json:
    answers = [row[name] for name in ("acknowledged_ms", "accepted_ms") if row[name] is not None]
    row["answered_ms"] = min(answers, default=None)
    row["arrived_ms"] = row["arrived_ms"] if row["arrived_ms"] is not None else row["freed_ms"]
    on_time = None
    if row["arrived_ms"] is not None and row["arrival_due_ms"] is not None:
        on_time = row["arrived_ms"] <= row["arrival_due_ms"]
    return {
        "id": row["id"],
        "lift": row["subject"],
        "name": row["name"],
        "place": row["place"],
        "rule": real_rule(row["rule"]),
        "text": {"zh": row["rule_zh"], "en": row["rule_en"]},
        "people": row["people"],
        "raised_ms": row["raised_ms"],
        "closed_ms": row["closed_ms"],
        "rescue_state": row["rescue_state"],
        "owner": row["owner"],
        "on_time": on_time,
        "ms": {name: _span(row, *ends) for name, ends in SPANS.items()},
    }


def _span(row: Json, start: str, end: str) -> int | None:
    if row[start] is None or row[end] is None:
        return None
    return max(0, int(row[end]) - int(row[start]))
