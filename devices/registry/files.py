"""The site's CSV files: read with every mistake named, and written as they are read."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING, fields
from datetime import date
from pathlib import Path
from typing import Any

from config.errors import ConfigError
from config.text import Text
from devices.registry.model import NAME, REG_CODE, Gateway, Lift, Registry, SensorSet

Cell = str | int | float | date | tuple[str, ...] | None
Kind = type[Lift] | type[Gateway] | type[SensorSet]
FILES: Mapping[str, Kind] = {
    "gateways.csv": Gateway,
    "sensor_sets.csv": SensorSet,
    "lifts.csv": Lift,
}
NEEDED = ("lifts.csv", "gateways.csv")
_YES_NO = {"yes": True, "1": True, "true": True, "no": False, "0": False, "false": False}


def _day(raw: str) -> date:
    day = date.fromisoformat(raw)
    if not 1990 <= day.year <= 2100:
        raise ValueError(raw)
    return day


_CASTS: Mapping[str, Callable[[str], Cell]] = {
    "float": float,
    "int": int,
    "str": str,
    "date | None": _day,
    "bool | None": lambda raw: _YES_NO[raw.lower()],
    "tuple[str, ...]": lambda raw: tuple(part for part in raw.replace(",", ";").split(";") if part),
}
_NUMBER = Text("应为数字", "must be a number")
_RIGHT = {
    "date | None": Text(
        "应为 1990 至 2100 年的日期，如 2026-03-31；未知则留空",
        "must be a day of 1990..2100 such as 2026-03-31; leave it empty where unknown",
    ),
    "bool | None": Text("应为 yes 或 no；未知则留空", "must be yes or no; empty where unknown"),
}
_LIMITS: Mapping[str, tuple[float, float]] = {
    "rated_speed": (0.1, 20),
    "rated_load_kg": (50, 20000),
    "floor_lo": (-10, 200),
    "floor_hi": (-10, 200),
    "period_s": (0.05, 3600),
    "lat": (-90, 90),
    "lon": (-180, 180),
}
Table = Iterable[tuple[int, Mapping[str, str]]]


def _cell(file: Path, line: int, name: str, cast: str, raw: str) -> Cell:
    key = f"line {line}, {name}"
    if not raw and cast in _RIGHT:
        return None
    try:
        value = _CASTS[cast](raw)
    except (ValueError, KeyError):
        raise ConfigError(file, key, raw, _RIGHT.get(cast, _NUMBER)) from None
    if name in _LIMITS and isinstance(value, int | float):
        lo, hi = _LIMITS[name]
        if not lo <= value <= hi:
            way_out = Text(f"应在 {lo:g}..{hi:g} 之间", f"must be within {lo:g}..{hi:g}")
            raise ConfigError(file, key, raw, way_out)
    return value


def names_of(kind: Kind) -> list[str]:
    """Return the columns of a file, in order."""
    return [field.name for field in fields(kind)]


def read_rows(folder: Path, name: str) -> list[tuple[int, dict[str, str]]]:
    """Return (line, cells as text) of one of `FILES`, [] for a file that may be missing and is.

    Raises ConfigError for a file that cannot be read or whose header lacks a needed column.
    """
    file, kind = folder / name, FILES[name]
    if name not in NEEDED and not file.exists():
        return []
    try:
        stream = file.open(encoding="utf-8-sig", newline="")
    except OSError as error:
        way_out = Text("站点文件夹需要这个文件", "the site folder needs this file")
        raise ConfigError(file, "file", error.strerror or "", way_out) from None
    with stream:
        reader = csv.DictReader(stream)
        needed = [f.name for f in fields(kind) if f.default is MISSING]
        missing = [one for one in needed if one not in (reader.fieldnames or ())]
        if missing:
            way_out = Text("表头应包含 " + ",".join(needed), "the header needs " + ",".join(needed))
            raise ConfigError(file, "header", ",".join(missing), way_out)
        known = [one for one in names_of(kind) if one in (reader.fieldnames or ())]
        return [
            (line, {one: (row[one] or "").strip() for one in known})
            for line, row in enumerate(reader, start=2)
        ]


def _typed(file: Path, kind: Kind, table: Table) -> Iterator[tuple[int, dict[str, Any]]]:
    casts = {field.name: str(field.type) for field in fields(kind)}
    for line, row in table:
        yield line, {name: _cell(file, line, name, casts[name], raw) for name, raw in row.items()}


def _lift(
    file: Path,
    line: int,
    row: dict[str, Any],
    gateways: Mapping[str, Gateway],
    sets: Mapping[str, SensorSet],
) -> Lift:
    lift = Lift(**row)
    if not REG_CODE.fullmatch(lift.reg_code):
        way_out = Text("注册代码应为 20 位数字", "a registration code has 20 digits")
        raise ConfigError(file, f"line {line}, reg_code", lift.reg_code, way_out)
    if lift.gateway not in gateways:
        way_out = Text("应为 gateways.csv 中的 id", "must be an id of gateways.csv")
        raise ConfigError(file, f"line {line}, gateway", lift.gateway, way_out)
    if lift.floor_lo >= lift.floor_hi:
        way_out = Text("应低于 floor_hi", "must be below floor_hi")
        raise ConfigError(file, f"line {line}, floor_lo", lift.floor_lo, way_out)
    if lift.sensor_set and lift.sensor_set not in sets:
        way_out = Text(
            "应为 sensor_sets.csv 中的 id，或留空", "must be an id of sensor_sets.csv, or empty"
        )
        raise ConfigError(file, f"line {line}, sensor_set", lift.sensor_set, way_out)
    return lift


def _named(file: Path, kind: Kind, table: Table) -> dict[str, Any]:
    """Return gateways or sensor sets by id."""
    found: dict[str, Any] = {}
    for line, row in _typed(file, kind, table):
        one: Any = kind(**row)
        if not NAME.fullmatch(one.id) or one.id in found:
            way_out = Text(
                "应唯一，1–64 个字母、数字或 _.-", "must be unique, 1–64 letters, digits or _.-"
            )
            raise ConfigError(file, f"line {line}, id", one.id, way_out)
        found[one.id] = one
    return found


def parse_registry(
    tables: Mapping[str, Table], folder: Path, known: Sequence[str] = ()
) -> Registry:
    """Build a registry from rows by file name (`read_rows`), without touching the files.

    Raises ConfigError with file, line, field, value and what would be right.
    """
    gateways: dict[str, Gateway] = _named(
        folder / "gateways.csv", Gateway, tables.get("gateways.csv", ())
    )
    sets: dict[str, SensorSet] = _named(
        folder / "sensor_sets.csv", SensorSet, tables.get("sensor_sets.csv", ())
    )
    file = folder / "lifts.csv"
    found: dict[str, Lift] = {}
    for line, row in _typed(file, Lift, tables.get("lifts.csv", ())):
        lift = _lift(file, line, row, gateways, sets)
        if lift.reg_code in found:
            way_out = Text("注册代码重复", "this registration code stands twice")
            raise ConfigError(file, f"line {line}, reg_code", lift.reg_code, way_out)
        found[lift.reg_code] = lift
    slots: list[Lift | None] = [found.pop(code, None) for code in known]
    slots.extend(found.values())
    return Registry(slots, list(gateways.values()), list(sets.values()))


def load_registry(folder: Path, known: Sequence[str] = ()) -> Registry:
    """Read a site folder. Lifts in `known` keep that position as their row.

    Raises ConfigError with file, line, field, value and what would be right.
    """
    return parse_registry({name: read_rows(folder, name) for name in FILES}, folder, known)


def cells(one: Lift | Gateway | SensorSet) -> dict[str, str]:
    """Return a lift, gateway or sensor set as its file holds it: text by column."""
    return {name: _text(getattr(one, name)) for name in names_of(type(one))}


def _text(value: Cell | bool) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return repr(value).removesuffix(".0")
    if isinstance(value, tuple):
        return ";".join(value)
    return "" if value is None else str(value)
