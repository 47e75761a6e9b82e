"""Taking a wire message into the batch that closes: what is new of it, a repeat, or refused.

In the pipeline's thread, when the batch closes and not when the message came: so whatever the
ledger holds is in this batch or an earlier one, in whichever lane a message waited, and an answer
never promises what is not committed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from devices.batch import Decoded, Refusal, RejectedMessage, TelemetryBatch
from devices.codecs import Found, Refused
from devices.codecs.ack import GAPS_TOLD
from devices.codecs.refuse import REASONS
from devices.registry import NAME, Registry
from monitor.batches import Answer, OpenBatch
from monitor.link.watch import Heard, LinkWatch
from monitor.metrics import Metrics
from monitor.repeats import Repeats
from monitor.store.history import QuarantineRow
from monitor.store.ledger import Ledger, Taken

NAMED_IN_AN_ANSWER = 50
# While a sender of garbage fills the quarantine faster than it is trimmed.
KEPT_WHEN_FULL = 4096
OnKept = Callable[[str, str, bytes, list[Refusal], int], None]


@dataclass(frozen=True, slots=True)
class Arrived:
    """One wire message as it waits: where it came from, when, and what it says.

    receipt: connection and packet id, to be acknowledged after the commit. came: when, in seconds
    of a steady clock. ahead: it was read by its sender's clock, which is known to be ahead.
    """

    topic: str
    payload: bytes
    receipt: tuple[int, int]
    at_ms: int
    came: float
    found: Found | None
    decoded: Decoded | None
    rejected: RejectedMessage | None
    ahead: bool = False

    @property
    def gateway(self) -> str:
        """The gateway's id, "" where nobody knows it."""
        return (self.found.gateway if self.found else None) or ""

    @property
    def numbered(self) -> bool:
        """True where the sender can be answered."""
        return self.found is None or self.found.route.numbered

    @property
    def backfill(self) -> bool:
        """True for what was kept while a link was down, and says so by its topic."""
        return self.found is not None and self.found.route.backfill

    @property
    def rows(self) -> int:
        """How many rows it brings at most."""
        batch = self.decoded.batch if self.decoded else None
        return len(batch) + len(batch.messages) if batch is not None else 0


class Acceptance:
    """Owned by the pipeline's thread, but for `trimmed`."""

    def __init__(
        self,
        registry: Registry,
        ledger: Ledger,
        repeats: Repeats,
        link: LinkWatch,
        metrics: Metrics,
        quarantine_bytes: int,
    ) -> None:
        self._registry, self.ledger, self.repeats, self._link = registry, ledger, repeats, link
        self._metrics, self._quarantine_bytes = metrics, quarantine_bytes
        self._quarantined = 0
        self.refused: Counter[str] = Counter()  # fields, by gateway, since the start
        # told of every message that is kept: topic, gateway, payload, refusals, now_ms
        self.on_kept: OnKept = lambda *_: None

    def trimmed(self) -> None:
        """The quarantine was cut back to its bound: whole payloads are kept again."""
        self._quarantined = 0

    def take(self, one: Arrived, opened: OpenBatch) -> None:
        """Take one message into the batch, whatever it is."""
        opened.receipts.append(one.receipt)
        if one.decoded is not None:
            self._accept(one, one.decoded, opened)
        elif one.rejected is not None:
            self._reject(one, one.rejected, opened)

    def _accept(self, one: Arrived, decoded: Decoded, opened: OpenBatch) -> None:
        self._metrics.messages.labels("backfill" if one.backfill else decoded.kind).inc()
        gateway, boot, seq = one.gateway, decoded.boot, decoded.seq
        if boot is None or seq is None:
            taken = Taken.NEW
            if decoded.timed and not self.repeats.take(gateway, one.topic, one.payload):
                taken = Taken.REPEAT
        else:
            taken = self.ledger.take(gateway, boot, seq, decoded.first, newest_ms(decoded.batch))
        if taken is Taken.REPEAT:
            self._metrics.repeats.inc()
            self._link.repeated(gateway)
            return
        if taken is Taken.BACK:
            limit = f"above {self.ledger.ranges(gateway, boot or 0).highest}"
            refusal = Refusal("seq_back", "seq", str(seq), limit, REASONS["seq_back"])
            self._keep(one, [refusal], (boot, seq), opened, whole=True)
            return
        self._enter(one, decoded, opened)
        if decoded.refusals:
            self._keep(one, decoded.refusals, (boot, seq), opened)

    def _enter(self, one: Arrived, decoded: Decoded, opened: OpenBatch) -> None:
        gateway, batch = one.gateway, decoded.batch
        opened.parts.append(batch)
        # a lane has an order of its own: back-fill that live samples overtook is in order
        kept_ms = one.at_ms if one.backfill else None
        front = self._link.front(gateway, decoded.boot, decoded.seq, kept_ms)
        number, told = self._link.taken(gateway, front), len(batch.messages)
        opened.heard.append(
            Heard(number, one.at_ms, front, len(batch), told, one.ahead, one.backfill)
        )
        opened.said += decoded.said
        opened.links += [(gateway, fact) for fact in decoded.links]
        self._metrics.samples.inc(len(batch))
        for gap in batch.gaps:
            self._metrics.given_up.labels(gap.reason).inc(gap.samples)

    def _reject(self, one: Arrived, rejected: RejectedMessage, opened: OpenBatch) -> None:
        gateway, boot, seq = one.gateway, rejected.boot, rejected.seq
        self._metrics.messages.labels("rejected").inc()
        opened.said += rejected.said
        # A refusal that is kept is as durable as a sample: the sender need not send it again.
        # Not so for a gateway nobody registered: it may send again once it is.
        new = True
        if gateway in self._registry.gateway_index:
            if boot is not None and seq is not None:
                new = self.ledger.take(gateway, boot, seq, None) is Taken.NEW
            elif not one.numbered:
                new = self.repeats.take(gateway, one.topic, one.payload)
        if new:
            self._keep(one, rejected.refusals, (boot, seq), opened, whole=True)
        else:
            self._metrics.repeats.inc()
            self._link.repeated(gateway)

    def _keep(
        self,
        one: Arrived,
        refusals: list[Refusal],
        origin: tuple[int | None, int | None],
        opened: OpenBatch,
        whole: bool = False,
    ) -> None:
        boot, seq = origin
        gateway, payload = one.gateway, one.payload
        named = [Refused.of(seq, refusal) for refusal in refusals]
        for refusal in refusals:
            self._metrics.refused.labels(refusal.reason).inc()
        if gateway in self._registry.gateway_index:  # names nobody registered must not pile up
            self.refused[gateway] += len(refusals)
        self._link.refused(gateway, refusals, whole, one.at_ms)
        text = msgspec.json.encode(named).decode()
        self._quarantined += len(payload)
        full = self._quarantined > self._quarantine_bytes
        kept = bytes(payload[:KEPT_WHEN_FULL] if full else payload)
        first, size = refusals[0].reason, len(payload)
        opened.quarantine.append(
            QuarantineRow(one.at_ms, gateway, one.topic, boot, seq, first, text, kept, size)
        )
        self.on_kept(one.topic, gateway, payload, refusals, one.at_ms)
        if one.numbered:  # others have no topic on which to hear of it
            opened.refused.setdefault((gateway, boot), []).extend(
                (seq, refusal) for refusal in refusals
            )

    def answers(self, opened: OpenBatch) -> tuple[dict[tuple[str, int], str], list[Answer]]:
        """Return the ledger's changes, and what is to be said of them once they are committed."""
        changed = dict(self.ledger.dirty())
        answers = [self._answer(gateway, boot, opened) for gateway, boot in changed]
        answers += [
            Answer(gateway, boot, 0, [], refused[:NAMED_IN_AN_ANSWER])
            for (gateway, boot), refused in opened.refused.items()
            if (gateway, boot) not in changed and NAME.fullmatch(gateway)
        ]
        return {**changed, **self.repeats.dirty()}, answers

    def _answer(self, gateway: str, boot: int, opened: OpenBatch) -> Answer:
        ranges = self.ledger.ranges(gateway, boot)
        refused = opened.refused.get((gateway, boot), [])[:NAMED_IN_AN_ANSWER]
        gaps, highest = ranges.gaps(GAPS_TOLD), ranges.highest
        return Answer(gateway, boot, ranges.durable, gaps, refused, highest)


def newest_ms(batch: TelemetryBatch) -> int:
    """Return the newest event time of a batch, 0 where there is none."""
    samples = int(batch.ts_ms.max()) if len(batch) else 0
    messages = int(batch.messages.ts_ms.max()) if len(batch.messages) else 0
    return max(samples, messages, *(burst.ts_ms for burst in batch.waveforms), 0)
