"""A batch while it is open and once it is closed, with all that belongs to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from devices.batch import LinkFact, Refusal, Said, TelemetryBatch
from monitor.link.watch import Heard
from monitor.store.again import Settled
from monitor.store.history import QuarantineRow

Named = tuple[int | None, Refusal]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a gateway is told on its `ack` topic once the batch is durable."""

    gateway: str
    boot: int | None
    durable: int
    gaps: list[tuple[int, int]]
    refused: list[Named]
    highest: int = 0


@dataclass(slots=True)
class ClosedBatch:
    """A batch with all that must be committed, answered and acknowledged with it."""

    batch: TelemetryBatch
    ledger: Mapping[tuple[str, int], str]
    quarantine: list[QuarantineRow]
    answers: list[Answer]
    receipts: list[tuple[int, int]]
    messages: int
    said: list[Said] = field(default_factory=list)
    links: list[tuple[str, LinkFact]] = field(default_factory=list)
    again: list[Settled] = field(default_factory=list)
    backfill: bool = False


@dataclass(slots=True)
class OpenBatch:
    """A batch while it is filled from what waits."""

    parts: list[TelemetryBatch] = field(default_factory=list)
    quarantine: list[QuarantineRow] = field(default_factory=list)
    refused: dict[tuple[str, int | None], list[Named]] = field(default_factory=dict)
    receipts: list[tuple[int, int]] = field(default_factory=list)
    said: list[Said] = field(default_factory=list)
    links: list[tuple[str, LinkFact]] = field(default_factory=list)
    heard: list[Heard] = field(default_factory=list)
