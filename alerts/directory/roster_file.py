"""Reads what a site says of contracts and duty rosters in its directory.toml."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, time
from pathlib import Path
from typing import Any

from alerts.directory.calendar_file import load_calendar
from alerts.directory.contracts import Contract
from alerts.directory.roster import MAIN_LINE, SWAP_KINDS, Duty, Holiday, Roster, Swap
from alerts.directory.table_row import Row, rows
from alerts.directory.units import POSTS, WEEKDAYS, Contact, Unit
from config.text import Text

CONTRACT_KEYS = ("unit", "from", "to", "lifts", "groups", "use_units", "tz")
DUTY_KEYS = (
    "unit", "line", "post", "contacts", "deputies", "weekday", "time", "until", "days", "groups",
    "calendar", "tz", "start",
)  # fmt: skip
HOLIDAY_KEYS = ("unit", "line", "from", "to", "contacts", "deputies", "name_zh", "name_en")
SWAP_KEYS = ("unit", "line", "kind", "out", "in", "from", "to")
HAND_OVER = time(8)
START = date(2024, 1, 1)
LONGEST_HOLIDAY = 400  # days
Own = Mapping[str, list[str]]  # unit → its contacts


def contract(row: Row, units: Mapping[str, Unit], zone: str) -> Contract:
    """Return one [[contract]]."""
    row.only(*CONTRACT_KEYS)
    firms = [unit.id for unit in units.values() if unit.kind == "maintenance"]
    first, last = row.known_day("from"), row.day("to")
    if last is not None and last < first:
        row.refuse("to", last, f"{first} or later / 不早于 {first}")
    lifts = row.words("lifts")
    for code in lifts:
        if len(code) != 20 or not code.isdigit():
            row.refuse("lifts", code, "registration codes of 20 digits / 20 位注册代码")
    uses = [unit.id for unit in units.values() if unit.kind == "use_unit"]
    return Contract(
        row.one_of("unit", firms),
        first,
        last,
        row.zone("tz", zone),
        lifts,
        row.words("groups"),
        row.words("use_units", uses),
    )


def rosters(
    data: Mapping[str, Any],
    file: Path | str,
    folder: Path,
    units: Mapping[str, Unit],
    contacts: Mapping[str, Contact],
    zone: str,
) -> dict[str, Roster]:
    """Return the roster of every unit that has one, of [[duty]], [[holiday]] and [[swap]]."""
    own: Own = {unit: [] for unit in units}
    for contact in contacts.values():
        own[contact.unit].append(contact.id)
    lines: dict[str, dict[str, Duty]] = {}
    for i, table in enumerate(rows(file, data, "duty")):
        row = Row(file, f"duty[{i}]", table)
        duty = _duty(row, own, contacts, folder, zone)
        mine = lines.setdefault(duty.unit, {})
        if duty.line in mine:
            row.refuse(
                "line", duty.line, "another name: the unit has such a line / 该单位已有此班次"
            )
        mine[duty.line] = duty
    holidays: dict[str, list[Holiday]] = {}
    for i, table in enumerate(rows(file, data, "holiday")):
        holiday = _holiday(Row(file, f"holiday[{i}]", table), own, lines)
        holidays.setdefault(holiday.unit, []).append(holiday)
    swaps: dict[str, list[Swap]] = {}
    for i, table in enumerate(rows(file, data, "swap")):
        swap = _swap(Row(file, f"swap[{i}]", table), own, lines, zone)
        swaps.setdefault(swap.unit, []).append(swap)
    return {
        unit: Roster(
            unit,
            tuple(lines.get(unit, {}).values()),
            tuple(holidays.get(unit, ())),
            tuple(swaps.get(unit, ())),
        )
        for unit in dict.fromkeys([*lines, *swaps])
    }


def _duty(row: Row, own: Own, contacts: Mapping[str, Contact], folder: Path, zone: str) -> Duty:
    row.only(*DUTY_KEYS)
    unit = row.one_of("unit", own)
    tz = row.zone("tz", zone)
    hand_over, until = row.clock("time", HAND_OVER), row.clock("until")
    assert hand_over is not None
    if until == hand_over:
        row.refuse(
            "until",
            f"{until:%H:%M}",
            "another hour than `time`; leave it out for 24 h / 24 小时则不填",
        )
    file = row.word("calendar", "")
    people = [contacts[ident] for ident in own[unit]]
    calendar = load_calendar(folder / file, people, tz, hand_over) if file else None
    if calendar is not None and row.row.get("contacts"):
        row.refuse(
            "contacts", row.row["contacts"], "left out: the calendar says who / 由日历决定，不填"
        )
    return Duty(
        unit,
        row.words("contacts", own[unit]),
        row.words("deputies", own[unit]),
        WEEKDAYS.index(row.one_of("weekday", WEEKDAYS, "monday")),
        hand_over,
        tz,
        row.day("start", START) or START,
        row.word("line", MAIN_LINE) or MAIN_LINE,
        row.one_of("post", POSTS, "member"),
        until,
        tuple(WEEKDAYS.index(day) for day in row.words("days", WEEKDAYS)),
        row.words("groups"),
        calendar,
        file,
    )


def _line(row: Row, lines: Mapping[str, Mapping[str, Duty]], unit: str) -> str:
    known = list(lines.get(unit, {}))
    return row.one_of("line", ["", *known], "")


def _holiday(row: Row, own: Own, lines: Mapping[str, Mapping[str, Duty]]) -> Holiday:
    row.only(*HOLIDAY_KEYS)
    unit = row.one_of("unit", lines)
    first = row.known_day("from")
    last = row.day("to", first) or first
    if not 0 <= (last - first).days <= LONGEST_HOLIDAY:
        row.refuse("to", last, f"{first} … +{LONGEST_HOLIDAY} d")
    name = row.word("name_zh", ""), row.word("name_en", "")
    return Holiday(
        unit,
        _line(row, lines, unit),
        first,
        last,
        row.words("contacts", own[unit]),
        row.words("deputies", own[unit]),
        Text(name[0] or name[1], name[1] or name[0]) if any(name) else None,
    )


def _swap(row: Row, own: Own, lines: Mapping[str, Mapping[str, Duty]], zone: str) -> Swap:
    row.only(*SWAP_KEYS)
    unit = row.one_of("unit", own)
    kind = row.one_of("kind", SWAP_KINDS, "swap")
    line = _line(row, lines, unit)
    mine = lines.get(unit, {})
    tz = next((d.tz for d in mine.values() if line in ("", d.line)), row.zone("tz", zone))
    out = row.one_of("out", own[unit])
    stand_in = row.one_of("in", own[unit] if kind == "swap" else ["", *own[unit]], "")
    if stand_in == out:
        row.refuse("in", stand_in, "another person than `out` / 与 out 不同的人")
    from_ms, to_ms = row.moment("from", tz), row.moment("to", tz, end=True)
    if to_ms <= from_ms:
        row.refuse("to", row.row["to"], f"later than {row.row['from']} / 晚于开始")
    return Swap(unit, line, out, stand_in, from_ms, to_ms, kind)
