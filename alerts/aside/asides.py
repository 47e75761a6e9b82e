"""Alerts that are set aside: shelved, suppressed by design, or of a lift out of service.

They are recorded and shown, keep their state, and page nobody; their timers wait. Each is covered
by a row of `suppression` with reason and end; the end is durable, the desk's tick comes to it. An
alarm with people in the car is never set aside, and while people are held in a car nothing of
that car is: what was comes out at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson
from sqlalchemy import ColumnElement, func, insert, select, update

from alerts.chains.escalation import Escalator
from alerts.database.bulk import parts, rows_of
from alerts.database.tables import alert, suppression
from alerts.desk.work import NOT_ASIDE, Row, Work, state_of
from alerts.lifecycle.moves import Refusal, life_safety
from alerts.model import SYSTEM, Actor, Aside, RescueState
from config.text import Text

HOUR_MS = 3_600_000
LONGEST_MS: Mapping[Aside, int] = {
    Aside.SHELVED: 24 * HOUR_MS,
    Aside.SUPPRESSED: 24 * HOUR_MS,
    Aside.OUT_OF_SERVICE: 30 * 24 * HOUR_MS,
}
"""How long at most; domain defaults. Whoever needs longer says so again, with a reason."""
_HELD = (
    RescueState.RAISED, RescueState.ACCEPTED, RescueState.ON_THE_WAY, RescueState.ARRIVED,
)  # fmt: skip


NONE = Aside.NONE.value


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be set aside, until when and why. `rules` empty = all but life safety."""

    kind: Aside
    subject_kind: str
    subject: str
    reason: str
    until_ms: int
    rules: Sequence[str] = ()
    alert_id: int | None = None


def check_end(kind: Aside, now_ms: int, until_ms: int | None) -> Refusal | None:
    """Return why an end is not one, None when it is: after now, within the longest."""
    hours = LONGEST_MS[kind] // HOUR_MS
    if until_ms is None or until_ms <= now_ms:
        text = Text(
            f"until_ms（{until_ms}）：请给出将来的结束时间，最长 {hours} 小时",
            f"until_ms ({until_ms}): say when it ends, later than now, {hours} h at most",
        )
        return Refusal("end_missing", text)
    if until_ms - now_ms > LONGEST_MS[kind]:
        asked = (until_ms - now_ms) / HOUR_MS
        text = Text(
            f"until_ms（{asked:.1f} 小时后）：最长 {hours} 小时，到期后可再次操作",
            f"until_ms (in {asked:.1f} h): {hours} h at most; you can do it again when it is over",
        )
        return Refusal("end_too_late", text)
    return None


def people_held(work: Work, subject_kind: str, subject: str) -> bool:
    """True while people are known to be in a car that does not let them out."""
    return any(
        row["rescue_state"] in _HELD
        or (row["with_people"] and row["rescue_state"] == "none" and row["cleared_ms"] is None)
        for row in work.open_of(subject_kind, subject)
        if not (row["late"] or row["exercise"])
    )


# When the next shelf, suppression or outage is over.
NEXT_END: Final = (
    select(func.min(suppression.c.until_ms))
    .where(suppression.c.ended_ms.is_(None))
    .scalar_subquery()
    .label("next_end")
)


@dataclass
class Asides:
    """Sets alerts aside and lets them come out. Holds no state of its own."""

    escalator: Escalator

    def begin(self, work: Work, order: Order, actor: Actor) -> int | Refusal:
        """Write an order and set aside what it covers; return its id, or why it may not be."""
        if people_held(work, order.subject_kind, order.subject):
            return life_safety()
        standing = self.orders(work, order.subject_kind, order.subject)
        row = {
            "kind": order.kind.value,
            "alert_id": order.alert_id,
            "subject_kind": order.subject_kind,
            "subject": order.subject,
            "rules": orjson.dumps(list(order.rules)).decode(),
            "reason": order.reason,
            "begun_by": actor.name,
            "from_ms": work.now_ms,
            "until_ms": order.until_ms,
        }
        made = work.conn.execute(insert(suppression).returning(suppression.c.id), row).scalar_one()
        if order.alert_id is None:
            work.tell(None, f"{order.kind.value}_began", actor, suppression=made, **_told(row))
        covered = row | {"id": made, "ended_ms": None}
        for one in work.open_of(order.subject_kind, order.subject):
            if one["aside"] == NONE and _covers(covered, one):
                self._set(work, one, covered, actor)
        standing.append(covered)
        return int(made)

    def cover_new(self, work: Work, row: Row) -> None:
        """Set a new alert aside if something covers it; one with people brings out the others."""
        if row["late"] or row["exercise"]:
            return
        if state_of(row).life:
            self.come_out(work, row, "people")
            return
        found = self._cover(work, row)
        if found is not None:
            self._set(work, row, found, SYSTEM)

    def come_out(self, work: Work, row: Row, why: str) -> None:
        """All of a car's alerts come out: there are people in it."""
        for one in work.open_of(row["subject_kind"], row["subject"]):
            if one["aside"] != NONE:
                self._out(work, one, why, SYSTEM)

    def due(self, work: Work) -> list[Row]:
        """Return the orders that are over by now, the earliest first."""
        over = work.conn.execute(
            select(suppression)
            .where(suppression.c.ended_ms.is_(None), suppression.c.until_ms <= work.now_ms)
            .order_by(suppression.c.until_ms, suppression.c.id)
        ).mappings()
        return [dict(one) for one in over]

    def end_due(self, work: Work) -> int:
        """End what is over by now; return how many."""
        found = self.due(work)
        for one in found:
            self.end(work, one, SYSTEM, "over")
        return len(found)

    def end(self, work: Work, one: Mapping[str, Any], actor: Actor, why: str) -> None:
        """End one row of `suppression`: what it covered comes out, unless another covers it."""
        work.conn.execute(
            update(suppression)
            .where(suppression.c.id == one["id"])
            .values(ended_ms=work.now_ms, ended_by=actor.name)
        )
        standing = self.orders(work, one["subject_kind"], one["subject"])
        standing[:] = [other for other in standing if other["id"] != one["id"]]
        if one["alert_id"] is None:
            told = {"suppression": one["id"], "subject": one["subject"], "reason": why}
            work.tell(None, f"{one['kind']}_ended", actor, **told)
        work.flush()
        ids = work.conn.execute(
            select(alert.c.id)
            .where(alert.c.aside_id == one["id"], alert.c.closed_ms.is_(None))
            .order_by(alert.c.id)
        )
        for row in [work.known(ident) for ident in ids.scalars().all()]:
            other = self._cover(work, row)
            if other is None:
                self._out(work, row, why, actor)
                self.escalator.fire_due(work, row["id"])
            else:
                self._set(work, row, other, actor)

    def standing(self, work: Work, kind: Aside, subject_kind: str, subject: str) -> Row | None:
        """Return the order of this kind that stands for a subject now."""
        return self._first(work, suppression.c.kind == kind.value, *_of(subject_kind, subject))

    def by_id(self, work: Work, ident: int) -> Row | None:
        """Return an order that has not ended."""
        return self._first(work, suppression.c.id == ident)

    def look_up(self, work: Work, subject_kind: str, subjects: Iterable[str]) -> None:
        """Read the orders that stand for these subjects, each once in a transaction."""
        missing = [s for s in dict.fromkeys(subjects) if (subject_kind, s) not in work.orders]
        for some in parts(missing):
            query = select(suppression).where(
                suppression.c.subject.in_(some),
                suppression.c.subject_kind == subject_kind,
                suppression.c.ended_ms.is_(None),
            )
            work.orders |= {(subject_kind, subject): [] for subject in some}
            for row in rows_of(work.conn, query.order_by(suppression.c.id)):
                work.orders[subject_kind, row["subject"]].append(row)

    def orders(self, work: Work, subject_kind: str, subject: str) -> list[Row]:
        """Return the orders that stand for a subject now."""
        if (subject_kind, subject) not in work.orders:
            self.look_up(work, subject_kind, (subject,))
        return work.orders[subject_kind, subject]

    def _first(self, work: Work, *where: ColumnElement[bool]) -> Row | None:
        found = work.conn.execute(
            select(suppression)
            .where(*where, suppression.c.ended_ms.is_(None))
            .order_by(suppression.c.id)
        ).mappings()
        first = found.first()
        return dict(first) if first else None

    def _cover(self, work: Work, row: Row) -> Row | None:
        """What covers an alert now: the order that lasts longest."""
        standing = self.orders(work, row["subject_kind"], row["subject"])
        found = [one for one in standing if one["until_ms"] > work.now_ms and _covers(one, row)]
        if not found or people_held(work, row["subject_kind"], row["subject"]):
            return None
        return max(found, key=lambda one: (one["until_ms"], -one["id"]))

    def _set(self, work: Work, row: Row, one: Mapping[str, Any], actor: Actor) -> None:
        work.save(
            row,
            aside=one["kind"],
            aside_id=one["id"],
            aside_until_ms=one["until_ms"],
            aside_reason=one["reason"],
            aside_by=one["begun_by"],
        )
        self.escalator.hold(work, row)
        work.tell(row["id"], one["kind"], actor, **_told(one))

    def _out(self, work: Work, row: Row, why: str, actor: Actor) -> None:
        was = row["aside"]
        work.save(row, **NOT_ASIDE)
        work.tell(row["id"], "resumed", actor, aside=was, reason=why)
        self.escalator.resume(work, row)


def _of(subject_kind: str, subject: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return suppression.c.subject_kind == subject_kind, suppression.c.subject == subject


def _covers(one: Mapping[str, Any], row: Row) -> bool:
    """True if an order is about an alert. About one with people none ever is."""
    if state_of(row).life:
        return False
    if one["alert_id"] is not None:
        return bool(one["alert_id"] == row["id"])
    rules = orjson.loads(one["rules"])
    return not rules or row["rule"] in rules


def _told(one: Mapping[str, Any]) -> dict[str, Any]:
    told = {name: one[name] for name in ("subject", "until_ms")}
    more = {"comment": one["reason"], "rules": orjson.loads(one["rules"])}
    return told | more | {"order_by": one["begun_by"]}
