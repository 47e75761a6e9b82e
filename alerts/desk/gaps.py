"""Nobody on duty is itself an alert, of a rule of the desk's own; its subject is the unit.

It is raised when a step finds nobody of a unit on duty (the unit's other contacts, or the bureau,
are then called instead), once while it lasts, and cleared when somebody is on duty again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlalchemy import Connection, select

from alerts.database.tables import alert
from alerts.desk.work import Row, Work
from alerts.directory.subjects import Subject, Subjects
from alerts.directory.units import Directory
from alerts.model import RuleMeta, Transition
from config.text import Text

OFF_DUTY = RuleMeta("off_duty", Text("单位无人值班", "nobody on duty"), severity="major", chain="D")
KIND = "unit"
LOOK_EVERY_MS = 60_000
OFFICES = ("street_office", "town")


def subject_at(
    directory: Directory, subjects: Subjects, kind: str, ident: str, at_ms: int
) -> Subject:
    """Return a subject as it is at a moment: a unit by the directory, a lift or gateway by the
    registry with the firm whose contract is in force."""
    if kind == KIND:
        return _unit(directory, ident)
    subject = subjects.of(kind, ident)
    firm = directory.firm(subject, at_ms)
    return subject if firm == subject.maintenance else replace(subject, maintenance=firm)


def _unit(directory: Directory, ident: str) -> Subject:
    unit = directory.units.get(ident)
    if unit is None:
        return Subject(KIND, ident, ident, "")
    zh, en = unit.name.zh, unit.name.en
    subject = Subject(
        KIND, ident, zh if zh == en else f"{zh} {en}", "", lat=unit.lat or 0.0, lon=unit.lon or 0.0
    )
    if unit.kind in OFFICES:
        return replace(subject, street_office=ident)
    if unit.kind == "maintenance":
        return replace(subject, maintenance=ident)
    return replace(subject, use_unit=ident) if unit.kind == "use_unit" else subject


def _stands(row: Row) -> bool:
    return row["rule"] == OFF_DUTY.id and row["cleared_ms"] is None and row["closed_ms"] is None


@dataclass
class Gaps:
    """Raises and clears the alerts about units with nobody on duty."""

    directory: Directory
    _looked_ms: int | None = None

    def found(self, work: Work) -> list[Transition]:
        """Return what the steps fired in this transaction have found; forgets it."""
        todo, work.off_duty = work.off_duty, set()
        work.load_subjects(KIND, todo)
        standing = {unit for unit in todo if any(map(_stands, work.open_of(KIND, unit)))}
        now_ms = work.now_ms
        return [
            Transition(KIND, unit, OFF_DUTY.id, True, now_ms, now_ms)
            for unit in sorted(todo - standing)
        ]

    def over(self, conn: Connection, now_ms: int) -> list[Transition]:
        """Return the clearing of units that have somebody on duty again; looks once a minute."""
        if self._looked_ms is not None and 0 <= now_ms - self._looked_ms < LOOK_EVERY_MS:
            return []
        ended = [unit for unit in self._open(conn) if self.directory.stands(unit, now_ms)]
        if not ended:  # else again at once, until the clearing is committed
            self._looked_ms = now_ms
        return [Transition(KIND, unit, OFF_DUTY.id, False, now_ms, now_ms) for unit in ended]

    def _open(self, conn: Connection) -> list[str]:
        found = conn.execute(
            select(alert.c.subject).where(
                alert.c.rule == OFF_DUTY.id,
                alert.c.subject_kind == KIND,
                alert.c.closed_ms.is_(None),
                alert.c.cleared_ms.is_(None),
            )
        )
        return list(found.scalars())
