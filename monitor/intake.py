"""What came and waits: two lanes of wire messages in, closed batches out, nothing dropped.

`offer` is called by the network threads, `take` by the pipeline. What gateways kept while their
link was down comes on a topic of its own, by a connection of its own, and waits in a lane of its
own: a batch of it closes only while no batch of live data is due, and is as large as costs
BACKFILL_S. While a lane is full `offer` blocks; the broker's in-flight window of that connection
then fills, acknowledgements stay away, and the senders wait. That is all the back-pressure there
is, and it needs no queue of its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from copy import deepcopy
from dataclasses import replace
from threading import Condition
from typing import Any

import structlog

from config.settings import Ingest
from config.text import Text
from devices.batch import Decoded, Refusal, RejectedMessage, concat
from devices.codecs import OURS, Found, Limits, Routes, decode_found
from devices.registry import Registry
from devices.vocabulary import Vocabulary
from monitor.accept import NAMED_IN_AN_ANSWER, Acceptance, Arrived, newest_ms
from monitor.batches import ClosedBatch, OpenBatch
from monitor.link.watch import LinkWatch
from monitor.metrics import Metrics
from monitor.portion import Portion
from monitor.repeats import Repeats
from monitor.store.again import Settled
from monitor.store.ledger import Ledger
from monitor.waiting import Waiting

__all__ = ["NAMED_IN_AN_ANSWER", "Intake"]
log = structlog.get_logger()
COPIES = 20  # tries to copy what a codec remembers
# Bytes a lane may hold before the network thread waits for the pipeline.
OPEN_BYTES = 32 * 1024 * 1024
BACKFILL_S = 0.1  # what live data may have to wait for a batch of what is old
LEAST_BACKFILL, FIRST_BACKFILL, MOST_BACKFILL = 1_000, 4_000, 20_000  # rows
STARVED_S = 1.0  # overload of what is live must not stop a backlog for good

Number = tuple[str, int, int]


class Intake:
    """Decodes, holds what waits in its lane, and cuts batches."""

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
        self._registry, self._vocab, self._routes = registry, vocab, routes
        self._clock, self._metrics = clock, metrics
        self._limits = Limits.of(settings)
        self._rows, self._batch_s = settings.batch_rows, settings.batch_ms / 1000
        self.link = link or LinkWatch(registry, ledger, self._limits.late_ms)
        self.acceptance = Acceptance(
            registry, ledger, repeats or Repeats(), self.link, metrics, quarantine_mb * 1024 * 1024
        )
        self._changed = Condition()
        self._live = Waiting(self._rows, OPEN_BYTES, window, self._batch_s)
        self._backfill = Waiting(MOST_BACKFILL, OPEN_BYTES, window, self._batch_s)
        self.portion = Portion(BACKFILL_S, FIRST_BACKFILL, LEAST_BACKFILL, MOST_BACKFILL)
        self._again: list[tuple[Settled, Number | None]] = []
        self._again_rows, self._again_at = 0, 0.0
        self._turn_at = 0.0  # when back-fill last had its turn
        self._closing = False

    # -- network threads ----------------------------------------------------------------

    def offer(self, topic: str, payload: bytes, receipt: tuple[int, int]) -> None:
        """Take one wire message. Blocks while its lane is full; raises nothing."""
        now_ms = self._clock()
        found, decoded, rejected = self._decode(topic, payload, now_ms)
        ahead = found is not None and self.link.ahead_ms(found.gateway) != 0
        one = Arrived(
            topic, payload, receipt, now_ms, time.monotonic(), found, decoded, rejected, ahead
        )
        lane = self._backfill if one.backfill else self._live
        with self._changed:
            while lane.full and not self._closing:
                self._changed.wait(1.0)
            if lane.put(one):
                self._changed.notify_all()

    def again(self, tried: Sequence[tuple[Settled, Number | None]]) -> None:
        """Put a second try of what was refused into the next batch; blocks while it is full.

        Each with the (gateway, boot, seq) that are settled by it: a sender who was told that
        nothing of it was, may send it once more.
        """
        with self._changed:
            while self._again_rows + self._live.rows >= self._rows and not self._closing:
                self._changed.wait(1.0)
            if not self._again:
                self._again_at = time.monotonic()
            self._again += tried
            batches = (one.batch for one, _ in tried)
            self._again_rows += sum(len(batch) for batch in batches if batch is not None)
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
                route = replace(found.route, memory=_copied(found.route.memory))
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

    def quarantine_trimmed(self) -> None:
        """The quarantine was cut back to its bound: whole payloads are kept again."""
        self.acceptance.trimmed()

    def refused_of(self, gateway: str) -> int:
        """Return how many fields of a gateway were refused since the start."""
        return self.acceptance.refused[gateway]

    @property
    def waiting(self) -> dict[str, int]:
        """How many rows wait in each lane."""
        return {"live": self._live.rows, "backfill": self._backfill.rows}

    # -- pipeline thread ----------------------------------------------------------------

    def live_since(self) -> float | None:
        """Return when the oldest live message that waits came (steady s), None for none."""
        with self._changed:
            return self._live.oldest

    def live_due(self) -> bool:
        """True when a batch of live data is due now: whatever can wait should."""
        with self._changed:
            return self._live_due_at() <= time.monotonic()

    def take(self, timeout_s: float) -> ClosedBatch | None:
        """Return the next batch, or None when nothing was due within `timeout_s`.

        A batch is due after batch_ms, at batch_rows, or as soon as the sender's window is full
        and nothing more arrives. What is live goes first.
        """
        give_up = time.monotonic() + timeout_s
        with self._changed:
            while True:
                now = time.monotonic()
                live_at, back_at = self._live_due_at(), self._backfill.due_at(self.portion.size)
                if live_at <= now and not (back_at <= now and self._starved(now)):
                    waiting, again = self._live.take(2**62), self._take_again()
                elif back_at <= now:
                    waiting, again = self._backfill.take(self.portion.size), []
                elif now >= give_up or self._closing:
                    return None
                else:
                    self._changed.wait(min(live_at, back_at, give_up) - now)
                    continue
                self._changed.notify_all()
                break
        return self._close(waiting, again)

    def _live_due_at(self) -> float:
        due = self._live.due_at(self._rows)
        if not self._again:
            return due
        return 0.0 if self._again_rows >= self._rows else min(due, self._again_at + self._batch_s)

    def _starved(self, now: float) -> bool:
        oldest = self._backfill.oldest
        return oldest is not None and now - max(oldest, self._turn_at) > STARVED_S

    def _take_again(self) -> list[tuple[Settled, Number | None]]:
        again, self._again, self._again_rows = self._again, [], 0
        return again

    def _close(
        self, waiting: list[Arrived], again: list[tuple[Settled, Number | None]]
    ) -> ClosedBatch:
        opened, backfill = OpenBatch(), bool(waiting) and waiting[0].backfill
        if backfill:
            self._turn_at = time.monotonic()
        for one in waiting:
            self.acceptance.take(one, opened)
        for settled, number in again:
            if number is not None and settled.batch is not None:
                self.acceptance.ledger.take(*number, None, newest_ms(settled.batch))
        ledger, answers = self.acceptance.answers(opened)
        batch = concat(opened.parts, len(self._vocab))
        self.link.judge(batch, opened.heard)
        return ClosedBatch(
            batch,
            ledger,
            opened.quarantine,
            answers,
            opened.receipts,
            len(opened.receipts),
            opened.said,
            opened.links,
            [settled for settled, _ in again],
            backfill,
        )

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


def _copied(memory: Any) -> Any:
    """A copy of what a codec remembers. The network's thread writes on meanwhile: a dictionary that
    grows while it is copied stops the copy, and the next one finds it at rest."""
    for _ in range(COPIES):
        with suppress(RuntimeError):
            return deepcopy(memory)
    return deepcopy(memory)
