"""What an import would change: rows added, rows removed, rows changed field by field."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from alerts.directory.sheets.cells import write
from alerts.directory.sheets.columns import Sheet

Row = dict[str, Any]
Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field of one row; texts as a spreadsheet shows them, "" = not set."""

    key: str
    was: str
    now: str


@dataclass(frozen=True, slots=True)
class SheetDifference:
    """The difference of one sheet; rows are named by what makes them themselves."""

    sheet: Sheet
    added: list[tuple[str, Row]] = field(default_factory=list)
    removed: list[tuple[str, Row]] = field(default_factory=list)
    changed: list[tuple[str, list[FieldChange]]] = field(default_factory=list)
    moved: bool = False

    @property
    def none(self) -> bool:
        """True if nothing would change."""
        return not (self.added or self.removed or self.changed or self.moved)

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON; dates as text."""
        return {
            "sheet": self.sheet.name,
            "added": [{"row": name, **_plain(row)} for name, row in self.added],
            "removed": [{"row": name} for name, _ in self.removed],
            "changed": [
                {"row": name, "fields": {c.key: [c.was, c.now] for c in changes}}
                for name, changes in self.changed
            ],
            "order_changed": self.moved,
        }


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    return {key: write(value) for key, value in row.items()}


def keyed(sheet: Sheet, rows: Sequence[Row]) -> dict[Key, Row]:
    """Return rows by what makes them themselves; the second alike gets a number."""
    seen: Counter[Key] = Counter()
    found: dict[Key, Row] = {}
    for row in rows:
        key = identity(sheet, row)
        seen[key] += 1
        found[key if seen[key] == 1 else (*key, f"#{seen[key]}")] = row
    return found


def identity(sheet: Sheet, row: Mapping[str, Any]) -> Key:
    """Return what makes a row itself, as texts."""
    return tuple(str(write(row.get(k, sheet.defaults.get(k)))) for k in sheet.identity)


def difference(sheet: Sheet, old: Sequence[Row], new: Sequence[Row]) -> SheetDifference:
    """Compare two versions of a sheet's rows."""
    before, after = keyed(sheet, old), keyed(sheet, new)
    found = SheetDifference(
        sheet,
        [(_name(key), row) for key, row in after.items() if key not in before],
        [(_name(key), row) for key, row in before.items() if key not in after],
        [
            (_name(key), changes)
            for key, row in after.items()
            if key in before and (changes := _changes(sheet, before[key], row))
        ],
        [key for key in before if key in after] != [key for key in after if key in before],
    )
    return found


def _changes(sheet: Sheet, old: Row, new: Row) -> list[FieldChange]:
    return [
        FieldChange(column.key, str(write(old.get(column.key))), str(write(new.get(column.key))))
        for column in sheet.columns
        if old.get(column.key) != new.get(column.key)
    ]


def _name(key: Key) -> str:
    return " · ".join(part for part in key if part)
