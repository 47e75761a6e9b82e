"""The outbox's rows: claimed, sent, and settled, each by one UPDATE that only one worker wins.

States: due → leased → delivered | dead | withdrawn; leased → due again after a failure or, when
its worker vanished, after the lease. Plain functions over a connection, called from threads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection, Engine, and_, func, insert, or_, select, update

from alerts import journal
from alerts.tables import outbox, reading, writing

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


def claim(
    engine: Engine, channel: str, limit: int, now_ms: int, worker: str, lease_ms: int
) -> list[dict[str, Any]]:
    """Lease up to `limit` rows of a channel, most urgent first. Expired leases are taken over."""
    free = or_(
        and_(outbox.c.state == "due", outbox.c.next_ms <= now_ms),
        and_(outbox.c.state == "leased", outbox.c.lease_until_ms <= now_ms),
    )
    with reading(engine) as conn:  # an idle worker takes no write lock
        if (
            conn.execute(select(outbox.c.id).where(outbox.c.channel == channel, free)).first()
            is None
        ):
            return []
    with writing(engine) as conn:
        _withdraw_abandoned(conn, now_ms)
        rows = conn.execute(
            select(outbox)
            .where(outbox.c.channel == channel, free)
            .order_by(outbox.c.priority, outbox.c.next_ms, outbox.c.id)
            .limit(limit)
        ).mappings()
        taken = []
        for row in rows.all():
            won = conn.execute(
                update(outbox)
                .where(outbox.c.id == row["id"], free)
                .values(
                    state="leased",
                    lease_owner=worker,
                    lease_until_ms=now_ms + lease_ms,
                    attempts=row["attempts"] + 1,
                )
            )
            if won.rowcount == 1:
                taken.append(dict(row) | {"attempts": row["attempts"] + 1})
        # Before it leaves: after a crash in between, the journal says that it may have.
        journal.append(conn, now_ms, [_sending(row) for row in taken])
        return taken


def _sending(row: dict[str, Any]) -> journal.Line:
    data = _about(row) | {"attempts": row["attempts"]}
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


def delivered(engine: Engine, row: dict[str, Any], worker: str, now_ms: int, receipt: str) -> bool:
    """Record a receipt; False when another worker had taken the row over meanwhile."""
    with writing(engine) as conn:
        won = conn.execute(
            update(outbox)
            .where(*_mine(row, worker))
            .values(state="delivered", delivered_ms=now_ms, receipt=receipt, reason=None)
        )
        if won.rowcount != 1:
            return False
        # The person has it: what still tries to reach the same person by another way may rest.
        others = (*_same_page(row), outbox.c.id != row["id"], outbox.c.reason.is_(None))
        reason = f"delivered by {row['channel']}"
        conn.execute(
            update(outbox)
            .where(*others, outbox.c.state == "due")
            .values(state="withdrawn", reason=reason)
        )
        conn.execute(
            update(outbox).where(*others, outbox.c.state == "leased").values(reason=reason)
        )
        data = _about(row) | {"receipt": receipt, "attempts": row["attempts"]}
        journal.append(conn, now_ms, [journal.Line(row["alert_id"], "delivered", data=data)])
        return True


def failed(
    engine: Engine,
    row: dict[str, Any],
    worker: str,
    now_ms: int,
    policy: RetryPolicy,
    error: str,
    final: bool,
) -> str | None:
    """Record a failed attempt; return the row's new state, None when it was taken over.

    In the same transaction the contact's next channel gets its row, once.
    """
    with writing(engine) as conn:
        kept = conn.execute(select(outbox).where(*_mine(row, worker))).mappings().first()
        if kept is None:
            return None
        dead = final or kept["attempts"] >= policy.attempts
        state = "withdrawn" if kept["reason"] is not None else "dead" if dead else "due"
        changes: dict[str, Any] = {
            "state": state,
            "last_error": error,
            "next_ms": now_ms + policy.wait_ms(kept["attempts"]),
            "lease_until_ms": None,
            "lease_owner": None,
        }
        lines: list[journal.Line] = []
        said = _about(row) | {"error": error, "attempts": kept["attempts"]}
        rest = orjson.loads(kept["rest"])
        if (
            state != "withdrawn"
            and rest
            and (dead or kept["attempts"] >= policy.next_channel_after)
        ):
            changes["rest"] = "[]"
            _next_channel(conn, dict(kept), rest, now_ms)
            lines.append(
                journal.Line(row["alert_id"], "next_channel", data=said | {"to": rest[0][0]})
            )
        conn.execute(update(outbox).where(outbox.c.id == row["id"]).values(changes))
        kind = "undelivered" if state == "dead" else "failed"
        lines.append(journal.Line(row["alert_id"], kind, data=said))
        journal.append(conn, now_ms, lines)
        return state


def _next_channel(
    conn: Connection, kept: dict[str, Any], rest: list[list[str]], now_ms: int
) -> None:
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
    }
    conn.execute(insert(outbox), row)


def _mine(row: dict[str, Any], worker: str) -> tuple[Any, ...]:
    return (
        outbox.c.id == row["id"],
        outbox.c.state == "leased",
        outbox.c.lease_owner == worker,
        outbox.c.attempts == row["attempts"],
    )


def _same_page(row: dict[str, Any]) -> tuple[Any, ...]:
    return (
        outbox.c.alert_id == row["alert_id"],
        outbox.c.step == row["step"],
        outbox.c.round == row["round"],
        outbox.c.contact == row["contact"],
        outbox.c.origin == row["origin"],
    )


def _about(row: dict[str, Any]) -> dict[str, Any]:
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
