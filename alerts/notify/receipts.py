"""What becomes of a page after its channel took it: it reached the person, was read, or was lost.

Three moments stand on a row of the outbox: `delivered_ms` the channel took it, `reached_ms` the
gateway says it is on the device, `read_ms` the one-tap page was opened or the gateway says read or
answered. A gateway that says "not delivered" after all puts the contact's next channel in its
place, unless what the page asked for has been done meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import orjson
from sqlalchemy import Connection, Engine, RowMapping, or_, select, update

from alerts.chains.escalation import satisfied
from alerts.chains.ladder import Chains
from alerts.database.access import reading, writing
from alerts.database.tables import outbox
from alerts.desk.handing import about
from alerts.desk.work import Work
from alerts.grouping.gathering import SUMMARY
from alerts.journal import journal
from alerts.notify import queue


class Fate(StrEnum):
    """What a gateway tells of a page; `pending` = nothing yet, ask again."""

    PENDING = "pending"
    REACHED = "reached"
    READ = "read"
    FAILED = "failed"


def page_opened(engine: Engine, alert_id: int, contact: str, now_ms: int) -> bool:
    """Mark what this contact was sent about an alert as read; False if it was before, or nothing
    was sent. One that is still on its way counts too: the link came from it."""
    unread = (
        outbox.c.alert_id == alert_id,
        outbox.c.contact == contact,
        outbox.c.read_ms.is_(None),
        or_(outbox.c.attempts > 0, outbox.c.delivered_ms.is_not(None)),  # summed up in another
        outbox.c.state != "dead",
    )
    with reading(engine) as conn:  # the second opening writes nothing
        if conn.execute(select(outbox.c.id).where(*unread)).first() is None:
            return False
    with writing(engine) as conn:
        won = conn.execute(update(outbox).where(*unread).values(read_ms=now_ms, ask_ms=None))
        if not won.rowcount:
            return False
        data = {"contact": contact, "how": "link"}
        journal.append(conn, now_ms, [journal.Line(alert_id, "read", data=data)])
        return True


def tell(
    engine: Engine, chains: Chains, row_id: int, fate: Fate, said: str, at_ms: int, now_ms: int
) -> bool:
    """Record what a gateway said of a page; False when that was known already.

    Args:
        engine: the alert database.
        chains: say whether a lost page is still wanted.
        row_id: of the outbox.
        fate: what became of the page.
        said: the gateway's own word, for the record.
        at_ms: when it happened, by the gateway; `now_ms` where it does not say.
        now_ms: wall time.
    """
    if fate is Fate.PENDING:
        return False
    with writing(engine) as conn:
        row = conn.execute(select(outbox).where(outbox.c.id == row_id)).mappings().first()
        if row is None:
            return False
        if fate is Fate.FAILED:
            return _lost(conn, chains, row, said, now_ms)
        return _came(conn, row, fate, said, min(at_ms, now_ms), now_ms)


def _came(
    conn: Connection, row: RowMapping, fate: Fate, said: str, at_ms: int, now_ms: int
) -> bool:
    changes: dict[str, Any] = {}
    if row["reached_ms"] is None:
        changes["reached_ms"] = at_ms
    if fate is Fate.READ and row["read_ms"] is None:
        changes |= {"read_ms": at_ms, "ask_ms": None}
    if not changes:
        return False
    conn.execute(update(outbox).where(outbox.c.id == row["id"]).values(changes))
    data = about(dict(row)) | {"how": "gateway", "said": said, "at_ms": at_ms}
    journal.append(conn, now_ms, [journal.Line(row["alert_id"], fate.value, data=data)])
    return True


def _lost(conn: Connection, chains: Chains, row: RowMapping, said: str, now_ms: int) -> bool:
    """The channel took the page and the gateway could not bring it to the person."""
    if row["state"] != "delivered" or row["reached_ms"] is not None or row["read_ms"] is not None:
        return False
    kept, data = dict(row), about(dict(row)) | {"error": said, "attempts": row["attempts"]}
    lines = [journal.Line(row["alert_id"], "undelivered", data=data)]
    rest = orjson.loads(kept["rest"])
    if _wanted(conn, chains, kept, now_ms):
        reason = f"delivered by {kept['channel']}"  # others rested for its sake: no longer
        back = (*queue.same_page(kept), outbox.c.reason == reason, outbox.c.state == "withdrawn")
        conn.execute(update(outbox).where(*back).values(state="due", reason=None, next_ms=now_ms))
        if rest:
            queue.next_channel(conn, kept, rest, now_ms)
            rest = []
            to = orjson.loads(kept["rest"])[0][0]
            lines.append(journal.Line(row["alert_id"], "next_channel", data=data | {"to": to}))
    conn.execute(
        update(outbox)
        .where(outbox.c.id == row["id"])
        .values(state="dead", last_error=said, ask_ms=None, rest=orjson.dumps(rest).decode())
    )
    journal.append(conn, now_ms, lines)
    return True


def _wanted(conn: Connection, chains: Chains, row: Mapping[str, Any], now_ms: int) -> bool:
    work = Work(conn, now_ms)
    alert = work.known(row["alert_id"])
    if row["step"] == SUMMARY:
        return alert["closed_ms"] is None and alert["acknowledged_ms"] is None
    step = chains.step(alert["chain"], row["step"])
    if step is None or row["round"] != alert["round"]:
        return False
    return satisfied(step, alert, work.answered(alert["id"])) is None


def to_ask(
    engine: Engine, channel: str, now_ms: int, again_ms: int, limit: int = 20
) -> list[dict[str, Any]]:
    """Return rows whose gateway is to be asked now, and set the next time for each."""
    due = (outbox.c.channel == channel, outbox.c.ask_ms <= now_ms)
    with reading(engine) as conn:
        if conn.execute(select(outbox.c.id).where(*due)).first() is None:
            return []
    with writing(engine) as conn:
        query = select(outbox).where(*due).order_by(outbox.c.ask_ms).limit(limit)
        rows = [dict(row) for row in conn.execute(query).mappings()]
        ids = [row["id"] for row in rows]
        conn.execute(update(outbox).where(outbox.c.id.in_(ids)).values(ask_ms=now_ms + again_ms))
        return rows


def stop_asking(engine: Engine, row_id: int) -> None:
    """The time in which the gateway tells is over, or it has told all."""
    with writing(engine) as conn:
        conn.execute(update(outbox).where(outbox.c.id == row_id).values(ask_ms=None))


def find_page(
    engine: Engine, channel: str, *, key: str | None = None, ref: str | None = None
) -> dict[str, Any] | None:
    """Return the outbox row of a channel by its idempotency key or the gateway's own number."""
    column, value = (outbox.c.key, key) if key is not None else (outbox.c.ref, ref)
    if value is None:
        return None
    query = select(outbox).where(outbox.c.channel == channel, column == value)
    with reading(engine) as conn:
        row = conn.execute(query.order_by(outbox.c.id.desc())).mappings().first()
        return dict(row) if row else None
