"""How quickly a unit came to people held in its lifts, against the limits that held for each.

Counted are real rescues raised in a period on lifts the unit maintained or used then. Three times:
`accept` from the raise to the unit's first answer, `arrive` to somebody on site, `freed` to the
people out. The limit of `accept` is the first step of the alert's own chain that waits for this
unit's answer, that of `freed` the first that waits for nothing but the freeing; `arrive` has the
arrival limit. A time is judged once it is over or its limit has passed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, and_, or_, select

from alerts.chains.ladder import Chains
from alerts.database.tables import alert, alert_unit, timer
from alerts.model import RescueState
from alerts.quality.rows import Period, raised

STEPS: Final = ("accept", "arrive", "freed")
ANSWERS: Final = {
    "maintenance": {"accepted", "answered:maintenance"},
    "use_unit": {"answered:use_unit"},
}
Json = dict[str, Any]
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Time:
    """One time of one alert: how long it took (None = not done), and what was allowed."""

    took_ms: int | None
    limit_ms: int | None
    now_after_ms: int
    """How long after the raise it is now, or the alert was closed."""

    @property
    def in_time(self) -> bool | None:
        """True or False once it is judged, None before, and where there is no limit."""
        if self.limit_ms is None:
            return None
        if self.took_ms is not None:
            return self.took_ms <= self.limit_ms
        return False if self.now_after_ms > self.limit_ms else None


def unit_times(conn: Connection, unit: str, period: Period, chains: Chains, now_ms: int) -> Json:
    """Return the times of a unit, JSON-ready.

    Args:
        conn: a read transaction.
        unit: id of a maintenance firm or a use unit.
        period: alerts raised in it.
        chains: say what a step waits for.
        now_ms: wall time, for what is still open.

    Returns `rescues`, and for each of accept, arrive, freed: `count` done, `median_ms`, `p95_ms`
    (nearest rank), `limit_ms` (the most frequent one), `judged`, `in_time`, `share` (None where
    nothing was judged).
    """
    rows = _rescues(conn, unit, period)
    timers = _timers(conn, unit, period)
    found: dict[str, list[Time]] = {step: [] for step in STEPS}
    for row in rows:
        part = "maintenance" if row["maintenance"] == unit else "use_unit"
        limits = _limits(row, timers.get(row["id"], ()), chains, part)
        after_ms = (row["closed_ms"] or now_ms) - row["last_raised_ms"]
        for step, done_ms in _done(row).items():
            took = None if done_ms is None else max(0, done_ms - row["last_raised_ms"])
            found[step].append(Time(took, limits.get(step), after_ms))
    return {
        "from_ms": period.from_ms,
        "to_ms": period.to_ms,
        "rescues": len(rows),
        "steps": {step: _summed(times) for step, times in found.items()},
    }


def _mine(unit: str, period: Period) -> list[Any]:
    return [
        or_(alert.c.maintenance == unit, alert.c.use_unit == unit),
        alert.c.rescue_state != RescueState.NONE.value,
        *raised(period),
    ]


def _rescues(conn: Connection, unit: str, period: Period) -> list[Json]:
    names = (
        "id", "chain", "maintenance", "round", "last_raised_ms", "closed_ms", "arrival_due_ms",
        "accepted_ms", "owner_unit", "arrived_ms", "freed_ms",
    )  # fmt: skip
    query = (
        select(*(alert.c[name] for name in names), alert_unit.c.answered_ms)
        .outerjoin(alert_unit, and_(alert_unit.c.alert_id == alert.c.id, alert_unit.c.unit == unit))
        .where(*_mine(unit, period))
    )
    return [dict(row) for row in conn.execute(query).mappings()]


def _timers(conn: Connection, unit: str, period: Period) -> dict[int, list[tuple[str, int]]]:
    """Return alert → (step, due) of its present round."""
    query = (
        select(timer.c.alert_id, timer.c.step, timer.c.due_ms)
        .join(alert, alert.c.id == timer.c.alert_id)
        .where(timer.c.round == alert.c.round, *_mine(unit, period))
    )
    found: dict[int, list[tuple[str, int]]] = {}
    for ident, step, due_ms in conn.execute(query):
        found.setdefault(ident, []).append((step, due_ms))
    return found


def _done(row: Row) -> dict[str, int | None]:
    # Whoever freed the people was there, even if nobody said so before.
    there = [at for at in (row["arrived_ms"], row["freed_ms"]) if at is not None]
    return {
        "accept": row["answered_ms"],
        "arrive": min(there, default=None),
        "freed": row["freed_ms"],
    }


def _limits(
    row: Row, timers: Iterable[tuple[str, int]], chains: Chains, part: str
) -> dict[str, int]:
    start, found = row["last_raised_ms"], {}
    if row["arrival_due_ms"] is not None:
        found["arrive"] = row["arrival_due_ms"] - start
    for step_id, due_ms in sorted(timers, key=lambda one: one[1]):
        step = chains.step(row["chain"], step_id)
        if step is None or due_ms <= start:
            continue
        if ANSWERS[part] & set(step.until):
            found.setdefault("accept", due_ms - start)
        if set(step.until) == {"freed"}:
            found.setdefault("freed", due_ms - start)
    return found


def _summed(times: Iterable[Time]) -> Json:
    whole = list(times)
    took = sorted(one.took_ms for one in whole if one.took_ms is not None)
    verdicts = [one.in_time for one in whole if one.in_time is not None]
    limits = Counter(one.limit_ms for one in whole if one.limit_ms is not None)
    return {
        "count": len(took),
        "median_ms": rank(took, 50),
        "p95_ms": rank(took, 95),
        "limit_ms": limits.most_common(1)[0][0] if limits else None,
        "judged": len(verdicts),
        "in_time": sum(verdicts),
        "share": sum(verdicts) / len(verdicts) if verdicts else None,
    }


def rank(ordered: list[int], percent: int) -> int | None:
    """Return the percentile by nearest rank of values in order; None of nothing."""
    return ordered[-(-len(ordered) * percent // 100) - 1] if ordered else None
