"""What a unit's desk shows: its alerts, who is on duty, its lifts, what is due, its times."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Connection, func, select

from alerts.database.tables import alert, alert_unit
from alerts.directory.turns import Turn, turns
from alerts.directory.units import Contact, Unit
from alerts.quality.rows import Period
from alerts.quality.unit_times import unit_times
from devices.registry import Lift
from monitor.web import lifts, problems
from monitor.web.ports import ServicePort
from monitor.web.visitor import Visitor

DAY_MS = 86_400_000
TIMES_DAYS = 30
VISIT_EVERY = timedelta(days=15)  # TSG T5002-2017: every half month, 15 days at most
SOON = {"inspection": timedelta(days=30), "visit": timedelta(days=3)}
KINDS = ("maintenance", "use_unit")
"""Units that have lifts of their own, and so a desk."""


@dataclass(frozen=True, slots=True)
class Due:
    """A visit or an inspection that is due soon, or overdue; `days` < 0: so long ago."""

    lift: Lift
    what: str
    day: date
    days: int


def unit_for(port: ServicePort, visitor: Visitor, ident: str | None) -> Unit | None:
    """Return the unit whose desk is asked for; None where a visitor of the duty desk has to choose.

    Raises Problem 404 for one that is not there, not theirs, or has no lifts of its own.
    """
    wanted = visitor.scope if ident is None else ident
    if wanted is None:
        return None
    unit = port.directory.units.get(wanted)
    if unit is None or (visitor.scope is not None and wanted != visitor.scope):
        raise problems.not_found("unit", wanted)
    if visitor.scope is None and unit.kind not in KINDS:
        raise problems.not_found("unit", wanted)
    return unit


def own_lifts(port: ServicePort, unit: str) -> list[Lift]:
    """Return the lifts a unit maintains or uses."""
    return [lift for lift in port.registry.lifts if lifts.may_see(lift, unit)]


def units_with_counts(port: ServicePort, conn: Connection) -> list[dict[str, Any]]:
    """Return every unit that has a desk: lifts, open alerts, gravest first, then by name."""
    query = (
        select(alert_unit.c.unit, func.count(), func.min(alert.c.severity_rank))
        .join(alert, alert.c.id == alert_unit.c.alert_id)
        .where(alert.c.closed_ms.is_(None), alert.c.exercise.is_(False))
        .group_by(alert_unit.c.unit)
    )
    counted = {unit: (int(n), int(rank)) for unit, n, rank in conn.execute(query)}
    have: dict[str, int] = {}
    for lift in port.registry.lifts:
        for unit in {lift.maintenance, lift.use_unit}:
            have[unit] = have.get(unit, 0) + 1
    rows = [
        {
            "unit": unit.id,
            "kind": unit.kind,
            "name": unit.name.as_json(),
            "lifts": have.get(unit.id, 0),
            "open": counted.get(unit.id, (0, 9))[0],
            "rank": counted.get(unit.id, (0, 9))[1],
        }
        for kind in KINDS
        for unit in port.directory.of_kind(kind)
    ]
    return sorted(rows, key=lambda row: (row["rank"], -row["open"], str(row["unit"])))


def states(
    port: ServicePort, mine: list[Lift], severities: Mapping[str, str], now_ms: int
) -> dict[str, list[Lift]]:
    """Return the unit's lifts by state, in the order of `lifts.STATES`."""
    found: dict[str, list[Lift]] = {state: [] for state in lifts.STATES}
    for lift in mine:
        row = port.registry.row_of[lift.reg_code]
        told = lifts.picture(port, row, lift, severities.get(lift.reg_code), now_ms)
        found[told["state"]].append(lift)
    return found


def due(mine: list[Lift], today: date) -> list[Due]:
    """Return visits and inspections that are due soon or overdue, the most pressing first."""
    found = [one for lift in mine for one in _due_of(lift, today)]
    return sorted(found, key=lambda one: (one.days, one.lift.place, one.lift.name))


def _due_of(lift: Lift, today: date) -> Iterator[Due]:
    if lift.inspection_due is not None and lift.inspection_due - today <= SOON["inspection"]:
        yield Due(lift, "inspection", lift.inspection_due, (lift.inspection_due - today).days)
    ways = []
    if lift.last_visit is not None:
        ways.append(lift.last_visit + VISIT_EVERY)
    planned = lift.planned_visit
    if planned is not None and (lift.last_visit is None or lift.last_visit < planned):
        ways.append(planned)
    day = min(ways, default=None)
    if day is not None and day - today <= SOON["visit"]:
        yield Due(lift, "visit", day, (day - today).days)


def times(port: ServicePort, conn: Connection, unit: str, days: int, now_ms: int) -> dict[str, Any]:
    """Return the unit's times of the last days."""
    period = Period(now_ms - days * DAY_MS, now_ms)
    return unit_times(conn, unit, period, port.desk.chains, now_ms)


def duty(port: ServicePort, unit: str, now_ms: int) -> list[Turn]:
    """Return who of the unit is on duty now, and who is next."""
    return turns(port.directory, unit, now_ms)


def contact_json(contact: Contact) -> dict[str, str]:
    """Return a colleague: id, name, phone."""
    return {"id": contact.id, "name": contact.name, "phone": contact.phone}


def turn_json(turn: Turn) -> dict[str, Any]:
    """Return one line of duty for the wire."""
    return {
        "line": turn.line or None,
        "post": turn.post or None,
        "contacts": [contact_json(one) for one in turn.contacts],
        "until_ms": turn.until_ms,
        "next": [contact_json(one) for one in turn.following],
        "next_until_ms": turn.following_until_ms,
    }


def unit_json(unit: Unit) -> dict[str, Any]:
    """Return a unit: id, kind, name, phone."""
    return {"unit": unit.id, "kind": unit.kind, "name": unit.name.as_json(), "phone": unit.phone}
