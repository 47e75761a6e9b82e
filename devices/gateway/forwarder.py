"""Forwarding: what is held goes out within a window, again and again until it is durable.

A message is sent again when the connection was lost, when the service names it as a gap, and
when nothing acknowledged it for `resend_s` (twice as long each time, up to 16 times, until
something sent once is answered: a service that is silent or behind is not helped by noise; four
times as long for back-fill, which may have to wait).

A boot begins with one message alone. Its answer shows whether the service knows this boot from
an earlier life of ours (a store that was lost, a clock that starts in 1970): then everything is
numbered anew, under a larger boot.

Back-fill goes by a topic of its own where the service says that it reads it. What is sent again
goes the plain way: should the broker close that topic to us, it still arrives.
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
from devices.codecs.topics import BACKFILL
from devices.gateway.errors import StoreFull
from devices.gateway.lanes import Lanes, Outgoing
from devices.gateway.measures import Measures, OnClock, Sent
from devices.gateway.parts import Span
from devices.gateway.store import Store
from devices.gateway.trim import Trimmer

_log = logging.getLogger(__name__)
_PATIENCE = 16
_KEPT_PATIENCE = 4  # back-fill waits behind what is live, of all gateways
_FIRST_RESEND_S = 2.0
_LEAST_EVERY_S = 5.0  # one message of back-fill, however long everything takes
_TRIM_EVERY_S = 10.0
_FOREVER = float("inf")

Gaps = Sequence[tuple[int, int]]  # inclusive ranges of seq
OnRefused = Callable[[int | None, int | None, Refusal], None]


@dataclass(slots=True)
class Counters:
    """What happened since the start. `stored`, `durable`: samples, messages and bursts;
    `published`: transmissions, `resent`: those that were repeats, `renumbered`: messages that had
    to change their number, `strangers`: answers to boots that were never ours."""

    stored: int = 0
    published: int = 0
    resent: int = 0
    durable: int = 0
    refused: int = 0
    renumbered: int = 0
    strangers: int = 0


def _nowhere(_kind: str, _payload: bytes) -> bool:
    return False


class Forwarder:
    """Takes messages from the store to the broker, and acknowledgements to the store."""

    def __init__(
        self,
        store: Store,
        lanes: Lanes,
        trimmer: Trimmer,
        counters: Counters,
        clock_ms: Callable[[], int],
        *,
        window: int,
        resend_s: float,
        gap_retry_s: float,
        on_refused: OnRefused | None,
        on_clock: OnClock | None = None,
    ) -> None:
        self._store, self._lanes, self._trimmer, self.counters = store, lanes, trimmer, counters
        self._clock_ms = clock_ms
        self._publish: Callable[[str, bytes], bool] = _nowhere
        self._window, self._resend_s, self._gap_retry_s = window, resend_s, gap_retry_s
        self._on_refused = on_refused
        self.measures = Measures(lanes.pace, on_clock)
        self._news = threading.Condition()
        self._acks: deque[tuple[Ack, float, int]] = deque()
        self._up = self._rewind = self._stopped = False
        self._work = True
        # all below belongs to the forwarding thread
        self._sent: dict[Span, Sent] = {}  # on this connection, not durable, oldest first
        self._again: deque[Span] = deque()  # numbered, not durable, not sent on this connection
        self._asked: dict[Span, float] = {}  # sent again because of a gap → when
        self._highest: dict[int, int] = {}  # boot → highest seq ever sent by this process
        self._known: set[int] = set()  # boots of ours that were answered
        self._told: set[tuple[Span, str, str | None, str | None]] = set()
        self._strange: set[int] = set()
        self._apart = False  # the service reads the topic for back-fill
        self._apart_heard: bool | None = None  # on this connection; None: not known yet
        self._settled_at = {False: 0.0, True: 0.0}  # newest sent that was settled; by topic
        self._patience, self._backfilled_at = 1, 0.0
        self._sleep_s = self._trim_at = 0.0
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
        if self._up and not self._work:
            with self._news:
                self._work = True
                self._news.notify_all()

    def up(self) -> None:
        """The link came up: what has a number and is not durable is sent again, in order."""
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
            self._acks.append((ack, time.monotonic(), self._clock_ms()))
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
            except (sqlite3.Error, StoreFull):
                # a full or failing disk: what is held stays held, and is tried again
                _log.exception("the gateway's store failed; trying again")
                with self._news:
                    self._work = self._rewind = True
                    self._news.wait_for(lambda: self._stopped, 1.0)

    def _round(self) -> None:
        """Wait for something to do, then do it: hear answers, send what is overdue or next."""
        with self._news:
            self._news.wait_for(lambda: self._work or self._stopped, self._sleep_s)
            if self._stopped:
                return
            self._work = False
            acks, self._acks = self._acks, deque()
            up = self._up
            if self._rewind:
                self._rewind = False
                self._lanes.pace.line_changed()
                self._patience, self._apart_heard = 1, None
                self._settled_at = {False: 0.0, True: 0.0}
                self._sent.clear()
                self._again = deque(sorted(self._store.numbers))
        now = time.monotonic()
        self._apply(acks)
        if now >= self._trim_at:
            self._trim_at = now + _TRIM_EVERY_S
            self._trimmer.drop_aged(self._clock_ms())
        self._sleep_s = min(1.0, max(0.05, self._resend_s / 10))
        if up:
            self._send_overdue(now)
            self._send_next()

    # -- sending ------------------------------------------------------------------------

    def _send_next(self) -> None:
        """Send what comes next within the window, a slice at a time."""
        for _ in range(64):
            if len(self._sent) >= self._room():
                return
            made = self._choose()
            if made is None:
                return
            if not self._send(made):
                return
        self._work = True

    def _room(self) -> int:
        """One message alone begins a boot; its answer tells whether the boot is new."""
        boot = self._store.boot
        begun = self._highest.get(boot, 0) > 0
        return self._window if boot in self._known or not begun else 1

    def _choose(self) -> Outgoing | None:
        now_ms = self._clock_ms()
        while self._again:
            key = self._again.popleft()
            if key in self._store.numbers:
                return self._lanes.again(self._store.numbers[key], now_ms)
        made = self._lanes.next_event()
        if made is not None:
            return made
        now = time.monotonic()
        made, due = self._lanes.next_live(now, now_ms)
        if made is not None:
            return made
        open_ = sum(sent.backfill for sent in self._sent.values())
        if self._live_waits(now) and now < self._backfilled_at + _LEAST_EVERY_S:
            return None
        made, wait_s = self._lanes.next_backfill(now, now_ms, open_)
        if made is not None:
            self._backfilled_at = now
            if self._apart and self._apart_heard is not False:
                made.kind = BACKFILL
        self._sleep_s = min(self._sleep_s, wait_s, (due or _FOREVER) - now)
        return made

    def _live_waits(self, now: float) -> bool:
        """True where something live is on its way for too long: it must not meet more of us."""
        pace = self._lanes.pace
        for sent in self._sent.values():  # oldest first
            if now - sent.at <= pace.patience_s:
                return False
            if not sent.backfill:
                pace.waiting(sent.at, now)
                self._sleep_s = min(self._sleep_s, 0.05)
                return True
        return False

    def _send(self, made: Outgoing) -> bool:
        if not self._publish(made.kind, made.payload):
            self._again.appendleft(made.number.key)
            return False
        boot, seq = made.number.key
        highest = self._highest.get(boot, 0)
        again = seq <= highest
        self.counters.published += 1
        self.counters.resent += again
        self._highest[boot] = max(highest, seq)
        self._sent.pop(made.number.key, None)
        self._sent[made.number.key] = Sent(
            time.monotonic(), self._clock_ms(), made.samples, made.backfill, made.live_at, again,
            made.kind == BACKFILL)  # fmt: skip
        return True

    def _send_overdue(self, now: float) -> None:
        """Send again what was not acknowledged in time."""
        first = self._store.boot not in self._known  # alone on its way: waiting for it costs
        resend_s = min(_FIRST_RESEND_S, self._resend_s) if first else self._resend_s
        wait_s = resend_s * self._patience
        overdue = []
        for key, sent in self._sent.items():  # oldest first
            if sent.at > now - wait_s:
                break
            if not sent.kept or sent.at <= now - wait_s * _KEPT_PATIENCE:
                overdue.append(key)
        if not overdue:
            return
        self._patience = min(self._patience * 2, _PATIENCE)
        if self._apart_heard is None and any(self._sent[key].kept for key in overdue):
            _log.warning("nothing is heard on the topic `%s`: is it allowed?", BACKFILL)
            self._apart_heard = False
        _log.info("%d messages without acknowledgement: sending them again", len(overdue))
        for key in overdue:
            self._send_again(key)

    def _send_again(self, key: Span) -> None:
        self._sent.pop(key, None)
        number = self._store.numbers.get(key)
        if number is not None:
            self._send(self._lanes.again(number, self._clock_ms()))

    # -- hearing ------------------------------------------------------------------------

    def _apply(self, acks: Iterable[tuple[Ack, float, int]]) -> None:
        """Hear every refusal; of what is durable, the newest answer a boot says all."""
        newest: dict[int, tuple[Ack, float, int]] = {}
        for heard in acks:
            ack = heard[0]
            for refused in ack.refused:
                if refused.reason == "seq_back" and ack.boot and refused.seq is not None:
                    self._number_anew([(ack.boot, refused.seq)])
                else:
                    self._tell(ack.boot, refused.seq, refused.refusal)
            if ack.boot is not None:
                newest[ack.boot] = heard
        for boot, (ack, at, clock_ms) in newest.items():
            self._apart = ack.backfill
            if boot not in self._highest:
                self._stranger(boot)
            elif boot == self._store.boot and ack.known_to > self._highest[boot]:
                self._known_before(boot, ack.known_to)
            else:
                self._known.add(boot)
                self._settle(boot, ack, at, clock_ms)

    def _stranger(self, boot: int) -> None:
        """An answer to what this process never sent: harmless here, but worth a word."""
        if boot in self._strange or any(key[0] == boot for key in self._store.numbers):
            return
        self._strange.add(boot)
        self.counters.strangers += 1
        _log.warning("an answer to boot %d, which is not ours: does another machine use this "
                     "gateway's name, or a copy of its store?", boot)  # fmt: skip

    def _known_before(self, boot: int, durable: int) -> None:
        """The service knows more of this boot than we ever sent: it was used in another life,
        and what we sent under it was taken for repeats."""
        _log.warning("the service knows boot %d up to %d: numbering anew", boot, durable)
        self._number_anew([key for key in sorted(self._store.numbers) if key[0] == boot])

    def _number_anew(self, keys: Sequence[Span]) -> None:
        keys = [key for key in keys if key in self._store.numbers]
        if not keys:
            return
        if any(key[0] == self._store.boot for key in keys):
            self._store.take_boot(self._clock_ms())
        fresh = self._store.renumber(keys, self._store.boot)
        self.counters.renumbered += len(fresh)
        for key in keys:
            self._sent.pop(key, None)
        self._again.extend(number.key for number in fresh)
        self._work = True

    def _settle(self, boot: int, ack: Ack, at: float, clock_ms: int) -> None:
        # never what this process has not sent: an answer to another sender of our name
        known_to = min(ack.known_to, self._highest[boot])
        done = [
            key
            for key in self._store.numbers
            if key[0] == boot and key[1] <= known_to and not _within(key[1], ack.gaps)
        ]
        if done:
            settled = [self._sent.get(key) for key in done]
            if any(sent is not None and not sent.again for sent in settled):
                self._patience = 1  # (Karn) what was sent twice does not tell which one arrived
            for sent in filter(None, settled):
                if not sent.again:
                    self._settled_at[sent.kept] = max(self._settled_at[sent.kept], sent.at)
                    self._apart_heard = sent.kept or self._apart_heard
            self.measures.learn(settled, ack.ts, at, clock_ms)
            self.counters.durable += self._store.settle(done)
            covered = set(done)
            for key in done:
                self._sent.pop(key, None)
                self._asked.pop(key, None)
            self._told = {entry for entry in self._told if entry[0] not in covered}
            with self._news:
                self._news.notify_all()
        if ack.gaps and self._up:
            self._fill(boot, ack.gaps)

    def _fill(self, boot: int, gaps: Gaps) -> None:
        """Send gaps at once, but none twice within a moment, and none that nothing sent later
        by the same topic has overtaken: it is on its way."""
        now = time.monotonic()
        for key in sorted(key for key in self._sent if key[0] == boot and _within(key[1], gaps)):
            if self._apart and self._sent[key].at > self._settled_at[self._sent[key].kept]:
                continue
            if now - self._asked.get(key, -self._gap_retry_s) >= self._gap_retry_s:
                self._asked[key] = now
                self._send_again(key)

    def _tell(self, boot: int | None, seq: int | None, refusal: Refusal) -> None:
        """Pass a refusal on, once for each message: an answer may come again."""
        if boot is not None and seq is not None:
            entry = ((boot, seq), refusal.reason, refusal.field, refusal.lift)
            if entry in self._told or (boot, seq) not in self._store.numbers:
                return
            self._told.add(entry)
        self.counters.refused += 1
        _log.warning("refused: %s %s = %s", refusal.reason, refusal.field, refusal.value)
        if self._on_refused is not None:
            try:
                self._on_refused(boot, seq, refusal)
            except Exception:  # noqa: BLE001 - the caller's mistake must not stop forwarding
                _log.exception("the callback for refusals failed")


def _within(seq: int, gaps: Gaps) -> bool:
    return any(a <= seq <= b for a, b in gaps)
