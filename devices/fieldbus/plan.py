"""What is read where, and what it means: a plan in memory."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from devices.vocabulary import Channel, Kind

SourceKind = Literal["modbus-tcp", "modbus-rtu", "bacnet", "opcua"]
KINDS: tuple[SourceKind, ...] = ("modbus-tcp", "modbus-rtu", "bacnet", "opcua")
Raw = bool | int | float | str | None
"""What a controller says; None: it could not be read."""


class ReadError(Exception):
    """The controller could not be read at all; the message says where and why."""


@dataclass(frozen=True, slots=True)
class Point:
    """One place of a controller. `options`: what its protocol needs to know beside `at`."""

    at: str
    options: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ChannelRule:
    """A point that is a channel: value × scale + offset, or by `values` (NaN: says nothing)."""

    point: Point
    channel: Channel
    scale: float = 1.0
    offset: float = 0.0
    values: Mapping[str, float] | None = None

    def of(self, raw: Raw) -> float:
        """Return the channel's value; NaN where the raw one says nothing."""
        if raw is None:
            return math.nan
        if self.values is not None:
            return self.values.get(said(raw), math.nan)
        if isinstance(raw, str):
            try:
                raw = float(raw)
            except ValueError:
                return math.nan
        value = float(raw) * self.scale + self.offset
        whole = self.channel.kind in (Kind.BOOL, Kind.ENUM)
        return float(round(value)) if whole and math.isfinite(value) else value

    def fits(self, value: float) -> bool:
        """True for what the service will take."""
        return math.isnan(value) or self.channel.lo <= value <= self.channel.hi


@dataclass(frozen=True, slots=True)
class AlarmRule:
    """A point that is a fault, event or alarm while it says one of `on`."""

    point: Point
    code: int
    on: frozenset[str]

    def of(self, raw: Raw) -> bool | None:
        """Return whether it is on; None where the controller did not say."""
        return None if raw is None else said(raw) in self.on


@dataclass(frozen=True, slots=True)
class Source:
    """One controller of one lift. `where`: address and options of its protocol."""

    name: str
    kind: SourceKind
    lift: str
    period_s: float
    heartbeat_s: float
    timeout_s: float
    where: Mapping[str, Any]
    channels: tuple[ChannelRule, ...]
    alarms: tuple[AlarmRule, ...]

    @property
    def points(self) -> list[Point]:
        """All places to read, channels first."""
        return [one.point for one in self.channels] + [one.point for one in self.alarms]


@dataclass(frozen=True, slots=True)
class Plan:
    """A gateway: who it is, where its broker is, and its sources. `password`: name of a secret."""

    file: Path
    name: str
    url: str
    store: Path
    username: str | None
    password: str | None
    ca_file: Path | None
    cert_file: Path | None
    key_file: Path | None
    sources: tuple[Source, ...]


class Reader(Protocol):
    """One controller on one protocol."""

    async def open(self) -> None:
        """Connect. Raises ReadError."""

    async def read(self) -> Sequence[Raw]:
        """Return what each point says, in order. Raises ReadError where nothing can be read."""

    async def close(self) -> None:
        """Let go; may be called at any time."""


def said(raw: Raw) -> str:
    """Return a raw value as a table of values writes it: true, 3, 2.5, OPEN."""
    if isinstance(raw, bool):
        return "true" if raw else "false"
    if isinstance(raw, float):
        return f"{raw:.9g}"
    return str(raw)
