"""Is the journal what was written? Walks the chain of hashes and says which line is not.

A line that was changed, removed, slipped in or moved is found by itself. Whoever can write the
database can also cut off its end, or rewrite all of it from a line on with fresh hashes; both are
found by a head that was sent out before: the id and hash of the newest line at that time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain
from typing import Any

from sqlalchemy import Connection, func, select

from alerts.database.tables import journal
from alerts.journal.journal import GENESIS, digest
from config.text import Text

AT_ONCE = 5000
NEAR = 33  # so far from its place a line whose neighbours are gone is still recognised
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Head:
    """The newest line at some time. As text: `id hash time`, the time for people only."""

    id: int
    hash: str
    at_ms: int | None = None

    def __str__(self) -> str:
        """Return one line of a head file."""
        at = datetime.fromtimestamp((self.at_ms or 0) / 1000, UTC)
        return f"{self.id} {self.hash} {at.isoformat(timespec='seconds')}"


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong at a line: changed, missing, added, moved, or cut (against a head)."""

    id: int
    what: str
    text: Text


def head(conn: Connection) -> Head:
    """Return the newest line; id 0 and the first hash for an empty journal."""
    row = conn.execute(
        select(journal.c.id, journal.c.hash, journal.c.at_ms).order_by(journal.c.id.desc()).limit(1)
    ).first()
    return Head(row.id, row.hash, row.at_ms) if row else Head(0, GENESIS, None)


def read_heads(text: str) -> list[Head]:
    """Read head lines, one a line. Raises ValueError with the line that is none."""
    found = []
    for line in text.splitlines():
        if not line.strip():
            continue
        words = line.split()
        if len(words) < 2 or not words[0].isdigit() or len(words[1]) != 64:
            raise ValueError(line.strip())
        found.append(Head(int(words[0]), words[1]))
    return found


def count(conn: Connection) -> int:
    """Return how many lines there are."""
    return conn.execute(select(func.count()).select_from(journal)).scalar() or 0


def check(
    conn: Connection,
    heads: Sequence[Head] = (),
    progress: Callable[[int], None] = lambda lines: None,
) -> Iterator[Finding]:
    """Yield what is wrong, in the order of lines, then what the heads tell.

    `progress` is told how many lines were read since it was told last.
    """
    walk = Walk(conn)
    for rows in _pages(conn):
        for row in rows:
            yield from walk.line(row)
        progress(len(rows))
    yield from _against(conn, heads)


def _pages(conn: Connection) -> Iterator[list[Row]]:
    last = None
    while True:
        query = select(journal).order_by(journal.c.id).limit(AT_ONCE)
        if last is not None:
            query = query.where(journal.c.id > last)
        rows: list[Row] = [dict(row) for row in conn.execute(query).mappings()]
        if not rows:
            return
        yield rows
        last = rows[-1]["id"]


@dataclass
class Walk:
    """Goes along the chain. After a finding it trusts what stands, so one wrong line is one
    finding and not the whole rest."""

    conn: Connection
    _expected: int = 1
    _prev: str = GENESIS  # the hash that stands in the line before
    _prev_real: str = GENESIS  # the one it should have
    _shift: int = field(default=0)  # lines stand this far from where they were written

    def line(self, row: Row) -> Iterator[Finding]:
        """Yield what is wrong with one line."""
        ident = row["id"]
        gap = ident != self._expected
        if ident < 1:
            yield Finding(ident, "added", Text(f"第 {ident} 行是加入的", f"line {ident} was added"))
        elif gap:
            yield _missing(self._expected, ident - 1)
        real = digest(row["prev_hash"], row)
        if real != row["hash"]:
            yield from self._wrong(row)
        elif not gap and row["prev_hash"] not in (self._prev, self._prev_real):
            self._shift = 0
            yield Finding(
                ident,
                "added",
                Text(
                    f"第 {ident} 行与前一行不相接：其一是加入或连同校验值改写的",
                    f"line {ident} does not follow the one before: one of them was added, or "
                    "rewritten with its hash",
                ),
            )
        else:
            self._shift = 0
        self._expected, self._prev, self._prev_real = ident + 1, row["hash"], real

    def _wrong(self, row: Row) -> Iterator[Finding]:
        ident = row["id"]
        was = self._was(row)
        if was is None:
            self._shift = 0
            column = "prev_hash" if digest(self._prev, row) == row["hash"] else ""
            yield Finding(
                ident,
                "changed",
                Text(
                    f"第 {ident} 行被改动 {column}".rstrip(),
                    f"line {ident} was changed {column}".rstrip(),
                ),
            )
            return
        shift = was - ident
        if shift != self._shift:  # else it only follows the one that was told already
            yield Finding(
                ident,
                "moved",
                Text(
                    f"第 {ident} 行原为第 {was} 行：其间有行被加入、删除或调换",
                    f"line {ident} was written as line {was}: lines were added, removed or swapped "
                    "between",
                ),
            )
        self._shift = shift

    def _was(self, row: Row) -> int | None:
        """As which line it was written, if only its number is wrong."""
        ident = row["id"]
        near = (ident + sign * far for far in range(1, NEAR) for sign in (-1, 1))
        for was in chain((ident + self._shift,), near, self._after(row["prev_hash"])):
            if was != ident and digest(row["prev_hash"], {**row, "id": was}) == row["hash"]:
                return int(was)
        return None

    def _after(self, prev_hash: str) -> Iterator[int]:
        """The place after the line with this hash. Searches the table: slow, and rare."""
        if prev_hash == GENESIS:
            yield 1
        query = select(journal.c.id).where(journal.c.hash == prev_hash).limit(3)
        for found in self.conn.execute(query).scalars():
            yield found + 1


def _missing(first: int, last: int) -> Finding:
    if first == last:
        text = Text(f"缺第 {first} 行", f"line {first} is missing")
    else:
        text = Text(f"缺第 {first} 至 {last} 行", f"lines {first} to {last} are missing")
    return Finding(first, "missing", text)


def _against(conn: Connection, heads: Sequence[Head]) -> Iterator[Finding]:
    newest = head(conn).id
    for one in heads:
        if one.id == 0:
            continue
        found = conn.execute(select(journal.c.hash).where(journal.c.id == one.id)).scalar()
        if one.id > newest:
            text = Text(
                f"流水止于第 {newest} 行，但发出的链首已到第 {one.id} 行：末尾被截去",
                f"the journal ends at line {newest}, but a head that was sent out says {one.id}: "
                "its end was cut off",
            )
            yield Finding(newest + 1, "cut", text)
        elif found is not None and found != one.hash:
            text = Text(
                f"第 {one.id} 行的校验值与发出的链首不同：该行或更早的行被改写",
                f"line {one.id} has another hash than the head that was sent out: it, or what is "
                "before it, was rewritten",
            )
            yield Finding(one.id, "changed", text)
