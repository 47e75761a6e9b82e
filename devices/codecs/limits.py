"""What a message may be: sizes, ages, rates. Domain defaults; a site may change them."""

from __future__ import annotations

from dataclasses import dataclass

from config.settings import Ingest

DAY_MS = 86_400_000
BOOT_MAX = 2**53  # the largest whole number every JSON reader keeps exactly
SEQ_MAX = 2**32 - 1  # GB/T 24476: 序号 is an unsigned 32-bit number


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of wire contract v1 (docs/wire.md), all checked by the codecs.

    `refusals` bounds how many fields of one message are named one by one; what goes beyond is
    counted in one last refusal, so that an answer stays smaller than the question.
    """

    payload_bytes: int = 256 * 1024
    samples: int = 2_000
    ahead_ms: int = 60_000
    oldest_ms: int = 400 * DAY_MS
    late_ms: int = 120_000
    refusals: int = 100
    rate_hz: tuple[float, float] = (50.0, 3200.0)
    burst_s: tuple[float, float] = (1.0, 30.0)
    axes: int = 8

    @staticmethod
    def of(ingest: Ingest) -> Limits:
        """Return the limits a site's settings ask for."""
        return Limits(
            payload_bytes=ingest.max_payload_bytes,
            samples=ingest.max_samples,
            ahead_ms=round(ingest.ahead_s * 1000),
            oldest_ms=ingest.oldest_days * DAY_MS,
            late_ms=round(ingest.late_after_s * 1000),
        )
