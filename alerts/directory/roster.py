"""Duty rosters: who of a unit is on duty at a moment.

A roster has lines (several may stand at once: a day and a night line, a team for each area, a
leader's turn). A line says who is on duty on which day; holidays, swaps and absences change that.
Days and hours are of the line's zone by local time: a shift from 20:00 to 08:00 is as long as that
night is. A local time that does not exist counts with the offset before the change, one that comes
twice counts when it comes first (RFC 5545 and PEP 495 agree on both).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from itertools import pairwise
from typing import Protocol

from config.text import Text

MAIN_LINE = "main"
DAY = timedelta(days=1)
SWAP_KINDS = ("swap", "illness", "leave", "other")


class Calendar(Protocol):
    """What an iCalendar file tells a line; see calendar_file.py."""

    def on(self, at_ms: int) -> tuple[str, ...]:
        """Return the contacts whose events cover the moment, in the file's order."""
        ...

    def edges(self, from_ms: int, to_ms: int) -> Iterator[int]:
        """Yield the moments within [from, to) at which an event begins or ends."""
        ...


def moment_ms(day: date, at: time, tz: tzinfo) -> int:
    """Return the moment of a local time, in epoch ms."""
    return round(datetime.combine(day, at, tz).timestamp() * 1000)


@dataclass(frozen=True, slots=True)
class Duty:
    """One line of a unit's roster.

    `contacts[k]` is on duty in the k-th week after `start`, round and round; with a `calendar` its
    events say it instead. A duty day D runs from `hand_over` on D to `hand_over` on the day after,
    with `until` only to that hour; `days` (0 = Monday; empty = every day) are the days it stands.
    `post` is whose turn it is: member for the duty itself, manager or leader for theirs. With
    `groups` the line answers for lifts of these groups alone.
    """

    unit: str
    contacts: tuple[str, ...]
    deputies: tuple[str, ...]
    weekday: int
    hand_over: time
    tz: tzinfo
    start: date
    line: str = MAIN_LINE
    post: str = "member"
    until: time | None = None
    days: tuple[int, ...] = ()
    groups: tuple[str, ...] = ()
    calendar: Calendar | None = None
    calendar_file: str = ""

    def day_of(self, at_ms: int) -> date:
        """Return the duty day of a moment: the last local day whose hand-over has been."""
        day = datetime.fromtimestamp(at_ms / 1000, self.tz).date()
        return day if at_ms >= moment_ms(day, self.hand_over, self.tz) else day - DAY

    def end_ms(self, day: date) -> int:
        """Return when the shift of a duty day ends."""
        if self.until is None:
            return moment_ms(day + DAY, self.hand_over, self.tz)
        return moment_ms(day if self.until > self.hand_over else day + DAY, self.until, self.tz)

    def turn(self, day: date) -> str:
        """Return whose weekly turn a duty day is."""
        week = day - timedelta(days=(day.weekday() - self.weekday) % 7)
        first = self.start - timedelta(days=(self.start.weekday() - self.weekday) % 7)
        return self.contacts[((week - first).days // 7) % len(self.contacts)]

    def serves(self, group: str | None) -> bool:
        """True if the line answers for lifts of this group; None asks for whatever line."""
        return not self.groups or group is None or group in self.groups


@dataclass(frozen=True, slots=True)
class Holiday:
    """A line's own turn on the duty days `first`…`last`: `contacts` day by day, round and round.

    No contacts: the line does not stand on these days. `line` "" = every line of the unit.
    """

    unit: str
    line: str
    first: date
    last: date
    contacts: tuple[str, ...]
    deputies: tuple[str, ...] = ()
    text: Text | None = None

    def turn(self, day: date) -> tuple[str, ...]:
        """Return who is on duty on one of its days."""
        if not self.contacts:
            return ()
        return (self.contacts[(day - self.first).days % len(self.contacts)],)


@dataclass(frozen=True, slots=True)
class Swap:
    """`stand_in` for `out` within [from_ms, to_ms).

    Kind swap: exchanged shifts, for one `line` ("" = every line). The others are absences: `out`
    is not called at all meanwhile, in no line and no post, and `stand_in` may be "" (nobody).
    """

    unit: str
    line: str
    out: str
    stand_in: str
    from_ms: int
    to_ms: int
    kind: str = "swap"

    def holds(self, at_ms: int) -> bool:
        """True while it is in force."""
        return self.from_ms <= at_ms < self.to_ms


@dataclass(frozen=True, slots=True)
class Roster:
    """All that says who of one unit is on duty."""

    unit: str
    lines: tuple[Duty, ...] = ()
    holidays: tuple[Holiday, ...] = ()
    swaps: tuple[Swap, ...] = ()

    def has(self, post: str) -> bool:
        """True if some line has turns for this post."""
        return any(line.post == post for line in self.lines)

    def lines_of(self, post: str, group: str | None) -> list[Duty]:
        """Return the lines that answer for lifts of a group (None: of any); for a group that no
        line answers for, all of them: better somebody of another team than nobody."""
        lines = [line for line in self.lines if line.post == post]
        return [line for line in lines if line.serves(group)] or lines

    def groups(self) -> list[str]:
        """Return the groups of lifts to be looked at apart: those that lines name, and none.

        "" stands for lifts of no group, unless every line names its groups.
        """
        lines = [line for line in self.lines if line.post == "member"]
        named = dict.fromkeys(group for line in lines for group in line.groups)
        general = not lines or any(not line.groups for line in lines)
        return [*named, ""] if general else list(named)

    def on(self, post: str, group: str | None, at_ms: int) -> tuple[str, ...]:
        """Return the contacts on duty, line by line; empty when nobody is."""
        found: list[str] = []
        for line in self.lines_of(post, group):
            found += self.on_line(line, at_ms)
        return tuple(dict.fromkeys(found))

    def on_line(self, line: Duty, at_ms: int) -> tuple[str, ...]:
        """Return the contacts on duty in one line."""
        swapped = (self._swapped(line.line, who, at_ms) for who in self._turn(line, at_ms))
        present = (self.present(who, at_ms) for who in swapped)
        return tuple(dict.fromkeys(who for who in present if who is not None))

    def deputies(self, group: str | None, at_ms: int) -> tuple[str, ...]:
        """Return the deputies of the lines that stand now; of all lines when none stands."""
        lines = self.lines_of("member", group)
        standing = [one for one in lines if self._turn(one, at_ms)]
        named: list[str] = []
        for line in standing or lines:
            holiday = self._holiday(line, line.day_of(at_ms))
            named += holiday.deputies if holiday and holiday.deputies else line.deputies
        present = (self.present(who, at_ms) for who in named)
        return tuple(dict.fromkeys(who for who in present if who is not None))

    def present(self, contact: str, at_ms: int) -> str | None:
        """Return the contact, or who stands in while they are absent; None if nobody does."""
        seen: set[str] = set()
        while True:
            absence = next(
                (s for s in self.swaps if s.kind != "swap" and s.out == contact and s.holds(at_ms)),
                None,
            )
            if absence is None:
                return contact
            seen.add(contact)
            contact = absence.stand_in
            if not contact or contact in seen:
                return None

    def edges(self, from_ms: int, to_ms: int) -> list[int]:
        """Return the moments within [from, to) at which the people may change, in order."""
        found = {s.from_ms for s in self.swaps} | {s.to_ms for s in self.swaps}
        for line in self.lines:
            day, last = line.day_of(from_ms), line.day_of(to_ms)
            while day <= last:
                found |= {moment_ms(day, line.hand_over, line.tz), line.end_ms(day)}
                day += DAY
            if line.calendar is not None:
                found |= set(line.calendar.edges(from_ms, to_ms))
        return sorted(at for at in found if from_ms <= at < to_ms)

    def _turn(self, line: Duty, at_ms: int) -> tuple[str, ...]:
        """Who has the turn before swaps and absences; empty while the line does not stand."""
        day = line.day_of(at_ms)
        if at_ms >= line.end_ms(day):
            return ()
        holiday = self._holiday(line, day)
        if holiday is not None:
            return holiday.turn(day)
        if line.days and day.weekday() not in line.days:
            return ()
        if line.calendar is not None:
            return line.calendar.on(at_ms)
        return (line.turn(day),) if line.contacts else ()

    def _holiday(self, line: Duty, day: date) -> Holiday | None:
        for one in self.holidays:
            if one.line in ("", line.line) and one.first <= day <= one.last:
                return one
        return None

    def _swapped(self, line: str, contact: str, at_ms: int) -> str:
        """One exchange only: where A and B swap with each other, two rows say so."""
        for one in self.swaps:
            mine = one.kind == "swap" and one.line in ("", line)
            if mine and one.out == contact and one.holds(at_ms):
                return one.stand_in
        return contact


@dataclass(frozen=True, slots=True)
class Shift:
    """From when to when somebody of a line is on duty; `contacts` empty: nobody."""

    unit: str
    line: str
    from_ms: int
    to_ms: int
    contacts: tuple[str, ...]


def shifts(roster: Roster, lines: Iterable[Duty], from_ms: int, to_ms: int) -> list[Shift]:
    """Return the shifts of lines within [from, to), each as long as its people do not change."""
    cuts = [from_ms, *(at for at in roster.edges(from_ms, to_ms) if at > from_ms), to_ms]
    found: list[Shift] = []
    for line in lines:
        mine: list[Shift] = []
        for begin, end in pairwise(cuts):
            who = roster.on_line(line, begin)
            since = mine.pop().from_ms if mine and mine[-1].contacts == who else begin
            mine.append(Shift(roster.unit, line.line, since, end, who))
        found += mine
    return found


def holes(roster: Roster, from_ms: int, to_ms: int) -> list[tuple[int, int]]:
    """Return the stretches within [from, to) in which no line at all has anybody on duty.

    A line that answers for a group alone leaves a hole where another group has nobody, so each
    group that some line names is looked at.
    """
    groups = roster.groups()
    cuts = [from_ms, *(at for at in roster.edges(from_ms, to_ms) if at > from_ms), to_ms]
    found: list[tuple[int, int]] = []
    for begin, end in pairwise(cuts):
        if all(roster.on("member", group, begin) for group in groups):
            continue
        since = found.pop()[0] if found and found[-1][1] == begin else begin
        found.append((since, end))
    return found
