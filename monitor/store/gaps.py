"""Named gaps in history: what gateways had and gave up, told by themselves."""

from __future__ import annotations

from devices.batch import GapReport
from monitor.store.history import History


def gaps_between(
    history: History, from_ms: int, to_ms: int, gateway: str | None = None
) -> list[GapReport]:
    """Return the gaps that touch [from_ms, to_ms], by time; of one gateway, or of all."""
    db = history.reader()
    try:
        rows = db.execute(
            "SELECT gateway, from_ms, to_ms, samples, kept, reason FROM gap"
            " WHERE to_ms >= ? AND from_ms <= ? AND (? IS NULL OR gateway = ?)"
            " ORDER BY from_ms, gateway",
            (from_ms, to_ms, gateway, gateway),
        ).fetchall()
    finally:
        db.close()
    return [GapReport(*row) for row in rows]
