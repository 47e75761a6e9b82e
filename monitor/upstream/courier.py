"""One thread a platform: what is due, sent, proven, on to the next. Never in an alert's way.

After an outage of the platform everything it missed follows in order, alarms first. A message may
arrive twice (a proof was lost on the way); its key is then the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import duckdb
import structlog
from sqlalchemy.exc import SQLAlchemyError

from monitor.upstream.deliveries import Deliveries, Delivery
from monitor.upstream.encode import body_of
from monitor.upstream.send import Sender, SendError
from monitor.upstream.sources import Sources
from monitor.upstream.tier_file import Stream, Tier
from monitor.worker import Worker

log = structlog.get_logger()
DAY_MS = 86_400_000
IDLE_S = 1.0


class Courier:
    """Brings one tier what it wants."""

    def __init__(
        self,
        tier: Tier,
        sources: Sources,
        deliveries: Deliveries,
        sender: Sender,
        clock: Callable[[], int],
        retention_days: int,
    ) -> None:
        self._retention_ms = retention_days * DAY_MS
        self.tier, self._sources, self._deliveries = tier, sources, deliveries
        self._sender, self._clock = sender, clock
        self.worker = Worker(
            f"upstream-{tier.name}",
            self._turn,
            expected=(SendError, duckdb.Error, SQLAlchemyError, OSError),
            first_s=IDLE_S,
            patience_s=tier.timeout_s + 5,
        )
        self.unsaid: Counter[str] = Counter()

    def open(self) -> None:
        """Note where each stream begins for a tier that is new, before anything more comes in."""
        for stream in self.tier.wants:
            self._begins(stream)

    def stop(self) -> None:
        """Finish the message at hand and let go."""
        self.worker.stop()
        self._sender.close()

    def behind(self) -> dict[Stream, int]:
        """Return by stream how many positions are not proven yet."""
        return {
            stream: max(0, self._sources.newest(stream) - self._begins(stream)[0])
            for stream in self.tier.wants
        }

    def _turn(self) -> float:
        while self.bring_some() and not self.worker.stopping:
            pass
        return IDLE_S

    def bring_some(self) -> bool:
        """Make one delivery of each stream that has one; False where nothing was due.

        Raises SendError where a message was not taken: nothing moves then.
        """
        return any([self._bring(stream) for stream in self.tier.wants])

    def _begins(self, stream: Stream) -> tuple[int, int]:
        """The cursor and its time; a tier that is new begins with what comes from now on."""
        found = self._deliveries.cursor(self.tier.name, stream)
        if found is not None:
            return found
        now = self._sources.newest(stream)
        at_ms = self._clock()
        one = Delivery(self.tier.name, stream, now, now, at_ms, at_ms)
        self._deliveries.begin(one)
        self._deliveries.prove(one)
        return now, at_ms

    def _bring(self, stream: Stream) -> bool:
        one = self._deliveries.open(self.tier.name, stream)
        if one is None:
            begins, _ = self._begins(stream)
            ends = self._sources.until(stream, begins, self.tier)
            if ends <= begins:
                return False
            one = Delivery(self.tier.name, stream, begins, ends, self._clock())
            self._deliveries.begin(one)
        self._deliver(one, stream)
        return True

    def _deliver(self, one: Delivery, stream: Stream) -> None:
        told = self._sources.read(stream, one.begins, one.ends, self.tier)
        proofs, count = [], 0
        for kind, objects in told.objects.items():
            for start in range(0, len(objects), self.tier.rows):
                part = objects[start : start + self.tier.rows]
                key = f"{one.tier}.{stream}.{one.begins}-{one.ends}.{kind}.{start}"
                proofs.append(self._sender.send(kind, key, body_of(part)))
                count += len(part)
        self.unsaid.update(told.unsaid)
        _, proven_ms = self._begins(stream)
        late = self._clock() - proven_ms > self._retention_ms
        gone = one.ends - one.begins if late else 0
        self._deliveries.prove(
            Delivery(
                one.tier, stream, one.begins, one.ends, one.begun_ms, self._clock(), count,
                dict(told.unsaid), gone, tuple(proofs),
            )
        )  # fmt: skip
        if gone:
            log.error("upstream.gone", tier=one.tier, stream=stream, positions=gone)
