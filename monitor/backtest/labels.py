"""Labels: what is known to have happened, from a file, so that missed and false have a meaning."""

from __future__ import annotations

import csv
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from config.errors import ConfigError
from config.text import Text
from monitor.backtest.rings import FOREVER, Ring
from monitor.backtest.times import moment

HEADER = ("reg_code", "rule", "start", "end")
AFTER_MS = 900_000  # a rule may ring so long after its cause is over: holds, counts over minutes


@dataclass(frozen=True, slots=True)
class Label:
    """`rule` had cause to ring on this lift from start_ms to end_ms (for ever while it lasts)."""

    lift: str
    rule: str
    start_ms: int
    end_ms: int

    def explains(self, ring: Ring) -> bool:
        """Tell whether a ring is because of this."""
        return (
            (ring.lift, ring.rule) == (self.lift, self.rule)
            and ring.at_ms <= min(self.end_ms, FOREVER - AFTER_MS) + AFTER_MS
            and ring.end_ms >= self.start_ms
        )


def load_labels(file: Path, zone: ZoneInfo, rules: Collection[str]) -> list[Label]:
    """Read a CSV with the columns reg_code, rule, start, end; an empty end lasts.

    Raises ConfigError with line, field, value and what would be right.
    """
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            missing = [name for name in HEADER if name not in (reader.fieldnames or ())]
            if missing:
                names = ",".join(HEADER)
                way_out = Text(f"表头应为 {names}", f"the header must be {names}")
                raise ConfigError(file, "header", ",".join(missing), way_out)
            return [_label(file, line, row, zone, rules) for line, row in enumerate(reader, 2)]
    except OSError as error:
        way_out = Text("无法读取标注文件", "the label file cannot be read")
        raise ConfigError(file, "file", error.strerror or "", way_out) from None


def _label(
    file: Path, line: int, row: dict[str, str | None], zone: ZoneInfo, rules: Collection[str]
) -> Label:
    told = {name: (row[name] or "").strip() for name in HEADER}
    if told["rule"] not in rules:
        way_out = Text(
            "应为所比规则文件中的编号", "must be a rule id of the files that are compared"
        )
        raise ConfigError(file, f"line {line}, rule", told["rule"], way_out)
    start = moment(told["start"], zone, where=(str(file), f"line {line}, start"))
    end = FOREVER
    if told["end"]:
        end = moment(told["end"], zone, where=(str(file), f"line {line}, end"), to_the_end=True)
    if end < start:
        way_out = Text("不应早于 start", "must not be before start")
        raise ConfigError(file, f"line {line}, end", told["end"], way_out)
    return Label(told["reg_code"], told["rule"], start, end)
