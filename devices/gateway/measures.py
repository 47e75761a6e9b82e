"""What answers teach: how fast the service is, how long live data takes, what its clock says."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from devices.gateway.clock import ClockCheck, ClockOffset
from devices.gateway.pace import Pace

OnClock = Callable[[ClockOffset], None]
_log = logging.getLogger(__name__)
_DELAYS = 4096


@dataclass(slots=True)
class Sent:
    """A message on its way: when it left (steady s, our clock), and what it is.

    live_at: when what is in it was published, None for back-fill; again: not for the first time;
    kept: by the topic for back-fill, which has an order of its own.
    """

    at: float
    clock_ms: int
    samples: int
    backfill: bool
    live_at: float | None
    again: bool
    kept: bool = False


class Measures:
    """Owned by the forwarding thread; `clock.best` and `delays` may be read by any."""

    def __init__(self, pace: Pace, on_clock: OnClock | None) -> None:
        self._pace, self._on_clock = pace, on_clock
        self._wrong = False
        self.clock = ClockCheck()
        self.delays: deque[float] = deque(maxlen=_DELAYS)  # s, publish → durable, of live data

    def learn(self, settled: Iterable[Sent | None], service_ms: int, at: float, ms: int) -> None:
        """Take an answer in that came at `at` (steady s; `ms` by our clock) and settled these."""
        latest: Sent | None = None
        for sent in settled:
            if sent is None or sent.again:
                continue
            if sent.backfill:
                self._pace.confirmed(sent.at, at)
            if sent.live_at is not None:
                self.delays.append(at - sent.live_at)
                self._pace.live_confirmed(sent.at, at)
            if latest is None or sent.at > latest.at:
                latest = sent
        if latest is not None:
            begun = (latest.clock_ms, latest.at * 1000)
            self.clock.hear(begun, (ms, at * 1000), service_ms)
            self._judge_clock()

    def _judge_clock(self) -> None:
        """Say it once when our clock turns out wrong, and once when it is right again."""
        best = self.clock.best
        if best is None or best.wrong == self._wrong:
            return
        self._wrong = best.wrong
        if best.wrong:
            _log.warning(
                "this machine's clock is %+.1f s off the service's: set it by NTP; from 120 s on "
                "samples count as late, or are refused",
                -best.offset_ms / 1000,
            )
        if self._on_clock is not None:
            try:
                self._on_clock(best)
            except Exception:  # noqa: BLE001 - the caller's mistake must not stop forwarding
                _log.exception("the callback for the clock failed")
