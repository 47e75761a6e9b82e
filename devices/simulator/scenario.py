"""Story files: what happens to which lift when, and what must be heard of it.

    title = "Two people between floors, freed after five minutes"
    lifts = 6
    start = 2026-03-02T08:00:00+08:00
    length = "8m"

    [[event]]
    at = "+00:40"
    lift_index = 3
    do = "trap_between_floors"
    people = 2
    for = "5m"

    [[lift]]                    # what the registry says of a lift, where it matters
    lift_index = 2
    last_visit = 2026-02-15

    [[expect]]
    rule = "1"
    lift_index = 3
    by = "+01:30"

    [[expect]]
    not_rule = "12"

Events are prepared before their time, so a fault strikes within seconds of `at`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from config.errors import ConfigError
from config.text import Text
from devices.simulator.faults import CATALOGUE
from devices.simulator.times import read_instant, read_length, read_mark
from devices.simulator.vendors import load_vendors


class ScenarioError(ConfigError):
    """A story that cannot be told: file, key, value and what would be right."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something happens to one lift, `at_s` after the start."""

    at_s: float
    do: str
    lift_index: int
    people: int | None
    for_s: float | None
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Expect:
    """Rule `rule` must ring on the lift in [after_s, by_s]; with `silent` it must not.

    lift_index None: on any lift. cleared_by_s: and must have cleared by then.
    """

    rule: str
    silent: bool
    lift_index: int | None
    after_s: float
    by_s: float
    cleared_by_s: float | None = None


@dataclass(frozen=True, slots=True)
class Scenario:
    """One story. `nothing_else`: whatever rings and is neither expected nor labelled is wrong.

    lifts_as: fields of the registry by lift_index, in place of the district's.
    """

    file: str
    title: str
    seed: int
    lifts: int
    gateways: int
    vendors: tuple[str, ...]
    start_ms: int
    length_s: float
    nothing_else: bool
    events: tuple[Event, ...]
    expects: tuple[Expect, ...]
    lifts_as: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)


_MARK = Text("应写成 +分:秒，如 +01:30", "must be +minutes:seconds, e.g. +01:30")
_LENGTH = Text("应写成 90s、5m 或 1h30m", "must be a length such as 90s, 5m or 1h30m")


class _Table:
    """One table of the file; refuses by name what it cannot read."""

    def __init__(self, file: str, where: str, data: Mapping[str, Any], known: str) -> None:
        self.file, self.where, self.data = file, where, data
        for key in data:
            if key not in known.split():
                options = ", ".join(known.split())
                raise self.refuse(key, Text(f"未知键；应为 {options}", f"no such key; {options}"))

    def refuse(self, key: str, way_out: Text) -> ScenarioError:
        """Return the error for the value under this key."""
        where = f"{self.where}.{key}" if self.where else key
        return ScenarioError(self.file, where, self.data.get(key), way_out)

    def whole(self, key: str, default: int | None, lo: int, hi: int) -> int:
        """Return a whole number within bounds."""
        value = self.data.get(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or not lo <= value <= hi:
            limit = f"{lo}..{hi}"
            way_out = Text(f"应为 {limit} 的整数", f"must be a whole number within {limit}")
            raise self.refuse(key, way_out)
        return value

    def mark(self, key: str, default: float | None = None) -> float:
        """Return seconds after the start."""
        if key not in self.data and default is not None:
            return default
        seconds = read_mark(self.data.get(key))
        if seconds is None:
            raise self.refuse(key, _MARK)
        return seconds

    def length(self, key: str) -> float | None:
        """Return a length in seconds, None where the key is not there."""
        if key not in self.data:
            return None
        seconds = read_length(self.data[key])
        if seconds is None:
            raise self.refuse(key, _LENGTH)
        return seconds

    def text(self, key: str, allowed: Mapping[str, Any] | None = None) -> str:
        """Return a string, one of `allowed` where given."""
        value = self.data.get(key)
        if not isinstance(value, str) or not value:
            raise self.refuse(key, Text("需要非空字符串", "needs a string that is not empty"))
        if allowed is not None and value not in allowed:
            options = ", ".join(sorted(allowed))
            raise self.refuse(key, Text(f"应为 {options}", f"must be one of {options}"))
        return value


_TOP = "title seed lifts gateways vendors start length nothing_else event expect lift"
_LIFT = "lift_index inspection_due last_visit planned_visit voice_link"
_EVENT = "at do lift_index people for variant press"
_EXPECT = "rule not_rule lift_index after by cleared_by"


def load_scenario(file: Path) -> Scenario:
    """Read a story file. Raises ScenarioError with file, key, value and the way out."""
    try:
        data = tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        way_out = Text("故事文件应可读", "the story file must be there and readable")
        raise ScenarioError(file, "file", error.strerror, way_out) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        way_out = Text("应为 UTF-8 的 TOML", "must be TOML in UTF-8")
        raise ScenarioError(file, "file", str(error), way_out) from None
    return parse_scenario(data, str(file))


def parse_scenario(data: Mapping[str, Any], file: str = "scenario") -> Scenario:
    """Read a story from a parsed TOML table; `file` is for the errors."""
    top = _Table(file, "", data, _TOP)
    lifts = top.whole("lifts", 6, 1, 10_000)
    start_ms = read_instant(data.get("start"))
    if start_ms is None:
        way_out = Text(
            "应为带时区的时刻，如 2026-03-02T08:00:00+08:00",
            "must be an instant with its zone, e.g. 2026-03-02T08:00:00+08:00",
        )
        raise top.refuse("start", way_out)
    length_s = top.length("length")
    if not length_s:
        raise top.refuse("length", _LENGTH)
    vendors = tuple(data.get("vendors", ()))
    for name in vendors:
        if name not in load_vendors():
            options = ", ".join(load_vendors())
            raise top.refuse("vendors", Text(f"应为 {options}", f"must be some of {options}"))
    return Scenario(
        file=file,
        title=top.text("title"),
        seed=top.whole("seed", 1, 0, 2**31),
        lifts=lifts,
        gateways=top.whole("gateways", 1, 1, lifts),
        vendors=vendors,
        start_ms=start_ms,
        length_s=length_s,
        nothing_else=bool(data.get("nothing_else", False)),
        events=tuple(
            _event(_Table(file, f"event {i}", row, _EVENT), lifts, length_s)
            for i, row in enumerate(data.get("event", ()), start=1)
        ),
        expects=tuple(
            _expect(_Table(file, f"expect {i}", row, _EXPECT), lifts, length_s)
            for i, row in enumerate(data.get("expect", ()), start=1)
        ),
        lifts_as=dict(
            _lift(_Table(file, f"lift {i}", row, _LIFT), lifts)
            for i, row in enumerate(data.get("lift", ()), start=1)
        ),
    )


def _lift(row: _Table, lifts: int) -> tuple[int, dict[str, Any]]:
    said = {key: value for key, value in row.data.items() if key != "lift_index"}
    for key, value in said.items():
        if key == "voice_link" and not isinstance(value, bool):
            raise row.refuse(key, Text("应为 true 或 false", "must be true or false"))
        if key != "voice_link" and (not isinstance(value, date) or isinstance(value, datetime)):
            raise row.refuse(key, Text("应为日期，如 2026-03-31", "must be a day: 2026-03-31"))
    return row.whole("lift_index", None, 0, lifts - 1), said


def _event(row: _Table, lifts: int, length_s: float) -> Event:
    at_s = row.mark("at")
    if at_s > length_s:
        raise row.refuse("at", Text("晚于故事结束", "is after the end of the story"))
    people = None if "people" not in row.data else row.whole("people", None, 0, 30)
    options = {key: row.data[key] for key in ("variant", "press") if key in row.data}
    do = row.text("do", {**CATALOGUE, "release": None})
    index = row.whole("lift_index", None, 0, lifts - 1)
    return Event(at_s, do, index, people, row.length("for"), options)


def _expect(row: _Table, lifts: int, length_s: float) -> Expect:
    silent = "not_rule" in row.data
    if silent == ("rule" in row.data):
        way_out = Text("rule 与 not_rule 恰好写一个", "write exactly one of rule and not_rule")
        raise row.refuse("rule", way_out)
    index = None if "lift_index" not in row.data else row.whole("lift_index", None, 0, lifts - 1)
    by_s = row.mark("by", length_s if silent else None)
    cleared = row.mark("cleared_by") if "cleared_by" in row.data else None
    rule = row.text("not_rule" if silent else "rule")
    return Expect(rule, silent, index, row.mark("after", 0.0), by_s, cleared)
