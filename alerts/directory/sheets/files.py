"""Spreadsheet files: XLSX, one CSV file, or a folder of CSV files; read and written.

CSV is read as it comes from spreadsheets: UTF-8 with or without BOM, UTF-16, GB18030; separated by
commas, semicolons or tabs. It is written as UTF-8 with BOM, which every spreadsheet opens right.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from openpyxl import Workbook, load_workbook
from openpyxl.styles import Font
from openpyxl.utils.exceptions import InvalidFileException

from alerts.directory.sheets.cells import Cell, write
from alerts.directory.sheets.columns import SHEETS, Sheet, sheet_named
from config.errors import ConfigError
from config.text import Text

MOST_ROWS = 200_000
FORMULA = "=+-@"
Rows = list[tuple[int, list[Cell]]]  # row number as the spreadsheet shows it, cells


@dataclass(frozen=True, slots=True)
class Grid:
    """One sheet as it lies in a file, without its blank rows. `source` names it in refusals."""

    source: str
    sheet: Sheet
    rows: Rows


def read_grids(path: Path, sheets: Sequence[Sheet] = SHEETS) -> list[Grid]:
    """Read the sheets we know. Raises ConfigError for a file that is none of ours."""
    if path.is_dir():
        files = sorted(file for file in path.iterdir() if file.suffix.lower() == ".csv")
        named = [(file, sheet_named(file.stem, sheets)) for file in files]
        grids = [Grid(file.name, sheet, _csv(file)) for file, sheet in named if sheet]
    elif path.suffix.lower() in (".xlsx", ".xlsm"):
        grids = _xlsx(path, sheets)
    elif path.suffix.lower() in (".csv", ".txt"):
        only = sheet_named(path.stem, sheets)
        grids = [Grid(path.name, only, _csv(path))] if only else []
    else:
        way_out = Text(
            "应为 .xlsx、.csv，或含 CSV 的文件夹；.xls 请另存为 .xlsx",
            "must be .xlsx, .csv or a folder of CSV files; save an .xls as .xlsx",
        )
        raise ConfigError(path, "file", path.suffix, way_out)
    if not grids:
        titles = " | ".join(sheet.title for sheet in sheets)
        way_out = Text(f"工作表或文件名应为：{titles}", f"sheets or files must be called: {titles}")
        raise ConfigError(path, "sheets", "", way_out)
    return grids


def _unreadable(path: Path, error: Exception) -> ConfigError:
    way_out = Text("应为可读的表格文件", "must be a spreadsheet that can be read")
    return ConfigError(path, "file", str(error)[:200], way_out)


def _xlsx(path: Path, sheets: Sequence[Sheet]) -> list[Grid]:
    try:
        book = load_workbook(path, data_only=True)
    except (OSError, KeyError, ValueError, zipfile.BadZipFile, InvalidFileException) as error:
        raise _unreadable(path, error) from None
    grids = []
    for page in book.worksheets:
        sheet = sheet_named(page.title, sheets)
        if sheet is None:
            continue
        if page.max_row > MOST_ROWS:
            way_out = Text(f"至多 {MOST_ROWS} 行", f"at most {MOST_ROWS} rows")
            raise ConfigError(path, f"sheet {page.title}, rows", page.max_row, way_out)
        rows = [
            (number, [Cell(one.value, one.number_format or "") for one in row])
            for number, row in enumerate(page.iter_rows(), start=1)
        ]
        grids.append(Grid(page.title, sheet, _filled(rows)))
    return grids


def _filled(rows: Rows) -> Rows:
    return [(number, cells) for number, cells in rows if not all(cell.blank for cell in cells)]


def _csv(path: Path) -> Rows:
    try:
        text = _decoded(path.read_bytes())
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(path, error) from None
    first = text.lstrip("\r\n").partition("\n")[0]
    mark = max(",;\t", key=first.count)
    rows: Rows = []
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=mark, strict=True)
        begin = 1
        for cells in reader:
            rows.append((begin, [Cell(_from_csv(cell)) for cell in cells]))
            begin = reader.line_num + 1
    except csv.Error as error:
        raise _unreadable(path, error) from None
    return _filled(rows)


def _decoded(raw: bytes) -> str:
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw.decode("utf-16")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("gb18030")


# A cell that begins like a formula would be worked out by the spreadsheet that opens the file; an
# apostrophe keeps it text, and is taken off again here.
def _to_csv(value: str | float) -> str | float:
    if not isinstance(value, str) or not value:
        return value
    kept = value[0] in FORMULA or (value[0] == "'" and value[1:2] in (*FORMULA, "'"))
    return f"'{value}" if kept else value


def _from_csv(text: str) -> str:
    return text[1:] if text[:1] == "'" and text[1:2] and text[1:2] in FORMULA + "'" else text


def write_grids(
    path: Path,
    tables: Mapping[str, Sequence[Mapping[str, Any]]],
    sheets: Sequence[Sheet] = SHEETS,
) -> None:
    """Write every sheet: one XLSX file, or a folder of CSV files. Raises ConfigError."""
    if path.suffix.lower() == ".xlsx":
        _write_xlsx(path, tables, sheets)
    elif path.suffix:
        way_out = Text("应为 .xlsx 文件名或文件夹名", "must be an .xlsx file or a folder")
        raise ConfigError(path, "file", path.suffix, way_out)
    else:
        path.mkdir(parents=True, exist_ok=True)
        for sheet in sheets:
            with (path / f"{sheet.name}.csv").open("w", encoding="utf-8-sig", newline="") as file:
                writer = csv.writer(file)
                writer.writerow(column.header for column in sheet.columns)
                for cells in _cells(sheet, tables):
                    writer.writerow(_to_csv(cell) for cell in cells)


def _cells(
    sheet: Sheet, tables: Mapping[str, Sequence[Mapping[str, Any]]]
) -> Iterable[list[str | float]]:
    for row in tables.get(sheet.table, []):
        yield [write(row.get(column.key)) for column in sheet.columns]


def _write_xlsx(
    path: Path, tables: Mapping[str, Sequence[Mapping[str, Any]]], sheets: Sequence[Sheet]
) -> None:
    book = Workbook()
    book.remove(book.worksheets[0])
    for sheet in sheets:
        page = book.create_sheet(sheet.title)
        page.freeze_panes = "B2"
        page.append([column.header for column in sheet.columns])
        for place, column in enumerate(sheet.columns, start=1):
            head = page.cell(1, place)
            head.font = Font(bold=True)
            whole = page.column_dimensions[head.column_letter]
            whole.width = max(14, 2 * len(column.header))
            if column.kind != "number":
                whole.number_format = "@"  # also where somebody adds a row
        for number, cells in enumerate(_cells(sheet, tables), start=2):
            for place, value in enumerate(cells, start=1):
                one = page.cell(number, place)
                if isinstance(value, str):  # text stays text: no formula, no number, no date
                    one.value = value or None
                    one.data_type = "s" if value else "n"
                    one.number_format = "@"
                else:
                    one.value = value
    book.save(path)
