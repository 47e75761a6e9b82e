"""What is sent next: alarms, then what is live, then back-fill as far as the pace allows."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass

from devices.gateway.encoding import Encoding, envelope
from devices.gateway.pace import Pace
from devices.gateway.parts import Number, Span
from devices.gateway.store import DamagedPart, Store
from devices.gateway.trim import Trimmer

LIVE_S = 5.0  # what was published longer ago than this is back-fill


@dataclass(frozen=True, slots=True)
class Batching:
    """rows, bytes: the most in one message. wait_s: how long live samples gather for one."""

    rows: int = 1000
    bytes: int = 256 * 1024
    wait_s: float = 0.0


@dataclass(slots=True)
class Outgoing:
    """One message on its way. backfill: it paces. live_at: when its first sample came."""

    number: Number
    kind: str
    payload: bytes
    samples: int
    backfill: bool = False
    live_at: float | None = None


class Lanes:
    """Chooses, numbers and encodes; used by the forwarding thread, `published` by any."""

    def __init__(
        self, store: Store, trimmer: Trimmer, encoding: Encoding, batching: Batching, pace: Pace
    ) -> None:
        self._store, self._trimmer, self._encoding = store, trimmer, encoding
        self._batching, self.pace = batching, pace
        self._recent: deque[tuple[float, int]] = deque()  # when, first place
        self.hurry = False  # somebody waits for `flush`: do not gather

    def published(self, low: int) -> None:
        """Samples from this place on came just now; the store's lock is held."""
        now = time.monotonic()
        self._recent.append((now, low))
        while self._recent[0][0] < now - LIVE_S:
            self._recent.popleft()

    def backlog(self) -> int:
        """Return how many samples that are not live have not been sent yet."""
        with self._store.lock:
            floor = self._floor(time.monotonic())[0]
            return sum(min(b, floor) - a for a, b in self._store.todo if a < floor)

    def again(self, number: Number, now_ms: int) -> Outgoing:
        """Encode what has its number already."""
        while True:
            try:
                return self._encoded(self._store.numbers[number.key])
            except DamagedPart as damaged:
                self._trimmer.damaged(damaged.part, now_ms)

    def next_event(self) -> Outgoing | None:
        """Number the oldest message or burst that waits."""
        with self._store.lock:
            if not self._store.waiting:
                return None
            event = self._store.waiting[0]
            boot = self._store.boot_for(0, event)
            number = self._store.number(boot, 0, 0, event)
        made = self._encoded(number)
        made.live_at = time.monotonic() if boot == self._store.boot else None
        return made

    def next_live(self, now: float, now_ms: int) -> tuple[Outgoing | None, float | None]:
        """Return live samples that are due, and when the next will be."""
        store = self._store
        with store.lock:
            floor, came = self._floor(now)
            span = store.todo.first(floor)
            if span is None or came is None:
                return None, None
            enough = span[1] - span[0] >= self._batching.rows
            due = came + self._batching.wait_s
            if not (enough or self.hurry or now >= due):
                return None, due
            made = self._numbered(span, now_ms)
            if made is not None:
                made.live_at = came
            return made, None

    def next_backfill(self, now: float, now_ms: int, open_: int) -> tuple[Outgoing | None, float]:
        """Return the oldest samples that are not live, and how long to wait for more."""
        store = self._store
        with store.lock:
            span = store.todo.first(0, self._floor(now)[0])
            if span is None:
                return None, 1.0
            wait_s = self.pace.wait_s(now, open_)
            if wait_s > 0:
                return None, wait_s
            part = store.parts.over(span[0], span[0] + 1)[0]
            high = min(span[1], part.hi) if part.sealed else span[1]
            if span[0] < store.old:
                high = min(high, store.old)
            made = self._numbered((span[0], high), now_ms)
            if made is not None:
                made.backfill = True
                self.pace.sent(made.samples, now)
            return made, 0.0

    def _floor(self, now: float) -> tuple[int, float | None]:
        """Return the first live place, and when it came."""
        recent = self._recent
        while recent and recent[0][0] < now - LIVE_S:
            recent.popleft()
        while len(recent) > 1 and self._store.todo.first(recent[0][1], recent[1][1]) is None:
            recent.popleft()  # sent
        return (recent[0][1], recent[0][0]) if recent else (self._store.head, None)

    def _numbered(self, span: Span, now_ms: int) -> Outgoing | None:
        """Number as many samples from the begin of the span as one message takes."""
        low, high = span[0], min(span[1], span[0] + self._batching.rows)
        store = self._store
        boot = store.boot_for(low)
        seq = store.next_seq(boot)
        try:
            rows = store.rows(low, high)
        except DamagedPart as damaged:
            self._trimmer.damaged(damaged.part, now_ms)
            return None
        first = store.first(boot) or seq
        while True:
            payload = self._encoding.encode(boot, seq, first, rows, store.names)
            if len(payload) <= self._batching.bytes or len(rows) == 1:
                break
            rows = rows.pick(slice(0, len(rows) // 2))
        number = store.number(boot, low, low + len(rows))
        return Outgoing(number, self._encoding.kind, payload, len(rows))

    def _encoded(self, number: Number) -> Outgoing:
        store = self._store
        with store.lock:
            first = store.first(number.boot) or number.seq
            if number.event is not None:
                kind, body = store.event(number.event)
                payload = envelope(number.boot, number.seq, first) + body[1:]
                return Outgoing(number, kind, payload, 0)
            rows = store.rows(number.lo, number.hi)
        payload = self._encoding.encode(number.boot, number.seq, first, rows, store.names)
        return Outgoing(number, self._encoding.kind, payload, len(rows))
