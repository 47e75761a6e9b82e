"""Import and export of the directory: spreadsheet → tables → checked → difference.

A sheet that the import does not have stays as it is; of a sheet it has, every row. A column that a
sheet does not have stays as it is in rows that are known. All cells that cannot be read are told at
once, each with sheet, row, column, value and the way out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from alerts.directory.directory_file import parse_directory
from alerts.directory.sheets.cells import BadCell, Cell, read
from alerts.directory.sheets.columns import SHEETS, Column, Sheet
from alerts.directory.sheets.difference import Row, SheetDifference, difference, identity
from alerts.directory.sheets.files import Grid, read_grids
from alerts.directory.sheets.tables import Tables, tidy
from config.errors import ConfigError
from config.text import Text

_KEY = re.compile(r"(\w+)\[(\d+)\]\.(\w+)")
REFERRING = ("contacts", "deputies", "out", "in")  # columns that name contacts of the row's unit
UNITS = ("unit", "use_units")


class Refused(Exception):
    """What is wrong with the spreadsheet, cell by cell."""

    def __init__(self, reasons: Sequence[ConfigError]) -> None:
        super().__init__("\n".join(str(one) for one in reasons))
        self.reasons = list(reasons)


@dataclass(frozen=True, slots=True)
class Import:
    """A checked import: the tables it would make, the difference, and what was mended."""

    tables: Tables
    differences: list[SheetDifference]
    notes: list[Text] = field(default_factory=list)

    @property
    def none(self) -> bool:
        """True if nothing would change."""
        return all(one.none for one in self.differences)


@dataclass
class Line:
    """One row of a sheet: `present` are the columns the sheet has, `numbers` those whose digits
    came as a number."""

    source: str
    number: int
    row: Row
    present: set[str]
    numbers: dict[str, str] = field(default_factory=dict)


@dataclass
class Reading:
    """What is gathered while the sheets are read; `lines` by table."""

    path: Path
    old: Tables
    sheets: Sequence[Sheet] = SHEETS
    lines: dict[str, list[Line]] = field(default_factory=dict)
    wrong: list[ConfigError] = field(default_factory=list)
    notes: list[Text] = field(default_factory=list)

    def differences(self, new: Tables) -> list[SheetDifference]:
        """Return the difference of each sheet that is there."""
        return [
            difference(sheet, self.old.get(sheet.table, []), new[sheet.table])
            for sheet in self.sheets
            if sheet.table in self.lines
        ]

    def place(self, table: str, index: int, key: str) -> str:
        """Say where a field of a row is in the spreadsheet."""
        line = self.lines[table][index]
        column = next(s for s in self.sheets if s.table == table).column(key)
        where = f"sheet {line.source}, row {line.number}"
        return f"{where}, column {column.header}" if column else f"{where}, {key}"


def import_from(path: Path, old: Tables, folder: Path, zone: str) -> Import:
    """Read a spreadsheet and compare it with the present tables; nothing is written.

    Raises Refused (or ConfigError for a file that is no spreadsheet). `folder` is the site's.
    """
    reading = gather(path, old)
    new = merged(reading, _names_to_ids)
    try:
        parse_directory(new, path, folder, zone)
    except ConfigError as error:
        raise Refused([_placed(error, reading)]) from None
    return Import(new, reading.differences(new), reading.notes)


def gather(path: Path, old: Tables, sheets: Sequence[Sheet] = SHEETS) -> Reading:
    """Read all sheets, cell by cell. Raises Refused with every cell that cannot be read."""
    reading = Reading(path, old, sheets)
    for grid in read_grids(path, sheets):
        if grid.sheet.table in reading.lines:
            text = Text("同一张表出现两次：只留一张", "this sheet is there twice: keep one")
            reading.wrong.append(ConfigError(path, f"sheet {grid.source}", grid.sheet.name, text))
            continue
        _take(reading, grid)
    if reading.wrong:
        raise Refused(reading.wrong)
    return reading


def merged(
    reading: Reading, names: Callable[[Reading, Tables], None] = lambda reading, tables: None
) -> Tables:
    """Return the tables as they would be: what sheets and columns leave out stays as it is.

    `names` may put ids where a sheet says names; it works on the rows of the sheets.
    """
    rows = {table: [line.row for line in lines] for table, lines in reading.lines.items()}
    names(reading, reading.old | rows)
    new = dict(reading.old)
    for sheet in reading.sheets:
        if sheet.table not in reading.lines:
            continue
        known = {identity(sheet, row): row for row in reading.old.get(sheet.table, [])}
        new[sheet.table] = []
        for line in reading.lines[sheet.table]:
            before = known.get(identity(sheet, line.row), {})
            _lost_zeros(reading, line, before)
            kept = {key: value for key, value in before.items() if key not in line.present}
            new[sheet.table].append(tidy(sheet, kept | line.row))
    return new


def _take(reading: Reading, grid: Grid) -> None:
    lines = reading.lines[grid.sheet.table] = []
    if not grid.rows:
        return  # not even a header: an empty sheet
    columns = _columns(reading, grid)
    present = {column.key for column in columns.values()}
    for number, cells in grid.rows[1:]:
        line = Line(grid.source, number, {}, present)
        for place, column in columns.items():
            cell = cells[place] if place < len(cells) else Cell(None)
            try:
                value = read(column, cell)
            except BadCell as bad:
                key = _where(grid.source, number, column)
                reading.wrong.append(ConfigError(reading.path, key, _shown(cell), bad.text))
                continue
            if value is not None:
                line.row[column.key] = value
            if column.kind == "digits" and isinstance(cell.value, int | float):
                line.numbers[column.key] = str(value)
        lines.append(line)


def _columns(reading: Reading, grid: Grid) -> dict[int, Column]:
    number, cells = grid.rows[0]
    found: dict[int, Column] = {}
    for place, cell in enumerate(cells):
        header = "" if cell.blank else str(cell.value).strip()
        column = grid.sheet.column(header) if header else None
        right = ", ".join(one.header for one in grid.sheet.columns)
        key = f"sheet {grid.source}, row {number}, column {place + 1}"
        if column in found.values():
            text = Text("该列出现两次：只留一列", "this column is there twice: keep one")
            reading.wrong.append(ConfigError(reading.path, key, header, text))
        elif column is not None:
            found[place] = column
        elif header:
            text = Text(
                f"表头应为：{right}；不用的列请删去", f"headers: {right}; drop other columns"
            )
            reading.wrong.append(ConfigError(reading.path, key, header, text))
    missing = [k for k in grid.sheet.identity[:1] if k not in {c.key for c in found.values()}]
    for name in missing:
        text = Text(f"第一行应有表头 {name}", f"the first row must have the header {name}")
        reading.wrong.append(
            ConfigError(reading.path, f"sheet {grid.source}, row {number}", name, text)
        )
    return found


def _where(source: str, number: int, column: Column) -> str:
    return f"sheet {source}, row {number}, column {column.header}"


def _shown(cell: Cell) -> Any:
    return str(cell.value)[:80]


def _lost_zeros(reading: Reading, line: Line, before: Row) -> None:
    """A number cannot begin with 0: where the present text does and is else the same, it stays."""
    source, number = line.source, line.number
    for key, digits in line.numbers.items():
        was = str(before.get(key, ""))
        if was != digits and was.startswith("0") and was.lstrip("0") == digits:
            line.row[key] = was
            reading.notes.append(
                Text(
                    f"{source} 第 {number} 行 {key}：数字 {digits} 丢了前导零，保留 {was}",
                    f"{source} row {number}, {key}: the number {digits} has lost its leading "
                    f"zero, {was} is kept",
                )
            )
        elif was != digits:
            reading.notes.append(
                Text(
                    f"{source} 第 {number} 行 {key}：数字 {digits}，若以 0 开头请把该列设为文本",
                    f"{source} row {number}, {key}: {digits} came as a number; if it begins "
                    f"with 0, format the column as text",
                )
            )


def _names_to_ids(reading: Reading, tables: Tables) -> None:
    """Units and contacts may be named by their names where these are unique."""
    units = _unique((row.get("name_zh"), row.get("id")) for row in tables["unit"])
    units |= _unique((row.get("name_en"), row.get("id")) for row in tables["unit"])
    ids = {row.get("id") for row in tables["unit"]}
    rows = [line.row for lines in reading.lines.values() for line in lines]
    for row in rows:
        for key in UNITS:
            if key in row:
                row[key] = _each(row[key], ids, units)
    for row in rows:
        if not any(key in row for key in REFERRING):
            continue
        own = [c for c in tables["contact"] if c.get("unit") == row.get("unit")]
        people = _unique((c.get("name"), c.get("id")) for c in own)
        for key in REFERRING:
            if key in row:
                row[key] = _each(row[key], {c.get("id") for c in own}, people)


def _unique(pairs: Any) -> dict[str, str]:
    found: dict[str, str] = {}
    twice: set[str] = set()
    for name, ident in pairs:
        if name in found and found[name] != ident:
            twice.add(name)
        found[name] = ident
    return {name: ident for name, ident in found.items() if name and name not in twice}


def _each(value: Any, ids: set[Any], names: dict[str, str]) -> Any:
    if isinstance(value, list):
        return [_each(one, ids, names) for one in value]
    return value if value in ids else names.get(value, value)


def _placed(error: ConfigError, reading: Reading) -> ConfigError:
    """Say sheet, row and column instead of the key of directory.toml."""
    match = _KEY.fullmatch(error.key)
    if match is None or match[1] not in reading.lines:
        return ConfigError(
            f"{reading.path} + directory.toml", error.key, error.value, error.way_out
        )
    key = reading.place(match[1], int(match[2]), match[3])
    return ConfigError(reading.path, key, error.value, error.way_out)
