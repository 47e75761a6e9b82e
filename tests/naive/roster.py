"""A plain twin of the duty roster: one long function, hour by hour, with hand-made zones.

It knows nothing of zoneinfo: the offsets of 2026 stand here as they were announced. A local time
counts with the offset in force before a change of clocks, so it is looked up by trying both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

# (from this moment in UTC, hours east of Greenwich)
OFFSETS: Mapping[str, Sequence[tuple[datetime, int]]] = {
    "Asia/Shanghai": [(datetime(2000, 1, 1, tzinfo=UTC), 8)],
    "Europe/Berlin": [
        (datetime(2025, 10, 26, 1, tzinfo=UTC), 1),
        (datetime(2026, 3, 29, 1, tzinfo=UTC), 2),
        (datetime(2026, 10, 25, 1, tzinfo=UTC), 1),
    ],
    "America/New_York": [
        (datetime(2025, 11, 2, 6, tzinfo=UTC), -5),
        (datetime(2026, 3, 8, 7, tzinfo=UTC), -4),
        (datetime(2026, 11, 1, 6, tzinfo=UTC), -5),
    ],
}
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def utc(day: date, at: time, zone: str) -> datetime:
    """The moment of a local time: with the offset that was in force before it."""
    wall = datetime.combine(day, at, UTC)
    offset = OFFSETS[zone][0][1]
    for since, hours in OFFSETS[zone]:
        # the new offset counts if the moment lies after the change by the old clock and by the new
        # one: not for a time that is skipped, nor for the first of one that comes twice
        if min(wall - timedelta(hours=offset), wall - timedelta(hours=hours)) >= since:
            offset = hours
    return wall - timedelta(hours=offset)


def on_duty(tables: Mapping[str, Any], unit: str, at: datetime) -> list[str]:
    """Who of a unit is on duty, from tables as they stand in directory.toml."""
    found: list[str] = []
    for duty in tables["duty"]:
        if duty["unit"] != unit:
            continue
        zone, line = duty["tz"], duty["line"]
        begin, until = time.fromisoformat(duty["time"]), duty.get("until")
        # the duty day: try every day around, take the one whose shift covers the moment
        for back in (0, 1, -1, 2):
            day = at.date() - timedelta(days=back)
            start = utc(day, begin, zone)
            next_day = day + timedelta(days=1)
            end = utc(next_day, begin, zone)
            if not start <= at < end:
                continue
            if until is not None:
                stop = time.fromisoformat(until)
                if at >= utc(day if stop > begin else next_day, stop, zone):
                    continue
            person = None
            holiday = [
                h
                for h in tables["holiday"]
                if h["unit"] == unit
                and h.get("line", "") in ("", line)
                and h["from"] <= day <= h.get("to", h["from"])
            ]
            if holiday:
                names = holiday[0]["contacts"]
                person = names[(day - holiday[0]["from"]).days % len(names)] if names else None
            elif duty.get("days") and DAYS[day.weekday()] not in duty["days"]:
                person = None
            else:
                # walk week by week from the first turn to this one
                turn_day = DAYS.index(duty["weekday"])
                first = duty["start"]
                while first.weekday() != turn_day:
                    first -= timedelta(days=1)
                place = 0
                while first + timedelta(days=7) <= day:
                    first += timedelta(days=7)
                    place += 1
                while first > day:
                    first -= timedelta(days=7)
                    place -= 1
                person = duty["contacts"][place % len(duty["contacts"])]
            if person is None:
                continue
            in_force = [
                s
                for s in tables["swap"]
                if s["unit"] == unit
                and utc(s["from"].date(), s["from"].time(), zone) <= at
                and at < utc(s["to"].date(), s["to"].time(), zone)
            ]
            for swap in in_force:
                mine = swap["kind"] == "swap" and swap.get("line", "") in ("", line)
                if mine and swap["out"] == person:
                    person = swap["in"]
                    break
            tried = set()
            while person:
                absent = [s for s in in_force if s["kind"] != "swap" and s["out"] == person]
                if not absent:
                    break
                tried.add(person)
                person = absent[0].get("in", "")
                if person in tried:
                    person = ""
            if person and person not in found:
                found.append(person)
            break
    return found
