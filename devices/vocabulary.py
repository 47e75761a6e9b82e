"""The vocabulary: channels and message codes, read from data files.

Everything that knows a channel or a code reads it from here; a new one is a few lines in
`config/defaults/vocabulary/`, never a change of code. Source of names and codes:
GB/T 24476-2017; limits are our defaults.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import config
from config.errors import ConfigError
from config.text import Text

DEFAULT_FOLDER = Path(config.__file__).parent / "defaults" / "vocabulary"
SEVERITIES = ("critical", "major", "minor", "info")


class Kind(StrEnum):
    """How the values of a channel are meant; all are float32 in the matrix."""

    BOOL = "bool"
    ENUM = "enum"
    INT = "int"
    FLOAT = "float"


@dataclass(frozen=True, slots=True)
class EnumValue:
    """One named value of an enumerated channel."""

    name: str
    text: Text


@dataclass(frozen=True, slots=True)
class Channel:
    """One channel. `lo` and `hi` bound what is accepted, in `unit`."""

    name: str
    text: Text
    kind: Kind
    unit: str
    lo: float
    hi: float
    values: Mapping[int, EnumValue]
    bacnet: str | None
    group: str
    index: int

    @property
    def limit(self) -> str:
        """The range in words, e.g. `-20..20 m/s`, for refusals and documents."""
        if self.kind is Kind.BOOL:
            return "true | false"
        if self.kind is Kind.ENUM:
            return " | ".join(f"{code} {value.name}" for code, value in self.values.items())
        return f"{self.lo:.12g}..{self.hi:.12g} {self.unit}".rstrip()


@dataclass(frozen=True, slots=True)
class MessageCode:
    """One fault, event or alarm a controller can report, or one we derive.

    `device`: of which kind of device it is told, "lift" or "escalator".
    """

    code: int
    text: Text
    kind: str
    severity: str
    severity_with_people: str | None
    latched: bool
    bacnet: str | None
    device: str = "lift"


@dataclass(frozen=True)
class Vocabulary:
    """All channels in column order, all codes."""

    version: str
    channels: tuple[Channel, ...]
    messages: Mapping[int, MessageCode]

    def __len__(self) -> int:
        return len(self.channels)

    def index(self, name: str) -> int:
        """Return the column of a channel. Raises KeyError for an unknown name."""
        return self.by_name[name].index

    @cached_property
    def by_name(self) -> Mapping[str, Channel]:
        """Channel by its name."""
        return {channel.name: channel for channel in self.channels}

    @cached_property
    def lo(self) -> NDArray[np.float32]:
        """Lower limits, float32[C]."""
        return np.array([channel.lo for channel in self.channels], np.float32)

    @cached_property
    def hi(self) -> NDArray[np.float32]:
        """Upper limits, float32[C]."""
        return np.array([channel.hi for channel in self.channels], np.float32)

    @cached_property
    def integral(self) -> NDArray[np.bool_]:
        """True where only whole numbers are valid, bool[C]."""
        return np.array([channel.kind is not Kind.FLOAT for channel in self.channels], np.bool_)


def _channel(row: Mapping[str, Any], index: int, file: Path) -> Channel:
    try:
        kind = Kind(row["kind"])
        values = {
            int(v["code"]): EnumValue(v["name"], Text(v["zh"], v["en"]))
            for v in row.get("values", ())
        }
        bounds = {Kind.BOOL: (0, 1), Kind.ENUM: (min(values, default=0), max(values, default=0))}
        lo, hi = bounds[kind] if kind in bounds else (row["lo"], row["hi"])
        text = Text(row["zh"], row["en"])
        name = row["name"]
    except (KeyError, ValueError) as error:
        way_out = Text(
            "每个通道需要 name、zh、en、kind，数值通道还需要 lo、hi",
            "a channel needs name, zh, en, kind, and lo, hi where it is a number",
        )
        key = f"channel {index} ({row.get('name', '?')})"
        raise ConfigError(file, key, str(error), way_out) from error
    unit, group, bacnet = row.get("unit", ""), row.get("group", "status"), row.get("bacnet")
    return Channel(name, text, kind, unit, float(lo), float(hi), values, bacnet, group, index)


def _message(row: Mapping[str, Any], file: Path) -> MessageCode:
    severity = row.get("severity")
    people = row.get("severity_people")
    if severity not in SEVERITIES or people not in (None, *SEVERITIES):
        way_out = Text("应为 " + "、".join(SEVERITIES), "must be one of " + ", ".join(SEVERITIES))
        raise ConfigError(file, f"message {row.get('code')}.severity", severity, way_out)
    return MessageCode(
        code=int(row["code"]),
        text=Text(row["zh"], row["en"]),
        kind=row["kind"],
        severity=severity,
        severity_with_people=people,
        latched=bool(row.get("latched", False)),
        bacnet=row.get("bacnet"),
        device=row.get("device", "lift"),
    )


@lru_cache(maxsize=4)
def load_vocabulary(folder: Path = DEFAULT_FOLDER) -> Vocabulary:
    """Read channels.toml and messages.toml.

    Raises ConfigError with file, key and value where a table is incomplete or double.
    """
    file = folder / "channels.toml"
    data = tomllib.loads(file.read_text("utf-8"))
    channels = tuple(_channel(row, i, file) for i, row in enumerate(data["channel"]))
    if len({channel.name for channel in channels}) != len(channels):
        raise ConfigError(file, "name", "", Text("通道名重复", "a channel name stands twice"))
    source = folder / "messages.toml"
    rows = tomllib.loads(source.read_text("utf-8"))["message"]
    messages = {row["code"]: _message(row, source) for row in rows}
    if len(messages) != len(rows):
        raise ConfigError(source, "code", "", Text("代码重复", "a code stands twice"))
    return Vocabulary(data["version"], channels, messages)
