"""A recording as columns: CSV or Parquet read, scaled, gathered and cut into bursts by a map."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet
from numpy.typing import NDArray

from config.errors import ConfigError
from config.text import Text
from devices.replay.mapping import ChannelRule, ReplayMap, WaveRule

Floats = NDArray[np.float64]
_NUMBER = r"^[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$"
_SHORTEST_S = 1.0  # a burst (wire contract)


@dataclass(frozen=True, slots=True)
class Burst:
    """One waveform: it begins `offset_ms` into the recording."""

    offset_ms: int
    rule: WaveRule
    axes: dict[str, NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Recording:
    """What a recording says in our channels.

    offset_ms int64[n], ascending, from the start of the recording (after the cut) · values
    channel → float64[n], NaN where absent · rows: how many the file has · without_time: rows
    left out because their time was missing · strays: cells a column that are no numbers, which
    count as missing (spreadsheets like to turn 19.01 into a date).
    """

    offset_ms: NDArray[np.int64]
    values: dict[str, Floats]
    bursts: list[Burst]
    rows: int
    without_time: int
    strays: dict[str, int]

    def __len__(self) -> int:
        return len(self.offset_ms)

    @property
    def duration_s(self) -> float:
        """Seconds from the first to the last sample or burst."""
        ends = [int(self.offset_ms[-1])] if len(self) else []
        ends += [burst.offset_ms for burst in self.bursts]
        return max(ends, default=0) / 1000.0


def read_recording(file: Path, mapping: ReplayMap) -> Recording:
    """Read a .csv (comma, semicolon or tab) or .parquet file through a map.

    Raises ConfigError naming the file and the column that is missing or is not a number.
    """
    table = _read(file, mapping.columns)
    read = {name: _numbers(file, name, table[name]) for name in mapping.columns}
    columns = {name: column for name, (column, _) in read.items()}
    strays = {name: count for name, (_, count) in read.items() if count}
    at_s = _times(table.num_rows, columns, mapping)
    known = np.isfinite(at_s)
    rows, without_time = len(at_s), int(np.count_nonzero(~known))
    inside = known & (at_s >= mapping.time.from_s) & (at_s <= mapping.time.to_s)
    order = np.flatnonzero(inside)[np.argsort(at_s[inside], kind="stable")]
    at_s = at_s[order] - (max(mapping.time.from_s, 0.0) if len(order) else 0.0)
    columns = {name: column[order] for name, column in columns.items()}
    bursts = [burst for rule in mapping.waves for burst in _bursts(rule, at_s, columns)]
    values = {rule.channel: _channel(rule, columns) for rule in mapping.channels}
    if mapping.time.every_s is not None:
        gathers = {rule.channel: rule.gather for rule in mapping.channels}
        at_s, values = _gather(at_s, values, gathers, mapping.time.every_s)
    spoken = np.zeros(len(at_s), np.bool_)
    for column in values.values():
        spoken |= ~np.isnan(column)
    offset_ms = np.rint(at_s[spoken] * 1000.0).astype(np.int64)
    kept = {name: column[spoken] for name, column in values.items()}
    return Recording(offset_ms, kept, bursts, rows, without_time, strays)


def _read(file: Path, columns: list[str]) -> pa.Table:
    try:
        if file.suffix.lower() in (".parquet", ".pq"):
            names = pyarrow.parquet.read_schema(file).names
            _have_all(file, names, columns)
            return pyarrow.parquet.read_table(file, columns=columns)
        delimiter, names = _header(file)
        _have_all(file, names, columns)
        return pyarrow.csv.read_csv(
            file,
            parse_options=pyarrow.csv.ParseOptions(delimiter=delimiter),
            convert_options=pyarrow.csv.ConvertOptions(
                include_columns=columns, strings_can_be_null=True
            ),
        )
    except OSError as error:
        way_out = Text("无法读取录制文件", "the recording cannot be read")
        raise ConfigError(file, "file", error.strerror or str(error), way_out) from None
    except (pa.ArrowInvalid, UnicodeDecodeError) as error:
        way_out = Text("应为 CSV（UTF-8）或 Parquet", "must be CSV (UTF-8) or Parquet")
        raise ConfigError(file, "file", str(error)[:200], way_out) from None


def _header(file: Path) -> tuple[str, list[str]]:
    with file.open(encoding="utf-8-sig") as stream:
        line = stream.readline().rstrip("\r\n")
    delimiter = max(",;\t", key=line.count)
    return delimiter, [name.strip('"') for name in line.split(delimiter)]


def _have_all(file: Path, names: list[str], wanted: list[str]) -> None:
    for name in wanted:
        if name not in names:
            listed = ", ".join(names)
            raise ConfigError(file, "column", name, Text(f"列有：{listed}", f"it has: {listed}"))


def _numbers(file: Path, name: str, column: pa.ChunkedArray) -> tuple[Floats, int]:
    """Return float64[n], NaN for missing cells, and how many cells were no numbers.

    Times of Parquet become ms since epoch. Raises ConfigError where no cell is a number.
    """
    strays = 0
    if pa.types.is_timestamp(column.type):
        column = pc.cast(pc.cast(column, pa.timestamp("ms"), safe=False), pa.int64())
    elif pa.types.is_string(column.type):
        text = pc.utf8_trim_whitespace(column)
        good = pc.match_substring_regex(text, _NUMBER)
        strays = int(pc.sum(pc.invert(good)).as_py() or 0)
        column = pc.if_else(good, text, pa.scalar(None, pa.string()))
    try:
        numbers = pc.cast(column, pa.float64(), safe=False)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise _no_numbers(file, name, str(error)[:200]) from None
    if strays == len(numbers) > 0:
        raise _no_numbers(file, name, column.type)
    found: Floats = pc.fill_null(numbers, np.nan).to_numpy()
    return found, strays


def _no_numbers(file: Path, name: str, value: object) -> ConfigError:
    return ConfigError(file, name, value, Text("该列应为数字", "this column must be numbers"))


def _times(rows: int, columns: dict[str, Floats], mapping: ReplayMap) -> Floats:
    """Return each row's seconds from the first row."""
    if mapping.time.column is None:
        return np.arange(rows, dtype=np.float64) / (mapping.time.rate_hz or 1.0)
    at_s = columns[mapping.time.column] * (mapping.time.unit_ms / 1000.0)
    if np.isfinite(at_s).any():
        at_s = at_s - np.nanmin(at_s)
    return at_s


def _channel(rule: ChannelRule, columns: dict[str, Floats]) -> Floats:
    if len(rule.columns) == 1:
        found = columns[rule.columns[0]]
    else:
        # a sensor that writes one axis a row: the last known value of each counts
        squares = [_hold(columns[name]) ** 2 for name in rule.columns]
        found = np.sqrt(np.sum(squares, axis=0))
    return found * rule.scale + rule.offset


def _hold(column: Floats) -> Floats:
    last = np.maximum.accumulate(np.where(np.isnan(column), -1, np.arange(len(column))))
    return np.where(last >= 0, column[last], np.nan)


def _gather(
    at_s: Floats, values: dict[str, Floats], gathers: dict[str, str], every_s: float
) -> tuple[Floats, dict[str, Floats]]:
    """Make one sample of each interval; its time is the interval's end, when it was known."""
    if not len(at_s):
        return at_s, values
    interval = np.floor(at_s / every_s)
    starts = np.flatnonzero(np.diff(interval, prepend=-1.0))
    gathered = {name: _REDUCE[gathers[name]](column, starts) for name, column in values.items()}
    return (interval[starts] + 1.0) * every_s, gathered


def _last(column: Floats, starts: NDArray[np.intp]) -> Floats:
    where = np.where(np.isnan(column), -1, np.arange(len(column)))
    last = np.maximum.reduceat(where, starts)
    return np.where(last >= 0, column[last], np.nan)


def _mean(column: Floats, starts: NDArray[np.intp]) -> Floats:
    present = ~np.isnan(column)
    count = np.add.reduceat(present.astype(np.float64), starts)
    total = np.add.reduceat(np.where(present, column, 0.0), starts)
    empty = np.full(len(count), np.nan)
    return np.asarray(np.divide(total, count, out=empty, where=count > 0), np.float64)


def _std(column: Floats, starts: NDArray[np.intp]) -> Floats:
    mean = _mean(column, starts)
    lengths = np.diff(starts, append=len(column))
    variance = _mean((column - np.repeat(mean, lengths)) ** 2, starts)
    return np.asarray(np.sqrt(variance), np.float64)


_REDUCE: dict[str, Callable[[Floats, NDArray[np.intp]], Floats]] = {
    "last": _last,
    "mean": _mean,
    "max": np.fmax.reduceat,
    "min": np.fmin.reduceat,
    "rms": lambda column, starts: np.sqrt(_mean(column**2, starts)),
    "std": _std,
}


def _bursts(rule: WaveRule, at_s: Floats, columns: dict[str, Floats]) -> list[Burst]:
    """Cut evenly spaced bursts; a hole in any axis longer than `gap_s` ends one."""
    axes = {name: columns[column] for name, column in rule.axes.items()}
    present = {name: ~np.isnan(column) for name, column in axes.items()}
    if not len(at_s) or not all(mask.any() for mask in present.values()):
        return []
    holes: list[tuple[float, float]] = []
    for mask in present.values():
        times = at_s[mask]
        wide = np.flatnonzero(np.diff(times) > rule.gap_s)
        holes += [(float(times[i]), float(times[i + 1])) for i in wide]
    start = max(float(at_s[mask][0]) for mask in present.values())
    end = min(float(at_s[mask][-1]) for mask in present.values())
    found: list[Burst] = []
    for stop, resume in [*sorted(holes), (end, end)]:
        while stop - start >= _SHORTEST_S:
            count = int(min(rule.burst_s, stop - start) * rule.rate_hz)
            grid = start + np.arange(count) / rule.rate_hz
            samples = {
                name: np.interp(grid, at_s[present[name]], column[present[name]]) * rule.scale
                for name, column in axes.items()
            }
            kept = {name: column.astype(np.float32) for name, column in samples.items()}
            found.append(Burst(round(start * 1000.0), rule, kept))
            start += count / rule.rate_hz
        start = max(start, resume)
    return found
