"""iCalendar (RFC 5545) in and out: a roster kept in somebody's calendar, and one for calendars.

An event says who is on duty from when to when; recurring events too (RRULE, RDATE, EXDATE, moved
single ones). The person is the one that `X-LIFTWATCH-CONTACT` names, else the attendees with an
address of the directory, else whose id or name stands in the title. Repetitions keep local time: an
event from 20:00 to 08:00 ends at 08:00 also in the night in which clocks are changed. An all-day
event means the duty days it names, from hand-over to hand-over.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from pathlib import Path
from typing import Any

import icalendar
from dateutil.rrule import rrule, rruleset, rrulestr

from alerts.directory.roster import Shift
from alerts.directory.units import Contact, Unit
from config.errors import ConfigError
from config.text import Text

CONTACT = "X-LIFTWATCH-CONTACT"
BLOCK_MS = 32 * 86_400_000  # occurrences are worked out for so long a stretch at a time
LONGEST = timedelta(days=400)
TOO_OFTEN = ("SECONDLY", "MINUTELY", "HOURLY")
MOST_BYTES = 4_000_000
MOST_EVENTS = 10_000
MALFORMED = (AttributeError, TypeError, ValueError, KeyError, IndexError, OverflowError)
Span = tuple[int, int, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Event:
    """One event: `start` is local time of `tz`, `length` is wall time from start to end."""

    start: datetime
    length: timedelta
    tz: tzinfo
    repeats: rruleset
    contacts: tuple[str, ...]

    def spans(self, from_ms: int, to_ms: int) -> Iterator[Span]:
        """Yield (begin_ms, end_ms, contacts) of what overlaps [from, to)."""
        slack = timedelta(days=1)  # no zone and no change of clocks shifts more
        low = datetime.fromtimestamp(from_ms / 1000, self.tz).replace(tzinfo=None)
        high = datetime.fromtimestamp(to_ms / 1000, self.tz).replace(tzinfo=None)
        for begin in self.repeats.between(low - self.length - slack, high + slack, inc=True):
            begin_ms, end_ms = self._ms(begin), self._ms(begin + self.length)
            if begin_ms < to_ms and end_ms > from_ms:
                yield begin_ms, end_ms, self.contacts

    def _ms(self, local: datetime) -> int:
        return round(local.replace(tzinfo=self.tz).timestamp() * 1000)


@dataclass(frozen=True)
class EventCalendar:
    """A roster line's calendar; equal to another one with the same events' source."""

    source: str
    events: tuple[Event, ...] = field(compare=False)
    _blocks: dict[int, list[Span]] = field(default_factory=dict, compare=False, repr=False)

    def on(self, at_ms: int) -> tuple[str, ...]:
        """Return the contacts whose events cover the moment."""
        found: dict[str, None] = {}
        for begin, end, contacts in self._block(at_ms // BLOCK_MS):
            if begin <= at_ms < end:
                found |= dict.fromkeys(contacts)
        return tuple(found)

    def edges(self, from_ms: int, to_ms: int) -> Iterator[int]:
        """Yield the moments within [from, to) at which an event begins or ends."""
        for block in range(from_ms // BLOCK_MS, to_ms // BLOCK_MS + 1):
            for begin, end, _ in self._block(block):
                yield from (at for at in (begin, end) if from_ms <= at < to_ms)

    def _block(self, block: int) -> list[Span]:
        if block not in self._blocks:
            from_ms = block * BLOCK_MS
            spans = (span for one in self.events for span in one.spans(from_ms, from_ms + BLOCK_MS))
            self._blocks[block] = list(spans)
        return self._blocks[block]


def load_calendar(
    file: Path, people: Sequence[Contact], tz: tzinfo, hand_over: time
) -> EventCalendar:
    """Read an .ics file. Raises ConfigError naming the event and what would be right.

    `people`: the contacts of the unit. `tz`: for floating and all-day events.
    """
    try:
        raw = file.read_bytes()
    except OSError as error:
        way_out = Text(
            "应为站点文件夹内可读的 .ics 文件", "must be a readable .ics file of the site"
        )
        raise ConfigError(file, "calendar", error.strerror or "", way_out) from None
    if len(raw) > MOST_BYTES:
        way_out = Text(f"至多 {MOST_BYTES} 字节", f"at most {MOST_BYTES} bytes")
        raise ConfigError(file, "size", len(raw), way_out)
    try:
        calendar = icalendar.Calendar.from_ical(raw)
    except (ValueError, IndexError, KeyError) as error:
        way_out = Text("不是有效的 iCalendar（RFC 5545）", "not valid iCalendar (RFC 5545)")
        raise ConfigError(file, "VCALENDAR", str(error)[:200], way_out) from None
    return EventCalendar(
        hashlib.sha256(raw).hexdigest(), tuple(_events(file, calendar, people, tz, hand_over))
    )


def _events(
    file: Path, calendar: Any, people: Sequence[Contact], tz: tzinfo, hand_over: time
) -> Iterator[Event]:
    found = [one for one in calendar.walk("VEVENT") if str(one.get("STATUS")) != "CANCELLED"]
    if len(found) > MOST_EVENTS:
        way_out = Text(f"至多 {MOST_EVENTS} 个事件", f"at most {MOST_EVENTS} events")
        raise ConfigError(file, "VEVENT", len(found), way_out)
    moved: dict[str, list[Any]] = {}  # single ones of a series that were changed, also cancelled
    for one in calendar.walk("VEVENT"):
        single = one.get("RECURRENCE-ID")
        if single is not None and hasattr(single, "dt"):
            moved.setdefault(str(one.get("UID")), []).append(single.dt)
    for one in found:
        series = one.get("RECURRENCE-ID") is None
        left_out = moved.get(str(one.get("UID")), []) if series else []
        try:
            yield _event(one, people, tz, hand_over, left_out)
        except _Wrong as wrong:
            raise _refused(file, one, wrong.key, wrong.value, wrong.text) from None
        except MALFORMED as error:
            text = Text("该事件有误（RFC 5545）", "this event is not right (RFC 5545)")
            raise _refused(file, one, "VEVENT", str(error)[:200], text) from None


def _refused(file: Path, one: Any, key: str, value: object, text: Text) -> ConfigError:
    title = str(one.get("SUMMARY") or one.get("UID") or "")[:60]
    return ConfigError(file, f"event {title!r}, {key}", value, text)


class _Wrong(Exception):
    def __init__(self, key: str, value: object, text: Text) -> None:
        self.key, self.value, self.text = key, value, text


def _event(
    one: Any, people: Sequence[Contact], tz: tzinfo, hand_over: time, left_out: list[Any]
) -> Event:
    if one.get("DTSTART") is None:
        raise _Wrong("DTSTART", None, Text("每个事件都要有开始", "every event needs a start"))
    first = one["DTSTART"].dt
    own = first.tzinfo if isinstance(first, datetime) and first.tzinfo else tz
    start = _local(first, own, hand_over)
    length = _end(one, own, hand_over, first) - start
    if not timedelta(0) < length <= LONGEST or start.year < 1990:
        text = Text("应晚于开始，且不超过 400 天", "must be after the start and within 400 days")
        raise _Wrong("DTEND", str(length), text)
    repeats = rruleset(cache=True)
    rules = one.get("RRULE", [])
    for rule in rules if isinstance(rules, list) else [rules]:
        repeats.rrule(_rule(rule, start, own))
    if not rules:
        repeats.rdate(start)
    for more in _dates(one.get("RDATE")):
        repeats.rdate(_local(more, own, hand_over))
    for less in (*_dates(one.get("EXDATE")), *left_out):
        repeats.exdate(_local(less, own, hand_over))
    return Event(start, length, own, repeats, _people(one, people))


def _end(one: Any, tz: tzinfo, hand_over: time, first: date) -> datetime:
    if one.get("DTEND") is not None:
        return _local(one["DTEND"].dt, tz, hand_over)
    length = one["DURATION"].dt if one.get("DURATION") is not None else None
    if length is None:
        length = timedelta(0) if isinstance(first, datetime) else timedelta(days=1)
    return _local(first, tz, hand_over) + length


def _local(at: date, tz: tzinfo, hand_over: time) -> datetime:
    """Local time without its zone; of a bare date, the hand-over on that day."""
    if isinstance(at, datetime):
        return (at.astimezone(tz) if at.tzinfo else at).replace(tzinfo=None)
    return datetime.combine(at, hand_over)


def _dates(value: Any) -> Iterator[date]:
    for group in value if isinstance(value, list) else [value] if value is not None else []:
        for one in group.dts:
            yield one.dt[0] if isinstance(one.dt, tuple) else one.dt


def _rule(rule: Mapping[str, Any], start: datetime, tz: tzinfo) -> rrule:
    frequency = str(rule.get("FREQ", [""])[0]).upper()
    if frequency in TOO_OFTEN:
        text = Text("至多每天重复", "at most daily")
        raise _Wrong("RRULE", frequency, text)
    every = int(_list(rule.get("INTERVAL", 1))[0])
    if not 1 <= every <= 1000:  # 0 would never come to an end
        raise _Wrong("RRULE", f"INTERVAL={every}", Text("应为 1..1000", "must be within 1..1000"))
    parts = icalendar.vRecur({k: v for k, v in rule.items() if k.upper() != "UNTIL"})
    try:
        made = rrulestr(str(parts.to_ical(), "utf-8"), dtstart=start)  # type: ignore[no-untyped-call]
    except (ValueError, KeyError) as error:
        raise _Wrong("RRULE", str(error), Text("重复规则有误", "not a recurrence rule")) from None
    until = rule.get("UNTIL")
    if until:  # of a bare date, the whole day
        last = until[0] if isinstance(until, list) else until
        made = made.replace(until=_local(last, tz, time.max))
    return made


def _people(one: Any, people: Sequence[Contact]) -> tuple[str, ...]:
    ids = {contact.id for contact in people}
    named = [str(value) for value in _list(one.get(CONTACT))]
    mails = [str(value).lower().removeprefix("mailto:") for value in _list(one.get("ATTENDEE"))]
    found = [name for name in named if name in ids] or [
        contact.id for contact in people if contact.addresses.get("email", "").lower() in mails
    ]
    title = str(one.get("SUMMARY") or "").strip()
    if not found:
        found = [c.id for c in people if title in (c.id, c.name)]
    if not found:
        words = set(re.split(r"[\s,，、;；/:：()（）·+&]+", title))
        found = [c.id for c in people if c.id in words or (len(c.name) > 1 and c.name in title)]
    if not found:
        known = " | ".join(f"{contact.name} ({contact.id})" for contact in people)
        raise _Wrong(
            "SUMMARY",
            title,
            Text(
                f"标题应含本单位联系人的姓名或 id：{known}",
                f"the title names a contact of the unit: {known}",
            ),
        )
    return tuple(found)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def calendar_of(
    unit: Unit, shifts: Iterable[Shift], contacts: Mapping[str, Contact], now_ms: int
) -> bytes:
    """Return shifts as an .ics file; stretches in which nobody is on duty are left out."""
    calendar = icalendar.Calendar()
    calendar.add("prodid", "-//Liftwatch//roster//EN")
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", f"值班 duty · {unit.name.zh} {unit.name.en}")
    for one in shifts:
        if not one.contacts:
            continue
        event = icalendar.Event()
        key = f"{one.unit}/{one.line}/{one.from_ms}"
        event.add("uid", f"{hashlib.sha256(key.encode()).hexdigest()[:32]}@liftwatch")
        event.add("dtstamp", datetime.fromtimestamp(now_ms // 1000, UTC))
        event.add("dtstart", datetime.fromtimestamp(one.from_ms // 1000, UTC))
        event.add("dtend", datetime.fromtimestamp(one.to_ms // 1000, UTC))
        names = "、".join(contacts[who].name for who in one.contacts)
        event.add("summary", f"{names} · {unit.name.zh} {one.line}")
        for who in one.contacts:
            event.add(CONTACT, who)
        calendar.add_component(event)
    return bytes(calendar.to_ical())
