"""The service's clock: the only place where wall time is read and, in a demo, sped up."""

from __future__ import annotations

import time
from dataclasses import dataclass, field


def wall_ms() -> int:
    """Milliseconds since epoch UTC."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True)
class Clock:
    """now = start + (wall − wall at start) × speed. At speed 1 it is the wall itself.

    Two processes that are given the same three numbers agree on the time.
    """

    speed: float = 1.0
    start_ms: int = 0
    wall_start_ms: int = field(default_factory=wall_ms)

    @staticmethod
    def fast(speed: float) -> Clock:
        """Return a clock that starts now and runs at `speed`."""
        now = wall_ms()
        return Clock(speed, now, now)

    def __call__(self) -> int:
        if self.speed == 1.0 and self.start_ms in (0, self.wall_start_ms):
            return wall_ms()
        return self.start_ms + round((wall_ms() - self.wall_start_ms) * self.speed)
