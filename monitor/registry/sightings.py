"""What spoke without being registered so: kept with what it said, since when, how often.

Three kinds: a gateway nobody registered, a lift nobody registered, and a registered lift that a
second gateway speaks for. What they sent is in quarantine; this is the short list a person reads.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, and_, delete, func, insert, select, update

from alerts.database.registry_tables import sighting
from devices.batch import Refusal
from devices.registry import NAME
from monitor.registry.entries import GATEWAY, LIFT

SAMPLE = 1024  # bytes of the newest message that are kept
PENDING = 2_000  # between two writes; beyond it new names are only in the quarantine
LONGEST = 64
Name = tuple[str, str, str]  # kind, subject, the gateway that spoke for it


@dataclass(slots=True)
class Sighting:
    """One of them. `size`: bytes of all its refused messages; `sample`: how the newest begins."""

    topic: str
    first_ms: int
    last_ms: int
    count: int
    size: int
    sample: str


class Sightings:
    """Gathers in memory, from the network thread; the keeper writes it now and then."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: dict[Name, Sighting] = {}

    def note(
        self, topic: str, gateway: str, payload: bytes, refusals: Iterable[Refusal], now_ms: int
    ) -> None:
        """Take note of a message that was refused for who spoke, or for whom."""
        for name in dict.fromkeys(_names(gateway, refusals)):
            self._count(name, topic, payload, now_ms)

    def _count(self, name: Name, topic: str, payload: bytes, now_ms: int) -> None:
        with self._lock:
            known = self._seen.get(name)
            if known is None:
                if len(self._seen) >= PENDING:
                    return
                known = self._seen[name] = Sighting(topic[:256], now_ms, now_ms, 0, 0, "")
            known.last_ms, known.topic = now_ms, topic[:256]
            known.count += 1
            known.size += len(payload)
            # PostgreSQL takes no NUL in a text
            text = payload[:SAMPLE].decode("utf-8", "backslashreplace").replace("\0", "\\x00")
            known.sample = text

    def drain(self) -> dict[Name, Sighting]:
        """Return what was gathered since the last call."""
        with self._lock:
            seen, self._seen = self._seen, {}
        return seen

    def put_back(self, seen: Mapping[Name, Sighting]) -> None:
        """Take back what could not be written."""
        with self._lock:
            for name, one in seen.items():
                newer = self._seen.get(name)
                if newer is None:
                    self._seen[name] = one
                else:
                    newer.first_ms = one.first_ms
                    newer.count += one.count
                    newer.size += one.size


def _names(gateway: str, refusals: Iterable[Refusal]) -> Iterable[Name]:
    for refusal in refusals:
        if refusal.reason == "unknown_gateway" and NAME.fullmatch(gateway):
            yield GATEWAY, gateway, ""
        elif refusal.reason in ("unknown_lift", "wrong_gateway") and refusal.lift:
            yield LIFT, refusal.lift[:LONGEST].replace("\0", ""), gateway


def _is(name: Name) -> Any:
    columns = sighting.c.kind, sighting.c.subject, sighting.c.gateway
    return and_(*(column == value for column, value in zip(columns, name, strict=True)))


def write_sightings(conn: Connection, seen: Mapping[Name, Sighting], most: int) -> None:
    """Add what was gathered; keep at most `most` rows: those heard least go first."""
    for name, one in seen.items():
        changed = conn.execute(
            update(sighting)
            .where(_is(name))
            .values(
                topic=one.topic,
                last_ms=one.last_ms,
                sample=one.sample,
                count=sighting.c.count + one.count,
                size=sighting.c.size + one.size,
            )
        )
        if not changed.rowcount:
            row = dict(zip(("kind", "subject", "gateway"), name, strict=True))
            fields = ("topic", "first_ms", "last_ms", "count", "size", "sample")
            conn.execute(insert(sighting).values(row | {f: getattr(one, f) for f in fields}))
    _trim(conn, most)


def _trim(conn: Connection, most: int) -> None:
    total = conn.execute(select(func.count()).select_from(sighting)).scalar() or 0
    if total <= most:
        return
    least = select(sighting.c.kind, sighting.c.subject, sighting.c.gateway).order_by(
        sighting.c.count, sighting.c.last_ms
    )
    for row in conn.execute(least.limit(total - most)).all():
        conn.execute(delete(sighting).where(_is((row.kind, row.subject, row.gateway))))


def read_sightings(conn: Connection) -> dict[Name, Sighting]:
    """Return all that is kept."""
    fields = ("topic", "first_ms", "last_ms", "count", "size", "sample")
    return {
        (row["kind"], row["subject"], row["gateway"]): Sighting(*(row[field] for field in fields))
        for row in conn.execute(select(sighting)).mappings()
    }


def forget_sightings(conn: Connection, kind: str, subject: str) -> int:
    """Dismiss somebody: what is kept of it goes; whoever speaks again is seen again."""
    which = and_(sighting.c.kind == kind, sighting.c.subject == subject)
    return conn.execute(delete(sighting).where(which)).rowcount
