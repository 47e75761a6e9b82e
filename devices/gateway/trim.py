"""What is done when the store is full, too old, or damaged; and how it is named.

Messages and alarms are never given up. What is lost of the samples is told to the service as a
named gap: from when to when, how many, and why. So nobody takes a hole for a silent device.
"""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np
import orjson

from devices.gateway.parts import Part
from devices.gateway.rows import Rows
from devices.gateway.segment import seal
from devices.gateway.store import DamagedPart, Store

WhenFull = Literal["raise", "wait", "drop_oldest", "thin"]
Reason = Literal["dropped", "thinned", "aged", "damaged"]
KEEP_EVERY = 2  # of a lift's samples at each thinning
MOST_THINNED = 6  # one sample of 64 is left then
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Lost:
    """Samples given up: those between two times, of which `kept` are still there."""

    from_ms: int
    to_ms: int
    samples: int
    kept: int
    reason: Reason

    def body(self) -> bytes:
        """Return the message that tells it (docs/wire.md, chapter 6)."""
        told = asdict(self)
        told = {"from": told.pop("from_ms"), "to": told.pop("to_ms")} | told
        return orjson.dumps({"gaps": [told]})

    def joined(self, other: Lost) -> Lost:
        """Return both as one."""
        return Lost(
            min(self.from_ms, other.from_ms),
            max(self.to_ms, other.to_ms),
            self.samples + other.samples,
            self.kept + other.kept,
            self.reason,
        )


class Trimmer:
    """Makes room by a policy. `lost` counts samples given up since the start."""

    def __init__(self, store: Store, when_full: WhenFull, max_age_ms: int | None) -> None:
        self._store, self.when_full, self._max_age_ms = store, when_full, max_age_ms
        self._told: dict[Reason, tuple[int, Lost]] = {}
        self.lost = 0

    def make_room(self, size: int, now_ms: int) -> bool:
        """Have `size` bytes fit, if the policy can. Compressing comes before giving up."""
        store = self._store
        with store.lock:
            if store.has_room(size):
                return True
            if store.tail_bytes * 8 > store.max_bytes:
                store.seal_tail()
            while not store.has_room(size) and self._give_up_some(now_ms):
                pass
            return store.has_room(size)

    def _give_up_some(self, now_ms: int) -> bool:
        if self.when_full not in ("drop_oldest", "thin"):
            return False
        free = [part for part in self._store.parts if self._untouched(part)]
        if self.when_full == "thin":
            dense = [p for p in free if p.sealed and p.level < MOST_THINNED]
            if not dense and any(not p.sealed for p in free):
                self._store.seal_tail()
                free = [part for part in self._store.parts if self._untouched(part)]
                dense = [p for p in free if p.level < MOST_THINNED]
            if dense:
                self._thin(min(dense, key=lambda p: (p.level, p.lo)), now_ms)
                return True
        if free:
            self._drop(free[0], "dropped", now_ms)
        return bool(free)

    def _untouched(self, part: Part) -> bool:
        """Nothing of it has a number, so nothing of it can be on its way."""
        return part.left == part.hi - part.lo and self._store.todo.covers(part.lo, part.hi)

    def drop_aged(self, now_ms: int) -> None:
        """Give up what is older than it may be."""
        if self._max_age_ms is None:
            return
        with self._store.lock:
            limit = now_ms - self._max_age_ms
            aged = [p for p in self._store.parts if p.born_ms < limit and self._untouched(p)]
            for part in aged:
                self._drop(part, "aged", now_ms)

    def _drop(self, part: Part, reason: Reason, now_ms: int) -> None:
        lost = Lost(part.from_ms, part.to_ms, part.left, 0, reason)
        with self._store.transaction():
            self._tell(lost, now_ms)
            self._store.replace([part])
        self._store.todo.remove(part.lo, part.hi)

    def _thin(self, part: Part, now_ms: int) -> None:
        try:
            rows = self._store.rows(part.lo, part.hi)
        except DamagedPart:
            self.damaged(part, now_ms)
            return
        kept = thinned(rows)
        body = seal(kept)
        fewer = Part(
            part.lo, part.lo + len(kept), (), part.born_ms, part.from_ms, part.to_ms,
            part.level + 1, len(body), len(kept),
        )  # fmt: skip
        gone = len(rows) - len(kept)
        with self._store.transaction():
            self._tell(Lost(part.from_ms, part.to_ms, gone, len(kept), "thinned"), now_ms)
            self._store.replace([part], [(fewer, body)])
        self._store.todo.remove(fewer.hi, part.hi)

    def damaged(self, part: Part, now_ms: int) -> None:
        """Give up a part whose bytes are not what was written.

        A number that was to carry some of it carries the report instead: if the samples had
        arrived under it the report is a repeat, and if they had not it says so.
        """
        store = self._store
        _log.error("samples %d..%d of the store are damaged and given up", part.lo, part.hi)
        with store.lock, store.transaction():
            for n in [n for n in store.numbers.values() if n.lo < part.hi and n.hi > part.lo]:
                report = Lost(part.from_ms, part.to_ms, n.hi - n.lo, 0, "damaged")
                store.instead(n, "message", report.body(), now_ms)
                self.lost += n.hi - n.lo
            spans = [span for span in store.todo if span[0] < part.hi and span[1] > part.lo]
            rest = sum(min(b, part.hi) - max(a, part.lo) for a, b in spans)
            if rest:
                self._tell(Lost(part.from_ms, part.to_ms, rest, 0, "damaged"), now_ms)
            store.replace([part])
        store.todo.remove(part.lo, part.hi)

    def _tell(self, lost: Lost, now_ms: int) -> None:
        """Add to the report of this reason that has not left yet, or begin one."""
        self.lost += lost.samples
        event, sofar = self._told.get(lost.reason, (-1, lost))
        if event in self._store.waiting:
            lost = sofar.joined(lost)
            self._store.reword(event, lost.body())
        else:
            event = self._store.add_event("message", lost.body(), now_ms)
            _log.warning("the gateway's store gives up samples: %s", lost)
        self._told[lost.reason] = (event, lost)


def thinned(rows: Rows) -> Rows:
    """Return every KEEP_EVERY-th sample of each lift, beginning with its first."""
    order = np.lexsort((rows.ts_ms, rows.lift))
    lift = rows.lift[order]
    begins = np.flatnonzero(np.r_[True, lift[1:] != lift[:-1]])
    lengths = np.diff(np.r_[begins, len(lift)])
    rank = np.empty(len(rows), np.int64)
    rank[order] = np.arange(len(rows)) - np.repeat(begins, lengths)
    return rows.pick(rank % KEEP_EVERY == 0)
