"""A worker's moves one by one: what a test holds back or breaks off between claim and receipt."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, select

from alerts.database.access import reading
from alerts.database.tables import outbox
from alerts.notify import queue
from alerts.notify.channel import Receipt
from alerts.notify.queue import Outcome, RetryPolicy, Want

Row = dict[str, Any]


def claim(
    engine: Engine, channel: str, limit: int, now_ms: int, worker: str, lease_ms: int
) -> list[Row]:
    """Lease up to `limit` pages of a channel."""
    wants = (Want(channel, limit, lease_ms),)
    return queue.turn(engine, (), wants, now_ms, worker, RetryPolicy()).get(channel, [])


def delivered(engine: Engine, row: Row, worker: str, now_ms: int, receipt: Receipt) -> bool:
    """Hand in a receipt; False when the row was not this worker's any more."""
    mine = _mine(engine, row, worker)
    queue.turn(engine, (Outcome(row, now_ms, receipt),), (), now_ms, worker, RetryPolicy())
    assert not mine or _now(engine, row)["state"] == "delivered"
    return mine


def failed(
    engine: Engine, row: Row, worker: str, now_ms: int, policy: RetryPolicy, error: str, final: bool
) -> str | None:
    """Hand in a failure; the row's new state, None when it was not this worker's any more."""
    mine = _mine(engine, row, worker)
    ended = Outcome(row, now_ms, error=error, final=final)
    queue.turn(engine, (ended,), (), now_ms, worker, policy)
    return str(_now(engine, row)["state"]) if mine else None


def _now(engine: Engine, row: Row) -> Row:
    with reading(engine) as conn:
        found = conn.execute(select(outbox).where(outbox.c.id == row["id"])).mappings().one()
    return dict(found)


def _mine(engine: Engine, row: Row, worker: str) -> bool:
    now = _now(engine, row)
    held = (now["state"], now["lease_owner"], now["attempts"])
    return held == ("leased", worker, row["attempts"])
