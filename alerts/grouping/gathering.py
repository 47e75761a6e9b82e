"""In a flood one page tells of many: what nobody has to be freed from is gathered and summed up.

A page that would be the second about the same incident and step, the eleventh to one person within
ten minutes (a flood by ISA-18.2), or about a fault that was closed less than ten minutes ago
(chatter) waits in the outbox as `gathered`; a minute after the first of them the person gets one
page that lists them all. A page about people in a car, or about anything critical, never waits.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
from sqlalchemy import Connection, bindparam, select

from alerts.chains.calling import WEBPUSH
from alerts.database.bulk import parts, rows_of, update_rows
from alerts.database.tables import alert, outbox
from alerts.desk.work import Row, Work
from alerts.model import severity_rank
from alerts.pages.page import Pages

GATHERED, SUMMARISED, SUMMARY = "gathered", "summarised", "summary"
REPLY, RESOLVED = "reply", "resolved"  # notes (notes.py): they call nobody, and make no flood
FLOOD_PAGES: Final = 10  # ANSI/ISA-18.2: more than ten alarms in ten minutes are a flood
FLOOD_MS: Final = 600_000
WAIT_MS: Final = 60_000  # domain default: what comes within a minute is one page
SAID: Final = ("due", "leased", "delivered")
OF_ALERT: Final = (
    "subject", "rule_zh", "rule_en", "place", "name", "since_ms", "incident", "severity_rank",
)  # fmt: skip


# Something that is to be summed up by `now_ms`.
SUMMARY_DUE: Final = (
    select(outbox.c.id)
    .where(outbox.c.state == GATHERED, outbox.c.next_ms <= bindparam("now_ms"))
    .limit(1)
    .scalar_subquery()
    .label("summary")
)


@dataclass
class Told:
    """What one person was told within the last ten minutes; before `read` by this transaction."""

    pages: int = 0
    about: set[tuple[str, str]] = field(default_factory=set)
    mine: set[tuple[int, str]] = field(default_factory=set)  # (alert, step) of this transaction
    read: bool = False


@dataclass
class Gathering:
    """Decides which pages wait, and sums them up. Its memory is one transaction's."""

    pages: Pages

    def waits(self, work: Work, row: Row, step: str, contact: str) -> bool:
        """True if this page is to be summed up; else it counts as told now.

        An exercise is never summed up, nor does it make anything real wait.
        """
        if row["exercise"]:
            return False
        told: Told = work.told.setdefault(contact, Told())
        about = row["incident"], step
        if not _at_once(row):
            if not told.read:
                _read(work, contact, told)
            if about in told.about or told.pages >= FLOOD_PAGES or row["id"] in work.chatter:
                return True
        told.pages += 1
        told.about.add(about)
        told.mine.add((row["id"], step))
        return False

    def sum_up(self, work: Work) -> None:
        """Write one page to each person whose gathered ones are due."""
        work.flush()  # what was taken back in this transaction is not told
        due = select(outbox.c.contact).where(
            outbox.c.state == GATHERED, outbox.c.next_ms <= work.now_ms
        )
        for contact in work.conn.execute(due.distinct()).scalars().all():
            of_alert = [alert.c[name].label(f"alert_{name}") for name in OF_ALERT]
            members = rows_of(
                work.conn,
                select(outbox, *of_alert)
                .join(alert, alert.c.id == outbox.c.alert_id)
                .where(outbox.c.state == GATHERED, outbox.c.contact == contact)
                .order_by(alert.c.severity_rank, outbox.c.alert_id),
            )
            self._sum_up(work, members)

    def _sum_up(self, work: Work, members: list[Row]) -> None:
        first = members[0]
        page = self.pages.summary([_facts(one) for one in members], first, work.now_ms)
        key = f"{first['alert_id']}:{SUMMARY}.{work.now_ms}:{first['contact']}:{first['channel']}"
        columns = (column.name for column in outbox.columns if column.name != "id")
        work.pages.add(
            {name: first[name] for name in columns}
            | {
                "key": key,
                "step": SUMMARY,
                "payload": orjson.dumps(page).decode(),
                "state": "due",
                "created_ms": work.now_ms,
                "next_ms": work.now_ms,
            }
        )
        told = [{"id": one["id"], "state": SUMMARISED, "reason": key} for one in members]
        update_rows(work.conn, outbox, ("id",), told, ("state", "reason"))
        alerts = sorted({one["alert_id"] for one in members})
        work.tell(
            first["alert_id"], SUMMARISED, contact=first["contact"], count=len(alerts),
            alerts=alerts,
        )  # fmt: skip


def _at_once(row: Mapping[str, Any]) -> bool:
    grave = row["severity_rank"] <= severity_rank("critical")
    return bool(row["with_people"]) or row["rescue_state"] != "none" or grave


# Built once: in a flood it is asked for hundreds of people in each transaction.
_TOLD: Final = (
    select(alert.c.incident, outbox.c.step, alert.c.id)
    .join(alert, alert.c.id == outbox.c.alert_id)
    .where(outbox.c.contact == bindparam("who"), outbox.c.created_ms > bindparam("after"))
    .where(outbox.c.state.in_(SAID), outbox.c.step.not_in((REPLY, RESOLVED)))
    .where(alert.c.exercise.is_(False), outbox.c.channel != WEBPUSH)
)


def _read(work: Work, contact: str, told: Told) -> None:
    """Add what a person was told before this transaction; some of its own may be written too."""
    rows = work.conn.execute(_TOLD, {"who": contact, "after": work.now_ms - FLOOD_MS}).all()
    before = [(row[0], row[1]) for row in rows if (row[2], row[1]) not in told.mine]
    told.pages += len(before)
    told.about |= set(before)
    told.read = True


def _facts(member: Row) -> dict[str, Any]:
    return {"id": member["alert_id"]} | {name: member[f"alert_{name}"] for name in OF_ALERT}


def lately_closed(
    conn: Connection, kind: str, subjects: Collection[str], now_ms: int
) -> set[tuple[str, str, str]]:
    """Return (kind, subject, rule) of alerts that were closed within the last ten minutes."""
    found: set[tuple[str, str, str]] = set()
    for some in parts(subjects):
        query = select(alert.c.subject, alert.c.rule).where(
            alert.c.subject.in_(some),
            alert.c.subject_kind == kind,
            alert.c.closed_ms > now_ms - FLOOD_MS,
        )
        found |= {(kind, row[0], row[1]) for row in conn.execute(query)}
    return found
