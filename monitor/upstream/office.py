"""All tiers of a site: built, started, stopped and asked as one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Engine

from config.secrets import Secrets
from config.settings import Settings
from devices.registry import Registry
from devices.vocabulary import Vocabulary
from monitor.store.history import History
from monitor.upstream.courier import DAY_MS, Courier
from monitor.upstream.deliveries import Deliveries
from monitor.upstream.send import sender
from monitor.upstream.sources import Sources
from monitor.upstream.tier_file import load_tiers


class Upstream:
    """The couriers of a site; none where it has no upstream.toml."""

    def __init__(
        self,
        settings: Settings,
        history: History,
        engine: Engine,
        registry: Registry,
        vocab: Vocabulary,
        clock: Callable[[], int],
    ) -> None:
        """Nothing is sent before `start`. Raises ConfigError for a mistake in upstream.toml."""
        self._vocab, self._clock = vocab, clock
        self._days = settings.history.retention_days
        tiers = load_tiers(settings.site.folder, vocab)
        self._book = Deliveries(history)
        zone, secrets = ZoneInfo(settings.site.timezone), Secrets(settings.notify.secret_dir)
        sources = Sources(history, engine, registry, vocab, zone, clock)
        self.couriers = [
            Courier(tier, sources, self._book, sender(tier, secrets, clock), clock, self._days)
            for tier in tiers
        ]

    def open(self) -> None:
        """Note where new tiers begin. What comes in after this is told to them."""
        for courier in self.couriers:
            courier.open()

    def start(self) -> None:
        """Begin to catch up, a thread a tier."""
        for courier in self.couriers:
            courier.worker.start()

    def stop(self) -> None:
        """Finish the messages at hand and let go."""
        for courier in self.couriers:
            courier.stop()

    def tidy(self) -> None:
        """Forget proofs of what history has forgotten."""
        self._book.forget(self._clock() - self._days * DAY_MS)

    def report(self) -> list[dict[str, Any]]:
        """Return a row a tier: where, what it wants, how far behind, what it cannot be told."""
        return [
            {
                "name": courier.tier.name,
                "platform": courier.tier.codes.platform,
                "wants": list(courier.tier.wants),
                "behind": courier.behind(),
                "trouble": courier.worker.trouble,
                "unsaid": dict(courier.unsaid.most_common(50)),
                "unspeakable_codes": courier.tier.codes.unspeakable(self._vocab),
            }
            for courier in self.couriers
        ]

    def deliveries(self, name: str, most: int, stream: str | None = None) -> list[dict[str, Any]]:
        """Return the newest deliveries of a tier with their proofs. Raises KeyError."""
        if name not in {courier.tier.name for courier in self.couriers}:
            raise KeyError(name)
        return [asdict(one) for one in self._book.latest(name, most, stream)]
