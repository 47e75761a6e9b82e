"""Who of a unit is on duty now and who is next, line by line, as its people see it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from alerts.directory.roster import Roster, Shift
from alerts.directory.roster import shifts as shifts_of
from alerts.directory.units import Contact, Directory

AHEAD_MS = 15 * 86_400_000
"""How far is looked for who is next: a weekly turn, and a holiday in between."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One line of a roster now: `contacts` until `until_ms`, then `following`.

    `line` and `post` are "" of a unit without a roster, whose one contact is always on duty.
    `until_ms` None: nothing changes as far as was looked.
    """

    line: str
    post: str
    contacts: tuple[Contact, ...]
    until_ms: int | None = None
    following: tuple[Contact, ...] = ()
    following_until_ms: int | None = None


def turns(directory: Directory, unit: str, now_ms: int) -> list[Turn]:
    """Return the lines of a unit that concern its lifts; empty when nobody said who is on duty."""
    roster = directory.rosters.get(unit)
    if roster is None or not roster.lines:
        always = directory.on_duty(unit, now_ms)
        return [Turn("", "", tuple(always))] if always else []
    found: list[Turn] = []
    for line in roster.lines:
        mine = shifts_of(roster, [line], now_ms, now_ms + AHEAD_MS)
        found.append(_turn(directory, line.post, mine))
    return found


def _turn(directory: Directory, post: str, shifts: list[Shift]) -> Turn:
    """The shift that stands, and the next one in which somebody else, or anybody, is on duty."""

    def people(shift: Shift) -> tuple[Contact, ...]:
        return tuple(directory.contacts[who] for who in shift.contacts if who in directory.contacts)

    first, more = shifts[0], [one for one in shifts[1:] if one.contacts]
    if len(shifts) == 1:
        return Turn(first.line, post, people(first))
    if not more:
        return Turn(first.line, post, people(first), first.to_ms)
    return Turn(first.line, post, people(first), first.to_ms, people(more[0]), more[0].to_ms)


def duty_shifts(roster: Roster | None, from_ms: int, to_ms: int) -> Iterator[tuple[int, int]]:
    """Yield the shifts of a unit's desk as (from, to), wherever its people change."""
    if roster is None or not roster.has("member"):
        return
    lines = [line for line in roster.lines if line.post == "member"]
    cuts = {
        at
        for one in shifts_of(roster, lines, from_ms, to_ms)
        for at in (one.from_ms, one.to_ms)
        if from_ms < at < to_ms
    }
    yield from pairwise(sorted(cuts))
