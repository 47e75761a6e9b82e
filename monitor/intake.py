"""The open batch: wire messages in, closed batches out, nothing dropped in between.

`offer` is called by the network thread, `take` by the pipeline. While the pipeline is behind,
`offer` blocks; the broker's in-flight window then fills and the senders wait. That is all the
back-pressure there is, and it needs no queue of its own.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from threading import Condition

import msgspec
import structlog

from config.settings import Ingest
from config.text import Text
from devices.batch import Decoded, Refusal, RejectedMessage, TelemetryBatch, concat
from devices.codecs import OURS, Found, Limits, Refused, Routes, decode_found
from devices.codecs.ack import GAPS_TOLD
from devices.codecs.refuse import REASONS
from devices.registry import NAME, Registry
from devices.vocabulary import Vocabulary
from monitor.batches import Answer, ClosedBatch, OpenBatch
from monitor.link.watch import Heard, LinkWatch
from monitor.metrics import Metrics
from monitor.repeats import Repeats
from monitor.store.again import Settled
from monitor.store.history import QuarantineRow
from monitor.store.ledger import Ledger, Taken

log = structlog.get_logger()
# Bytes a batch may hold before it is closed and the network thread waits for the pipeline.
OPEN_BYTES = 32 * 1024 * 1024
# A window that has filled will not bring more until we acknowledge: close at once.
QUIET_S = 0.002
NAMED_IN_AN_ANSWER = 50
# While a sender of garbage fills the quarantine faster than it is trimmed.
KEPT_WHEN_FULL = 4096


@dataclass(frozen=True, slots=True)
class _Source:
    """One wire message: where it came from, and when."""

    topic: str
    payload: bytes
    found: Found | None
    at_ms: int

    @property
    def gateway(self) -> str:
        return (self.found.gateway if self.found else None) or ""

    @property
    def numbered(self) -> bool:
        return self.found is None or self.found.route.numbered


class Intake:
    """Decodes, recognises repeats, keeps what is refused, and cuts batches."""

    def __init__(
        self,
        registry: Registry,
        vocab: Vocabulary,
        ledger: Ledger,
        settings: Ingest,
        window: int,
        clock: Callable[[], int],
        metrics: Metrics,
        quarantine_mb: int = 512,
        routes: Routes = OURS,
        repeats: Repeats | None = None,
        link: LinkWatch | None = None,
    ) -> None:
        self._routes, self._repeats = routes, repeats or Repeats()
        self._quarantine_bytes = quarantine_mb * 1024 * 1024
        self._quarantined = 0
        self._registry, self._vocab, self._ledger = registry, vocab, ledger
        self._settings, self._window, self._clock = settings, window, clock
        self._limits = Limits.of(settings)
        self._metrics = metrics
        self.link = link or LinkWatch(registry, ledger, self._limits.late_ms)
        self._changed = Condition()
        self._open = OpenBatch()
        self._closing = False
        self._refused: Counter[str] = Counter()
        # told of every message that is kept: topic, gateway, payload, refusals, now_ms
        self.on_kept: Callable[[str, str, bytes, list[Refusal], int], None] = lambda *_: None

    # -- network thread -----------------------------------------------------------------

    def offer(self, topic: str, payload: bytes, receipt: tuple[int, int]) -> None:
        """Take one wire message. Blocks while the open batch is full; raises nothing."""
        now_ms = self._clock()
        found, decoded, rejected = self._decode(topic, payload, now_ms)
        source = _Source(topic, payload, found, now_ms)
        with self._changed:
            while self._full() and not self._closing:
                self._changed.wait(1.0)
            opened = self._open
            if not opened.receipts and not opened.again:
                opened.since = time.monotonic()
            opened.latest = time.monotonic()
            opened.receipts.append(receipt)
            opened.bytes += len(payload)
            if decoded is not None:
                self._accept(source, decoded)
            elif rejected is not None:
                self._reject(source, rejected)
            if len(opened.receipts) == 1 or self._full() or self._window_full():
                self._changed.notify_all()

    def again(self, tried: Sequence[tuple[Settled, tuple[str, int, int] | None]]) -> None:
        """Put a second try of what was refused into the open batch; blocks while it is full.

        Each with the (gateway, boot, seq) that are settled by it: a sender who was told that
        nothing of it was, may send it once more.
        """
        with self._changed:
            while self._full() and not self._closing:
                self._changed.wait(1.0)
            for one, number in tried:
                if number is not None and one.batch is not None:
                    self._ledger.take(*number, None, _newest_ms(one.batch))
                self._open.again.append(one)
                self._open.rows += len(one.batch) if one.batch is not None else 0
            self._open.since = self._open.since or time.monotonic()
            self._changed.notify_all()

    def look_again(
        self, topic: str, payload: bytes, received_ms: int
    ) -> tuple[Decoded | None, RejectedMessage | None]:
        """Decode what came at `received_ms` by what is configured today; nothing is taken.

        A codec that remembers reads with a copy of its memory: what it hears now is what counts.
        """
        try:
            found = self._routes.find(topic, payload)
            if found is not None and found.route.memory is not None:
                route = replace(found.route, memory=deepcopy(found.route.memory))
                found = replace(found, route=route)
        except Exception as error:  # as in _decode: a fault of ours refuses one message
            log.exception("decode.failed", topic=topic, size=len(payload))
            return None, RejectedMessage([_fault_of_ours(error)])
        _, decoded, rejected = self._decoded(found, topic, payload, received_ms)
        return decoded, rejected

    def _decode(
        self, topic: str, payload: bytes, now_ms: int
    ) -> tuple[Found | None, Decoded | None, RejectedMessage | None]:
        try:
            found = self._routes.find(topic, payload)
        except RejectedMessage as rejected:
            return None, None, rejected
        except Exception as error:
            log.exception("decode.failed", topic=topic, size=len(payload))
            return None, None, RejectedMessage([_fault_of_ours(error)])
        # a clock that is known to be ahead is read by itself: else all it says would be refused
        ahead_ms = self.link.ahead_ms(found.gateway) if found is not None else 0
        return self._decoded(found, topic, payload, now_ms + ahead_ms)

    def _decoded(
        self, found: Found | None, topic: str, payload: bytes, now_ms: int
    ) -> tuple[Found | None, Decoded | None, RejectedMessage | None]:
        try:
            decoded = decode_found(
                found, topic, payload, now_ms, self._registry, self._vocab, self._limits
            )
            return found, decoded, None
        except RejectedMessage as rejected:
            return found, None, rejected
        except Exception as error:
            log.exception("decode.failed", topic=topic, size=len(payload))
            return found, None, RejectedMessage([_fault_of_ours(error)])

    def _accept(self, source: _Source, decoded: Decoded) -> None:
        self._metrics.messages.labels(decoded.kind).inc()
        gateway, boot, seq = source.gateway, decoded.boot, decoded.seq
        if boot is None or seq is None:
            taken = Taken.NEW
            if decoded.timed and not self._repeats.take(gateway, source.topic, source.payload):
                taken = Taken.REPEAT
        else:
            newest_ms = _newest_ms(decoded.batch)
            taken = self._ledger.take(gateway, boot, seq, decoded.first, newest_ms)
        if taken is Taken.REPEAT:
            self._metrics.repeats.inc()
            self.link.repeated(gateway)
            return
        if taken is Taken.BACK:
            limit = f"above {self._ledger.ranges(gateway, boot or 0).highest}"
            refusal = Refusal("seq_back", "seq", str(seq), limit, REASONS["seq_back"])
            self._keep(source, [refusal], (boot, seq), whole=True)
            return
        opened = self._open
        opened.parts.append(decoded.batch)
        front = self.link.front(gateway, boot, seq)
        opened.heard.append(
            Heard(
                self.link.taken(gateway, front), source.at_ms, front, len(decoded.batch),
                len(decoded.batch.messages), self.link.ahead_ms(gateway) != 0,
            )
        )  # fmt: skip
        opened.rows += len(decoded.batch) + len(decoded.batch.messages)
        opened.said += decoded.said
        opened.links += [(gateway, fact) for fact in decoded.links]
        self._metrics.samples.inc(len(decoded.batch))
        for gap in decoded.batch.gaps:
            self._metrics.given_up.labels(gap.reason).inc(gap.samples)
        if decoded.refusals:
            self._keep(source, decoded.refusals, (boot, seq))

    def _reject(self, source: _Source, rejected: RejectedMessage) -> None:
        gateway, boot, seq = source.gateway, rejected.boot, rejected.seq
        self._metrics.messages.labels("rejected").inc()
        self._open.said += rejected.said
        # A refusal that is kept is as durable as a sample: the sender need not send it again.
        # Not so for a gateway nobody registered: it may send again once it is.
        new = True
        if gateway in self._registry.gateway_index:
            if boot is not None and seq is not None:
                new = self._ledger.take(gateway, boot, seq, None) is Taken.NEW
            elif not source.numbered:
                new = self._repeats.take(gateway, source.topic, source.payload)
        if new:
            self._keep(source, rejected.refusals, (boot, seq), whole=True)
        else:
            self._metrics.repeats.inc()
            self.link.repeated(gateway)

    def _keep(
        self,
        source: _Source,
        refusals: list[Refusal],
        origin: tuple[int | None, int | None],
        whole: bool = False,
    ) -> None:
        boot, seq = origin
        gateway, payload = source.gateway, source.payload
        named = [Refused.of(seq, refusal) for refusal in refusals]
        for refusal in refusals:
            self._metrics.refused.labels(refusal.reason).inc()
        if gateway in self._registry.gateway_index:  # names nobody registered must not pile up
            self._refused[gateway] += len(refusals)
        self.link.refused(gateway, refusals, whole, source.at_ms)
        text = msgspec.json.encode(named).decode()
        self._quarantined += len(payload)
        full = self._quarantined > self._quarantine_bytes
        kept = bytes(payload[:KEPT_WHEN_FULL] if full else payload)
        first, size = refusals[0].reason, len(payload)
        self._open.quarantine.append(
            QuarantineRow(source.at_ms, gateway, source.topic, boot, seq, first, text, kept, size)
        )
        self.on_kept(source.topic, gateway, payload, refusals, source.at_ms)
        if source.numbered:  # others have no topic on which to hear of it
            self._open.refused.setdefault((gateway, boot), []).extend(
                (seq, refusal) for refusal in refusals
            )

    def _full(self) -> bool:
        opened = self._open
        return opened.rows >= self._settings.batch_rows or opened.bytes >= OPEN_BYTES

    def _window_full(self) -> bool:
        return len(self._open.receipts) >= self._window

    def quarantine_trimmed(self) -> None:
        """The quarantine was cut back to its bound: whole payloads are kept again."""
        self._quarantined = 0

    def refused_of(self, gateway: str) -> int:
        """Return how many fields of a gateway were refused since the start."""
        return self._refused[gateway]

    # -- pipeline thread ----------------------------------------------------------------

    def take(self, timeout_s: float) -> ClosedBatch | None:
        """Return the next batch, or None when nothing was due within `timeout_s`.

        A batch is due after batch_ms, at batch_rows, or as soon as the sender's window is full
        and nothing more arrives.
        """
        give_up = time.monotonic() + timeout_s
        with self._changed:
            while True:
                now = time.monotonic()
                wait = self._due_in(now)
                if wait <= 0:
                    return self._close()
                if now >= give_up or self._closing:
                    return None
                self._changed.wait(min(wait, give_up - now))

    def _due_in(self, now: float) -> float:
        opened = self._open
        if not opened.receipts and not opened.again:
            return float("inf")
        if self._full():
            return 0.0
        due = opened.since + self._settings.batch_ms / 1000
        if self._window_full():
            due = min(due, opened.latest + QUIET_S)
        return due - now

    def _close(self) -> ClosedBatch:
        opened, self._open = self._open, OpenBatch()
        # Everything the ledger holds now is in this batch or an earlier one, so once this one
        # is committed the answers below are true.
        ledger = self._ledger.dirty()
        answers = [self._answer(gateway, boot, opened) for gateway, boot in ledger]
        answers += [
            Answer(gateway, boot, 0, [], refused[:NAMED_IN_AN_ANSWER])
            for (gateway, boot), refused in opened.refused.items()
            if (gateway, boot) not in ledger and NAME.fullmatch(gateway)
        ]
        self._changed.notify_all()
        batch = concat(opened.parts, len(self._vocab))
        self.link.judge(batch, opened.heard)
        return ClosedBatch(
            batch,
            {**ledger, **self._repeats.dirty()},
            opened.quarantine,
            answers,
            opened.receipts,
            len(opened.receipts),
            opened.said,
            opened.links,
            opened.again,
        )

    def _answer(self, gateway: str, boot: int, opened: OpenBatch) -> Answer:
        ranges = self._ledger.ranges(gateway, boot)
        refused = opened.refused.get((gateway, boot), [])[:NAMED_IN_AN_ANSWER]
        gaps, highest = ranges.gaps(GAPS_TOLD), ranges.highest
        return Answer(gateway, boot, ranges.durable, gaps, refused, highest)

    def stop(self) -> None:
        """Wake whoever waits: the service is stopping and takes nothing more."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()


def _fault_of_ours(error: Exception) -> Refusal:
    way_out = Text(
        "我方解码出错，原文已保留，将由我方修复后重放",
        "a fault of ours: the bytes are kept and will be replayed once it is mended",
    )
    return Refusal("internal_error", None, type(error).__name__, None, way_out)


def _newest_ms(batch: TelemetryBatch) -> int:
    samples = int(batch.ts_ms.max()) if len(batch) else 0
    messages = int(batch.messages.ts_ms.max()) if len(batch.messages) else 0
    return max(samples, messages, *(burst.ts_ms for burst in batch.waveforms), 0)
