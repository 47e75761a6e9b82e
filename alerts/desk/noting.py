"""The hand-over note of an alert: what the next officer must know. What it said is journalled."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import tzinfo
from typing import Any, Final

from sqlalchemy import Connection, insert, select, update

from alerts.database.bulk import parts
from alerts.database.tables import handover_note
from alerts.desk.work import Work
from alerts.lifecycle.moves import clock_text
from alerts.model import Actor, ActResult, Role
from config.text import Text

LONGEST: Final = 1000  # characters; domain default: a note is read at a glance
DESK: Final = frozenset({Role.OPERATOR, Role.ADMIN})
Json = dict[str, Any]


def notes_of(conn: Connection, ids: Iterable[int]) -> dict[int, Json]:
    """Return alert id → its note: `text`, `version`, `at_ms`, `name`; only alerts that have one.

    A note that was taken off has an empty text.
    """
    found: dict[int, Json] = {}
    for some in parts(list(ids)):
        query = select(handover_note).where(handover_note.c.alert_id.in_(some))
        for row in conn.execute(query).mappings():
            one = dict(row)
            found[one.pop("alert_id")] = one
    return found


def write_note(
    work: Work, alert_id: int, text: str, actor: Actor, version: int | None, tz: tzinfo
) -> ActResult:
    """Write, change or (with an empty text) take off the note.

    `version` is the one the writer has read, 0 = none; a newer one is not overwritten. None = do
    not look.
    """
    row = work.alert(alert_id)
    if row is None:
        return ActResult(False, False, Text("没有这条警情", "there is no such alert"))
    text = text.strip()
    was = notes_of(work.conn, [alert_id]).get(alert_id)
    refused = _refused(text, actor, was, version, tz)
    if refused is not None:
        return ActResult(False, False, refused)
    if text == (was["text"] if was else ""):
        return ActResult(True, False, Text("交接备注没有变化", "the note says that already"))
    values = {"text": text, "at_ms": work.now_ms, "name": actor.name}
    if was is None:
        row_of = values | {"alert_id": alert_id, "version": 1}
        work.flush()  # the alert itself may be new in this transaction
        work.conn.execute(insert(handover_note), row_of)
    else:
        change = update(handover_note).where(handover_note.c.alert_id == alert_id)
        work.conn.execute(change.values(values | {"version": was["version"] + 1}))
    work.save(row)  # a new version: consoles show the mark
    said = {"comment": text} if text else {"was": was["text"] if was else ""}
    work.tell(alert_id, "note" if text else "note_off", actor, **said)
    if text:
        return ActResult(True, True, Text("交接备注已保存", "the note is kept"))
    return ActResult(True, True, Text("交接备注已撤下", "the note was taken off"))


def _refused(
    text: str, actor: Actor, was: Json | None, version: int | None, tz: tzinfo
) -> Text | None:
    if actor.role not in DESK:
        return Text("交接备注由值班员填写", "the note is written by the operator on duty")
    if len(text) > LONGEST:
        return Text(
            f"text（{len(text)} 字）：最多 {LONGEST} 字，请写短些",
            f"text ({len(text)} characters): {LONGEST} at most, say it shorter",
        )
    if was is not None and version is not None and version < was["version"]:
        at = clock_text(was["at_ms"], tz)
        return Text(
            f"{was['name']} 已于 {at} 改过这条备注：请先看新内容，再改",
            f"{was['name']} changed this note at {at}: read what it says now, then change it",
        )
    return None
