"""Which shifts there are: from the duty desk's roster, else day and night."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo
from itertools import pairwise
from typing import Final

from alerts.directory.roster import moment_ms
from alerts.directory.turns import duty_shifts
from alerts.directory.units import Directory

HOUR_MS: Final = 3_600_000
BACK_MS: Final = 72 * HOUR_MS
AHEAD_MS: Final = 36 * HOUR_MS
LONGEST_MS: Final = 7 * 24 * HOUR_MS
"""A report over more is no hand-over; the alarm quality page tells longer times."""
CHANGES: Final = (time(8), time(20))
"""When the desk changes where no roster says so; domain default."""


@dataclass(frozen=True, slots=True)
class Span:
    """From when to when, epoch ms; and whom the roster names for it."""

    from_ms: int
    to_ms: int
    officers: tuple[str, ...] = ()


def choices(directory: Directory, now_ms: int, tz: tzinfo) -> list[Span]:
    """Return the shifts of the last three days, the one that stands now first, then backwards."""
    begin, end = now_ms - BACK_MS, now_ms + AHEAD_MS
    spans: set[tuple[int, int]] = set()
    for unit in directory.of_kind("operator"):
        spans |= set(duty_shifts(directory.rosters.get(unit.id), begin, end))
    if not spans:
        spans = set(_by_default(begin, end, tz))
    begun = sorted((one for one in spans if one[0] <= now_ms), reverse=True)
    return [Span(a, b, officers(directory, a)) for a, b in begun]


def officers(directory: Directory, at_ms: int) -> tuple[str, ...]:
    """Return the names of those who are on duty at the desk at a moment."""
    units = directory.of_kind("operator")
    people = [one for unit in units for one in directory.on_duty(unit.id, at_ms)]
    return tuple(dict.fromkeys(one.name for one in people))


def _by_default(begin_ms: int, end_ms: int, tz: tzinfo) -> list[tuple[int, int]]:
    day = datetime.fromtimestamp(begin_ms / 1000, tz).date()
    last = datetime.fromtimestamp(end_ms / 1000, tz).date()
    cuts: list[int] = []
    while day <= last:
        cuts += [moment_ms(day, at, tz) for at in CHANGES]
        day += timedelta(days=1)
    return list(pairwise(cuts))
