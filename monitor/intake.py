"""The open batch: wire messages in, closed batches out, nothing dropped in between.

`offer` is called by the network thread, `take` by the pipeline. While the pipeline is behind,
`offer` blocks; the broker's in-flight window then fills and the senders wait. That is all the
back-pressure there is, and it needs no queue of its own.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Condition

import msgspec
import structlog

from config.settings import Ingest
from config.text import Text
from devices.batch import Decoded, Refusal, RejectedMessage, TelemetryBatch, concat
from devices.codecs import Limits, Refused, decode
from devices.codecs.refuse import REASONS
from devices.codecs.topics import split
from devices.registry import NAME, Registry
from devices.vocabulary import Vocabulary
from monitor.metrics import Metrics
from monitor.store.again import Settled
from monitor.store.history import QuarantineRow
from monitor.store.ledger import Ledger, Taken

log = structlog.get_logger()
Named = tuple[int | None, Refusal]
# Bytes a batch may hold before it is closed and the network thread waits for the pipeline.
OPEN_BYTES = 32 * 1024 * 1024
# A window that has filled will not bring more until we acknowledge: close at once.
QUIET_S = 0.002
NAMED_IN_AN_ANSWER = 50
# While a sender of garbage fills the quarantine faster than it is trimmed.
KEPT_WHEN_FULL = 4096


@dataclass(frozen=True, slots=True)
class Answer:
    """What a gateway is told on its `ack` topic once the batch is durable."""

    gateway: str
    boot: int | None
    durable: int
    gaps: list[tuple[int, int]]
    refused: list[Named]


@dataclass(slots=True)
class ClosedBatch:
    """A batch with all that must be committed, answered and acknowledged with it."""

    batch: TelemetryBatch
    ledger: Mapping[tuple[str, int], str]
    quarantine: list[QuarantineRow]
    answers: list[Answer]
    receipts: list[tuple[int, int]]
    messages: int
    again: list[Settled] = field(default_factory=list)


@dataclass(slots=True)
class _Open:
    parts: list[TelemetryBatch] = field(default_factory=list)
    again: list[Settled] = field(default_factory=list)
    quarantine: list[QuarantineRow] = field(default_factory=list)
    refused: dict[tuple[str, int | None], list[Named]] = field(default_factory=dict)
    receipts: list[tuple[int, int]] = field(default_factory=list)
    rows: int = 0
    bytes: int = 0
    since: float = 0.0
    latest: float = 0.0


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
    ) -> None:
        self._quarantine_bytes = quarantine_mb * 1024 * 1024
        self._quarantined = 0
        self._registry, self._vocab, self._ledger = registry, vocab, ledger
        self._settings, self._window, self._clock = settings, window, clock
        self._limits = Limits.of(settings)
        self._metrics = metrics
        self._changed = Condition()
        self._open = _Open()
        self._closing = False
        self._refused: Counter[str] = Counter()

    # -- network thread -----------------------------------------------------------------

    def offer(self, topic: str, payload: bytes, receipt: tuple[int, int]) -> None:
        """Take one wire message. Blocks while the open batch is full; raises nothing."""
        now_ms = self._clock()
        decoded, rejected = self._decode(topic, payload, now_ms)
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
                self._accept(topic, payload, decoded, now_ms)
            elif rejected is not None:
                self._reject(topic, payload, rejected, now_ms)
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
        """Decode what came at `received_ms` by what is configured today; nothing is taken."""
        return self._decode(topic, payload, received_ms)

    def _decode(
        self, topic: str, payload: bytes, now_ms: int
    ) -> tuple[Decoded | None, RejectedMessage | None]:
        try:
            return decode(topic, payload, now_ms, self._registry, self._vocab, self._limits), None
        except RejectedMessage as rejected:
            return None, rejected
        except Exception as error:
            log.exception("decode.failed", topic=topic, size=len(payload))
            way_out = Text(
                "我方解码出错，原文已保留，将由我方修复后重放",
                "a fault of ours: the bytes are kept and will be replayed once it is mended",
            )
            refusal = Refusal("internal_error", None, type(error).__name__, None, way_out)
            return None, RejectedMessage([refusal])

    def _accept(self, topic: str, payload: bytes, decoded: Decoded, now_ms: int) -> None:
        gateway = self._gateway(topic)
        self._metrics.messages.labels(decoded.kind).inc()
        boot, seq = decoded.boot, decoded.seq
        taken = self._ledger.take(gateway, boot, seq, decoded.first, _newest_ms(decoded.batch))
        if taken is Taken.REPEAT:
            self._metrics.repeats.inc()
            return
        if taken is Taken.BACK:
            way_out = REASONS["seq_back"]
            limit = f"above {self._ledger.ranges(gateway, boot).highest}"
            refusal = Refusal("seq_back", "seq", str(seq), limit, way_out)
            self._keep(topic, payload, [refusal], (boot, seq), now_ms)
            return
        opened = self._open
        opened.parts.append(decoded.batch)
        opened.rows += len(decoded.batch) + len(decoded.batch.messages)
        self._metrics.samples.inc(len(decoded.batch))
        if decoded.refusals:
            self._keep(topic, payload, decoded.refusals, (boot, seq), now_ms)

    def _reject(self, topic: str, payload: bytes, rejected: RejectedMessage, now_ms: int) -> None:
        gateway, boot, seq = self._gateway(topic), rejected.boot, rejected.seq
        self._metrics.messages.labels("rejected").inc()
        known = gateway in self._registry.gateway_index
        # A refusal that is kept is as durable as a sample: the sender need not send it again.
        # Not so for a gateway nobody registered: it may send again once it is.
        if (
            known
            and boot is not None
            and seq is not None
            and self._ledger.take(gateway, boot, seq, None) is not Taken.NEW
        ):
            self._metrics.repeats.inc()
            return
        self._keep(topic, payload, rejected.refusals, (boot, seq), now_ms)

    def _keep(
        self,
        topic: str,
        payload: bytes,
        refusals: list[Refusal],
        origin: tuple[int | None, int | None],
        now_ms: int,
    ) -> None:
        boot, seq = origin
        named = [Refused.of(seq, refusal) for refusal in refusals]
        for refusal in refusals:
            self._metrics.refused.labels(refusal.reason).inc()
        gateway = self._gateway(topic)
        if gateway in self._registry.gateway_index:  # names nobody registered must not pile up
            self._refused[gateway] += len(refusals)
        text = msgspec.json.encode(named).decode()
        self._quarantined += len(payload)
        full = self._quarantined > self._quarantine_bytes
        kept = payload[:KEPT_WHEN_FULL] if full else payload
        row = QuarantineRow(
            now_ms, gateway, topic, boot, seq, refusals[0].reason, text, bytes(kept), len(payload)
        )
        self._open.quarantine.append(row)
        self._open.refused.setdefault((gateway, boot), []).extend(
            (seq, refusal) for refusal in refusals
        )

    @staticmethod
    def _gateway(topic: str) -> str:
        parts = split(topic)
        return parts[0] if parts else ""

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
        opened, self._open = self._open, _Open()
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
        messages = len(opened.receipts)
        return ClosedBatch(
            batch, ledger, opened.quarantine, answers, opened.receipts, messages, opened.again
        )

    def _answer(self, gateway: str, boot: int, opened: _Open) -> Answer:
        ranges = self._ledger.ranges(gateway, boot)
        refused = opened.refused.get((gateway, boot), [])[:NAMED_IN_AN_ANSWER]
        return Answer(gateway, boot, ranges.durable, ranges.gaps(), refused)

    def stop(self) -> None:
        """Wake whoever waits: the service is stopping and takes nothing more."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()


def _newest_ms(batch: TelemetryBatch) -> int:
    samples = int(batch.ts_ms.max()) if len(batch) else 0
    messages = int(batch.messages.ts_ms.max()) if len(batch.messages) else 0
    return max(samples, messages, *(burst.ts_ms for burst in batch.waveforms), 0)
