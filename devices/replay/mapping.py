"""The map of a recording: which of its columns is which channel, and how its time is told.

    [time]
    rate_hz = 4                      # or: column = "t", unit = "ms" | "s" | "us" | "ns"
    from_s = 3.0                     # optional: cut the recording
    to_s = 34.9
    every_s = 1.0                    # optional: gather into one sample every so many seconds

    [[channel]]
    column = "vibration"             # or: columns = ["x", "y", "z"], their magnitude
    channel = "acc_rms"
    scale = 0.01                     # value = recorded * scale + offset
    gather = "max"                   # with every_s: last (default) mean max min rms std

    [[waveform]]
    axes = { x = "AccX" }
    unit = "m/s2"
    rate_hz = 50                     # evenly spaced by linear interpolation
    burst_s = 10
    gap_s = 0.5                      # a longer hole ends the burst

Maps of our own are in config/defaults/replay; there a name without `.toml` is enough.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import config
from config.errors import ConfigError
from config.text import Text
from config.toml_file import read_toml
from devices.codecs.limits import Limits
from devices.codecs.waveform import AXIS, UNITS
from devices.vocabulary import Vocabulary

FOLDER = Path(config.__file__).parent / "defaults" / "replay"
GATHER = ("last", "mean", "max", "min", "rms", "std")
UNIT_MS = {"s": 1000.0, "ms": 1.0, "us": 1e-3, "ns": 1e-6}


@dataclass(frozen=True, slots=True)
class TimeRule:
    """Where a row's time comes from: `column` in units of `unit_ms`, or `rate_hz`."""

    column: str | None
    unit_ms: float
    rate_hz: float | None
    from_s: float
    to_s: float
    every_s: float | None


@dataclass(frozen=True, slots=True)
class ChannelRule:
    """One channel from one column, or from the magnitude of several."""

    columns: tuple[str, ...]
    channel: str
    scale: float
    offset: float
    gather: str


@dataclass(frozen=True, slots=True)
class WaveRule:
    """Bursts from some columns."""

    axes: Mapping[str, str]
    unit: str
    rate_hz: float
    burst_s: float
    gap_s: float
    scale: float


@dataclass(frozen=True, slots=True)
class ReplayMap:
    """A whole map; `file` is for messages."""

    file: Path
    text: Text
    time: TimeRule
    channels: tuple[ChannelRule, ...]
    waves: tuple[WaveRule, ...]

    @property
    def columns(self) -> list[str]:
        """Every column of the recording that the map needs, once."""
        named = [self.time.column] if self.time.column else []
        named += [column for rule in self.channels for column in rule.columns]
        named += [column for rule in self.waves for column in rule.axes.values()]
        return list(dict.fromkeys(named))


class _Table:
    """A table of the file that names what is wrong with it."""

    def __init__(self, file: Path, name: str, data: Any, keys: Sequence[str]) -> None:
        self.file, self.name = file, name
        if not isinstance(data, dict):
            raise self.wrong("", data, Text("应为表", "must be a table"))
        self.data: dict[str, Any] = data
        for key in data:
            if key not in keys:
                listed = ", ".join(keys)
                raise self.wrong(key, data[key], Text(f"可用的键：{listed}", f"keys: {listed}"))

    def wrong(self, key: str, value: object, way_out: Text) -> ConfigError:
        return ConfigError(self.file, f"{self.name}.{key}".rstrip("."), value, way_out)

    def number(self, key: str, default: float | None = None, above: float | None = 0.0) -> float:
        value = self.data.get(key, default)
        number = math.nan if isinstance(value, bool) or value is None else value
        lowest = -math.inf if above is None else above
        if isinstance(number, int | float) and number > lowest:
            return float(number)
        bound = "" if above is None else f" > {above:g}"
        raise self.wrong(key, value, Text(f"应为数字{bound}", f"must be a number{bound}"))

    def maybe(self, key: str) -> float | None:
        return self.number(key) if key in self.data else None

    def word(self, key: str, default: str | None = None, among: Sequence[str] = ()) -> str:
        value = self.data.get(key, default)
        if not isinstance(value, str) or (among and value not in among):
            listed = ", ".join(among) or "text"
            raise self.wrong(key, value, Text(f"应为：{listed}", f"must be: {listed}"))
        return value


def find_map(name: str | Path) -> Path:
    """Return the file of a map given by path, or by the name of one of ours.

    Raises ConfigError that lists ours.
    """
    for file in (Path(name), FOLDER / f"{name}.toml"):
        if file.is_file():
            return file
    ours = ", ".join(sorted(file.stem for file in FOLDER.glob("*.toml")))
    way_out = Text(f"应为映射文件，或其中之一：{ours}", f"must be a map file, or one of: {ours}")
    raise ConfigError(str(name), "map", str(name), way_out)


def load_map(name: str | Path, vocab: Vocabulary) -> ReplayMap:
    """Read a map. Raises ConfigError with file, key, value and what would be right."""
    file = find_map(name)
    data = read_toml(file)
    top = _Table(file, "", data, ("zh", "en", "time", "channel", "waveform"))
    channels = tuple(_channel(file, i, row, vocab) for i, row in enumerate(data.get("channel", [])))
    waves = tuple(_wave(file, i, row) for i, row in enumerate(data.get("waveform", [])))
    if not channels and not waves:
        way_out = Text("至少需要一个 [[channel]] 或 [[waveform]]", "needs a channel or a waveform")
        raise ConfigError(file, "channel", None, way_out)
    text = Text(top.word("zh", file.stem), top.word("en", file.stem))
    return ReplayMap(file, text, _time(file, data.get("time", {})), channels, waves)


def _time(file: Path, data: Any) -> TimeRule:
    keys = ("column", "unit", "rate_hz", "from_s", "to_s", "every_s")
    table = _Table(file, "time", data, keys)
    if ("column" in data) == ("rate_hz" in data):
        way_out = Text("column 与 rate_hz 必须且只能有一个", "give either column or rate_hz")
        raise table.wrong("column", data.get("column"), way_out)
    return TimeRule(
        column=table.word("column") if "column" in data else None,
        unit_ms=UNIT_MS[table.word("unit", "ms", tuple(UNIT_MS))],
        rate_hz=table.maybe("rate_hz"),
        from_s=table.number("from_s", 0.0, above=None),
        to_s=table.number("to_s", float("inf")),
        every_s=table.maybe("every_s"),
    )


def _channel(file: Path, i: int, data: Any, vocab: Vocabulary) -> ChannelRule:
    keys = ("column", "columns", "channel", "scale", "offset", "gather")
    table = _Table(file, f"channel[{i}]", data, keys)
    name = table.word("channel")
    if name not in vocab.by_name:
        way_out = Text("应为词汇表中的通道", "must be a channel of the vocabulary")
        raise table.wrong("channel", name, way_out)
    columns = data.get("columns", [data.get("column")])
    if ("column" in data) == ("columns" in data) or not _are_words(columns):
        way_out = Text("给出 column 或 columns（列名）", "give column, or columns, by name")
        raise table.wrong("column", data.get("column"), way_out)
    return ChannelRule(
        tuple(columns),
        name,
        table.number("scale", 1.0, above=None),
        table.number("offset", 0.0, above=None),
        table.word("gather", "last", GATHER),
    )


def _wave(file: Path, i: int, data: Any) -> WaveRule:
    keys = ("axes", "unit", "rate_hz", "burst_s", "gap_s", "scale")
    table = _Table(file, f"waveform[{i}]", data, keys)
    limits, axes = Limits(), data.get("axes")
    named = isinstance(axes, dict) and axes and all(AXIS.fullmatch(name) for name in axes)
    if not named or not _are_words(list(axes.values())):
        way_out = Text('应如 { x = "列名" }', 'must be like { x = "column" }')
        raise table.wrong("axes", axes, way_out)
    rule = WaveRule(
        axes,
        table.word("unit", among=tuple(UNITS)),
        table.number("rate_hz"),
        table.number("burst_s", 10.0),
        table.number("gap_s", 0.5),
        table.number("scale", 1.0, above=None),
    )
    for key, (lo, hi) in (("rate_hz", limits.rate_hz), ("burst_s", limits.burst_s)):
        if not lo <= getattr(rule, key) <= hi:
            way_out = Text(f"应在 {lo:g}..{hi:g} 之间", f"must be within {lo:g}..{hi:g}")
            raise table.wrong(key, getattr(rule, key), way_out)
    return rule


def _are_words(names: object) -> bool:
    return isinstance(names, list) and bool(names) and all(isinstance(n, str) for n in names)
