"""The outbox's rows: claimed, sent, and settled, each by one UPDATE that only one worker wins.

States: due → leased → delivered | dead | withdrawn; leased → due again after a failure or, when
its worker vanished, after the lease. Plain functions over a connection, called from threads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, Engine, and_, func, insert, or_, select, update

from alerts.database.access import reading, writing
from alerts.database.bulk import rows_of, update_rows
from alerts.database.tables import outbox
from alerts.grouping.gathering import SUMMARISED, SUMMARY
from alerts.journal import journal
from alerts.notify.channel import Receipt

WAITING = ("due", "leased")
COLUMNS = tuple(column.name for column in outbox.columns)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how long a page is tried (domain defaults).

    The wait doubles from `first_s` up to `cap_s`; after `next_channel_after` failures the
    contact's next channel is tried beside it; after `attempts` failures the page is dead.
    """

    attempts: int = 8
    first_s: float = 2.0
    cap_s: float = 120.0
    next_channel_after: int = 2
    lease_s: float = 60.0

    def wait_ms(self, failures: int) -> int:
        """Return how long to wait after so many failures, in ms."""
        wait_s = min(self.cap_s, self.first_s * 2.0 ** min(max(0, failures - 1), 30))
        return round(wait_s * 1000)


@dataclass(frozen=True, slots=True)
class Want:
    """Room for so many pages of a channel, leased for `lease_ms`."""

    channel: str
    room: int
    lease_ms: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt ended: with a `receipt`, or an `error`; `final`: trying again is vain."""

    row: dict[str, Any]
    at_ms: int
    receipt: Receipt | None = None
    error: str = ""
    final: bool = False


def turn(
    engine: Engine,
    outcomes: Sequence[Outcome],
    wants: Sequence[Want],
    now_ms: int,
    worker: str,
    policy: RetryPolicy,
) -> dict[str, list[dict[str, Any]]]:
    """Record outcomes and lease what is due, channel → rows, in one transaction.

    One commit for many pages: in a flood whoever sends waits for the writer once, not twice a page.
    An idle worker takes no write lock.
    """
    with reading(engine) as conn:
        wants = [want for want in wants if want.room > 0 and _some(conn, want.channel, now_ms)]
    if not outcomes and not wants:
        return {}
    with writing(engine) as conn:
        lines: list[journal.Line] = []
        for one in outcomes:
            _record(conn, one, worker, policy, lines)
        taken = {want.channel: _claim(conn, want, now_ms, worker, lines) for want in wants}
        journal.append(conn, now_ms, lines)
        return taken


def _record(
    conn: Connection, one: Outcome, worker: str, policy: RetryPolicy, lines: list[journal.Line]
) -> None:
    if one.receipt is not None:
        _delivered(conn, one.row, worker, one.at_ms, one.receipt, lines)
    else:
        _failed(conn, one.row, worker, one.at_ms, policy, one.error, one.final, lines)


def _free(now_ms: int) -> ColumnElement[bool]:
    return or_(
        and_(outbox.c.state == "due", outbox.c.next_ms <= now_ms),
        and_(outbox.c.state == "leased", outbox.c.lease_until_ms <= now_ms),
    )


def _some(conn: Connection, channel: str, now_ms: int) -> bool:
    query = select(outbox.c.id).where(outbox.c.channel == channel, _free(now_ms)).limit(1)
    return conn.execute(query).first() is not None


def _claim(
    conn: Connection, want: Want, now_ms: int, worker: str, lines: list[journal.Line]
) -> list[dict[str, Any]]:
    _withdraw_abandoned(conn, now_ms)
    query = (
        select(outbox)
        .where(outbox.c.channel == want.channel, _free(now_ms))
        .order_by(outbox.c.priority, outbox.c.next_ms, outbox.c.id)
        .limit(want.room)
    )
    taken = [
        row
        | {
            "state": "leased",
            "lease_owner": worker,
            "lease_until_ms": now_ms + want.lease_ms,
            "attempts": row["attempts"] + 1,
        }
        for row in rows_of(conn, query)
    ]  # writers are serialised: nobody else leases them meanwhile
    leased = ("state", "lease_owner", "lease_until_ms", "attempts")
    update_rows(conn, outbox, ("id",), taken, leased)
    # Before it leaves: after a crash in between, the journal says that it may have.
    lines += [_sending(row) for row in taken]
    return taken


def _sending(row: dict[str, Any]) -> journal.Line:
    data = about(row) | {"attempts": row["attempts"]}
    return journal.Line(row["alert_id"], "sending", data=data)


def _withdraw_abandoned(conn: Connection, now_ms: int) -> None:
    """A page whose worker vanished and whose step was overtaken meanwhile is not sent anew."""
    conn.execute(
        update(outbox)
        .where(
            outbox.c.state == "leased",
            outbox.c.lease_until_ms <= now_ms,
            outbox.c.reason.is_not(None),
        )
        .values(state="withdrawn")
    )


def _delivered(
    conn: Connection,
    row: dict[str, Any],
    worker: str,
    now_ms: int,
    receipt: Receipt,
    lines: list[journal.Line],
) -> None:
    """Record a receipt, unless another worker has taken the row over meanwhile."""
    ask_s = receipt.ask_after_s
    won = conn.execute(
        update(outbox)
        .where(*_mine(row, worker))
        .values(
            state="delivered",
            delivered_ms=now_ms,
            receipt=receipt.text,
            reason=None,
            ref=receipt.ref[:255] if receipt.ref else None,
            ask_ms=None if ask_s is None else now_ms + round(ask_s * 1000),
        )
    )
    if won.rowcount != 1:
        return
    # The person has it: what still tries to reach the same person by another way may rest.
    others = (*same_page(row), outbox.c.id != row["id"], outbox.c.reason.is_(None))
    reason = f"delivered by {row['channel']}"
    conn.execute(
        update(outbox)
        .where(*others, outbox.c.state == "due")
        .values(state="withdrawn", reason=reason)
    )
    conn.execute(update(outbox).where(*others, outbox.c.state == "leased").values(reason=reason))
    if row["step"] == SUMMARY:  # whoever was summed up in it has been told
        conn.execute(
            update(outbox)
            .where(outbox.c.state == SUMMARISED, outbox.c.reason == row["key"])
            .values(delivered_ms=now_ms, receipt=receipt.text)
        )
    data = about(row) | {"receipt": receipt.text, "attempts": row["attempts"]}
    lines.append(journal.Line(row["alert_id"], "delivered", data=data))


def _failed(
    conn: Connection,
    row: dict[str, Any],
    worker: str,
    now_ms: int,
    policy: RetryPolicy,
    error: str,
    final: bool,
    lines: list[journal.Line],
) -> None:
    """Record a failed attempt, likewise; the contact's next channel gets its row, once."""
    kept = conn.execute(select(outbox).where(*_mine(row, worker))).mappings().first()
    if kept is None:
        return
    dead = final or kept["attempts"] >= policy.attempts
    state = "withdrawn" if kept["reason"] is not None else "dead" if dead else "due"
    changes: dict[str, Any] = {
        "state": state,
        "last_error": error,
        "next_ms": now_ms + policy.wait_ms(kept["attempts"]),
        "lease_until_ms": None,
        "lease_owner": None,
    }
    said = about(row) | {"error": error, "attempts": kept["attempts"]}
    rest = orjson.loads(kept["rest"])
    if state != "withdrawn" and rest and (dead or kept["attempts"] >= policy.next_channel_after):
        changes["rest"] = "[]"
        next_channel(conn, dict(kept), rest, now_ms)
        lines.append(journal.Line(row["alert_id"], "next_channel", data=said | {"to": rest[0][0]}))
    conn.execute(update(outbox).where(outbox.c.id == row["id"]).values(changes))
    kind = "undelivered" if state == "dead" else "failed"
    lines.append(journal.Line(row["alert_id"], kind, data=said))


def next_channel(
    conn: Connection, kept: dict[str, Any], rest: list[list[str]], now_ms: int
) -> None:
    """Write the row of the contact's next channel: `rest` is [[channel, address], …]."""
    channel, address = rest[0]
    row = {name: kept[name] for name in COLUMNS if name != "id"}
    row |= {
        "key": kept["key"].rsplit(":", 1)[0] + f":{channel}",
        "channel": channel,
        "address": address,
        "rest": orjson.dumps(rest[1:]).decode(),
        "state": "due",
        "attempts": 0,
        "created_ms": now_ms,
        "next_ms": now_ms,
        "lease_until_ms": None,
        "lease_owner": None,
        "last_error": None,
    } | dict.fromkeys(("delivered_ms", "receipt", "reached_ms", "read_ms", "ask_ms", "ref"))
    conn.execute(insert(outbox), row)


def _mine(row: dict[str, Any], worker: str) -> tuple[Any, ...]:
    return (
        outbox.c.id == row["id"],
        outbox.c.state == "leased",
        outbox.c.lease_owner == worker,
        outbox.c.attempts == row["attempts"],
    )


def same_page(row: dict[str, Any]) -> tuple[Any, ...]:
    """Return the condition for all rows that try to bring one page to one person."""
    return (
        outbox.c.alert_id == row["alert_id"],
        outbox.c.step == row["step"],
        outbox.c.round == row["round"],
        outbox.c.contact == row["contact"],
        outbox.c.origin == row["origin"],
    )


def about(row: dict[str, Any]) -> dict[str, Any]:
    """Return what a journal line says of a row."""
    return {name: row[name] for name in ("key", "step", "unit", "contact", "channel")}


def next_ms(engine: Engine) -> int | None:
    """Return when the next row may be claimed, None if none waits."""
    when = func.min(func.coalesce(outbox.c.lease_until_ms, outbox.c.next_ms))
    with reading(engine) as conn:
        return conn.execute(select(when).where(outbox.c.state.in_(WAITING))).scalar()


def unsent(engine: Engine) -> int:
    """Return how many pages still wait or are under way."""
    query = select(func.count()).select_from(outbox).where(outbox.c.state.in_(WAITING))
    with reading(engine) as conn:
        return conn.execute(query).scalar() or 0


def other_channels(engine: Engine, known: tuple[str, ...]) -> list[str]:
    """Return channels with waiting rows that are not among `known`."""
    query = (
        select(outbox.c.channel)
        .where(outbox.c.state.in_(WAITING), outbox.c.channel.not_in(known))
        .distinct()
    )
    with reading(engine) as conn:
        return list(conn.execute(query).scalars())
