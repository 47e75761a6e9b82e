"""Finding alerts: the console's filters and order, and a unit's limits, in one place.

Every route that shows an alert goes through `find` or `read_alert`, so what a firm may see is
decided here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, func, literal, or_, select, tuple_

from alerts.chains.ladder import Chains
from alerts.database.tables import alert, alert_unit, timer
from alerts.desk import queries
from alerts.desk.noting import notes_of
from alerts.model import SEVERITIES, Aside
from monitor.web import order
from monitor.web.order import HELD, needs

ASIDES = tuple(aside.value for aside in Aside if aside is not Aside.NONE)
STATES = ("open", "unacknowledged", "aside", *ASIDES, "closed", "all")
"""`aside`: set aside in any way, or in one of them."""
NOBODY = "-"
"""As an owner: alerts nobody has taken."""

_WAYS = ("key", "address", "receipt", "error", "last_error")
"""By what way somebody was called; another unit's is not a firm's business."""


@dataclass(frozen=True, slots=True)
class Query:
    """What to look for. `scope` is the unit whose alerts these must be; None = all."""

    scope: str | None = None
    state: str = "open"
    severity: str = ""
    rule: str = ""
    code: int | None = None
    street_office: str = ""
    maintenance: str = ""
    use_unit: str = ""
    owner: str = ""
    rescue_state: str = ""
    subject: str = ""
    people: bool = False
    q: str = ""
    raised_from_ms: int | None = None
    raised_to_ms: int | None = None

    @property
    def by_urgency(self) -> bool:
        """Open alerts sort by urgency, others by time."""
        return self.state not in ("closed", "all")


def visible(scope: str | None) -> list[ColumnElement[bool]]:
    """Return the condition that a unit has to do with an alert; none for those who see all."""
    if scope is None:
        return []
    mine = select(alert_unit.c.alert_id).where(alert_unit.c.unit == scope)
    return [alert.c.id.in_(mine)]


def _search(text: str) -> ColumnElement[bool]:
    columns = (alert.c.place, alert.c.name, alert.c.rule_zh, alert.c.rule_en)
    words = [column.icontains(text, autoescape=True) for column in columns]
    starts = [alert.c.subject.startswith(text, autoescape=True), alert.c.rescue_code == text]
    codes = [alert.c.code == int(text)] if text.isascii() and text.isdigit() else []
    if codes and len(text) > 6:
        codes = []
    return or_(*words, *starts, *codes)


def _in_state(query: Query) -> list[ColumnElement[bool]]:
    if query.state == "all":
        return []
    if query.state == "closed":
        return [alert.c.closed_ms.is_not(None)]
    found: list[ColumnElement[bool]] = [alert.c.closed_ms.is_(None)]
    if query.state == "unacknowledged":
        found.append(needs())
    if query.state == "aside":
        found.append(alert.c.aside != Aside.NONE.value)
    if query.state in ASIDES:
        found.append(alert.c.aside == query.state)
    return found


def where(query: Query) -> list[ColumnElement[bool]]:
    """Return the conditions of a query."""
    found = visible(query.scope) + _in_state(query)
    for column, value in (
        (alert.c.severity, query.severity),
        (alert.c.rule, query.rule),
        (alert.c.street_office, query.street_office),
        (alert.c.maintenance, query.maintenance),
        (alert.c.use_unit, query.use_unit),
        (alert.c.rescue_state, query.rescue_state),
        (alert.c.subject, query.subject),
    ):
        if value:
            found.append(column == value)
    if query.code is not None:
        found.append(alert.c.code == query.code)
    if query.owner == NOBODY:
        found.append(alert.c.owner.is_(None))
    elif query.owner:
        found.append(alert.c.owner == query.owner)
    if query.people:
        found.append(alert.c.with_people.is_(True))
    if query.q:
        found.append(_search(query.q))
    if query.raised_from_ms is not None:
        found.append(alert.c.raised_ms >= query.raised_from_ms)
    if query.raised_to_ms is not None:
        found.append(alert.c.raised_ms < query.raised_to_ms)
    return found


def find(
    conn: Connection,
    query: Query,
    *,
    chains: Chains | None,
    limit: int,
    after: str | None = None,
    before_id: int | None = None,
    ids: Sequence[int] | None = None,
    newest: bool = False,
) -> list[dict[str, Any]]:
    """Return alerts as JSON: open ones by urgency, others (or with `newest`) the newest first.

    `after` keeps those behind a `monitor.web.order.sort_key`, `before_id` those with a smaller
    id, `ids` only these. Raises ValueError for an `after` of another order.
    """
    conditions = where(query)
    if before_id is not None:
        conditions.append(alert.c.id < before_id)
    if ids is not None:
        conditions.append(alert.c.id.in_(list(ids)))
    by = order.columns(query.by_urgency)
    if after is not None:
        place = order.place_of(after, query.by_urgency)
        if place is None:
            raise ValueError(after)
        conditions.append(tuple_(*by) > tuple_(*(literal(value) for value in place)))
    chosen = select(alert.c.id).where(*conditions)
    chosen = chosen.order_by(alert.c.id.desc()) if newest else chosen.order_by(*by)
    wanted = conn.execute(chosen.limit(limit)).scalars().all()
    return by_ids(conn, wanted, chains)


def by_ids(conn: Connection, wanted: Sequence[int], chains: Chains | None) -> list[dict[str, Any]]:
    """Return these alerts as JSON, in this order; who may see them was decided before."""
    found, notes = queries.alerts_by_id(conn, wanted, chains), notes_of(conn, wanted)
    return [found[ident] | {"note": _said(notes.get(ident))} for ident in wanted]


def _said(note: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """One that was taken off says nothing."""
    return note if note and note["text"] else None


def count(conn: Connection, query: Query) -> int:
    """Return how many alerts fit."""
    return conn.execute(select(func.count()).select_from(alert).where(*where(query))).scalar_one()


def read_alert(
    conn: Connection, alert_id: int, scope: str | None, chains: Chains | None
) -> dict[str, Any] | None:
    """Return one alert with its details, None when it is not there or not this unit's.

    To a unit the ways by which other units were called stay unknown: who and when, not where.
    `note` has an empty text where one was taken off.
    """
    found = queries.get_alert(conn, alert_id, unit=scope, chains=chains)
    if found is not None:
        found["note"] = notes_of(conn, [alert_id]).get(alert_id)
    if found is not None and scope is not None:
        found["deliveries"] = [_veiled(row, scope) for row in found["deliveries"]]
        found["timeline"] = [veiled_line(line, scope) for line in found["timeline"]]
    return found


def find_one(conn: Connection, alert_id: int, scope: str | None) -> dict[str, Any] | None:
    """Return one alert without its details, None when it is not there or not this unit's."""
    chosen = select(alert.c.id).where(alert.c.id == alert_id, *visible(scope))
    return next(iter(by_ids(conn, conn.execute(chosen).scalars().all(), None)), None)


def past_alerts(
    conn: Connection, alert_json: Mapping[str, Any], limit: int
) -> list[dict[str, Any]]:
    """Return the last alerts of the same subject before this one, the newest first.

    Of other incidents, real ones only, each with `raised_ms`, `rule_text`, `cause`.
    """
    query = (
        select(alert.c.raised_ms, alert.c.rule_zh, alert.c.rule_en, alert.c.cause)
        .where(
            alert.c.subject == alert_json["subject"],
            alert.c.subject_kind == alert_json["subject_kind"],
            alert.c.incident != alert_json["incident"],
            alert.c.raised_ms <= alert_json["raised_ms"],
            alert.c.exercise.is_(False),
        )
        .order_by(alert.c.raised_ms.desc(), alert.c.id.desc())
        .limit(limit)
    )
    return [
        {"raised_ms": at_ms, "rule_text": {"zh": zh, "en": en}, "cause": cause}
        for at_ms, zh, en, cause in conn.execute(query)
    ]


def _veiled(row: Mapping[str, Any], scope: str) -> dict[str, Any]:
    if row["unit"] == scope:
        return dict(row)
    return {name: None if name in _WAYS else row[name] for name in row}


def veiled_line(line: Mapping[str, Any], scope: str | None) -> dict[str, Any]:
    """Return a journal line as a unit may see it: no receipt or address of another unit's page."""
    data = line["data"]
    if scope is None or data.get("unit") == scope:
        return dict(line)
    return {**line, "data": {k: v for k, v in data.items() if k not in _WAYS}}


def glance(conn: Connection, scope: str | None) -> dict[str, Any]:
    """Return open alerts by severity with how many need acknowledging, and cars with people.

    Keys: `severities` {severity: (open, unacknowledged)}, `cars`, `people` (known to be in them).
    Exercises are not counted.
    """
    still_open = and_(alert.c.closed_ms.is_(None), alert.c.exercise.is_(False), *visible(scope))
    unseen = func.sum(case((needs(), 1), else_=0))
    counted = conn.execute(
        select(alert.c.severity, func.count(), unseen).where(still_open).group_by(alert.c.severity)
    ).all()
    cars = (
        select(alert.c.subject, func.max(alert.c.people).label("people"))
        .where(still_open, alert.c.rescue_state.in_(HELD))
        .group_by(alert.c.subject)
        .subquery()
    )
    held = conn.execute(select(func.count(), func.sum(cars.c.people)).select_from(cars)).one()
    severities = dict.fromkeys(SEVERITIES, (0, 0)) | {s: (n, int(u or 0)) for s, n, u in counted}
    return {"severities": severities, "cars": held[0], "people": int(held[1] or 0)}


def next_due_ms(conn: Connection, scope: str | None) -> int | None:
    """Return when the next deadline of any open alert is due."""
    # The first of each priority is found by the index; the least of all would read every timer.
    first = [
        select(timer.c.due_ms)
        .join(alert, alert.c.id == timer.c.alert_id)
        .where(timer.c.state == "pending", timer.c.priority == priority)
        .where(alert.c.closed_ms.is_(None), alert.c.exercise.is_(False), *visible(scope))
        .order_by(timer.c.due_ms)
        .limit(1)
        for priority in range(len(SEVERITIES))
    ]
    return min((ms for one in first for ms in conn.execute(one).scalars()), default=None)
