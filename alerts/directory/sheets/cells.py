"""One cell: from what a spreadsheet holds to what directory.toml holds, and back.

Spreadsheets turn telephone numbers into numbers, dates into days since 1900 and long codes into
3.11E+19. What can be told is mended; what is lost is refused with the way out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from alerts.directory.sheets.columns import Column
from config.text import Text

EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001 - day 0 of spreadsheets, without a zone
SURE_DIGITS = 15  # more digits than that a spreadsheet's number does not keep
LIST = re.compile(r"[;,，；、\n]+")
DAY = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?")
CLOCK = re.compile(r"(\d{1,2})[:：点](\d{1,2})?分?(?:[:：](\d{1,2}))?")
ROUNDED = re.compile(r"\d(?:\.\d+)?[Ee]\+\d\d")  # as spreadsheets show a long number
YES = ("是", "yes", "true", "1", "y", "√", "✓")
NO = ("否", "no", "false", "0", "n", "×")
AS_TEXT = Text(
    "表格软件已把长数字四舍五入：请把该列设为“文本”格式后重新填写",
    "the spreadsheet has rounded this long number: format the column as text, enter it again",
)


class BadCell(Exception):
    """A cell that cannot be read; `text` says what it should be."""

    def __init__(self, text: Text) -> None:
        self.text = text


@dataclass(frozen=True, slots=True)
class Cell:
    """What a file holds: `value` as the library gives it; `form` the number format of XLSX."""

    value: Any
    form: str = ""

    @property
    def blank(self) -> bool:
        """True for an empty cell."""
        return self.value is None or (isinstance(self.value, str) and not self.value.strip())


def read(column: Column, cell: Cell) -> Any:
    """Return the value for directory.toml, None for an empty cell. Raises BadCell."""
    if cell.blank:
        return None
    if column.kind == "choice":
        return _choice(column, _text(cell))
    if column.kind == "choices":
        return [_choice(column, part) for part in _parts(cell)]
    return _READERS.get(column.kind, _text)(cell)


def write(value: Any) -> str | float:
    """Return a value of directory.toml as a cell: text, but for places in degrees."""
    if isinstance(value, bool):
        return "yes" if value else ""
    if isinstance(value, int | float):
        return float(value)
    if isinstance(value, list):
        return "; ".join(str(write(one)) for one in value)
    if isinstance(value, datetime):
        return value.isoformat(" ", "minutes" if value.second == 0 else "seconds")
    if isinstance(value, time):
        return clock_text(value)
    return "" if value is None else str(value)


def clock_text(value: time) -> str:
    """Return a time of day as it stands in directory.toml: `08:00`."""
    return value.isoformat("minutes" if value.second == 0 else "seconds")


def _text(cell: Cell) -> str:
    value = cell.value
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return _digits(value, cell.form)
    if isinstance(value, date | time):
        return str(write(value))
    text = str(value).strip()
    if ROUNDED.fullmatch(text):
        raise BadCell(AS_TEXT)
    return text


def _digits(value: float, form: str) -> str:
    """A number where text was meant; a format of zeros ("00000") tells the leading ones."""
    if value != int(value):
        return repr(value)
    digits = str(int(value))
    if len(digits.lstrip("-")) > SURE_DIGITS:
        raise BadCell(AS_TEXT)
    return digits.zfill(len(form)) if form and not form.strip("0") else digits


def _number(cell: Cell) -> float:
    try:
        return float(cell.value)
    except (TypeError, ValueError):
        raise BadCell(Text("应为数字，如 29.563", "must be a number such as 29.563")) from None


def _switch(cell: Cell) -> bool | str | None:
    text = _text(cell)
    if text.lower() in YES:
        return True
    return None if text.lower() in NO else text


def _choice(column: Column, text: str) -> str:
    found = column.choices.get(text) or column.choices.get(text.lower())
    if found is None:
        right = " | ".join(dict.fromkeys(column.choices.values()))
        chinese = " | ".join(word for word in column.choices if not word.isascii())
        raise BadCell(Text(f"应为：{chinese}", f"should be: {right}"))
    return found


def _parts(cell: Cell) -> list[str]:
    parts = [part.strip() for part in LIST.split(_text(cell)) if part.strip()]
    if any(ROUNDED.fullmatch(part) for part in parts):
        raise BadCell(AS_TEXT)
    return parts


def _day(cell: Cell) -> date:
    at = _moment(cell)
    return at.date() if isinstance(at, datetime) else at


def _moment(cell: Cell) -> date:
    """A date, or a datetime where an hour is told too."""
    value = cell.value
    if isinstance(value, str) and re.fullmatch(r"\d{4,5}(?:\.\d+)?", value.strip()):
        value = float(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        if 10_000_000 <= value <= 99_999_999:
            value = str(int(value))
        elif 32_000 <= value < 75_000:  # 1987 … 2105
            value = EPOCH + timedelta(seconds=round((value % 1) * 86400), days=int(value))
    if isinstance(value, datetime):
        return value if value.time() != time(0) or "h" in cell.form.lower() else value.date()
    if isinstance(value, date):
        return value
    return _said(str(value).strip())


def _said(text: str) -> date:
    compact = re.fullmatch(r"(\d{4})(\d\d)(\d\d)", text)
    head = compact or DAY.match(text)
    rest = text[head.end() :].strip(" T") if head else ""
    hour = CLOCK.fullmatch(rest) if rest else None
    try:
        if head is None or (rest and hour is None):
            raise ValueError
        day = date(*(int(part) for part in head.groups()))
        return datetime.combine(day, _time(hour)) if hour else day
    except ValueError:
        text_right = Text(
            "应为日期，如 2026-10-01 或 2026年10月1日；可带时间 08:00",
            "must be a date such as 2026-10-01, with an hour where wanted: 2026-10-01 08:00",
        )
        raise BadCell(text_right) from None


def _time(match: re.Match[str]) -> time:
    hour, minute, second = (int(part or 0) for part in match.groups())
    return time(0 if hour == 24 and minute == second == 0 else hour, minute, second)


def _clock(cell: Cell) -> str:
    value = cell.value
    if isinstance(value, datetime):
        value = value.time()
    if isinstance(value, int | float) and 0 <= value < 1:
        value = (EPOCH + timedelta(seconds=round(value * 86400))).time()
    if isinstance(value, time):
        return clock_text(value)
    match = CLOCK.fullmatch(str(value).strip())
    try:
        if match is None:
            raise ValueError
        return clock_text(_time(match))
    except ValueError:
        raise BadCell(Text("应为时间，如 08:00", "must be a time such as 08:00")) from None


_READERS: Mapping[str, Callable[[Cell], Any]] = {
    "number": _number,
    "switch": _switch,
    "list": _parts,
    "day": _day,
    "moment": _moment,
    "clock": _clock,
}
