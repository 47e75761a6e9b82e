"""Gateway vendors of the demo district: which channels their devices have, and how often."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import config
from config.errors import ConfigError
from config.text import Text

DEMO = Path(config.__file__).parent / "defaults" / "demo"
SLOW_CHANNELS = ("motor_temp", "room_temp", "humidity", "battery")


@dataclass(frozen=True, slots=True)
class Vendor:
    """One make of gateway. Periods and `slow_s` in seconds; see vendors.toml for meanings."""

    id: str
    text: Text
    lacks: frozenset[str]
    period_s: tuple[float, ...]
    slow_s: float
    messages: bool
    car_alarms: bool
    groups: int


# A gateway of a vendor nobody described is taken to have everything and to pass it all on.
COMPLETE = Vendor("*", Text("全功能", "complete"), frozenset(), (1.0,), 0.0, True, True, 1)


@lru_cache(maxsize=4)
def load_vendors(file: Path = DEMO / "vendors.toml") -> Mapping[str, Vendor]:
    """Read vendors.toml: vendor id → Vendor, in file order.

    Raises ConfigError with file, key and value where a table is incomplete.
    """
    found: dict[str, Vendor] = {}
    for row in tomllib.loads(file.read_text("utf-8"))["vendor"]:
        try:
            found[row["id"]] = Vendor(
                id=row["id"],
                text=Text(row["name_zh"], row["name_en"]),
                lacks=frozenset(row["lacks"]),
                period_s=tuple(float(p) for p in row["period_s"]),
                slow_s=float(row["slow_s"]),
                messages=bool(row["messages"]),
                car_alarms=bool(row["car_alarms"]),
                groups=int(row["groups"]),
            )
        except KeyError as error:
            way_out = Text(
                "每个厂商需要 id、name_zh、name_en、lacks、period_s、slow_s、messages、"
                "car_alarms、groups",
                "a vendor needs id, name_zh, name_en, lacks, period_s, slow_s, messages, "
                "car_alarms, groups",
            )
            key = f"vendor {row.get('id', '?')}"
            raise ConfigError(file, key, f"without {error}", way_out) from None
    return found
