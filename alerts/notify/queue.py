"""The outbox's rows: claimed, sent, and settled, each by one UPDATE that only one worker wins.

States: due → leased → delivered | dead | withdrawn; leased → due again after a failure or, when
its worker vanished, after the lease. Plain functions over a connection, called from threads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson
from sqlalchemy import Connection, Engine, and_, bindparam, func, insert, select, update

from alerts.database.access import reading, writing
from alerts.database.bulk import parts, rows_of, update_rows
from alerts.database.tables import outbox
from alerts.desk.handing import about, sending
from alerts.grouping.gathering import SUMMARISED, SUMMARY
from alerts.journal import journal
from alerts.notify.channel import Receipt

WAITING = ("due", "leased")
COLUMNS = tuple(column.name for column in outbox.columns)
PAGE: Final = ("alert_id", "step", "round", "contact", "origin")  # one page to one person


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
        record_receipts(conn, [one for one in outcomes if one.receipt is not None], worker, lines)
        for one in outcomes:
            if one.receipt is None:
                _failed(conn, one, worker, policy, lines)
        taken = {want.channel: _claim(conn, want, now_ms, worker, lines) for want in wants}
        journal.append(conn, now_ms, lines)
        return taken


# Built once: they are asked at every turn. Each reads from the front of an index.
_OF: Final = outbox.c.channel == bindparam("channel")
_DUE: Final = and_(_OF, outbox.c.state == "due", outbox.c.next_ms <= bindparam("now_ms"))
_EXPIRED: Final = and_(
    _OF, outbox.c.state == "leased", outbox.c.lease_until_ms <= bindparam("now_ms")
)
_SOME: Final = tuple(select(outbox.c.id).where(free).limit(1) for free in (_DUE, _EXPIRED))
_FREE: Final = tuple(
    select(outbox)
    .where(free)
    .order_by(outbox.c.priority, outbox.c.next_ms, outbox.c.id)
    .limit(bindparam("room"))
    for free in (_DUE, _EXPIRED)
)
LEASED: Final = ("state", "lease_owner", "lease_until_ms", "attempts")


def _some(conn: Connection, channel: str, now_ms: int) -> bool:
    asked = {"channel": channel, "now_ms": now_ms}
    return any(conn.execute(query, asked).first() is not None for query in _SOME)


def _claim(
    conn: Connection, want: Want, now_ms: int, worker: str, lines: list[journal.Line]
) -> list[dict[str, Any]]:
    asked = {"channel": want.channel, "now_ms": now_ms, "room": want.room}
    due, expired = (rows_of(conn, query, asked) for query in _FREE)
    if expired:
        _withdraw_abandoned(conn, now_ms)
        due += [row for row in expired if row["reason"] is None]
        due.sort(key=lambda row: (row["priority"], row["next_ms"], row["id"]))
    leased = {
        "state": "leased", "lease_owner": worker, "lease_until_ms": now_ms + want.lease_ms,
    }  # fmt: skip
    # Writers are serialised: nobody else leases them meanwhile.
    taken = [row | leased | {"attempts": row["attempts"] + 1} for row in due[: want.room]]
    update_rows(conn, outbox, ("id",), taken, LEASED)
    # Before it leaves: after a crash in between, the journal says that it may have.
    lines += [sending(row) for row in taken]
    return taken


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


DELIVERED: Final = ("state", "delivered_ms", "receipt", "reason", "ref", "ask_ms")


def record_receipts(
    conn: Connection, outcomes: Sequence[Outcome], worker: str, lines: list[journal.Line]
) -> None:
    """Record receipts, but of rows that another worker has taken over meanwhile."""
    held = _held(conn, [one.row["id"] for one in outcomes])
    won = [one for one in outcomes if held.get(one.row["id"]) == (worker, one.row["attempts"])]
    if not won:
        return
    update_rows(conn, outbox, ("id",), [_receipt(one) for one in won], DELIVERED)
    _rest_others(conn, [one.row for one in won])
    for one in won:
        if one.receipt is not None and one.row["step"] == SUMMARY:
            conn.execute(  # whoever was summed up in it has been told
                update(outbox)
                .where(outbox.c.state == SUMMARISED, outbox.c.reason == one.row["key"])
                .values(delivered_ms=one.at_ms, receipt=one.receipt.text)
            )
        said = one.receipt.text if one.receipt is not None else None
        data = about(one.row) | {"receipt": said, "attempts": one.row["attempts"]}
        lines.append(journal.Line(one.row["alert_id"], "delivered", data=data))


def _held(conn: Connection, ids: Sequence[int]) -> dict[int, tuple[str, int]]:
    """Of the rows that are leased: by whom, and for which attempt."""
    found: dict[int, tuple[str, int]] = {}
    for some in parts(ids):
        query = select(outbox.c.id, outbox.c.lease_owner, outbox.c.attempts)
        leased = query.where(outbox.c.id.in_(some), outbox.c.state == "leased")
        found |= {row[0]: (row[1], row[2]) for row in conn.execute(leased)}
    return found


def _receipt(one: Outcome) -> dict[str, Any]:
    receipt = one.receipt or Receipt("")
    ask_s = receipt.ask_after_s
    return {
        "id": one.row["id"],
        "state": "delivered",
        "delivered_ms": one.at_ms,
        "receipt": receipt.text,
        "reason": None,
        "ref": receipt.ref[:255] if receipt.ref else None,
        "ask_ms": None if ask_s is None else one.at_ms + round(ask_s * 1000),
    }


def _rest_others(conn: Connection, told: Sequence[Mapping[str, Any]]) -> None:
    """The person has it: what still tries to reach the same person by another way may rest."""
    by = {tuple(row[name] for name in PAGE): row["channel"] for row in told}
    resting: dict[str, list[dict[str, Any]]] = {"due": [], "leased": []}
    for some in parts(dict.fromkeys(row["alert_id"] for row in told)):
        query = select(outbox.c.id, outbox.c.state, *(outbox.c[name] for name in PAGE)).where(
            outbox.c.alert_id.in_(some),
            outbox.c.state.in_(WAITING),
            outbox.c.reason.is_(None),
        )
        for row in rows_of(conn, query):
            channel = by.get(tuple(row[name] for name in PAGE))
            if channel is not None:
                row["reason"] = f"delivered by {channel}"
                resting[row["state"]].append(row | {"state": "withdrawn"})
    update_rows(conn, outbox, ("id",), resting["due"], ("state", "reason"))
    update_rows(conn, outbox, ("id",), resting["leased"], ("reason",))


def _failed(
    conn: Connection, one: Outcome, worker: str, policy: RetryPolicy, lines: list[journal.Line]
) -> None:
    """Record a failed attempt, likewise; the contact's next channel gets its row, once."""
    row, now_ms, error = one.row, one.at_ms, one.error
    kept = conn.execute(select(outbox).where(*_mine(row, worker))).mappings().first()
    if kept is None:
        return
    dead = one.final or kept["attempts"] >= policy.attempts
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


def same_page(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return the condition for all rows that try to bring one page to one person."""
    return tuple(outbox.c[name] == row[name] for name in PAGE)


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
