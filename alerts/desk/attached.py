"""What hangs on an alert: its units, timers and unsent pages, as plain rows in memory.

Read for many alerts at once, changed in memory, written for many at once. Writers are serialised
(see database.writing), so within a transaction nobody else changes what was read.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Table, and_, or_, select

from alerts.database.bulk import insert_rows, parts, rows_of, update_rows
from alerts.database.tables import alert_unit, outbox, timer

Row = dict[str, Any]
CLEARED = "cleared"  # why a timer or a page was dropped that comes back with the condition
ASIDE = "aside"  # likewise, with the end of what set its alert aside
# `waiting`: its alert is set aside; it fires no sooner than the alert comes out.
OPEN_TIMERS = ("pending", "waiting")
UNSENT = ("due", "leased", "gathered")
PAGE = ("id", "key", "alert_id", "step", "round", "contact", "state", "reason", "next_ms")


@dataclass
class Attached:
    """Of one alert. `timers`: pending ones, and those dropped because the condition had gone;
    `pages`: likewise, those not sent yet; `units`: unit → whether it has answered.
    """

    units: dict[str, bool] = field(default_factory=dict)
    timers: dict[tuple[str, int], Row] = field(default_factory=dict)
    pages: dict[str, Row] = field(default_factory=dict)

    def due(self, now_ms: int) -> list[tuple[int, str, int]]:
        """Return (alert, step, round) of the timers that are due, the earliest first."""
        pending = [t for t in self.timers.values() if t["state"] == "pending"]
        pending.sort(key=lambda t: t["due_ms"])
        return [(t["alert_id"], t["step"], t["round"]) for t in pending if t["due_ms"] <= now_ms]

    def next_due(self) -> tuple[int, str] | None:
        """Return (due_ms, step) of the next pending timer."""
        pending = [t for t in self.timers.values() if t["state"] == "pending"]
        first = min(pending, key=lambda t: t["due_ms"], default=None)
        return (first["due_ms"], first["step"]) if first else None


class Writes:
    """Rows of one table that this transaction has added or changed."""

    def __init__(self, table: Table, key: Sequence[str]) -> None:
        self.table, self.key = table, tuple(key)
        self.key_of: Callable[[Mapping[str, Any]], Any] = itemgetter(*key)
        self._added: dict[Any, Row] = {}
        self._changed: dict[Any, set[str]] = {}
        self._rows: dict[Any, Row] = {}

    @property
    def added(self) -> Collection[Row]:
        """What the next flush inserts."""
        return self._added.values()

    def add(self, row: Row) -> None:
        """Insert it with the next flush; until then further changes are free."""
        self._added[self.key_of(row)] = row

    def change(self, row: Row, **changes: Any) -> None:
        """Change it, here and with the next flush."""
        row.update(changes)
        key = self.key_of(row)
        if key not in self._added:
            self._changed.setdefault(key, set()).update(changes)
            self._rows[key] = row

    def flush(self, conn: Connection) -> None:
        """Write all of it."""
        new: dict[tuple[str, ...], list[Row]] = {}  # rows that say the same go out together
        for row in self._added.values():
            new.setdefault(tuple(row), []).append(row)
        for rows in new.values():
            insert_rows(conn, self.table, rows)
        alike: dict[tuple[str, ...], list[Row]] = {}  # likewise those that change the same
        for key, names in self._changed.items():
            alike.setdefault(tuple(sorted(names)), []).append(self._rows[key])
        for changed, rows in alike.items():
            update_rows(conn, self.table, self.key, rows, changed)
        self._added, self._changed, self._rows = {}, {}, {}


def attached(conn: Connection, ids: Iterable[int]) -> dict[int, Attached]:
    """Read what hangs on these alerts: three queries for every 500."""
    found = {ident: Attached() for ident in ids}
    for some in parts(found):
        units = select(alert_unit.c.alert_id, alert_unit.c.unit, alert_unit.c.answered_ms)
        for ident, unit, answered_ms in conn.execute(units.where(alert_unit.c.alert_id.in_(some))):
            found[ident].units[unit] = answered_ms is not None
        timers = select(timer).where(timer.c.alert_id.in_(some), _waits(timer, OPEN_TIMERS))
        for row in rows_of(conn, timers.order_by(timer.c.id)):
            found[row["alert_id"]].timers[row["step"], row["round"]] = row
        pages = select(*(outbox.c[name] for name in PAGE), (outbox.c.payload == "{}").label("bare"))
        pages = pages.where(outbox.c.alert_id.in_(some), _waits(outbox, UNSENT, "withdrawn"))
        for row in rows_of(conn, pages.order_by(outbox.c.id)):
            found[row["alert_id"]].pages[row["key"]] = row
    return found


def _waits(table: Table, states: Sequence[str], dropped: str = "cancelled") -> Any:
    gone = and_(table.c.state == dropped, table.c.reason.in_((CLEARED, ASIDE)))
    return or_(table.c.state.in_(states), gone)
