"""Cursor and proofs of the tiers, in the history database beside what they speak of.

A delivery is written down before it is sent: from where to where, so that after a crash the same
messages go out under the same keys. It is proven once every message was taken; only then the
cursor moves. Proofs stay as long as history does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from monitor.store.history import History


@dataclass(frozen=True, slots=True)
class Delivery:
    """Positions (begins, ends] of a stream; `proven_ms` None: on its way.

    objects: rows the tier has taken · unsaid: what it has no word for · gone: positions that
    history had dropped or may have · proofs: one line a message.
    """

    tier: str
    stream: str
    begins: int
    ends: int
    begun_ms: int
    proven_ms: int | None = None
    objects: int = 0
    unsaid: dict[str, int] | None = None
    gone: int = 0
    proofs: tuple[str, ...] = ()


class Deliveries:
    """The book of deliveries. One writer a tier; reading from anywhere."""

    def __init__(self, history: History) -> None:
        self._history = history

    def cursor(self, tier: str, stream: str) -> tuple[int, int] | None:
        """Return (position up to which a stream is proven, when); None before the first one."""
        found = self._rows(
            "SELECT max(ends), max(proven_ms) FROM delivery WHERE tier = ? AND stream = ?"
            " AND proven_ms IS NOT NULL",
            (tier, stream),
        )
        return None if found[0][0] is None else (int(found[0][0]), int(found[0][1]))

    def open(self, tier: str, stream: str) -> Delivery | None:
        """Return the delivery that is on its way, None where there is none."""
        found = self._rows(
            "SELECT tier, stream, begins, ends, begun_ms FROM delivery WHERE tier = ?"
            " AND stream = ? AND proven_ms IS NULL",
            (tier, stream),
        )
        return Delivery(*found[0]) if found else None

    def begin(self, one: Delivery) -> None:
        """Write a delivery down before its first message leaves."""
        self._history.run(
            (
                "INSERT INTO delivery (tier, stream, begins, ends, begun_ms)"
                " VALUES (?, ?, ?, ?, ?)",
                (one.tier, one.stream, one.begins, one.ends, one.begun_ms),
            )
        )

    def prove(self, one: Delivery) -> None:
        """Close a delivery with its proofs; the cursor has moved then."""
        self._history.run(
            (
                "UPDATE delivery SET proven_ms = ?, objects = ?, unsaid = ?, gone = ?, proofs = ?"
                " WHERE tier = ? AND stream = ? AND begins = ? AND ends = ?",
                (
                    *(one.proven_ms, one.objects, orjson.dumps(one.unsaid or {}).decode()),
                    *(one.gone, "\n".join(one.proofs)),
                    *(one.tier, one.stream, one.begins, one.ends),
                ),
            )
        )

    def latest(self, tier: str, most: int = 50, stream: str | None = None) -> list[Delivery]:
        """Return the newest deliveries of a tier that sent or lost something, newest first."""
        found = self._rows(
            "SELECT tier, stream, begins, ends, begun_ms, proven_ms, coalesce(objects, 0),"
            " coalesce(unsaid, '{}'), coalesce(gone, 0), coalesce(proofs, '') FROM delivery"
            " WHERE tier = ? AND (? IS NULL OR stream = ?)"
            " AND (proven_ms IS NULL OR objects > 0 OR gone > 0)"
            " ORDER BY begun_ms DESC, rowid DESC LIMIT ?",
            (tier, stream, stream, most),
        )
        return [
            Delivery(
                tier,
                row[1],
                row[2],
                row[3],
                row[4],
                row[5],
                row[6],
                orjson.loads(row[7]),
                row[8],
                tuple(row[9].splitlines()),
            )
            for row in found
        ]

    def forget(self, before_ms: int) -> None:
        """Drop what history has dropped, and deliveries of nothing but the last of each stream."""
        self._history.run(
            (
                "DELETE FROM delivery WHERE proven_ms IS NOT NULL AND (begun_ms < ? OR"
                " (objects = 0 AND gone = 0)) AND (tier, stream, ends) NOT IN"
                " (SELECT tier, stream, max(ends) FROM delivery WHERE proven_ms IS NOT NULL"
                " GROUP BY tier, stream)",
                (before_ms,),
            )
        )

    def _rows(self, sql: str, values: Sequence[object]) -> list[tuple[Any, ...]]:
        db = self._history.reader()
        try:
            return db.execute(sql, values).fetchall()
        finally:
            db.close()
