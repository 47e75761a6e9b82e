"""A year of rosters against a plain twin, and the days on which rosters go wrong."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from alerts.directory.directory_file import parse_directory
from alerts.directory.roster import holes, shifts
from alerts.directory.units import Directory
from tests.alerts.directory.test_directory import SUBJECT
from tests.naive.roster import DAYS, OFFSETS, on_duty

YEAR = datetime(2026, 1, 1, tzinfo=UTC)
PEOPLE = [f"p{i}" for i in range(6)]


def ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def tables(zone: str, **more: Any) -> dict[str, Any]:
    """A firm with a day line, a night line and a leader's line, holidays, swaps, absences."""
    day = {"unit": "anda", "line": "day", "contacts": PEOPLE[:3], "weekday": "monday",
           "time": "02:30", "until": "14:00", "tz": zone, "start": date(2026, 1, 7)}  # fmt: skip
    night = day | {"line": "night", "contacts": PEOPLE[2:5], "weekday": "friday",
                   "time": "14:00", "until": "02:30"}  # fmt: skip
    return {
        "unit": [{"id": "anda", "kind": "maintenance", "name_zh": "安达", "name_en": "Anda"}],
        "contact": [{"id": p, "unit": "anda", "name": f"人{p}", "mqtt": True} for p in PEOPLE],
        "duty": [day, night],
        "holiday": [
            {"unit": "anda", "line": "day", "from": date(2026, 2, 16), "to": date(2026, 2, 23),
             "contacts": ["p4", "p5"]},
            {"unit": "anda", "from": date(2026, 10, 1), "to": date(2026, 10, 8),
             "contacts": ["p5", "p0", "p1"]},
            {"unit": "anda", "line": "night", "from": date(2026, 12, 25), "contacts": []},
        ],
        "swap": [
            {"unit": "anda", "kind": "swap", "out": "p0", "in": "p5", "line": "day",
             "from": datetime(2026, 3, 27, 12), "to": datetime(2026, 3, 30, 12)},  # noqa: DTZ001
            {"unit": "anda", "kind": "swap", "out": "p2", "in": "p0",
             "from": datetime(2026, 10, 24, 2, 30), "to": datetime(2026, 10, 26)},  # noqa: DTZ001
            {"unit": "anda", "kind": "illness", "out": "p1", "in": "p5",
             "from": datetime(2026, 6, 1), "to": datetime(2026, 6, 20)},  # noqa: DTZ001
            {"unit": "anda", "kind": "leave", "out": "p5", "in": "",
             "from": datetime(2026, 6, 10), "to": datetime(2026, 6, 12)},  # noqa: DTZ001
            {"unit": "anda", "kind": "leave", "out": "p5", "in": "p2",
             "from": datetime(2026, 11, 1, 1, 30), "to": datetime(2026, 11, 9)},  # noqa: DTZ001
        ],
    } | more  # fmt: skip


def book(data: dict[str, Any], folder: Path = Path()) -> Directory:
    return parse_directory(data, "directory.toml", folder)


@pytest.mark.parametrize("zone", list(OFFSETS))
def test_a_year_hour_by_hour(zone: str) -> None:
    data = tables(zone)
    directory = book(data)
    seen: set[tuple[str, ...]] = set()
    # hand-over is at half past two: in the hour that is lost or comes twice
    half = [h + 0.5 for h in range(365 * 24) if (YEAR + timedelta(hours=h)).month in (3, 10, 11)]
    for hour in [*range(365 * 24), *half]:
        at = YEAR + timedelta(hours=hour)
        told = [c.id for c in directory.on_duty("anda", ms(at))]
        assert told == on_duty(data, "anda", at), at
        seen.add(tuple(told))
    assert () in seen and len(seen) > 5


@st.composite
def sites(draw: st.DrawFn) -> dict[str, Any]:
    zone = draw(st.sampled_from(list(OFFSETS)))
    some = st.lists(st.sampled_from(PEOPLE), min_size=1, max_size=4, unique=True)
    clock = st.sampled_from(["00:00", "01:30", "02:00", "02:30", "03:00", "08:00", "20:00"])
    day = st.dates(date(2026, 1, 2), date(2026, 12, 20))
    duties = []
    for line in draw(st.lists(st.sampled_from("abc"), min_size=1, max_size=3, unique=True)):
        begin, until = draw(clock), draw(st.none() | clock)
        duty = {"unit": "anda", "line": line, "contacts": draw(some), "time": begin, "tz": zone,
                "weekday": draw(st.sampled_from(DAYS)), "start": draw(day)}  # fmt: skip
        if until not in (None, begin):
            duty["until"] = until
        if draw(st.booleans()):
            duty["days"] = draw(st.lists(st.sampled_from(DAYS), min_size=1, unique=True))
        duties.append(duty)
    lines = ["", *(d["line"] for d in duties)]
    holidays, swaps = [], []
    for _ in range(draw(st.integers(0, 3))):
        first = draw(day)
        last = first + timedelta(days=draw(st.integers(0, 9)))
        holidays.append({"unit": "anda", "line": draw(st.sampled_from(lines)), "from": first,
                         "to": last, "contacts": draw(some | st.just([]))})  # fmt: skip
    for _ in range(draw(st.integers(0, 5))):
        first = datetime.combine(draw(day), draw(st.times()).replace(second=0, microsecond=0))
        out, stand_in = draw(st.permutations(PEOPLE))[:2]
        kind = draw(st.sampled_from(["swap", "illness", "leave"]))
        if kind != "swap" and draw(st.booleans()):
            stand_in = ""
        swaps.append({"unit": "anda", "kind": kind, "out": out, "in": stand_in,
                      "line": draw(st.sampled_from(lines)), "from": first,
                      "to": first + timedelta(hours=draw(st.integers(3, 900)))})  # fmt: skip
    return tables(zone, duty=duties, holiday=holidays, swap=swaps)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(sites(), st.data())
def test_any_roster_is_as_the_twin_has_it(data: dict[str, Any], draw: st.DataObject) -> None:
    directory = book(data)
    edges = directory.rosters["anda"].edges(ms(YEAR), ms(YEAR + timedelta(days=360)))
    moments = draw.draw(st.lists(st.sampled_from(edges), min_size=1, max_size=40))
    for edge in moments:
        for off in (-60_000, 0, 60_000):
            at = datetime.fromtimestamp((edge + off) / 1000, UTC)
            assert [c.id for c in directory.on_duty("anda", edge + off)] == on_duty(
                data, "anda", at
            ), at


@settings(max_examples=12, deadline=None)
@given(sites(), st.integers(0, 300))
def test_shifts_tell_what_duty_tells(data: dict[str, Any], day: int) -> None:
    roster = book(data).rosters["anda"]
    begin = ms(YEAR + timedelta(days=day))
    end = begin + 30 * 86_400_000
    listed = shifts(roster, roster.lines, begin, end)
    for line in roster.lines:
        mine = [one for one in listed if one.line == line.line]
        assert [mine[0].from_ms, mine[-1].to_ms] == [begin, end]
        assert all(a.to_ms == b.from_ms for a, b in pairwise(mine))
        assert all(a.contacts != b.contacts for a, b in pairwise(mine))
        for one in mine:
            for at in (one.from_ms, one.to_ms - 1):
                assert roster.on_line(line, at) == one.contacts
    empty = holes(roster, begin, end)
    for at in range(begin, end, 1_800_000):
        in_hole = any(a <= at < b for a, b in empty)
        assert in_hole == (roster.on("member", "", at) == ())


@pytest.mark.parametrize(("first", "hours"), [("2026-03-28", 11), ("2026-10-24", 13)])
def test_a_night_shift_is_as_long_as_its_night(first: str, hours: int) -> None:
    night = {"unit": "anda", "contacts": ["p0"], "time": "20:00", "until": "08:00",
             "tz": "Europe/Berlin"}  # fmt: skip
    roster = book(tables("Europe/Berlin", duty=[night], holiday=[], swap=[])).rosters["anda"]
    begin = ms(datetime.fromisoformat(f"{first}T12:00+00:00"))
    listed = [s for s in shifts(roster, roster.lines, begin, begin + 86_400_000) if s.contacts]
    assert [(s.to_ms - s.from_ms) / 3_600_000 for s in listed] == [hours]


def test_two_who_swap_with_each_other() -> None:
    both = {"unit": "anda", "kind": "swap", "from": date(2026, 1, 5), "to": date(2026, 1, 18)}
    data = tables(
        "Asia/Shanghai",
        duty=[{"unit": "anda", "contacts": ["p0", "p1"], "tz": "Asia/Shanghai",
               "start": date(2026, 1, 5)}],
        holiday=[], swap=[both | {"out": "p0", "in": "p1"}, both | {"out": "p1", "in": "p0"}],
    )  # fmt: skip
    told = [
        book(data).on_duty("anda", ms(datetime(2026, 1, day, 4, tzinfo=UTC)))[0].id
        for day in (6, 13, 20, 27)
    ]
    assert told == ["p1", "p0", "p0", "p1"]


def test_who_is_absent_is_not_called_in_any_post() -> None:
    people = [{"id": p, "unit": "anda", "name": p, "mqtt": True, "post": post}
              for p, post in (("a", "member"), ("b", "deputy"), ("c", "manager"))]  # fmt: skip
    ill = {"unit": "anda", "kind": "illness", "from": date(2026, 5, 1), "to": date(2026, 5, 3)}
    data = tables("Asia/Shanghai", contact=people, duty=[], holiday=[], swap=[
        ill | {"out": "c", "in": "b"}, ill | {"out": "a"},
    ])  # fmt: skip
    directory = book(data)
    ill_day, well = ms(datetime(2026, 5, 3, 12, tzinfo=UTC)), ms(datetime(2026, 5, 4, tzinfo=UTC))
    manager = directory.who("maintenance_manager", SUBJECT, ill_day)
    assert [c.id for c in manager.contacts] == ["b"]
    found = directory.who("maintenance", SUBJECT, ill_day)
    assert [c.id for c in found.contacts] == ["b"] and found.off_duty
    assert [c.id for c in directory.who("maintenance_manager", SUBJECT, well).contacts] == ["c"]


def test_lines_for_groups_of_lifts_and_for_a_leader() -> None:
    data = tables("Asia/Shanghai", holiday=[], swap=[], duty=[
        {"unit": "anda", "line": "town", "contacts": ["p0"], "groups": ["town"]},
        {"unit": "anda", "line": "land", "contacts": ["p1"], "groups": ["land"]},
        {"unit": "anda", "line": "chief", "contacts": ["p4", "p5"], "post": "manager",
         "start": date(2026, 1, 5)},
    ])  # fmt: skip
    directory = book(data)
    at = ms(datetime(2026, 1, 6, tzinfo=UTC))
    on = {g: [c.id for c in directory.on_duty("anda", at, g)] for g in ("town", "land", "")}
    # a lift of a group for which no line answers: better another team than nobody
    assert on == {"town": ["p0"], "land": ["p1"], "": ["p0", "p1"]}
    assert directory.stands("anda", at)
    lift = replace(SUBJECT, group="land")
    assert [c.id for c in directory.who("maintenance_manager", lift, at).contacts] == ["p4"]
    assert [c.id for c in directory.who("maintenance", lift, at).contacts] == ["p1"]
