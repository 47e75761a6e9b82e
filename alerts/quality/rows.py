"""What the database counts for the quality of alarms. Portable SQL; the sums are done there.

An alarm here is an alert somebody has to answer: not an exercise, not one found in late data
(it rang no bell), not a notice of severity `info`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, func, or_, select

from alerts.database.tables import alert, occurrence

WINDOW_MS = 600_000
CHATTER, CHATTER_MS = 3, 60_000
STALE_MS = 86_400_000
LISTED = 50
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Period:
    """From and to, epoch ms; `to_ms` is not in it."""

    from_ms: int
    to_ms: int

    @property
    def windows(self) -> int:
        """How many windows of 10 minutes; the last one may be cut short."""
        return -(-(self.to_ms - self.from_ms) // WINDOW_MS)


def real() -> list[ColumnElement[bool]]:
    """What makes an alert an alarm that counts."""
    return [alert.c.exercise.is_(False), alert.c.late.is_(False), alert.c.severity != "info"]


def raised(period: Period) -> list[ColumnElement[bool]]:
    """Alarms raised in a period."""
    return [alert.c.raised_ms >= period.from_ms, alert.c.raised_ms < period.to_ms, *real()]


def windows(conn: Connection, period: Period) -> dict[int, int]:
    """Return window number → alarms raised in it; windows without any are left out."""
    number = ((alert.c.raised_ms - period.from_ms) // WINDOW_MS).label("number")
    query = select(number, func.count()).where(*raised(period)).group_by(number)
    return {int(at): int(n) for at, n in conn.execute(query)}


def left_out(conn: Connection, period: Period) -> Json:
    """Return what was raised in a period and is no alarm: `notices`, `exercises`, `late`."""
    inside = and_(alert.c.raised_ms >= period.from_ms, alert.c.raised_ms < period.to_ms)
    practised, late = alert.c.exercise.is_(True), alert.c.late.is_(True)
    sums = {
        "exercises": practised,
        "late": and_(late, ~practised),
        "notices": and_(alert.c.severity == "info", ~late, ~practised),
    }
    columns = [func.coalesce(func.sum(case((what, 1), else_=0)), 0) for what in sums.values()]
    row = conn.execute(select(*columns).where(inside)).one()
    return {name: int(n) for name, n in zip(sums, row, strict=True)}


def severities(conn: Connection, period: Period) -> dict[str, int]:
    """Return severity → alarms."""
    query = select(alert.c.severity, func.count()).where(*raised(period)).group_by(alert.c.severity)
    return {str(name): int(n) for name, n in conn.execute(query)}


def bad_actors(conn: Connection, period: Period, limit: int) -> tuple[int, list[Json]]:
    """Return all onsets of a period, and the (subject, rule) pairs with the most of them."""
    onsets = func.count().label("onsets")
    joined = occurrence.join(alert, alert.c.id == occurrence.c.alert_id)
    inside = (*_onset_in(period), *real())
    total = conn.execute(select(func.count()).select_from(joined).where(*inside)).scalar() or 0
    query = (
        select(*_pair(), onsets, func.count(func.distinct(occurrence.c.alert_id)).label("alerts"))
        .select_from(joined)
        .where(*inside)
        .group_by(*_pair())
        .order_by(onsets.desc(), occurrence.c.subject, occurrence.c.rule)
        .limit(limit)
    )
    return int(total), _with_names(conn, [dict(row) for row in conn.execute(query).mappings()])


def chattering(conn: Connection, period: Period) -> tuple[int, list[Json]]:
    """Return how many pairs came three times within a minute, and those that did most.

    `bursts` counts the onsets that were at least the third within 60 s.
    """
    joined = occurrence.join(alert, alert.c.id == occurrence.c.alert_id)
    before = func.lag(occurrence.c.at_ms, CHATTER - 1).over(
        partition_by=_pair(), order_by=(occurrence.c.at_ms, occurrence.c.since_ms)
    )
    onsets = (
        select(*_pair(), occurrence.c.at_ms, before.label("before_ms"))
        .select_from(joined)
        .where(*_onset_in(period), *real())
        .subquery()
    )
    close = and_(onsets.c.before_ms.is_not(None), onsets.c.at_ms - onsets.c.before_ms <= CHATTER_MS)
    bursts = func.sum(case((close, 1), else_=0)).label("bursts")
    pair = [onsets.c[name] for name in KEY]
    query = (
        select(*pair, func.count().label("onsets"), bursts)
        .group_by(*pair)
        .having(bursts > 0)
        .order_by(bursts.desc(), pair[1], pair[2])
    )
    found = [dict(row) | {"bursts": int(row["bursts"])} for row in conn.execute(query).mappings()]
    return len(found), _with_names(conn, found[:LISTED])


def _with_names(conn: Connection, pairs: list[Json]) -> list[Json]:
    """Add what lift and rule were called in their newest alert: few pairs, one look-up each."""
    for one in pairs:
        query = (
            select(*_texts())
            .where(*(alert.c[name] == one[name] for name in KEY))
            .order_by(alert.c.id.desc())
            .limit(1)
        )
        one |= dict(conn.execute(query).mappings().one())
    return pairs


def stale(conn: Connection, period: Period) -> tuple[int, list[Json]]:
    """Return alarms that stood longer than 24 h within or into a period, the oldest first."""
    end = func.coalesce(alert.c.closed_ms, period.to_ms)
    stood = case((end < period.to_ms, end), else_=period.to_ms) - alert.c.raised_ms
    where = [
        alert.c.raised_ms < period.to_ms,
        or_(alert.c.closed_ms.is_(None), alert.c.closed_ms > period.from_ms),
        stood > STALE_MS,
        *real(),
    ]
    total = conn.execute(select(func.count()).select_from(alert).where(*where)).scalar() or 0
    query = (
        select(
            alert.c.id, *(alert.c[n] for n in KEY), alert.c.raised_ms, alert.c.closed_ms, *_texts()
        )
        .where(*where)
        .order_by(alert.c.raised_ms, alert.c.id)
        .limit(LISTED)
    )
    return int(total), [dict(row) for row in conn.execute(query).mappings()]


def acknowledged(conn: Connection, period: Period) -> dict[str, list[int]]:
    """Return severity → ms from an alarm's last raise to its acknowledgement, unsorted.

    One pass over the alarms, and the ranks are found in Python: sorting in the database, once
    for each percentile and severity, took four times as long.
    """
    took = alert.c.acknowledged_ms - alert.c.last_raised_ms
    query = select(alert.c.severity, took).where(
        *raised(period), alert.c.acknowledged_ms.is_not(None)
    )
    found: dict[str, list[int]] = {}
    for severity, ms in conn.execute(query):
        found.setdefault(severity, []).append(max(0, int(ms)))
    return found


def by_rule(conn: Connection, period: Period, false_groups: Iterable[str]) -> list[Json]:
    """Return each rule's alarms, how many were judged, and how many of those were false.

    Judged: cancelled, verified, or with a cause. False: cancelled, or with a cause of a group
    that says the lift was well.
    """
    says_well = [
        or_(
            alert.c.cause == g,
            *(alert.c.cause.startswith(g + end, autoescape=True) for end in ".:"),
        )
        for g in false_groups
    ]
    false = or_(alert.c.cancelled_ms.is_not(None), *says_well)
    judged = or_(
        alert.c.cancelled_ms.is_not(None), alert.c.verified_ms.is_not(None),
        alert.c.cause.is_not(None),
    )  # fmt: skip
    alarms = func.count().label("alarms")
    query = (
        select(
            alert.c.rule,
            func.max(alert.c.rule_zh).label("rule_zh"),
            func.max(alert.c.rule_en).label("rule_en"),
            alarms,
            func.sum(case((judged, 1), else_=0)).label("judged"),
            func.sum(case((false, 1), else_=0)).label("false"),
        )
        .where(*raised(period))
        .group_by(alert.c.rule)
        .order_by(alarms.desc(), alert.c.rule)
    )
    return [dict(row) for row in conn.execute(query).mappings()]


KEY = ("subject_kind", "subject", "rule")
_TEXTS = ("name", "place", "rule_zh", "rule_en")


def _pair() -> list[ColumnElement[Any]]:
    return [occurrence.c[name] for name in KEY]


def _texts() -> list[ColumnElement[Any]]:
    return [alert.c[name] for name in _TEXTS]


def _onset_in(period: Period) -> list[ColumnElement[bool]]:
    return [occurrence.c.at_ms >= period.from_ms, occurrence.c.at_ms < period.to_ms]


def told(row: Mapping[str, Any]) -> Json:
    """Return a row with its rule's text in both languages."""
    found = {str(name): value for name, value in row.items() if name not in ("rule_zh", "rule_en")}
    return found | {"text": {"zh": row["rule_zh"], "en": row["rule_en"]}}
