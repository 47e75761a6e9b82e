"""Score any recording with the detector's general method: what is unusual, row by row.

    python -m benchmarks.score IN OUT [--learn N]
    python -m benchmarks.score pump.csv pump-scores.csv --learn 400

IN: a CSV, comma, semicolon or tab; a header or none. The first column is time, in any format that
shows hours and minutes, or a plain number. Columns named anomaly or changepoint are never read.
All other columns of numbers are channels; missing values are allowed.

OUT: one row for each row of IN: timestamp (as in IN), score 0..1, anomaly 0/1 (score ≥ 0.5).
One threshold serves all files. --learn N: the first N rows are known to be well and are learned
from; without it the first 150 are. Both get score 0. From there on the score of a row depends on
no later row. There are no parameters per file.
"""

from __future__ import annotations

import argparse
import csv
import math
import re
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain, islice
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from monitor.detector.method.general import PROBATION, THRESHOLD, General

LABELS = frozenset({"anomaly", "changepoint"})
MISSING = frozenset({"", "-", "?", "na", "n/a", "nan", "null", "none"})
EVERY_S = 5.0  # between two words of progress
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}(?:\.\d+)?))?\s*([AaPp][Mm])?")


class RecordingError(ValueError):
    """A file that cannot be scored: what is wrong with it, and the way out."""


@dataclass(frozen=True, slots=True)
class Scored:
    """stamp: as in IN · score 0..1 · anomaly · why: channel and kind, empty when silent."""

    stamp: str
    score: float
    anomaly: bool
    why: str


def number(cell: str, comma: bool = False) -> float | None:
    """Return the number in a cell: NaN where it is missing, None where it is no number.

    `comma`: 1,5 is one and a half (files that part cells by semicolons).
    """
    text = cell.strip()
    if text.lower() in MISSING:
        return math.nan
    try:
        value = float(text.replace(",", ".") if comma else text)
    except ValueError:
        return None
    return value if math.isfinite(value) else math.nan


def seconds(stamp: str) -> float:
    """Return the event time of a stamp in seconds, for its hour of the day; NaN if it shows none.

    A plain number is taken for Unix time where it can be one (2001 … 2128), in s or ms.
    """
    text = stamp.strip()
    value = number(text)
    if value is not None:
        for unit in (1.0, 1e3):
            if 1e9 <= value / unit < 5e9:
                return value / unit
        return math.nan
    try:
        # the clock on the wall is what people and machines live by: a zone is not converted
        return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()
    except ValueError:
        found = _CLOCK.search(text)
    if found is None:
        return math.nan
    hour, minute, second, half = found.groups()
    hours = int(hour) % 12 + 12 * (half.lower() == "pm") if half else int(hour)
    return hours * 3600 + int(minute) * 60 + float(second or 0)


def score_file(file: Path, learn: int | None = None) -> Iterator[Scored]:
    """Score a recording row by row. Raises RecordingError where there is nothing to judge."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            yield from _score(stream, file.name, PROBATION if learn is None else learn)
    except (OSError, UnicodeDecodeError, csv.Error) as e:
        raise RecordingError(f"IN {file}: 读不出 cannot be read as CSV in UTF-8 ({e})") from e


def _score(stream: TextIO, name: str, learn: int) -> Iterator[Scored]:
    first = stream.readline()
    mark = max(",;\t", key=first.count)
    comma = mark == ";"
    rows = (row for row in csv.reader(chain([first], stream), delimiter=mark) if row)
    head = next(rows, None)
    if head is None or len(head) < 2:
        raise RecordingError(
            f"IN {name}: 需要时间列和至少一个数值列 needs a time column and at least one column of "
            "numbers, parted by comma, semicolon or tab"
        )
    if all(number(cell, comma) is not None for cell in head[1:]):  # no header
        rows, head = chain([head], rows), [f"column {i}" for i in range(len(head))]
    begin = list(islice(rows, max(learn, 1)))
    channels = _channels(head, begin, comma)
    if not channels:
        raise RecordingError(
            f"IN {name}: 没有数值列 no column of numbers among {', '.join(head[1:])} "
            f"(looked at {len(begin)} rows; anomaly and changepoint are not read)"
        )
    judge = General(len(channels), learn)
    for i, row in enumerate(chain(begin, rows)):
        values = np.array([_value(row, column, comma) for column in channels])
        said = judge.judge(values, seconds(row[0]))
        where = head[channels[said.channel]] if said.channel >= 0 else ""
        silent = i < learn
        yield Scored(
            row[0],
            0.0 if silent else said.score,
            said.anomaly and not silent,
            f"{where}: {said.why}" if said.anomaly else "",
        )


def _channels(head: list[str], rows: list[list[str]], comma: bool) -> list[int]:
    """Columns that show numbers and nothing else in the first rows, one at least; no labels."""
    found = []
    for column, title in enumerate(head):
        if column == 0 or title.strip().lower() in LABELS:
            continue
        cells = [number(row[column], comma) for row in rows if column < len(row)]
        if None not in cells and any(cell is not None and not math.isnan(cell) for cell in cells):
            found.append(column)
    return found


def _value(row: list[str], column: int, comma: bool) -> float:
    value = number(row[column], comma) if column < len(row) else math.nan
    return math.nan if value is None else value


def write(file: Path, scored: Iterator[Scored]) -> dict[str, Any]:
    """Write OUT; return what there was to say. Long files tell their progress on stderr."""
    rows = alarms = rings = 0
    before = False
    begun = told = time.monotonic()
    with file.open("w", encoding="utf-8", newline="") as stream:
        out = csv.writer(stream, lineterminator="\n")
        out.writerow(("timestamp", "score", "anomaly"))
        for one in scored:
            out.writerow((one.stamp, f"{one.score:.6f}", int(one.anomaly)))
            rows, alarms = rows + 1, alarms + one.anomaly
            rings += one.anomaly and not before
            before = one.anomaly
            if time.monotonic() - told > EVERY_S:
                told = time.monotonic()
                sys.stderr.write(f"{rows} rows, {rows / (told - begun):.0f}/s …\n")
    took = time.monotonic() - begun
    return {
        "rows": rows,
        "anomaly_rows": int(alarms),
        "alarms": int(rings),
        "threshold": THRESHOLD,
        "rows_per_s": round(rows / max(took, 1e-9)),
    }


def run(argv: list[str]) -> dict[str, Any]:
    """Score IN to OUT; exits 2 with one line where that cannot be."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.score",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("IN", type=Path, help="recording, CSV · 录制文件")
    parser.add_argument("OUT", type=Path, help="scores, CSV · 评分结果")
    parser.add_argument("--learn", type=int, metavar="N", help="first rows known to be well")
    args = parser.parse_args(argv)
    if args.learn is not None and args.learn < 0:
        parser.error(f"--learn {args.learn}: 不能为负 give a number of rows, 0 or more")
    if args.IN.resolve() == args.OUT.resolve():
        parser.error(f"OUT {args.OUT}: 与 IN 相同 is IN itself; name another file")
    try:
        return write(args.OUT, score_file(args.IN, args.learn))
    except (RecordingError, OSError) as e:
        sys.stderr.write(f"{e}\n")
        sys.exit(2)


if __name__ == "__main__":
    import json

    print(json.dumps(run(sys.argv[1:])))
