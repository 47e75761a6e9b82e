"""Rosters from calendars: recurring events, moved ones, left-out ones, time zones, wrong ones."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from alerts.directory.calendar_file import EventCalendar, calendar_of, load_calendar
from alerts.directory.directory_file import load_directory
from alerts.directory.roster import shifts
from alerts.directory.units import Contact
from config.errors import ConfigError
from tests.alerts.conftest import T0
from tests.alerts.directory.test_roster import YEAR, book, ms, sites

BERLIN = ZoneInfo("Europe/Berlin")
PEOPLE = [
    Contact(i, "anda", name, "", "zh", "member", {"email": f"{i}@example.org"})
    for i, name in (("zhang", "张伟"), ("li", "李强"), ("wang", "王芳"))
]


def ics(*events: str) -> str:
    body = "".join(f"BEGIN:VEVENT\nUID:{i}\n{one}\nEND:VEVENT\n" for i, one in enumerate(events))
    return f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\n{body}END:VCALENDAR\n".replace("\n", "\r\n")


def load(tmp_path: Path, text: str, tz: ZoneInfo = BERLIN) -> EventCalendar:
    file = tmp_path / "duty.ics"
    file.write_text(text, "utf-8", newline="")
    return load_calendar(file, PEOPLE, tz, time(8))


def on(calendar: EventCalendar, local: str, tz: ZoneInfo = BERLIN) -> tuple[str, ...]:
    return calendar.on(ms(datetime.fromisoformat(local).replace(tzinfo=tz)))


def test_a_weekly_night_keeps_local_time_over_changes_of_clocks(tmp_path: Path) -> None:
    calendar = load(tmp_path, ics(
        "SUMMARY:张伟 夜班\nDTSTART;TZID=Europe/Berlin:20260103T200000\n"
        "DTEND;TZID=Europe/Berlin:20260104T080000\nRRULE:FREQ=WEEKLY;BYDAY=SA\n"
        "EXDATE;TZID=Europe/Berlin:20260110T200000",
    ))  # fmt: skip
    for night in ("2026-03-28", "2026-10-24", "2026-12-26"):
        day = date.fromisoformat(night)
        morning = day + timedelta(days=1)
        assert on(calendar, f"{day}T19:59") == () == on(calendar, f"{morning}T08:00")
        assert on(calendar, f"{day}T20:00") == ("zhang",) == on(calendar, f"{morning}T07:59")
    assert on(calendar, "2026-01-10T22:00") == ()
    assert on(calendar, "2025-12-27T22:00") == ()


def test_one_of_a_series_is_moved_and_another_given_to_somebody_else(tmp_path: Path) -> None:
    series = (
        "SUMMARY:李强\nDTSTART;TZID=Asia/Shanghai:20260105T080000\nDURATION:PT12H\n"
        "RRULE:FREQ=DAILY;UNTIL=20260110T000000Z"
    )
    text = ics(series)
    moved = (
        "BEGIN:VEVENT\r\nUID:0\r\nRECURRENCE-ID;TZID=Asia/Shanghai:20260107T080000\r\n"
        "SUMMARY:王芳\r\nDTSTART;TZID=Asia/Shanghai:20260107T100000\r\n"
        "DTEND;TZID=Asia/Shanghai:20260107T200000\r\nEND:VEVENT\r\n"
        "BEGIN:VEVENT\r\nUID:0\r\nRECURRENCE-ID;TZID=Asia/Shanghai:20260108T080000\r\n"
        "STATUS:CANCELLED\r\nSUMMARY:李强\r\nDTSTART;TZID=Asia/Shanghai:20260108T080000\r\n"
        "END:VEVENT\r\n"
    )
    calendar = load(tmp_path, text.replace("END:VCALENDAR", moved + "END:VCALENDAR"))
    china = ZoneInfo("Asia/Shanghai")
    told = {day: on(calendar, f"2026-01-{day:02d}T09:00", china) for day in range(4, 12)}
    assert told == {4: (), 5: ("li",), 6: ("li",), 7: (), 8: (), 9: ("li",), 10: ("li",), 11: ()}
    assert on(calendar, "2026-01-07T11:00", china) == ("wang",)


def test_all_day_events_are_duty_days_and_people_are_found_in_many_ways(tmp_path: Path) -> None:
    calendar = load(tmp_path, ics(
        "SUMMARY:Duty\nATTENDEE:mailto:LI@example.org\nDTSTART;VALUE=DATE:20260501\n"
        "DTEND;VALUE=DATE:20260503",
        "SUMMARY:wang\nDTSTART;VALUE=DATE:20260503\nRDATE;VALUE=DATE:20260510",
        "SUMMARY:值班：张伟、王芳\nDTSTART:20260504T060000Z\nDTEND:20260504T100000Z",
        "SUMMARY:x\nX-LIFTWATCH-CONTACT:zhang\nDTSTART:20260505T080000\nDURATION:P1D",
    ))  # fmt: skip
    assert on(calendar, "2026-05-01T07:59") == ()
    assert on(calendar, "2026-05-01T08:00") == ("li",) == on(calendar, "2026-05-03T07:59")
    assert on(calendar, "2026-05-03T08:00") == ("wang",) == on(calendar, "2026-05-10T20:00")
    assert on(calendar, "2026-05-04T08:00") == ("zhang", "wang")
    assert on(calendar, "2026-05-06T07:59") == ("zhang",)


@pytest.mark.parametrize(
    ("event", "key"),
    [
        ("SUMMARY:nobody we know\nDTSTART:20260101T080000Z\nDURATION:PT1H", "SUMMARY"),
        ("SUMMARY:张伟\nDTSTART:20260101T080000Z", "DTEND"),
        ("SUMMARY:张伟\nDTSTART:20260101T080000Z\nDTEND:20260101T070000Z", "DTEND"),
        ("SUMMARY:张伟\nDTSTART:20260101T080000Z\nDURATION:PT1H\nRRULE:FREQ=SECONDLY", "RRULE"),
        (
            "SUMMARY:张伟\nDTSTART:20260101T080000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;INTERVAL=0",
            "RRULE",
        ),
        ("SUMMARY:张伟", "DTSTART"),
    ],
)
def test_wrong_events_are_named(tmp_path: Path, event: str, key: str) -> None:
    with pytest.raises(ConfigError) as refused:
        load(tmp_path, ics(event))
    assert refused.value.key.endswith(f", {key}")
    assert refused.value.way_out.zh and refused.value.way_out.en


def test_files_that_are_no_calendars(tmp_path: Path) -> None:
    for text in ("", "hello", "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n"):
        with pytest.raises(ConfigError):
            load(tmp_path, text)
    with pytest.raises(ConfigError):
        load_calendar(tmp_path / "none.ics", PEOPLE, BERLIN, time(8))


LINES = (
    "SUMMARY:张伟", "DTSTART:20260105T080000", "DTSTART;VALUE=DATE:20260105", "DURATION:PT12H",
    "DTEND:20260105T200000Z", "DTSTART;TZID=Europe/Berlin:20260329T023000", "DURATION:-P1D",
    "RRULE:FREQ=DAILY;COUNT=3", "RRULE:FREQ=WEEKLY;UNTIL=20260301", "RRULE:FREQ=YEARLY;BYDAY=9XX",
    "RRULE:", "EXDATE:20260106T080000", "EXDATE;VALUE=DATE:20260106", "RDATE:20260110T080000",
    "RDATE;VALUE=PERIOD:20260110T080000/PT2H", "RECURRENCE-ID:20260106T080000", "UID:x", "UID:",
    "ATTENDEE:mailto:li@example.org", "DTSTART:garbage", "DTSTART;TZID=Mars/X:20260105T080000",
    "X-LIFTWATCH-CONTACT:li", "STATUS:CANCELLED", "BEGIN:VALARM", "END:VEVENT", ":", "\x00",
    "DTSTART:99991231T235959Z", "RRULE:FREQ=DAILY;INTERVAL=0",
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(lines=st.lists(st.sampled_from(LINES), max_size=9), right=st.booleans())
def test_whatever_a_calendar_holds_it_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], right: bool
) -> None:
    file = tmp_path_factory.getbasetemp() / "any.ics"
    first = ["SUMMARY:张伟", "DTSTART:20260105T080000", "DURATION:PT12H"] if right else []
    file.write_text(ics("\n".join(first + lines)), "utf-8", newline="")
    try:
        calendar = load_calendar(file, PEOPLE, BERLIN, time(8))
        list(calendar.edges(T0, T0 + 90 * 86_400_000))
    except ConfigError as refused:
        assert refused.way_out.zh and refused.way_out.en


@settings(max_examples=15, deadline=None)
@given(data=sites(), day=st.integers(0, 330))
def test_what_went_out_for_calendars_comes_in_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, data: dict[str, object], day: int
) -> None:
    directory = book(data)
    roster = directory.rosters["anda"]
    begin = ms(YEAR + timedelta(days=day))
    end = begin + 30 * 86_400_000
    for line in roster.lines:
        listed = shifts(roster, [line], begin, end)
        raw = calendar_of(directory.units["anda"], listed, directory.contacts, T0)
        file = tmp_path_factory.mktemp("out") / "x.ics"
        file.write_bytes(raw)
        calendar = load_calendar(file, directory.of_unit("anda"), ZoneInfo("UTC"), time(8))
        for at in [begin, *roster.edges(begin, end)]:
            assert calendar.on(at) == roster.on_line(line, at), datetime.fromtimestamp(
                at / 1e3, UTC
            )


def test_a_line_kept_in_a_calendar(tmp_path: Path) -> None:
    (tmp_path / "rosters").mkdir()
    (tmp_path / "rosters" / "a.ics").write_text(
        ics("SUMMARY:李强\nDTSTART:20260105T080000\nDURATION:PT12H\nRRULE:FREQ=DAILY"), newline=""
    )
    (tmp_path / "directory.toml").write_text(
        '[[unit]]\nid = "anda"\nkind = "maintenance"\nname_zh = "安达"\nname_en = "Anda"\n'
        + "".join(
            f'[[contact]]\nid = "{c.id}"\nunit = "anda"\nname = "{c.name}"\nmqtt = true\n'
            for c in PEOPLE
        )
        + '[[duty]]\nunit = "anda"\ncalendar = "rosters/a.ics"\n[[swap]]\nunit = "anda"\n'
        'kind = "illness"\nout = "li"\nin = "wang"\nfrom = 2026-01-07\nto = 2026-01-07\n',
        "utf-8",
    )
    directory = load_directory(tmp_path / "directory.toml")
    china = ZoneInfo("Asia/Shanghai")
    told = [
        [c.id for c in directory.on_duty("anda", ms(datetime(2026, 1, day, hour, tzinfo=china)))]
        for day, hour in ((6, 9), (6, 21), (7, 9), (8, 9))
    ]
    assert told == [["li"], [], ["wang"], ["li"]]
