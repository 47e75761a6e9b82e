"""One write transaction of the desk: what it has read, what it changes, what it will tell.

Alerts and what hangs on them are read in bulk, changed in memory and written in bulk by `flush`,
so a flood of ten thousand alerts costs a few statements for every few hundred of them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy import Connection, func, select

from alerts.database.bulk import among, parts, rows_of
from alerts.database.tables import alert, alert_unit, occurrence, outbox, timer
from alerts.desk.attached import Attached, Writes, attached
from alerts.journal import journal
from alerts.lifecycle.moves import Done, State
from alerts.model import SYSTEM, Actor, AlarmState, Aside, Evidence, FeedEvent, RescueState, Step

Row = dict[str, Any]
Onset = tuple[str, str, str, int]
KEY = ("subject_kind", "subject", "rule", "since_ms")
NOT_ASIDE: Mapping[str, Any] = {
    "aside": Aside.NONE.value,
    "aside_id": None,
    "aside_until_ms": None,
    "aside_reason": None,
    "aside_by": None,
}


def state_of(row: Row) -> State:
    """Return the lifecycle state of an alert row."""
    return _state(
        row["alarm_state"], row["rescue_state"], row["cleared_ms"] is None, bool(row["latched"]),
        row["aside"], bool(row["with_people"]),
    )  # fmt: skip


@lru_cache(maxsize=1000)  # there are fewer states than that, and it is asked thrice an alert
def _state(
    alarm: str, rescue: str, active: bool, latched: bool, aside: str, with_people: bool
) -> State:
    return State(AlarmState(alarm), RescueState(rescue), active, latched, Aside(aside), with_people)


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


@dataclass
class Lately:
    """How many alerts that nobody has to be freed from were raised just before; their flood."""

    count: int
    flood: str | None


class Work:
    """Collects what one transaction does. Rows are dicts, column → value.

    Each alert is one and the same object within the transaction. Whoever reads the database by a
    statement of its own calls `flush` before.
    """

    def __init__(self, conn: Connection, now_ms: int) -> None:
        self.conn, self.now_ms = conn, now_ms
        self.handed: list[Row] = []  # pages that a sender has in its hands, see handing
        self.off_duty: set[str] = set()  # units of which a step found nobody on duty
        self._lines: list[journal.Line] = []
        self._alerts: dict[int, Row] = {}
        self._attached: dict[int, Attached] = {}
        self._onsets: dict[Onset, Row] = {}
        self._onsets_of: dict[int, list[Row]] = {}
        self._open: dict[tuple[str, str], list[Row]] = {}
        self._next_id: int | None = None
        self._changes = (
            Writes(alert, ("id",)),
            Writes(occurrence, KEY),
            Writes(alert_unit, ("alert_id", "unit")),
            Writes(timer, ("alert_id", "step", "round")),
            Writes(outbox, ("key",)),
        )  # in an order that foreign keys allow
        self.alerts, self.onsets, self.units, self.timers, self.pages = self._changes
        self.incidents: dict[str, str] = {}  # base → the open incident, see opening
        self.lately: Lately | None = None
        self.told: dict[str, Any] = {}  # contact → what it was told lately, see gathering
        self.lately_closed: set[tuple[str, str, str]] = set()
        self.chatter: set[int] = set()  # alerts that were closed just before
        self.orders: dict[tuple[str, str], list[Row]] = {}  # see alerts.aside

    # -- the end ----------------------------------------------------------------------------

    def tell(self, alert_id: int | None, kind: str, actor: Actor = SYSTEM, **data: Any) -> None:
        """Leave a line in the journal."""
        self.write(journal.Line(alert_id, kind, actor, data))

    def write(self, line: journal.Line) -> None:
        """Leave this line in the journal."""
        self._lines.append(line)

    def flush(self) -> None:
        """Write what has been gathered."""
        for changes in self._changes:
            changes.flush(self.conn)

    def finish(self) -> list[FeedEvent]:
        """Write everything, the journal last, just before the commit."""
        self.flush()
        events = journal.append(self.conn, self.now_ms, self._lines)
        self._lines = []
        return events

    # -- reading ----------------------------------------------------------------------------

    def load(self, ids: Iterable[int]) -> None:
        """Read these alerts."""
        missing = [ident for ident in dict.fromkeys(ids) if ident not in self._alerts]
        if not missing:
            return
        for some in parts(missing):
            for row in rows_of(self.conn, select(alert).where(alert.c.id.in_(some))):
                self._alerts[row["id"]] = row

    def load_attached(self, ids: Iterable[int]) -> None:
        """Read what hangs on these alerts, and their onsets that have not cleared yet."""
        missing = [ident for ident in dict.fromkeys(ids) if ident not in self._attached]
        self._attached |= attached(self.conn, missing)
        for some in parts(missing):
            query = select(occurrence).where(
                occurrence.c.alert_id.in_(some), occurrence.c.cleared_ms.is_(None)
            )
            for row in rows_of(self.conn, query):
                self._hold(row)

    def load_subjects(self, kind: str, subjects: Collection[str]) -> None:
        """Read the open alerts of these lifts or gateways."""
        missing = [s for s in dict.fromkeys(subjects) if (kind, s) not in self._open]
        for some in parts(missing):
            query = select(alert.c.id).where(
                alert.c.subject.in_(some), alert.c.subject_kind == kind, alert.c.closed_ms.is_(None)
            )
            ids = self.conn.execute(query.order_by(alert.c.id)).scalars().all()
            self.load(ids)
            self._open |= {(kind, subject): [] for subject in some}
            for ident in ids:
                row = self._alerts[ident]
                self._open[kind, row["subject"]].append(row)

    def load_onsets(self, keys: Iterable[Onset]) -> None:
        """Read these onsets, and the alerts they belong to."""
        missing = [key for key in dict.fromkeys(keys) if key not in self._onsets]
        for some in parts(missing):
            query = select(occurrence).where(among(occurrence, KEY, some))
            rows = rows_of(self.conn, query)
            self.load(row["alert_id"] for row in rows)
            for row in rows:
                self._hold(row)

    def _hold(self, row: Row) -> None:
        if self._onsets.setdefault(_onset(row), row) is row:
            self._onsets_of.setdefault(row["alert_id"], []).append(row)

    def alert(self, alert_id: int) -> Row | None:
        """Return an alert, None if there is none."""
        self.load((alert_id,))
        return self._alerts.get(alert_id)

    def known(self, alert_id: int) -> Row:
        """Return an alert row that a foreign key says is there."""
        row = self._alerts.get(alert_id) or self.alert(alert_id)
        if row is None:
            raise LookupError(f"alert {alert_id} is gone")
        return row

    def open_of(self, kind: str, subject: str) -> list[Row]:
        """Return the open alerts of a lift or gateway, oldest first."""
        if (kind, subject) not in self._open:
            self.load_subjects(kind, (subject,))
        return [row for row in self._open[kind, subject] if row["closed_ms"] is None]

    def onset(self, key: Onset) -> Row | None:
        """Return an onset that was loaded, or added here."""
        return self._onsets.get(key)

    def unended(self, alert_id: int) -> list[Row]:
        """Return the onsets of an alert that have not cleared."""
        self.of(alert_id)
        return [row for row in self._onsets_of.get(alert_id, ()) if row["cleared_ms"] is None]

    def of(self, alert_id: int) -> Attached:
        """Return what hangs on an alert."""
        if alert_id not in self._attached:
            self.load_attached((alert_id,))
        return self._attached[alert_id]

    # -- writing ----------------------------------------------------------------------------

    def add(self, row: Row) -> Row:
        """Add an alert; its id is the next free one (writers are serialised)."""
        self.load_subjects(row["subject_kind"], (row["subject"],))
        if self._next_id is None:
            self._next_id = (self.conn.execute(select(func.max(alert.c.id))).scalar() or 0) + 1
        row["id"] = self._next_id
        self._next_id += 1
        self.alerts.add(row)
        self._alerts[row["id"]], self._attached[row["id"]] = row, Attached()
        self._open[row["subject_kind"], row["subject"]].append(row)
        return row

    def add_onset(self, row: Row) -> None:
        """Add an onset."""
        self.onsets.add(row)
        self._hold(row)

    def save(self, row: Row, **changes: Any) -> None:
        """Change an alert; every change gives it a new version."""
        self.alerts.change(row, version=row["version"] + 1, **changes)

    def set_state(self, row: Row, state: State, **changes: Any) -> None:
        """Store a lifecycle state; a close is stamped once, and what is closed is not aside."""
        if state.alarm is AlarmState.CLOSED and row["closed_ms"] is None:
            changes["closed_ms"] = self.now_ms
            if row["aside"] != Aside.NONE.value:
                changes |= NOT_ASIDE
        self.save(
            row, alarm_state=state.alarm.value, rescue_state=state.rescue.value, **changes
        )  # fmt: skip

    # -- units ------------------------------------------------------------------------------

    def join_unit(self, alert_id: int, unit: str, part: str) -> None:
        """Make a unit take part in an alert (it then sees it); once only."""
        units = self.of(alert_id).units
        if unit and unit not in units:
            units[unit] = False
            row = {"alert_id": alert_id, "unit": unit, "part": part}
            self.units.add(row | {"answered_ms": None, "answered_by": None})

    def takes_part(self, alert_id: int, unit: str | None) -> bool:
        """True if a unit has to do with an alert."""
        return unit in self.of(alert_id).units

    def answered(self, alert_id: int) -> set[str]:
        """Return the units of which somebody has tapped."""
        return {unit for unit, has in self.of(alert_id).units.items() if has}

    def mark_answered(self, alert_id: int, unit: str | None, name: str) -> bool:
        """Keep that a unit has answered; False if it had before or has no part in the alert."""
        units = self.of(alert_id).units
        if unit is None or units.get(unit, True):
            return False
        units[unit] = True
        self.flush()  # its row may have been added here
        self.units.change(
            {"alert_id": alert_id, "unit": unit}, answered_ms=self.now_ms, answered_by=name
        )
        return True

    def forget_answers(self, alert_id: int) -> None:
        """Called anew: who answered the call before has not answered this one."""
        units = self.of(alert_id).units
        self.flush()
        for unit in units:
            units[unit] = False
            row = {"alert_id": alert_id, "unit": unit}
            self.units.change(row, answered_ms=None, answered_by=None)


def _onset(row: Any) -> Onset:
    return (row["subject_kind"], row["subject"], row["rule"], row["since_ms"])
