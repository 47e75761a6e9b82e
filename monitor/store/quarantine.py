"""Looking into the quarantine: what was refused, why, and the bytes themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import duckdb
import orjson

from monitor.quarantine.choice import DROPPED, OPEN, Choice

BYTES_SHOWN = 4096
GATEWAYS_NAMED = 20


class Readable(Protocol):
    """Whatever gives cursors on the history database."""

    def reader(self) -> duckdb.DuckDBPyConnection:
        """Return a cursor that the caller closes."""
        ...


@dataclass(frozen=True, slots=True)
class Kept:
    """One message in quarantine.

    `refusals` as the gateway was told, or what the last try still refused; `payload` its first
    bytes, `held` how many are kept of the `size` that came. `outcome`: open, replayed or dropped,
    when and by whom it ended, and `took`: what the last try found new in it.
    """

    id: int
    at_ms: int
    gateway: str
    topic: str
    boot: int | None
    seq: int | None
    reason: str
    refusals: list[dict[str, Any]]
    size: int
    held: int
    payload: bytes
    outcome: str
    run: int | None
    ended_ms: int | None
    ended_by: str | None
    why: str | None
    took: dict[str, int]


@dataclass(frozen=True, slots=True)
class Group:
    """All rows of one reason; `gateways` names the first of them, `gateway_count` counts all."""

    reason: str
    rows: int
    bytes: int
    first_ms: int
    last_ms: int
    gateways: list[str]
    gateway_count: int


_COLUMNS = (
    "id, at_ms, gateway, topic, boot, seq, reason, refusals, size, octet_length(payload),"
    " payload[:?], coalesce(outcome, 'open'), run, ended_ms, ended_by, why, took"
)


def _kept(row: tuple[Any, ...]) -> Kept:
    told = list(row)
    told[7] = orjson.loads(told[7])
    told[10] = bytes(told[10])
    told[16] = orjson.loads(told[16]) if told[16] else {}
    return Kept(*told)


def recent(
    history: Readable,
    limit: int,
    before_id: int | None = None,
    choice: Choice = Choice(state=None),  # noqa: B008 - frozen
) -> list[Kept]:
    """Return what was kept and fits, newest first; `before_id` pages on."""
    where, values = choice.sql()
    db = history.reader()
    try:
        rows = db.execute(
            f"SELECT {_COLUMNS} FROM quarantine WHERE id < ? AND {where}"  # noqa: S608
            " ORDER BY id DESC LIMIT ?",
            (BYTES_SHOWN, before_id or 2**62, *values, limit),
        ).fetchall()
    finally:
        db.close()
    return [_kept(row) for row in rows]


def one(history: Readable, number: int, most_bytes: int = 2**31) -> Kept | None:
    """Return a row with its bytes, None where there is none of that number."""
    db = history.reader()
    try:
        row = db.execute(
            f"SELECT {_COLUMNS} FROM quarantine WHERE id = ?",  # noqa: S608
            (most_bytes, number),
        ).fetchone()
    finally:
        db.close()
    return _kept(row) if row else None


def groups(history: Readable, choice: Choice) -> list[Group]:
    """Return what fits by reason, the most frequent first."""
    where, values = choice.sql()
    db = history.reader()
    try:
        rows = db.execute(
            "SELECT reason, count(*), sum(size)::BIGINT, min(at_ms), max(at_ms),"  # noqa: S608
            " list_slice(list_sort(list(DISTINCT gateway)), 1, ?), count(DISTINCT gateway)"
            f" FROM quarantine WHERE {where} GROUP BY reason ORDER BY 2 DESC, 1",
            (GATEWAYS_NAMED, *values),
        ).fetchall()
    finally:
        db.close()
    return [Group(*row) for row in rows]


def payload(history: Readable, number: int) -> bytes | None:
    """Return all bytes of one kept message, or None where there is none of that number."""
    found = one(history, number)
    return found.payload if found else None


def count(history: Readable, choice: Choice = Choice()) -> int:  # noqa: B008 - frozen
    """Return how many messages are kept that fit; those still open by default."""
    where, values = choice.sql()
    db = history.reader()
    try:
        row = db.execute(f"SELECT count(*) FROM quarantine WHERE {where}", values).fetchone()  # noqa: S608
    finally:
        db.close()
    return int(row[0]) if row else 0


# -- a run over many rows ----------------------------------------------------------------------


def upto(history: Readable, choice: Choice) -> tuple[int, int]:
    """Return the highest number that fits and how many fit; (0, 0) for none."""
    where, values = choice.sql()
    db = history.reader()
    try:
        row = db.execute(
            f"SELECT coalesce(max(id), 0), count(*) FROM quarantine WHERE {where}",  # noqa: S608
            values,
        ).fetchone()
    finally:
        db.close()
    return (int(row[0]), int(row[1])) if row else (0, 0)


def portion(
    history: Readable, choice: Choice, run: int, span: tuple[int, int], most: int, most_bytes: int
) -> list[Kept]:
    """Return the next rows of a run with all their bytes, oldest first: those in (after, upto]
    that it has not been at yet; at least one, however large."""
    where, values = choice.sql()
    db = history.reader()
    try:
        sizes = db.execute(
            "SELECT id, octet_length(payload) FROM quarantine WHERE id > ? AND id <= ?"  # noqa: S608
            f" AND run IS DISTINCT FROM ? AND {where} ORDER BY id LIMIT ?",
            (*span, run, *values, most),
        ).fetchall()
        ids: list[int] = []
        held = 0
        for number, size in sizes:
            held += size
            if ids and held > most_bytes:
                break
            ids.append(number)
        if not ids:
            return []
        rows = db.execute(
            f"SELECT {_COLUMNS} FROM quarantine WHERE id IN"  # noqa: S608
            f" ({', '.join('?' * len(ids))}) ORDER BY id",
            (2**31, *ids),
        ).fetchall()
    finally:
        db.close()
    return [_kept(row) for row in rows]


def outcome_of(history: Readable, run: int) -> dict[str, int]:
    """Return what a run did so far, counted from the rows it marked."""
    db = history.reader()
    try:
        rows = db.execute(
            "SELECT coalesce(outcome, 'open'), took FROM quarantine WHERE run = ?", (run,)
        ).fetchall()
    finally:
        db.close()
    return counted([(outcome, orjson.loads(took) if took else {}) for outcome, took in rows])


def counted(rows: list[tuple[str, dict[str, int]]]) -> dict[str, int]:
    """Return rows, replayed, refused, dropped, known (nothing new in it) and what was new."""
    found = dict.fromkeys(("rows", "replayed", "refused", "dropped", "known", *NEW_KINDS), 0)
    for outcome, took in rows:
        found["rows"] += 1
        found["refused" if outcome == OPEN else outcome] += 1
        found["known"] += outcome not in (OPEN, DROPPED) and not any(took.values())
        for name in NEW_KINDS:
            found[name] += took.get(name, 0)
    return found


NEW_KINDS = ("samples", "fields", "messages", "bursts")
