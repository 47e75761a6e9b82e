"""What vendors' devices of the month are like, and which buildings there are: month.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from config.errors import ConfigError
from config.text import Text
from devices.simulator.traffic import Pattern, load_patterns
from devices.simulator.vendors import DEMO

FIXED, ACTIVE, CHANGE = range(3)
_SAMPLING: Final = {"fixed": FIXED, "active": ACTIVE, "change": CHANGE}
PASS, BLANK, HOLD = range(3)
_ZONE: Final = {"pass": PASS, "blank": BLANK, "hold": HOLD}
# Judged by the device, not by the controller; and by its camera.
DEVICE_CODES: Final = frozenset((91, 92, 93))
EBIKE_CODE: Final = 1013


@dataclass(frozen=True, slots=True)
class Dialect:
    """One vendor; see month.toml for the meaning of each field. `messages` None: all codes."""

    id: str
    share: float
    lacks: frozenset[str]
    sampling: int
    period_s: float
    heartbeat_s: float
    slow_s: float
    messages: frozenset[int] | None
    once: bool
    car_alarms: bool
    zone: int
    motion_status: bool
    lag_s: float
    hold_s: float
    load_step: float
    noise: float
    clock_s: tuple[float, float]
    ppm: float
    delay_s: tuple[float, float]
    reorder: float
    repeat: float
    backup: bool
    backfill: bool
    groups: tuple[int, int]

    def passes(self, code: int) -> bool:
        """Tell whether this device sends a code at all."""
        if code in DEVICE_CODES:
            return self.car_alarms
        if code == EBIKE_CODE:
            return "people" not in self.lacks
        return self.messages is None or code in self.messages

    def sees(self, needs: tuple[tuple[str, ...], ...], lost: frozenset[str] = frozenset()) -> bool:
        """Tell whether, of each group, one channel (or `code N`) is there; `lost` are not."""
        return all(any(self._has(name, lost) for name in group) for group in needs)

    def _has(self, name: str, lost: frozenset[str]) -> bool:
        if name.startswith("code "):
            return self.passes(int(name[5:]))
        return name not in self.lacks and name not in lost


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of building: its share of the lifts and the ranges its lifts are drawn from."""

    type: str
    share: float
    floors: tuple[int, int]
    basements: tuple[int, int]
    speeds: tuple[float, ...]
    loads: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class MonthData:
    """month.toml as objects."""

    dialects: tuple[Dialect, ...]
    kinds: tuple[Kind, ...]
    patterns: Mapping[str, Pattern]
    traffic_factor: float
    traffic_spread: float
    events: tuple[Mapping[str, Any], ...]


def _dialect(row: Mapping[str, Any]) -> Dialect:
    said = row["messages"]
    return Dialect(
        id=row["id"],
        share=float(row["share"]),
        lacks=frozenset(row["lacks"]),
        sampling=_SAMPLING[row["sampling"]],
        period_s=float(row["period_s"]),
        heartbeat_s=float(row["heartbeat_s"]),
        slow_s=float(row["slow_s"]),
        messages=None if said == "all" else frozenset(said),
        once=bool(row["once"]),
        car_alarms=bool(row["car_alarms"]),
        zone=_ZONE[row["zone"]],
        motion_status=row["status"] == "motion",
        lag_s=float(row["lag_s"]),
        hold_s=float(row["hold_s"]),
        load_step=float(row["load_step"]),
        noise=float(row["noise"]),
        clock_s=(float(row["clock_s"][0]), float(row["clock_s"][1])),
        ppm=float(row["ppm"]),
        delay_s=(float(row["delay_s"][0]), float(row["delay_s"][1])),
        reorder=float(row["reorder"]),
        repeat=float(row["repeat"]),
        backup=bool(row["backup"]),
        backfill=bool(row["backfill"]),
        groups=(int(row["groups"][0]), int(row["groups"][1])),
    )


def _kind(row: Mapping[str, Any]) -> Kind:
    floors, basements = row["floors"], row["basements"]
    return Kind(
        row["type"],
        float(row["share"]),
        (int(floors[0]), int(floors[1])),
        (int(basements[0]), int(basements[1])),
        tuple(row["speeds"]),
        tuple(row["loads"]),
    )


def _pattern(row: Mapping[str, Any]) -> Pattern:
    return Pattern(
        row["storey_m"], row["dwell_s"], row["weekend"], tuple(row["persons"]), tuple(row["up"]),
        tuple(row["down"]),
    )  # fmt: skip


@lru_cache(maxsize=2)
def load_month(file: Path = DEMO / "month.toml") -> MonthData:
    """Read month.toml. Raises ConfigError with file, key and value where it is incomplete."""
    data = tomllib.loads(file.read_text("utf-8"))
    part = "vendor"
    try:
        dialects = tuple(_dialect(row) for row in data["vendor"])
        part = "kind"
        kinds = tuple(_kind(row) for row in data["kind"])
        part = "traffic"
        patterns = dict(load_patterns())
        traffic = data["traffic"]
        patterns |= {n: _pattern(row) for n, row in traffic.items() if isinstance(row, dict)}
        factor, spread = float(traffic["factor"]), float(traffic["spread"])
    except (KeyError, ValueError, IndexError) as error:
        way_out = Text("缺少或写错的键见错误说明", "the key named is missing or not as described")
        raise ConfigError(file, part, repr(error), way_out) from None
    return MonthData(dialects, kinds, patterns, factor, spread, tuple(data.get("event", ())))
