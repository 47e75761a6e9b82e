"""A table of a mapping file that tells what is wrong with it, down to the line."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from config.errors import ConfigError
from config.text import Text

MADE = re.compile(r"(\w+)(?:\[(\d+)\])?")


def line_of(file: Path, table: str, key: str) -> int | None:
    """Return the line of a key in `table` (field[2]: the third [[field]]), else of the table."""
    try:
        lines = file.read_text("utf-8").splitlines()
    except OSError:
        return None
    match = MADE.fullmatch(table)
    inside, at, seen = not table, None, -1
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if text.startswith("["):
            name = text.strip("[]# ").split("]")[0]
            root = name.split(".")[0]
            inside = False
            if match and root == match[1]:
                seen += name == root
                inside = match[2] is None or seen == int(match[2])
                at = number if inside and at is None else at
        elif inside and re.match(rf'"?{re.escape(key)}"?\s*=', text):
            return number
    return at


class Table:
    """One table; a key that is not known is refused with those that are."""

    def __init__(self, file: Path, name: str, data: Any, keys: Sequence[str]) -> None:
        self.file, self.name = file, name
        self.data: dict[str, Any] = data if isinstance(data, dict) else {}
        if not isinstance(data, dict):
            raise self.wrong("", data, Text("应为表", "must be a table"))
        for key in data:
            if key not in keys:
                listed = self.near(key, keys)
                way_out = Text(f"没有这个键；可用：{listed}", f"no such key; there are: {listed}")
                raise self.wrong(key, data[key], way_out)

    @staticmethod
    def near(word: str, words: Sequence[str]) -> str:
        """Return the words most like one, or all where none is."""
        return ", ".join(difflib.get_close_matches(word, words, 4, 0.5) or words)

    def wrong(
        self, key: str, value: object, way_out: Text, where: str | None = None
    ) -> ConfigError:
        """Build the error for a key of this table."""
        full = where or f"{self.name}.{key}".strip(".")
        line = line_of(self.file, self.name, key)
        at = f"line {line}, {full}" if line else full
        return ConfigError(self.file, at, value, way_out)

    def table(self, key: str, keys: Sequence[str]) -> Table:
        """Return an inner table, empty where it is absent."""
        return Table(self.file, key, self.data.get(key, {}), keys)

    def tables(self, key: str, keys: Sequence[str]) -> list[Table]:
        """Return an array of tables."""
        rows = self.data.get(key, [])
        if not isinstance(rows, list):
            way_out = Text(f"应为 [[{key}]]", f"must be [[{key}]]")
            raise self.wrong(key, rows, way_out)
        return [Table(self.file, f"{key}[{i}]", row, keys) for i, row in enumerate(rows)]

    def word(self, key: str, default: str | None = None, among: Sequence[str] = ()) -> str:
        """Return a text."""
        value = self.data.get(key, default)
        if not isinstance(value, str) or (among and value not in among):
            listed = ", ".join(among) or "text"
            raise self.wrong(key, value, Text(f"应为：{listed}", f"must be: {listed}"))
        return value

    def flag(self, key: str, default: bool) -> bool:
        """Return true or false."""
        value = self.data.get(key, default)
        if not isinstance(value, bool):
            raise self.wrong(key, value, Text("应为 true 或 false", "must be true or false"))
        return value

    def number(self, key: str, default: float) -> float:
        """Return a finite number."""
        value = self.data.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e12:
            raise self.wrong(key, value, Text("应为数字", "must be a number"))
        return float(value)
