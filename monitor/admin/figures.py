"""How a rule does: open alerts, those of the last 30 days, and how many were filed as false."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select

from alerts.database.tables import alert

DAY_MS = 86_400_000
SPAN_MS = 30 * DAY_MS


@dataclass(slots=True)
class RuleFigures:
    """Counts without exercises; `judged` have a filed cause, `false` of these say: lift well."""

    open: int = 0
    month: int = 0
    judged: int = 0
    false: int = 0

    @property
    def false_share(self) -> float | None:
        """Share of the judged that were false; None where nobody has filed a cause."""
        return round(self.false / self.judged, 3) if self.judged else None

    def as_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "open": self.open,
            "last_30_days": self.month,
            "judged": self.judged,
            "false": self.false,
            "false_share": self.false_share,
        }


def of_rules(
    conn: Connection, now_ms: int, is_false: Callable[[str | None], bool]
) -> dict[str, RuleFigures]:
    """Return figures by rule; rules without any alert are left out."""
    found: dict[str, RuleFigures] = {}
    real = alert.c.exercise.is_(False)

    def of(rule: str) -> RuleFigures:
        return found.setdefault(rule, RuleFigures())

    still = select(alert.c.rule, func.count()).where(real, alert.c.closed_ms.is_(None))
    for rule, count in conn.execute(still.group_by(alert.c.rule)):
        of(rule).open = int(count)
    lately = (
        select(alert.c.rule, alert.c.cause, func.count())
        .where(real, alert.c.raised_ms >= now_ms - SPAN_MS)
        .group_by(alert.c.rule, alert.c.cause)
    )
    for rule, cause, count in conn.execute(lately):
        one = of(rule)
        one.month += int(count)
        if cause:
            one.judged += int(count)
            one.false += int(count) if is_false(cause) else 0
    return found


def filed(conn: Connection, rule: str, from_ms: int) -> list[dict[str, Any]]:
    """Return alerts of a rule since then that have a filed cause, as rows."""
    query = select(
        alert.c.subject, alert.c.since_ms, alert.c.cleared_ms, alert.c.closed_ms, alert.c.cause
    ).where(
        alert.c.rule == rule,
        alert.c.since_ms >= from_ms,
        alert.c.cause.is_not(None),
        alert.c.exercise.is_(False),
        alert.c.subject_kind == "lift",
    )
    return [dict(row) for row in conn.execute(query).mappings()]
