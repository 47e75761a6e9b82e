"""What consoles read: alerts, their details, counts and the feed, as JSON-ready dicts.

Order of every list: life-critical first, then the next deadline, then the newest.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, Select, and_, case, func, or_, select, true

from alerts.chains.ladder import Chains
from alerts.database.tables import alert, alert_unit, journal, outbox, suppression, timer
from alerts.drills.marks import END, ENDS
from alerts.journal.journal import last_id
from alerts.model import SEVERITIES, RescueState

Json = dict[str, Any]
_PLAIN = (
    "id", "rule", "code", "severity", "subject_kind", "subject", "place", "lift_type", "name",
    "rescue_code", "maintenance", "use_unit", "street_office", "feeder", "gateway", "incident",
    "people", "with_people", "raised_ms", "since_ms", "last_raised_ms", "again_count",
    "cleared_ms", "closed_ms", "alarm_state", "rescue_state", "owner", "owner_unit", "chain",
    "latched", "manual_reset", "accident", "late", "exercise", "arrival_due_ms", "acknowledged_ms",
    "accepted_ms", "departed_ms", "arrived_ms", "freed_ms", "cause_filed_ms", "verified_ms",
    "cancelled_ms", "cause", "aside", "aside_id", "aside_until_ms", "aside_reason", "aside_by",
    "version",
)  # fmt: skip
_OVER = (RescueState.NONE, RescueState.FREED, RescueState.CAUSE_FILED)


@dataclass(frozen=True, slots=True)
class AlertFilter:
    """Which alerts. `unit` limits to alerts that unit has to do with; None = all (operator).

    `asides`: only alerts set aside so (`shelved`, `suppressed`, `out_of_service`; `none` = those
    that page).
    """

    open_only: bool = True
    alarm_states: Sequence[str] = ()
    rescue_states: Sequence[str] = ()
    severities: Sequence[str] = ()
    asides: Sequence[str] = ()
    unit: str | None = None
    subject: str | None = None
    rule: str | None = None
    incident: str | None = None
    raised_from_ms: int | None = None
    raised_to_ms: int | None = None
    limit: int = 200
    offset: int = 0


def list_alerts(
    conn: Connection, chosen: AlertFilter | None = None, *, chains: Chains | None = None
) -> list[Json]:
    """Return alerts in order of urgency. `chains` gives `next_due_text` its words."""
    chosen = chosen or AlertFilter()
    due = _next_due()
    query = (
        select(alert, due.c.due_ms, due.c.step)
        .outerjoin(due, due.c.alert_id == alert.c.id)
        .where(*_where(chosen))
        .order_by(*_urgency(due.c.due_ms))
        .limit(chosen.limit)
        .offset(chosen.offset)
    )
    return [_alert_json(row, chains) for row in conn.execute(query).mappings()]


def _urgency(due_ms: ColumnElement[Any]) -> list[ColumnElement[Any]]:
    rescue_open = and_(
        alert.c.closed_ms.is_(None), alert.c.rescue_state.not_in([state.value for state in _OVER])
    )
    return [
        case((alert.c.closed_ms.is_(None), 0), else_=1),
        case((alert.c.exercise.is_(True), 1), else_=0),
        case((rescue_open, 0), else_=1),
        alert.c.severity_rank,
        case((due_ms.is_(None), 1), else_=0),
        due_ms,
        alert.c.raised_ms.desc(),
        alert.c.id.desc(),
    ]


def _next_due(which: ColumnElement[bool] | None = None) -> Any:
    """One row an alert: its next pending timer. `which` narrows the timers down: ranking those of
    a whole city to show one alert takes its time."""
    place = (
        func.row_number()
        .over(partition_by=timer.c.alert_id, order_by=(timer.c.due_ms, timer.c.id))
        .label("place")
    )
    ranked = (
        select(timer.c.alert_id, timer.c.due_ms, timer.c.step, place)
        .where(timer.c.state == "pending", true() if which is None else which)
        .subquery()
    )
    return (
        select(ranked.c.alert_id, ranked.c.due_ms, ranked.c.step)
        .where(ranked.c.place == 1)
        .subquery()
    )


def _where(chosen: AlertFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if chosen.open_only:
        found.append(alert.c.closed_ms.is_(None))
    for column, values in (
        (alert.c.alarm_state, chosen.alarm_states),
        (alert.c.rescue_state, chosen.rescue_states),
        (alert.c.severity, chosen.severities),
        (alert.c.aside, chosen.asides),
    ):
        if values:
            found.append(column.in_(list(values)))
    for column, value in (
        (alert.c.subject, chosen.subject),
        (alert.c.rule, chosen.rule),
        (alert.c.incident, chosen.incident),
    ):
        if value is not None:
            found.append(column == value)
    if chosen.raised_from_ms is not None:
        found.append(alert.c.raised_ms >= chosen.raised_from_ms)
    if chosen.raised_to_ms is not None:
        found.append(alert.c.raised_ms < chosen.raised_to_ms)
    if chosen.unit is not None:
        found.append(alert.c.id.in_(_of_unit(chosen.unit)))
    return found


def _of_unit(unit: str) -> Select[Any]:
    return select(alert_unit.c.alert_id).where(alert_unit.c.unit == unit)


def _alert_json(row: Mapping[Any, Any], chains: Chains | None) -> Json:
    found: Json = {name: row[name] for name in _PLAIN}
    for flag in ("with_people", "latched", "manual_reset", "accident", "late", "exercise"):
        found[flag] = bool(found[flag])
    found["rule_text"] = {"zh": row["rule_zh"], "en": row["rule_en"]}
    found["evidence"] = orjson.loads(row["evidence"])
    found["next_due_ms"] = row["due_ms"]
    found["next_due_text"] = _step_text(chains, row["chain"], row["step"])
    return found


def _step_text(chains: Chains | None, chain: str, step: str | None) -> Json | None:
    if step == END:
        return dict(ENDS.as_json())
    known = chains.step(chain, step) if chains and step else None
    return dict(known.text.as_json()) if known else None


def get_alert(
    conn: Connection, alert_id: int, *, unit: str | None = None, chains: Chains | None = None
) -> Json | None:
    """Return one alert with `timeline`, `deliveries`, `timers`, `units`; None if not there, or
    not for `unit` to see."""
    query = select(alert).where(alert.c.id == alert_id)
    if unit is not None:
        query = query.where(alert.c.id.in_(_of_unit(unit)))
    row = conn.execute(query).mappings().first()
    if row is None:
        return None
    timers = _timers(conn, alert_id, row["chain"], chains)
    due: Json = next((one for one in timers if one["state"] == "pending"), {})
    next_due = {"due_ms": due.get("due_ms"), "step": due.get("step")}
    found = _alert_json(dict(row) | next_due, chains)
    found["done"] = orjson.loads(row["done"])
    found["timeline"] = [
        _line_json(line)
        for line in conn.execute(
            select(journal).where(journal.c.alert_id == alert_id).order_by(journal.c.id)
        ).mappings()
    ]
    found["deliveries"] = _deliveries(conn, alert_id)
    found["timers"] = timers
    found["units"] = [
        dict(one)
        for one in conn.execute(
            select(
                alert_unit.c.unit, alert_unit.c.part, alert_unit.c.answered_ms,
                alert_unit.c.answered_by,
            )
            .where(alert_unit.c.alert_id == alert_id)
            .order_by(alert_unit.c.unit)
        ).mappings()
    ]  # fmt: skip
    return found


def _deliveries(conn: Connection, alert_id: int) -> list[Json]:
    columns = [
        outbox.c[name]
        for name in (
            "id", "key", "step", "unit", "contact", "channel", "state", "attempts", "created_ms",
            "next_ms", "delivered_ms", "reached_ms", "read_ms", "receipt", "last_error", "reason",
        )
    ]  # fmt: skip
    query = select(*columns).where(outbox.c.alert_id == alert_id).order_by(outbox.c.id)
    return [dict(row) for row in conn.execute(query).mappings()]


def _timers(conn: Connection, alert_id: int, chain: str, chains: Chains | None) -> list[Json]:
    query = select(timer).where(timer.c.alert_id == alert_id).order_by(timer.c.due_ms, timer.c.id)
    found = []
    for row in conn.execute(query).mappings():
        names = ("step", "round", "due_ms", "state", "ended_ms", "reason")
        one: Json = {name: row[name] for name in names}
        one["text"] = _step_text(chains, chain, row["step"])
        found.append(one)
    return found


def _line_json(row: Mapping[Any, Any]) -> Json:
    found = {name: row[name] for name in ("id", "at_ms", "alert_id", "kind", "actor", "role")}
    return found | {"unit": row["unit"], "data": orjson.loads(row["data"])}


def journal_since(
    conn: Connection,
    after_id: int,
    *,
    unit: str | None = None,
    beside: Collection[str] | None = None,
    limit: int = 500,
) -> list[Json]:
    """Return journal lines after an id, oldest first: id, at_ms, alert_id, kind, actor, role,
    unit, data. With `unit`, only lines of alerts that unit has to do with; with `beside`, of the
    lines of no alert only those of these kinds."""
    query = select(journal).where(journal.c.id > after_id).order_by(journal.c.id).limit(limit)
    if unit is not None:
        query = query.where(journal.c.alert_id.in_(_of_unit(unit)))
    if beside is not None:
        query = query.where(or_(journal.c.alert_id.is_not(None), journal.c.kind.in_(beside)))
    return [_line_json(row) for row in conn.execute(query).mappings()]


def feed_since(
    conn: Connection,
    after_id: int,
    *,
    unit: str | None = None,
    beside: Collection[str] | None = None,
    limit: int = 500,
    chains: Chains | None = None,
) -> list[Json]:
    """Return `journal_since` with `alert`: each line's alert as it stands now, for live lists."""
    lines = journal_since(conn, after_id, unit=unit, beside=beside, limit=limit)
    by_id = alerts_by_id(conn, {line["alert_id"] for line in lines if line["alert_id"]}, chains)
    return [line | {"alert": by_id.get(line["alert_id"])} for line in lines]


def alerts_by_id(
    conn: Connection, ids: Iterable[int], chains: Chains | None = None
) -> dict[int, Json]:
    """Return alerts as JSON by their id."""
    wanted = list(ids)
    due = _next_due(timer.c.alert_id.in_(wanted))
    query = (
        select(alert, due.c.due_ms, due.c.step)
        .outerjoin(due, due.c.alert_id == alert.c.id)
        .where(alert.c.id.in_(wanted))
    )
    return {row["id"]: _alert_json(row, chains) for row in conn.execute(query).mappings()}


def newest_line(conn: Connection) -> int:
    """Return the id of the newest journal line: where a new reader of the feed starts."""
    return last_id(conn)


def counts(conn: Connection, *, unit: str | None = None) -> Json:
    """Return open alerts: `open`, `by_severity`, `unacknowledged`, `rescues`, `accidents`.

    Exercises are not among them.
    """
    where = [alert.c.closed_ms.is_(None), alert.c.exercise.is_(False)]
    if unit is not None:
        where.append(alert.c.id.in_(_of_unit(unit)))
    unseen = and_(
        alert.c.alarm_state.in_(["unacknowledged", "returned_unacknowledged"]),
        alert.c.aside == "none",
    )
    rescue = alert.c.rescue_state.not_in([state.value for state in _OVER])
    query = (
        select(
            alert.c.severity,
            func.count(),
            func.sum(case((unseen, 1), else_=0)),
            func.sum(case((rescue, 1), else_=0)),
            func.sum(case((alert.c.accident.is_(True), 1), else_=0)),
        )
        .where(*where)
        .group_by(alert.c.severity)
    )
    rows = conn.execute(query).all()
    by_severity = dict.fromkeys(SEVERITIES, 0) | {row[0]: row[1] for row in rows}
    return {
        "open": sum(row[1] for row in rows),
        "by_severity": by_severity,
        "unacknowledged": sum(row[2] or 0 for row in rows),
        "rescues": sum(row[3] or 0 for row in rows),
        "accidents": sum(row[4] or 0 for row in rows),
    }


def orders(conn: Connection, subjects: Iterable[str] | None = None) -> list[Json]:
    """Return what sets whole lifts aside now, of these subjects (None = all), the next to end
    first: id, kind, subject_kind, subject, rules, reason, begun_by, from_ms, until_ms."""
    names = (
        "id", "kind", "subject_kind", "subject", "rules", "reason", "begun_by", "from_ms",
        "until_ms",
    )  # fmt: skip
    query = (
        select(*(suppression.c[name] for name in names))
        .where(suppression.c.ended_ms.is_(None), suppression.c.alert_id.is_(None))
        .order_by(suppression.c.until_ms, suppression.c.id)
    )
    rows = conn.execute(query).mappings()
    some = None if subjects is None else set(subjects)
    return [
        dict(row) | {"rules": orjson.loads(row["rules"])}
        for row in rows
        if some is None or row["subject"] in some
    ]


def delivery_counts(conn: Connection) -> dict[str, dict[str, int]]:
    """Return pages by channel and state: `{"webhook": {"delivered": 12, "due": 1}, …}`."""
    query = select(outbox.c.channel, outbox.c.state, func.count()).group_by(
        outbox.c.channel, outbox.c.state
    )
    found: dict[str, dict[str, int]] = {}
    for channel, state, count in conn.execute(query):
        found.setdefault(channel, {})[state] = count
    return found


def raised_total(conn: Connection) -> int:
    """Return how many alerts were ever raised."""
    return conn.execute(select(func.count()).select_from(alert)).scalar() or 0
