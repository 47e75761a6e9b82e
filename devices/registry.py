"""The registry: which lifts and gateways exist, and which of them belong together.

A site is a folder: lifts.csv and gateways.csv (header = field names, UTF-8) beside
directory.toml. A lift's position in `Registry.lifts` is its row everywhere: in batches, in
the detector's columns and in history, so a row never changes once it was given.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from config.errors import ConfigError
from config.text import Text

REG_CODE = re.compile(r"[0-9]{20}")
NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")


@dataclass(frozen=True, slots=True)
class Lift:
    """One lift. Unit fields hold ids of the directory; speed in m/s, load in kg.

    What has a default may be missing in lifts.csv, as a column or as a cell: it is then unknown,
    and no rule that needs it ever rings. Days are days of the site's calendar: `inspection_due`
    the day from which the lift may not be used without a new inspection (下次检验日期),
    `last_visit` and `planned_visit` of maintenance (维保). `voice_link`: the device reports the
    tests of its voice link (对讲); unknown: once it has reported one. `group`: whatever the site
    calls together lifts with the same arrival limit, contract or duty line, e.g. "rural".
    """

    reg_code: str
    rescue_code: str
    name: str
    place: str
    street_office: str
    use_unit: str
    maintenance: str
    gateway: str
    type: str
    rated_speed: float
    rated_load_kg: float
    floor_lo: int
    floor_hi: int
    feeder: str
    period_s: float
    lat: float
    lon: float
    inspection_due: date | None = None
    last_visit: date | None = None
    planned_visit: date | None = None
    voice_link: bool | None = None
    group: str = ""


@dataclass(frozen=True, slots=True)
class Gateway:
    """One acquisition and transmission device (采集传输装置) and who made it."""

    id: str
    vendor: str
    place: str


Cell = str | int | float | date | None
_YES_NO = {"yes": True, "1": True, "true": True, "no": False, "0": False, "false": False}
_EPOCH = date(1970, 1, 1).toordinal()


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


def _shared(place: str, name: str) -> int:
    """Return how many characters a name begins with that its place ends with; one is chance."""
    longest = min(len(place), len(name))
    return next((n for n in range(longest, 1, -1) if place.endswith(name[:n])), 0)


def place_and_name(place: str, name: str) -> str:
    """Return place and lift in one, without saying twice what they share."""
    shared = _shared(place, name)
    return place + name[shared:] if shared else f"{place} {name}".strip()


def short_name(place: str, name: str) -> str:
    """Return what a lift's name tells beyond its place: `A梯` of `锦云花园2栋A梯`."""
    return name[_shared(place, name) :].strip() or name


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


def _table(file: Path, kind: type[Lift] | type[Gateway]) -> Iterator[tuple[int, dict[str, object]]]:
    casts = {f.name: str(f.type) for f in fields(kind)}
    try:
        stream = file.open(encoding="utf-8-sig", newline="")
    except OSError as error:
        way_out = Text("站点文件夹需要这个文件", "the site folder needs this file")
        raise ConfigError(file, "file", error.strerror or "", way_out) from None
    with stream:
        reader = csv.DictReader(stream)
        needed = [f.name for f in fields(kind) if f.default is MISSING]
        missing = [name for name in needed if name not in (reader.fieldnames or ())]
        if missing:
            way_out = Text("表头应包含 " + ",".join(needed), "the header needs " + ",".join(needed))
            raise ConfigError(file, "header", ",".join(missing), way_out)
        casts = {name: cast for name, cast in casts.items() if name in (reader.fieldnames or ())}
        for line, row in enumerate(reader, start=2):
            yield (
                line,
                {n: _cell(file, line, n, c, (row[n] or "").strip()) for n, c in casts.items()},
            )


class Registry:
    """All lifts and gateways of a site; `lifts[row]` is the lift of that row."""

    def __init__(self, lifts: Sequence[Lift | None], gateways: Sequence[Gateway]) -> None:
        """Rows of lifts that left the site stay reserved as None, so no row is used twice."""
        self.slots = list(lifts)
        self.gateways = list(gateways)
        self.row_of = {lift.reg_code: i for i, lift in enumerate(self.slots) if lift}
        self.gateway_index = {gateway.id: i for i, gateway in enumerate(self.gateways)}
        owners = [self.gateway_index[lift.gateway] if lift else -1 for lift in self.slots]
        self.lift_gateway: NDArray[np.int32] = np.array(owners, np.int32)
        self._own = self._by_gateway()

    def _by_gateway(self) -> list[dict[str, int]]:
        own: list[dict[str, int]] = [{} for _ in self.gateways]
        for code, row in self.row_of.items():
            own[int(self.lift_gateway[row])][code] = row
        return own

    def own_rows(self, gateway: int) -> Mapping[str, int]:
        """Return registration code → row of the lifts of one gateway, by its index."""
        return self._own[gateway]

    def __len__(self) -> int:
        return len(self.slots)

    @property
    def lifts(self) -> list[Lift]:
        """The lifts of the site, without rows that are only reserved."""
        return [lift for lift in self.slots if lift]

    def lift(self, row: int) -> Lift:
        """Return the lift of a row. Raises KeyError for a row that is only reserved."""
        lift = self.slots[row]
        if lift is None:
            raise KeyError(row)
        return lift

    def find(self, reg_code: str) -> Lift | None:
        """Return the lift with this registration code, or None."""
        row = self.row_of.get(reg_code)
        return None if row is None else self.slots[row]

    def take_up(self, newer: Registry) -> None:
        """Become the newer one in place: for a site that changes while the service runs.

        Rows and numbers of gateways stay, new ones follow; so whoever reads in another thread
        meanwhile sees the old or the new lift, never another one. Raises ValueError for a
        registry that moves a row.
        """
        moved = [
            i
            for i, (old, new) in enumerate(zip(self.slots, newer.slots, strict=False))
            if old and new and old.reg_code != new.reg_code
        ]
        if moved or len(newer) < len(self):
            raise ValueError(f"rows {moved or 'at the end'} would move")
        told = {gateway.id: gateway for gateway in newer.gateways}
        self.gateways[:] = [told.pop(gateway.id, gateway) for gateway in self.gateways]
        self.gateways.extend(told.values())
        fresh = Registry(newer.slots, self.gateways)
        self._own = fresh._own  # before who looks for it can find a new gateway's number
        self.gateway_index.update(fresh.gateway_index)
        self.slots[:] = fresh.slots
        self.lift_gateway, self.row_of = fresh.lift_gateway, fresh.row_of

    def columns(self) -> dict[str, NDArray[np.float32]]:
        """Return what rules may know of a lift: float32[N] each, NaN on a reserved row."""
        names = ("rated_speed", "rated_load_kg", "floor_lo", "floor_hi", "period_s")
        table = {
            name: np.array(
                [getattr(lift, name) if lift else np.nan for lift in self.slots], np.float32
            )
            for name in names
        }
        table["gateway_row"] = self.lift_gateway.astype(np.float32)
        # whole days since 1970-01-01 of the site's calendar: exact in float32 to 16 million
        for name in ("inspection_due", "last_visit", "planned_visit"):
            table[f"{name}_day"] = np.array([_days(lift, name) for lift in self.slots], np.float32)
        links = [lift.voice_link if lift else None for lift in self.slots]
        table["voice_link"] = np.array([np.nan if x is None else x for x in links], np.float32)
        table["peer_row"] = self._peers()
        return table

    def _peers(self) -> NDArray[np.float32]:
        """Number the groups of lifts of the same type and rated speed, in order of appearance."""
        kinds: dict[tuple[str, float], int] = {}
        rows = np.full(len(self.slots), np.nan, np.float32)
        for row, lift in enumerate(self.slots):
            if lift:
                rows[row] = kinds.setdefault((lift.type, lift.rated_speed), len(kinds))
        return rows


def _days(lift: Lift | None, name: str) -> float:
    day = getattr(lift, name) if lift else None
    return np.nan if day is None else day.toordinal() - _EPOCH


def _lift(file: Path, line: int, row: dict[str, object], gateways: Mapping[str, Gateway]) -> Lift:
    lift = Lift(**row)  # type: ignore[arg-type]
    if not REG_CODE.fullmatch(lift.reg_code):
        way_out = Text("注册代码应为 20 位数字", "a registration code has 20 digits")
        raise ConfigError(file, f"line {line}, reg_code", lift.reg_code, way_out)
    if lift.gateway not in gateways:
        way_out = Text("应为 gateways.csv 中的 id", "must be an id of gateways.csv")
        raise ConfigError(file, f"line {line}, gateway", lift.gateway, way_out)
    if lift.floor_lo >= lift.floor_hi:
        way_out = Text("应低于 floor_hi", "must be below floor_hi")
        raise ConfigError(file, f"line {line}, floor_lo", lift.floor_lo, way_out)
    return lift


def _gateways(file: Path) -> dict[str, Gateway]:
    found: dict[str, Gateway] = {}
    for line, row in _table(file, Gateway):
        gateway = Gateway(**row)  # type: ignore[arg-type]
        if not NAME.fullmatch(gateway.id) or gateway.id in found:
            way_out = Text(
                "应唯一，1–64 个字母、数字或 _.-", "must be unique, 1–64 letters, digits or _.-"
            )
            raise ConfigError(file, f"line {line}, id", gateway.id, way_out)
        found[gateway.id] = gateway
    return found


def load_registry(folder: Path, known: Sequence[str] = ()) -> Registry:
    """Read a site folder. Lifts in `known` keep that position as their row.

    Raises ConfigError with file, line, field, value and what would be right.
    """
    gateways = _gateways(folder / "gateways.csv")
    file = folder / "lifts.csv"
    found: dict[str, Lift] = {}
    for line, row in _table(file, Lift):
        lift = _lift(file, line, row, gateways)
        if lift.reg_code in found:
            way_out = Text("注册代码重复", "this registration code stands twice")
            raise ConfigError(file, f"line {line}, reg_code", lift.reg_code, way_out)
        found[lift.reg_code] = lift
    slots: list[Lift | None] = [found.pop(code, None) for code in known]
    slots.extend(found.values())
    return Registry(slots, list(gateways.values()))
