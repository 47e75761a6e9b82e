"""Forwarding: what is held goes out in order, within a window, again and again until durable.

A message is sent again when the connection was lost, when the service names it as a gap, and
when nothing acknowledged it for `resend_s` (twice as long each time while the service says
nothing at all, up to 16 times: a silent service is not helped by noise).
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from devices.batch import Refusal
from devices.codecs.ack import Ack, decode_ack
from devices.store_forward import Held, Store

_log = logging.getLogger(__name__)
_SLICE = 64  # messages read from the store at a time
_PATIENCE = 16

Key = tuple[int, int]  # boot, seq
Gaps = Sequence[tuple[int, int]]  # inclusive ranges of seq
OnRefused = Callable[[int | None, int | None, Refusal], None]


@dataclass(slots=True)
class Counters:
    """What happened since the start. `published` counts transmissions, `resent` those of them
    that were repeats; `stored`, `durable` and `dropped` count messages, `refused` refusals."""

    stored: int = 0
    published: int = 0
    resent: int = 0
    durable: int = 0
    refused: int = 0
    dropped: int = 0


def _nowhere(_kind: str, _payload: bytes) -> bool:
    return False


class Forwarder:
    """Takes messages from the store to the broker, and acknowledgements to the store."""

    def __init__(
        self,
        store: Store,
        counters: Counters,
        *,
        window: int,
        resend_s: float,
        gap_retry_s: float,
        on_refused: OnRefused | None,
    ) -> None:
        self._store, self.counters = store, counters
        self._publish: Callable[[str, bytes], bool] = _nowhere
        self._window, self._resend_s, self._gap_retry_s = window, resend_s, gap_retry_s
        self._on_refused = on_refused
        self._news = threading.Condition()
        self._acks: deque[Ack] = deque()
        self._up = self._rewind = self._stopped = False
        self._work = True
        # all below belongs to the forwarding thread
        self._sent: dict[Key, float] = {}  # not yet durable → when last sent, oldest first
        self._asked: dict[Key, float] = {}  # sent again because of a gap → when
        self._highest: dict[int, int] = {}  # boot → highest seq ever sent by this process
        self._told: set[tuple[Key, str, str | None, str | None]] = set()
        self._next: Key = (0, -1)
        self._patience = 1
        self._thread = threading.Thread(target=self._run, name="forwarder", daemon=True)

    def start(self, publish: Callable[[str, bytes], bool]) -> None:
        """Begin to forward; `publish(kind, payload)` tells whether it could."""
        self._publish = publish
        self._thread.start()

    def stop(self) -> None:
        """End the thread; what is held stays held."""
        with self._news:
            self._stopped = True
            self._news.notify_all()
        if self._thread.is_alive():
            self._thread.join(10.0)

    def wake(self) -> None:
        """There is something new in the store."""
        with self._news:
            self._work = True
            self._news.notify_all()

    def up(self) -> None:
        """The link came up: everything held is sent again, in order."""
        with self._news:
            self._up = self._rewind = self._work = True
            self._news.notify_all()

    def down(self) -> None:
        """The link was lost."""
        with self._news:
            self._up = False

    def take(self, payload: bytes) -> None:
        """An acknowledgement arrived."""
        ack = decode_ack(payload)
        if ack is None:
            _log.warning("an acknowledgement that is not version 1 was ignored: %r", payload[:200])
            return
        with self._news:
            self._acks.append(ack)
            self._work = True
            self._news.notify_all()

    def wait(self, done: Callable[[], bool], timeout_s: float | None) -> bool:
        """Wait until `done()`, looked at whenever something became durable."""
        with self._news:
            return self._news.wait_for(lambda: done() or self._stopped, timeout_s) and done()

    def _run(self) -> None:
        while not self._stopped:
            try:
                self._round()
            except sqlite3.Error:
                # a full or failing disk: what is held stays held, and is tried again
                _log.exception("the gateway's store failed; trying again")
                with self._news:
                    self._work = self._rewind = True
                    self._news.wait_for(lambda: self._stopped, 1.0)

    def _round(self) -> None:
        """Wait for something to do, then do it: hear answers, send what is overdue or next."""
        with self._news:
            self._news.wait_for(lambda: self._work or self._stopped, self._longest_sleep())
            if self._stopped:
                return
            self._work = False
            acks, self._acks = self._acks, deque()
            up = self._up
            if self._rewind:
                self._rewind, self._next = False, (0, -1)
                self._sent.clear()
        self._apply(acks)
        if up and (self._send_overdue() or self._send_next()):
            self._work = True

    def _longest_sleep(self) -> float:
        return min(1.0, max(0.05, self._resend_s / 10))

    def _send_next(self) -> bool:
        """Send what comes next within the window; True if there may be more."""
        room = min(_SLICE, self._window - len(self._sent))
        messages = self._store.after(*self._next, room) if room > 0 else []
        sent = self._send(messages)
        if sent:
            last = messages[sent - 1]
            self._next = (last.boot, last.seq)
        return sent == room > 0

    def _send_overdue(self) -> bool:
        """Send again what was not acknowledged in time; True if there was anything."""
        latest = time.monotonic() - self._resend_s * self._patience
        overdue = []
        for key, at in self._sent.items():  # oldest first
            if at > latest:
                break
            overdue.append(key)
        if not overdue:
            return False
        self._patience = min(self._patience * 2, _PATIENCE)
        _log.info("%d messages without acknowledgement: sending them again", len(overdue))
        for boot, seq in overdue:
            del self._sent[boot, seq]
            self._send(self._store.get(boot, [(seq, seq)], 1))
        return True

    def _send(self, messages: Iterable[Held]) -> int:
        """Publish messages until the link breaks; returns how many went out."""
        firsts: dict[int, int | None] = {}
        count = 0
        for held in messages:
            if held.boot not in firsts:
                firsts[held.boot] = self._store.first(held.boot)
            first = firsts[held.boot]
            first = held.seq if first is None else min(first, held.seq)
            if not self._publish(held.kind, b'{"first":%d,%b' % (first, held.body[1:])):
                break
            highest = self._highest.get(held.boot, -1)
            self.counters.published += 1
            self.counters.resent += held.seq <= highest
            self._highest[held.boot] = max(highest, held.seq)
            self._sent[held.boot, held.seq] = time.monotonic()
            count += 1
        return count

    def _apply(self, acks: Iterable[Ack]) -> None:
        """Hear every refusal; of what is durable, the newest answer a boot says all."""
        newest: dict[int, Ack] = {}
        for ack in acks:
            self._patience = 1
            for refused in ack.refused:
                self._tell(ack.boot, refused.seq, refused.refusal)
            if ack.boot is not None:
                newest[ack.boot] = ack
        for boot, ack in newest.items():
            self._settle(boot, ack.durable, ack.gaps)

    def _settle(self, boot: int, durable: int, gaps: Gaps) -> None:
        # never what this process has not sent: an answer to another sender of our name
        durable = min(durable, self._highest.get(boot, -1))
        forgotten = self._store.forget(boot, durable, gaps)
        if forgotten:
            self.counters.durable += forgotten
            self._forget_covered(boot, durable, gaps)
            with self._news:
                self._news.notify_all()
        if gaps and self._up:
            self._fill(boot, gaps)

    def _forget_covered(self, boot: int, durable: int, gaps: Gaps) -> None:
        def covered(key: Key) -> bool:
            missing = any(a <= key[1] <= b for a, b in gaps)
            return key[0] == boot and key[1] <= durable and not missing

        self._sent = {key: at for key, at in self._sent.items() if not covered(key)}
        self._asked = {key: at for key, at in self._asked.items() if not covered(key)}
        self._told = {entry for entry in self._told if not covered(entry[0])}

    def _fill(self, boot: int, gaps: Gaps) -> None:
        """Send gaps at once, but one that was just sent because of a gap not again."""
        now = time.monotonic()
        highest = self._highest.get(boot, -1)
        spans = [(a, min(b, highest)) for a, b in gaps]
        for held in self._store.get(boot, spans, self._window):
            key = (held.boot, held.seq)
            if now - self._asked.get(key, -self._gap_retry_s) >= self._gap_retry_s:
                self._asked[key] = now
                self._sent.pop(key, None)
                self._send([held])

    def _tell(self, boot: int | None, seq: int | None, refusal: Refusal) -> None:
        """Pass a refusal on, once for each message: an answer may come again."""
        if boot is not None and seq is not None:
            entry = ((boot, seq), refusal.reason, refusal.field, refusal.lift)
            if entry in self._told or not self._store.holds(boot, seq):
                return
            self._told.add(entry)
        self.counters.refused += 1
        _log.warning("refused: %s %s = %s", refusal.reason, refusal.field, refusal.value)
        if self._on_refused is not None:
            try:
                self._on_refused(boot, seq, refusal)
            except Exception:  # noqa: BLE001 - the caller's mistake must not stop forwarding
                _log.exception("the callback for refusals failed")
