"""The order of an alarm list, once for the database and once for a row on a page.

Real before exercise; cars with people in them; then the deadline, in quarters of an hour; within
such a quarter the severity; then what nobody has acknowledged; then the newest. Quarters, because
two deadlines are never the same millisecond: by the bare deadline a severity would never decide.
They are quarters of the wall clock and not of the time left, so nothing changes its place by
standing there. Why so: docs/decisions/0030.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, or_, select

from alerts.database.tables import alert, timer
from alerts.model import AlarmState, Aside, RescueState, severity_rank

NEEDS = (AlarmState.UNACKNOWLEDGED.value, AlarmState.RETURNED.value)
HELD = (
    RescueState.RAISED.value,
    RescueState.ACCEPTED.value,
    RescueState.ON_THE_WAY.value,
    RescueState.ARRIVED.value,
)
QUARTER_MS = 900_000
NEVER = 99_999_999
"""The quarter of an alert without a deadline: after every other."""
_TIME, _IDENT = 10**14, 10**12
_WIDTHS = (1, 1, 8, 1, 1, 15, 13)
"""Digits of drill, calm, quarter, rank, seen, time, id; the last two alone order by time."""


def needs_acknowledging(one: Mapping[str, Any]) -> bool:
    """True while nobody has acknowledged an alert, and nobody has set it aside."""
    return one["alarm_state"] in NEEDS and one["aside"] == Aside.NONE


def people_held(one: Mapping[str, Any]) -> bool:
    """True while people have to be freed, or are in the car of an alert that calls no rescuer."""
    rescue = one["rescue_state"]
    inside = bool(one.get("with_people")) and rescue == RescueState.NONE
    return one.get("closed_ms") is None and (rescue in HELD or inside)


def sort_key(one: Mapping[str, Any], by_urgency: bool = True) -> str:
    """Return digits by which a list sorts, as `columns` do in the database; also a cursor."""
    newest = f"{_TIME - int(one['raised_ms']):015d}{_IDENT - int(one['id']):013d}"
    if not by_urgency:
        return newest
    due_ms = one.get("next_due_ms")
    quarter = NEVER if due_ms is None else int(due_ms) // QUARTER_MS
    drill, calm = int(bool(one.get("exercise"))), int(not people_held(one))
    seen = int(not needs_acknowledging(one))
    return f"{drill}{calm}{quarter:08d}{severity_rank(one['severity'])}{seen}{newest}"


def place_of(key: str, by_urgency: bool) -> tuple[int, ...] | None:
    """Return the columns' values behind a `sort_key`; None for what is none of this order."""
    widths = _WIDTHS if by_urgency else _WIDTHS[-2:]
    if len(key) != sum(widths) or not (key.isascii() and key.isdigit()):
        return None
    found, at = [], 0
    for width in widths:
        found.append(int(key[at : at + width]))
        at += width
    return tuple(found)


def needs() -> ColumnElement[bool]:
    """Nobody has acknowledged, and nobody has set it aside."""
    return and_(alert.c.alarm_state.in_(NEEDS), alert.c.aside == Aside.NONE.value)


def held() -> ColumnElement[bool]:
    """People have to be freed, or are in the car of an alert that calls no rescuer."""
    inside = and_(alert.c.with_people.is_(True), alert.c.rescue_state == RescueState.NONE.value)
    return and_(alert.c.closed_ms.is_(None), or_(alert.c.rescue_state.in_(HELD), inside))


def columns(by_urgency: bool) -> list[ColumnElement[Any]]:
    """Return what a list is ordered by, each ascending and none of them NULL."""
    time = [_TIME - alert.c.raised_ms, _IDENT - alert.c.id]
    if not by_urgency:
        return [*time]
    due_ms = (
        select(func.min(timer.c.due_ms))
        .where(timer.c.alert_id == alert.c.id, timer.c.state == "pending")
        .scalar_subquery()
    )
    return [
        case((alert.c.exercise.is_(True), 1), else_=0),
        case((held(), 0), else_=1),
        func.coalesce(due_ms // QUARTER_MS, NEVER),
        alert.c.severity_rank,
        case((needs(), 0), else_=1),
        *time,
    ]
