"""Lifts as pages and API show them: who may see which, and what state one is in."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, func, select

from alerts.database.tables import alert
from alerts.model import SEVERITIES
from devices.registry import Lift
from monitor.web.ports import Readings, ServicePort, fresh_ms

DOORS = {0: "unknown", 1: "closing", 2: "closed", 3: "opening", 4: "open", 5: "locked", 6: "ajar"}
DIRECTIONS = {0: "none", 1: "up", 2: "down"}
STATES = ("silent", "alert", "out", "moving", "standing")


def may_see(lift: Lift, scope: str | None) -> bool:
    """A unit sees the lifts it maintains or uses; the desk (None) sees all."""
    return scope is None or scope in (lift.maintenance, lift.use_unit)


def find_lift(port: ServicePort, reg_code: str, scope: str | None) -> tuple[int, Lift] | None:
    """Return row and lift, or None when there is none that this unit may see."""
    row = port.registry.row_of.get(reg_code)
    if row is None:
        return None
    lift = port.registry.lift(row)
    return (row, lift) if may_see(lift, scope) else None


def open_severities(conn: Connection) -> dict[str, str]:
    """Return reg_code → gravest severity, for lifts with an open alert."""
    worst = func.min(alert.c.severity_rank)
    rows = conn.execute(
        select(alert.c.subject, worst)
        .where(alert.c.closed_ms.is_(None), alert.c.subject_kind == "lift")
        .where(alert.c.exercise.is_(False))
        .group_by(alert.c.subject)
    )
    return {subject: SEVERITIES[rank] for subject, rank in rows}


def _whole(readings: Readings, name: str) -> int | None:
    found = readings.get(name)
    return None if found is None or math.isnan(found[0]) else round(found[0])


def last_ms(readings: Readings) -> int | None:
    """Return when the lift last said anything, None before its first sample."""
    return max((at_ms for _, at_ms in readings.values()), default=None)


def is_fresh(port: ServicePort, reg_code: str, readings: Readings, now_ms: int) -> bool:
    """True while what the lift said last is recent enough to be believed."""
    last = last_ms(readings)
    return last is not None and now_ms - last <= fresh_ms(port, reg_code)


def state_of(fresh: bool, readings: Readings, severity: str | None) -> str:
    """Return the one word for a lift; silence comes first: an old state is no state."""
    if not fresh:
        return "silent"
    if severity in ("critical", "major", "minor"):
        return "alert"
    if _whole(readings, "service_mode") not in (None, 1):
        return "out"
    return "moving" if _whole(readings, "car_status") == 1 else "standing"


def picture(
    port: ServicePort, row: int, lift: Lift, severity: str | None, now_ms: int
) -> dict[str, Any]:
    """Return what is drawn of a lift now; JSON-ready."""
    readings = port.live(row)
    fresh = is_fresh(port, lift.reg_code, readings, now_ms)
    door = DOORS.get(_whole(readings, "door_state") or 0, "unknown")
    if door == "unknown":
        closed = _whole(readings, "door_closed")
        door = {0: "open", 1: "closed"}.get(closed if closed is not None else -1, "unknown")
    return {
        "state": state_of(fresh, readings, severity),
        "severity": severity,
        "fresh": fresh,
        "last_ms": last_ms(readings),
        "position": _whole(readings, "car_position"),
        "door": door,
        "direction": DIRECTIONS.get(_whole(readings, "car_direction") or 0, "none"),
        "people": _whole(readings, "people") or 0,
        "passenger": _whole(readings, "passenger") == 1,
    }


def facts(port: ServicePort, lift: Lift) -> dict[str, Any]:
    """Return the registry's side of a lift, with the names of its units; JSON-ready."""
    found: dict[str, Any] = asdict(lift)
    for part in ("use_unit", "maintenance", "street_office"):
        unit = port.directory.units.get(found[part])
        found[f"{part}_name"] = unit.name.as_json() if unit else None
    return found


def readings_json(readings: Readings) -> Mapping[str, Mapping[str, float | int | None]]:
    """Return the last values with their times; NaN as null."""
    return {
        name: {"value": None if math.isnan(value) else float(value), "ts_ms": int(at_ms)}
        for name, (value, at_ms) in readings.items()
    }
