"""The gateway's store on disk: everything is here before it is on the wire, until durable.

Samples lie in parts (see parts.py), alarms and bursts are events. What is to be sent gets its
(boot, seq) here, in the file, before it is sent: a number never means two things. A crash of the
program loses nothing; with `power_safe` neither does a power cut, at one disk flush a write.
"""

from __future__ import annotations

import sqlite3
import struct
import threading
import zlib
from collections import Counter, OrderedDict, deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from devices.gateway.errors import StoreFull
from devices.gateway.names import Names
from devices.gateway.parts import TAIL, Number, Part, Parts, Span
from devices.gateway.ranges import Ranges
from devices.gateway.rows import Rows, join
from devices.gateway.segment import seal
from devices.gateway.tables import open_database

SEAL_ROWS = 32_768
SEAL_PARTS = 4_096
_SIGNED = 2**31  # SQLite keeps what we give it; a checksum is a small number for ever
_READ_PARTS = 2  # decoded parts kept at hand


class DamagedPart(Exception):
    """The bytes of a part are not those that were written."""

    def __init__(self, part: Part) -> None:
        self.part = part
        super().__init__(f"samples {part.lo}..{part.hi}")


class Store:
    """Samples and events of one gateway, oldest first. Safe to use from several threads.

    parts, todo, waiting, numbers mirror the file: todo = places without a number, waiting =
    events without one, numbers = what has one and is not durable. Places below `old`, and events
    below `old_event`, are of an earlier start: see `boot_for`.
    """

    def __init__(self, path: Path, max_bytes: int, now_ms: int, *, power_safe: bool = False):
        """Open or create the file and take a new boot. Raises StoreInUse."""
        self.path, self.max_bytes = path, max_bytes
        self.lock = threading.RLock()
        self._db = open_database(path, power_safe=power_safe)
        self.parts, self.todo = Parts(), Ranges()
        self.waiting: deque[int] = deque()
        self.numbers: dict[Span, Number] = {}
        self.bytes = self.events = 0
        self.names = Names(self._db, self.lock, self.transaction)
        self._read: OrderedDict[int, tuple[Part, Rows]] = OrderedDict()
        self._tail_rows = self._tail_parts = 0
        self._load()
        last = self._meta("boot")
        self.old, self.old_event = self.head, self._meta("event") + 1
        self.old_boot, self.boot = last + 1, max(now_ms, last + 2)
        self._seqs: dict[int, int] = {}
        self._remember(boot=self.boot)

    def close(self) -> None:
        """Close the file; what is held stays in it."""
        with self.lock:
            self._db.close()

    # -- opening ------------------------------------------------------------------------

    def _load(self) -> None:
        db = self._db
        query = "SELECT lo, hi, runs, born_ms, from_ms, to_ms, level, length(body) FROM part"
        for lo, hi, runs, born_ms, from_ms, to_ms, level, size in db.execute(query):
            spans = tuple(_pairs(runs))
            part = Part(lo, hi, spans, born_ms, from_ms, to_ms, level, size, 0)
            part.left = sum(b - a for a, b in part.spans)
            self._take_in(part)
            for span in part.spans:
                self.todo.add(*span)
        query = "SELECT boot, seq, lo, hi, event, done FROM number ORDER BY boot, seq"
        numbered = set()
        for boot, seq, lo, hi, event, done in db.execute(query).fetchall():
            if event is None:
                self.todo.remove(lo, hi)
            if done:
                for part in self.parts.over(lo, hi):
                    self.parts.settle(part.lo, min(hi, part.hi) - max(lo, part.lo))
            else:
                self.numbers[boot, seq] = Number(boot, seq, lo or 0, hi or 0, event)
                numbered.add(event)
        for event, size in db.execute("SELECT id, length(body) FROM event ORDER BY id").fetchall():
            self.events, self.bytes = self.events + 1, self.bytes + size
            if event not in numbered:
                self.waiting.append(event)
        self.head = self.parts.end

    def _take_in(self, part: Part) -> None:
        self.parts.put(part)
        self.bytes += part.size
        if not part.sealed:
            self._tail_rows += part.hi - part.lo
            self._tail_parts += 1

    def _meta(self, key: str) -> int:
        if key == "event":
            query = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'event'"
            return int(self._db.execute(query).fetchone()[0])
        row = self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return int(row[0]) if row else 0

    def _remember(self, **values: int) -> None:
        self._db.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", values.items())

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Do all of it or nothing, within one that is open already as a part of that.

        Raises StoreFull where the disk itself is full.
        """
        with self.lock:
            if self._db.in_transaction:
                yield self._db
                return
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException as error:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                if isinstance(error, sqlite3.OperationalError) and "full" in str(error):
                    raise StoreFull.of(str(error)) from error
                raise

    # -- taking in ----------------------------------------------------------------------

    @property
    def empty(self) -> bool:
        """True when everything is durable with the service."""
        return self.count == 0

    @property
    def count(self) -> int:
        """Samples and events held."""
        return self.parts.left + self.events

    def has_room(self, size: int) -> bool:
        """True if `size` more bytes fit."""
        return self.bytes + size <= self.max_bytes

    def add_rows(self, rows: Rows, body: bytes, now_ms: int) -> int:
        """Write samples; they are on disk when this returns. Returns one past their places.

        body: `rows.pack()`. Raises StoreFull where the disk is.
        """
        with self.lock:
            lo, hi = self.head, self.head + len(rows)
            times = int(rows.ts_ms.min()), int(rows.ts_ms.max())
            part = Part(lo, hi, (), now_ms, *times, TAIL, len(body), hi - lo)
            self._insert(self._db, part, body)
            self.head = hi
            self._take_in(part)
            self.todo.add(lo, hi)
            if self._tail_rows >= SEAL_ROWS or self._tail_parts >= SEAL_PARTS:
                self.seal_tail()
            return hi

    def _insert(self, db: sqlite3.Connection, part: Part, body: bytes) -> None:
        runs = ",".join(f"{a}-{b}" for a, b in part.runs)
        times = (part.born_ms, part.from_ms, part.to_ms)
        crc = zlib.crc32(body) - _SIGNED
        row = (part.lo, part.hi, runs, *times, part.level, crc, body)
        try:
            db.execute("INSERT OR REPLACE INTO part VALUES (?,?,?,?,?,?,?,?,?)", row)
        except sqlite3.OperationalError as error:  # the disk itself is full
            raise StoreFull.of(str(error)) from error

    def add_event(self, kind: str, body: bytes, now_ms: int) -> int:
        """Write one message, burst or report; returns its running number. Raises StoreFull."""
        with self.lock:
            row = (kind, now_ms, body)
            try:
                done = self._db.execute("INSERT INTO event VALUES (NULL, ?, ?, ?)", row)
            except sqlite3.OperationalError as error:
                raise StoreFull.of(str(error)) from error
            event = int(done.lastrowid or 0)
            self.events += 1
            self.bytes += len(body)
            self.waiting.append(event)
            return event

    def reword(self, event: int, body: bytes) -> None:
        """Give an event that has no number yet another body."""
        with self.lock:
            query = "SELECT length(body) FROM event WHERE id = ?"
            (size,) = self._db.execute(query, (event,)).fetchone()
            self._db.execute("UPDATE event SET body = ? WHERE id = ?", (body, event))
            self.bytes += len(body) - size

    @property
    def tail_bytes(self) -> int:
        """Bytes of what is not compressed yet."""
        return sum(part.size for part in self.parts if not part.sealed)

    def seal_tail(self) -> None:
        """Compress what was published lately into one segment."""
        with self.lock:
            tail = [part for part in self.parts if not part.sealed]
            if not tail:
                return
            read = [(part, self._rows(part)) for part in tail]
            body = seal(join([rows for _, rows in read]))
            spans = Ranges((part.lo, part.hi) for part, _ in read)
            runs = tuple(spans)
            lo, hi = runs[0][0], runs[-1][1]
            times = min(p.from_ms for p in tail), max(p.to_ms for p in tail)
            left = sum(part.left for part in tail)
            runs = runs if len(runs) > 1 else ()
            whole = Part(lo, hi, runs, tail[0].born_ms, *times, 0, len(body), left)
            self.replace(tail, [(whole, body)])

    def replace(self, gone: Sequence[Part], fresh: Sequence[tuple[Part, bytes]] = ()) -> None:
        """Put parts in the place of others, in one transaction."""
        with self.transaction() as db:
            db.executemany("DELETE FROM part WHERE lo = ?", [(part.lo,) for part in gone])
            for part, body in fresh:
                self._insert(db, part, body)
        self._let_go(gone)
        for part, _ in fresh:
            self._take_in(part)
        if not self._db.in_transaction:
            self._db.execute("PRAGMA incremental_vacuum(256)").fetchall()

    def _let_go(self, gone: Iterable[Part]) -> None:
        for part in gone:
            self.parts.drop(part.lo)
            self._read.pop(part.lo, None)
            self.bytes -= part.size
            if not part.sealed:
                self._tail_rows -= part.hi - part.lo
                self._tail_parts -= 1

    # -- reading ------------------------------------------------------------------------

    def rows(self, low: int, high: int) -> Rows:
        """Return the samples at these places. Raises DamagedPart."""
        with self.lock:
            over = self.parts.over(low, high)
            return join([part.within(self._rows(part), low, high) for part in over])

    def _rows(self, part: Part) -> Rows:
        kept = self._read.get(part.lo)
        if kept is not None and kept[0] is part:
            return kept[1]
        query = "SELECT crc, body FROM part WHERE lo = ?"
        crc, body = self._db.execute(query, (part.lo,)).fetchone()
        try:
            if crc != zlib.crc32(body) - _SIGNED:
                raise ValueError("checksum")
            rows = part.read(body)
        except (ValueError, struct.error, zlib.error) as error:
            raise DamagedPart(part) from error
        if part.sealed:
            self._read[part.lo] = (part, rows)
            if len(self._read) > _READ_PARTS:
                self._read.popitem(last=False)
        return rows

    def event(self, number: int) -> tuple[str, bytes]:
        """Return kind and body of an event."""
        query = "SELECT kind, body FROM event WHERE id = ?"
        with self.lock:
            kind, body = self._db.execute(query, (number,)).fetchone()
        return str(kind), bytes(body)

    # -- numbers ------------------------------------------------------------------------

    def boot_for(self, place: int, event: int | None = None) -> int:
        """Return the boot under which this is numbered.

        What an earlier start left unnumbered goes under a boot that follows from the store
        alone: a copy of it, on whatever machine, gives the same number to the same samples, so
        the service takes them once.
        """
        old = event < self.old_event if event is not None else place < self.old
        return self.old_boot if old else self.boot

    def next_seq(self, boot: int) -> int:
        """Return the next free number of one of the boots of this start."""
        return self._seqs.get(boot, 0) + 1

    def number(self, boot: int, lo: int, hi: int, event: int | None = None) -> Number:
        """Give the next number to samples or to the first waiting event, durably."""
        with self.lock:
            seq = self.next_seq(boot)
            fresh = Number(boot, seq, lo, hi, event)
            self._put([fresh])
            self._seqs[boot] = seq
            if event is None:
                self.todo.remove(lo, hi)
            else:
                self.waiting.remove(event)
            return fresh

    def _put(self, fresh: Sequence[Number]) -> None:
        rows = [
            (n.boot, n.seq, *((n.lo, n.hi) if n.event is None else (None, None)), n.event)
            for n in fresh
        ]
        self._db.executemany("INSERT INTO number VALUES (?, ?, ?, ?, ?, 0)", rows)
        self.numbers |= {n.key: n for n in fresh}

    def renumber(self, keys: Sequence[Span], boot: int) -> list[Number]:
        """Number these messages anew under another boot: their numbers were not theirs."""
        with self.transaction() as db:
            found = [self.numbers.pop(key) for key in keys]
            db.executemany("DELETE FROM number WHERE boot = ? AND seq = ?", keys)
            first = self.next_seq(boot)
            fresh = [Number(boot, first + i, n.lo, n.hi, n.event) for i, n in enumerate(found)]
            self._put(fresh)
            self._seqs[boot] = first + len(fresh) - 1
            return fresh

    def take_boot(self, at_least: int) -> int:
        """Return a boot larger than every earlier one; from now on it is ours."""
        with self.lock:
            self.boot = max(at_least, self.boot + 1)
            self._remember(boot=self.boot)
            return self.boot

    def instead(self, number: Number, kind: str, body: bytes, now_ms: int) -> None:
        """Let a number carry this event: the samples it had are gone."""
        with self.lock:
            event = self.add_event(kind, body, now_ms)
            self.waiting.remove(event)
            row = (event, number.boot, number.seq)
            self._db.execute(
                "UPDATE number SET lo = NULL, hi = NULL, event = ? WHERE boot = ? AND seq = ?", row
            )
            self.numbers[number.key] = Number(number.boot, number.seq, 0, 0, event)

    def settle(self, keys: Iterable[Span]) -> int:
        """These are durable with the service: forget them. Returns how many samples and events
        that were."""
        with self.lock:
            settled = [self.numbers[key] for key in keys]
            places = [n for n in settled if n.event is None]
            events = [n for n in settled if n.event is not None]
            gains: Counter[int] = Counter()
            for n in places:
                for part in self.parts.over(n.lo, n.hi):
                    gains[part.lo] += min(n.hi, part.hi) - max(n.lo, part.lo)
            over = [part for part in self.parts.at(gains) if part.left <= gains[part.lo]]
            with self.transaction() as db:
                done = "UPDATE number SET done = 1 WHERE boot = ? AND seq = ?"
                db.executemany(done, [n.key for n in places])
                freed = [self._delete_event(db, n) for n in events]
                self._delete_parts(db, over)
            for lo, gain in gains.items():
                self.parts.settle(lo, gain)
            self._let_go(over)
            self.events -= len(events)
            self.bytes -= sum(freed)
            for n in settled:
                del self.numbers[n.key]
            return gains.total() + len(events)

    @staticmethod
    def _delete_event(db: sqlite3.Connection, number: Number) -> int:
        query = "SELECT length(body) FROM event WHERE id = ?"
        (size,) = db.execute(query, (number.event,)).fetchone()
        db.execute("DELETE FROM event WHERE id = ?", (number.event,))
        db.execute("DELETE FROM number WHERE boot = ? AND seq = ?", number.key)
        return int(size)

    def _delete_parts(self, db: sqlite3.Connection, over: Sequence[Part]) -> None:
        """Delete parts, and the settled numbers that no other part still counts by."""
        gone = {part.lo for part in over}
        for part in over:
            before, behind = self.parts.around(part, gone)
            db.execute("DELETE FROM part WHERE lo = ?", (part.lo,))
            db.execute(
                "DELETE FROM number WHERE done = 1 AND lo >= ? AND hi <= ?", (before, behind)
            )

    def first(self, boot: int) -> int | None:
        """Return the oldest seq still held of a boot."""
        with self.lock:
            return min((seq for b, seq in self.numbers if b == boot), default=None)


def _pairs(runs: str) -> Iterator[Span]:
    for part in filter(None, runs.split(",")):
        low, _, high = part.partition("-")
        yield int(low), int(high)
