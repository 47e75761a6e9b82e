"""What is remembered of every lift and gateway beside its line in the site's files.

Comparing that with the files finds who joined, changed, moved or left, also while nothing ran.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

import orjson
from sqlalchemy import Connection, and_, insert, select, update

from alerts.database.registry_tables import registry_entry
from alerts.journal.journal import Line, append
from alerts.model import SYSTEM, Actor
from devices.registry import Gateway, Lift, Registry, cells

LIFT, GATEWAY = "lift", "gateway"
# A question that stands open; what was answered and is to be carried out.
BASELINE, KEEP, FRESH = "baseline", "keep", "fresh"
# What makes a lift the same machine; another one is learned anew (monitor.judge does likewise).
MACHINE = ("type", "rated_speed", "rated_load_kg")
TOLD = 200  # changes one line of the journal names; the rest is counted
What = Literal["registered", "restored", "changed", "moved", "rebuilt", "retired"]
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Entry:
    """One lift or gateway; `data` is its line in the files, ms are epoch, None = never."""

    kind: str
    id: str
    data: Mapping[str, str]
    registered_ms: int
    first_seen_ms: int | None = None
    moved_ms: int | None = None
    moved_from: str | None = None
    arrived_ms: int | None = None
    device_since_ms: int | None = None
    question: str | None = None
    retired_ms: int | None = None

    @property
    def key(self) -> Key:
        """Kind and id."""
        return self.kind, self.id

    @property
    def waits(self) -> bool:
        """True until it has spoken, or spoken through the gateway it moved to."""
        return self.retired_ms is None and (
            self.first_seen_ms is None or (self.moved_ms is not None and self.arrived_ms is None)
        )


@dataclass(frozen=True, slots=True)
class Change:
    """What happened to one of them: the entry as it is now, and its line before."""

    what: What
    entry: Entry
    was: Mapping[str, str]

    def as_json(self) -> dict[str, Any]:
        """Return it for the journal: only the fields that differ."""
        now = {} if self.what == "retired" else self.entry.data
        names = [name for name in {**self.was, **now} if self.was.get(name) != now.get(name)]
        told: dict[str, Any] = {"what": self.what, "kind": self.entry.kind, "id": self.entry.id}
        if self.what in ("changed", "moved", "rebuilt"):
            told["fields"] = {name: [self.was.get(name), now.get(name)] for name in names}
        return told


def read_entries(conn: Connection) -> dict[Key, Entry]:
    """Return all entries, those that left included."""
    rows = conn.execute(select(registry_entry)).mappings()
    found = (Entry(**{**row, "data": orjson.loads(row["data"])}) for row in rows)
    return {entry.key: entry for entry in found}


def lines_of(registry: Registry) -> dict[Key, dict[str, str]]:
    """Return every lift and gateway of the files as text by column."""
    kinds: list[tuple[str, str, Lift | Gateway]] = [(GATEWAY, g.id, g) for g in registry.gateways]
    kinds += [(LIFT, lift.reg_code, lift) for lift in registry.lifts]
    return {(kind, ident): cells(one) for kind, ident, one in kinds}


def compare(
    entries: Mapping[Key, Entry], lines: Mapping[Key, Mapping[str, str]], now_ms: int
) -> list[Change]:
    """Return what the files say otherwise than is remembered."""
    found = [_change(entries.get(key), key, line, now_ms) for key, line in lines.items()]
    gone = (e for key, e in entries.items() if key not in lines and e.retired_ms is None)
    left = [Change("retired", replace(e, retired_ms=now_ms, question=None), e.data) for e in gone]
    return [*(one for one in found if one is not None), *left]


def _change(entry: Entry | None, key: Key, line: Mapping[str, str], now_ms: int) -> Change | None:
    kind, ident = key
    if entry is None:
        return Change("registered", Entry(kind, ident, line, now_ms), {})
    if entry.retired_ms is not None:
        back = replace(entry, data=line, registered_ms=now_ms, retired_ms=None)
        return Change("restored", _moved(back, entry.data, now_ms), entry.data)
    if entry.data == line:
        return None
    fresh = _moved(replace(entry, data=line), entry.data, now_ms)
    what: What = "moved" if fresh.moved_ms != entry.moved_ms else "changed"
    if kind == LIFT and any(entry.data.get(n) != line.get(n) for n in MACHINE):
        what, fresh = "rebuilt", replace(fresh, device_since_ms=now_ms, question=None)
    return Change(what, fresh, entry.data)


def _moved(entry: Entry, was: Mapping[str, str], now_ms: int) -> Entry:
    """A lift under another gateway: perhaps only wired anew, perhaps another device. We ask."""
    old = was.get("gateway")
    if entry.kind != LIFT or old in (None, entry.data["gateway"]):
        return entry
    asked = BASELINE if entry.first_seen_ms is not None else None
    return replace(entry, moved_ms=now_ms, moved_from=old, arrived_ms=None, question=asked)


def insert_entries(conn: Connection, entries: Iterable[Entry]) -> None:
    """Write entries that are not in the table yet."""
    rows = [_row(entry) for entry in entries]
    if rows:
        conn.execute(insert(registry_entry), rows)


def update_entry(conn: Connection, entry: Entry, names: Iterable[str]) -> None:
    """Write these columns of an entry."""
    row = _row(entry)
    one = and_(registry_entry.c.kind == entry.kind, registry_entry.c.id == entry.id)
    conn.execute(update(registry_entry).where(one).values({name: row[name] for name in names}))


def _row(entry: Entry) -> dict[str, Any]:
    row = {field.name: getattr(entry, field.name) for field in fields(entry)}
    return row | {"data": orjson.dumps(dict(entry.data)).decode()}


def journal_changes(
    conn: Connection, changes: Sequence[Change], now_ms: int, actor: Actor = SYSTEM
) -> None:
    """One line for all that one look at the files has found."""
    told = [change.as_json() for change in changes[:TOLD]]
    counts: dict[str, int] = {}
    for change in changes:
        name = f"{change.entry.kind}s_{change.what}"
        counts[name] = counts.get(name, 0) + 1
    data = {"counts": counts, "changes": told, "more": max(0, len(changes) - TOLD)}
    append(conn, now_ms, [Line(None, "registry", actor, data)])
