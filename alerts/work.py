"""One write transaction of the desk: its time, its alerts and the journal lines it will leave."""

from __future__ import annotations

from typing import Any

import orjson
from sqlalchemy import Connection, func, insert, select, update

from alerts import journal
from alerts.lifecycle import Done, State
from alerts.model import SYSTEM, Actor, AlarmState, Evidence, FeedEvent, RescueState, Step
from alerts.tables import alert, alert_unit

Row = dict[str, Any]


def state_of(row: Row) -> State:
    """Return the lifecycle state of an alert row."""
    return State(
        AlarmState(row["alarm_state"]),
        RescueState(row["rescue_state"]),
        row["cleared_ms"] is None,
        bool(row["latched"]),
    )


def done_of(row: Row) -> dict[Step, Done]:
    """Return who took which step first."""
    return {
        Step(step): Done(first["name"], first["at_ms"])
        for step, first in orjson.loads(row["done"]).items()
    }


def evidence_of(row: Row) -> tuple[Evidence, ...]:
    """Return the evidence kept with an alert row."""
    return tuple(
        Evidence(e["name"], e["value"], e["since_ms"]) for e in orjson.loads(row["evidence"])
    )


class Work:
    """Collects what one transaction does. Alert rows are dicts, column → value."""

    def __init__(self, conn: Connection, now_ms: int) -> None:
        self.conn, self.now_ms = conn, now_ms
        self.off_duty: set[str] = set()  # units of which a step found nobody on duty
        self._lines: list[journal.Line] = []
        self._alerts: dict[int, Row] = {}
        self._parts: dict[int, dict[str, bool]] = {}
        self._next_id: int | None = None

    def tell(self, alert_id: int | None, kind: str, actor: Actor = SYSTEM, **data: Any) -> None:
        """Leave a line in the journal."""
        self._lines.append(journal.Line(alert_id, kind, actor, data))

    def finish(self) -> list[FeedEvent]:
        """Write the journal lines; the last thing before the commit."""
        return journal.append(self.conn, self.now_ms, self._lines)

    def alert(self, alert_id: int) -> Row | None:
        """Return an alert row, the same object each time within this transaction."""
        if alert_id not in self._alerts:
            found = self.conn.execute(select(alert).where(alert.c.id == alert_id)).mappings()
            first = found.first()
            if first is None:
                return None
            self._alerts[alert_id] = dict(first)
        return self._alerts[alert_id]

    def known(self, alert_id: int) -> Row:
        """Return an alert row that a foreign key says is there."""
        row = self.alert(alert_id)
        if row is None:
            raise LookupError(f"alert {alert_id} is gone")
        return row

    def add(self, row: Row) -> Row:
        """Insert an alert; its id is the next free one (writers are serialised)."""
        if self._next_id is None:
            self._next_id = (self.conn.execute(select(func.max(alert.c.id))).scalar() or 0) + 1
        row["id"] = self._next_id
        self._next_id += 1
        self.conn.execute(insert(alert), row)
        self._alerts[row["id"]], self._parts[row["id"]] = row, {}
        return row

    def save(self, row: Row, **changes: Any) -> None:
        """Change an alert; every change gives it a new version."""
        changes["version"] = row["version"] + 1
        row.update(changes)
        self.conn.execute(update(alert).where(alert.c.id == row["id"]).values(changes))

    def set_state(self, row: Row, state: State, **changes: Any) -> None:
        """Store a lifecycle state; a close is stamped and told once."""
        closing = state.alarm is AlarmState.CLOSED and row["closed_ms"] is None
        if closing:
            changes["closed_ms"] = self.now_ms
        self.save(
            row, alarm_state=state.alarm.value, rescue_state=state.rescue.value, **changes
        )  # fmt: skip

    def join_unit(self, alert_id: int, unit: str, part: str) -> None:
        """Make a unit take part in an alert (it then sees it); once only."""
        known = self._units(alert_id)
        if unit and unit not in known:
            known[unit] = False
            row = {"alert_id": alert_id, "unit": unit, "part": part}
            self.conn.execute(insert(alert_unit), row)

    def takes_part(self, alert_id: int, unit: str | None) -> bool:
        """True if a unit has to do with an alert."""
        return unit in self._units(alert_id)

    def answered(self, alert_id: int) -> set[str]:
        """Return the units of which somebody has tapped."""
        return {unit for unit, has in self._units(alert_id).items() if has}

    def mark_answered(self, alert_id: int, unit: str | None, name: str) -> bool:
        """Keep that a unit has answered; False if it had before or has no part in the alert."""
        known = self._units(alert_id)
        if unit is None or known.get(unit, True):
            return False
        known[unit] = True
        self.conn.execute(
            update(alert_unit)
            .where(alert_unit.c.alert_id == alert_id, alert_unit.c.unit == unit)
            .values(answered_ms=self.now_ms, answered_by=name)
        )
        return True

    def _units(self, alert_id: int) -> dict[str, bool]:
        """Units of an alert → whether they have answered; read once in a transaction."""
        if alert_id not in self._parts:
            rows = self.conn.execute(
                select(alert_unit.c.unit, alert_unit.c.answered_ms).where(
                    alert_unit.c.alert_id == alert_id
                )
            )
            self._parts[alert_id] = {unit: at_ms is not None for unit, at_ms in rows}
        return self._parts[alert_id]
