"""What the database knows of an incident: its alerts with their lines, timers, pages, units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, Table, case, func, select

from alerts.database.tables import alert, alert_unit, journal, outbox, photo, timer
from alerts.model import RescueState

AT_MOST = 40
"""Alerts told in full. A power cut has thousands; each of them has a story of its own."""
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Gathered:
    """`asked` and the alerts told with it; `left_out` further ones of the same incident."""

    asked: Row
    alerts: Sequence[Row]
    left_out: int
    lines: Sequence[Row]
    timers: Sequence[Row]
    pages: Sequence[Row]
    units: Sequence[Row]
    photos: Sequence[Row]

    @property
    def same_lift(self) -> list[Row]:
        """The alerts of the asked alert's own subject: one rescue frees that car."""
        return [
            row
            for row in self.alerts
            if row["subject"] == self.asked["subject"]
            and row["subject_kind"] == self.asked["subject_kind"]
        ]


def gather(conn: Connection, alert_id: int, unit: str | None = None) -> Gathered | None:
    """Read an alert's incident; None when the alert is not there, or not for `unit` to see."""
    mine = _visible(unit)
    asked = conn.execute(select(alert).where(alert.c.id == alert_id, *mine)).mappings().first()
    if asked is None:
        return None
    of_incident = (alert.c.incident == asked["incident"], *mine)
    same = case((alert.c.subject == asked["subject"], 0), else_=1)
    rescue = case((alert.c.rescue_state != RescueState.NONE.value, 0), else_=1)
    own = case((alert.c.id == alert_id, 0), else_=1)
    rows = (
        conn.execute(
            select(alert)
            .where(*of_incident)
            .order_by(own, same, rescue, alert.c.severity_rank, alert.c.raised_ms, alert.c.id)
            .limit(AT_MOST)
        )
        .mappings()
        .all()
    )
    total = conn.execute(select(func.count()).select_from(alert).where(*of_incident)).scalar() or 0
    ids = [row["id"] for row in rows]
    return Gathered(
        dict(asked),
        sorted((dict(row) for row in rows), key=lambda row: (row["raised_ms"], row["id"])),
        total - len(rows),
        [row | {"data": orjson.loads(row["data"])} for row in _of(conn, journal, ids)],
        _of(conn, timer, ids),
        _of(conn, outbox, ids),
        _of(conn, alert_unit, ids, order="unit"),
        _of(conn, photo, ids),
    )


def _visible(unit: str | None) -> tuple[ColumnElement[bool], ...]:
    if unit is None:
        return ()
    return (alert.c.id.in_(select(alert_unit.c.alert_id).where(alert_unit.c.unit == unit)),)


def _of(
    conn: Connection, table: Table, ids: Sequence[int], order: str = "id"
) -> list[dict[str, Any]]:
    query = select(table).where(table.c.alert_id.in_(ids)).order_by(table.c[order])
    return [dict(row) for row in conn.execute(query).mappings()]
