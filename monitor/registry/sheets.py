"""The registry in and out of spreadsheets: the columns, the difference, what to look at."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alerts.directory.sheets.cells import Cell, read, write
from alerts.directory.sheets.columns import Column, Sheet
from alerts.directory.sheets.difference import Row, SheetDifference
from alerts.directory.sheets.tables import tidy
from alerts.directory.sheets.transfer import Reading, Refused, gather, merged
from config.errors import ConfigError
from config.text import Text
from monitor.registry.files import GATEWAYS, LIFTS, SETS, SiteFiles, Tables
from monitor.web.words import LIFT_TYPES

_TYPES = {text.zh: kind for kind, text in reversed(LIFT_TYPES.items())}
_LINK = {"yes": "yes", "no": "no", "是": "yes", "否": "no", "有": "yes", "无": "no"}


def _columns(**zh: str) -> tuple[Column, ...]:
    """`name="中文:kind"`; text where no kind is told."""
    made = []
    for key, told in zh.items():
        word, _, kind = told.partition(":")
        made.append(Column(key, word, kind or "text", _LINK if kind == "choice" else {}))
    return tuple(made)


SHEETS = (
    Sheet(
        "gateways",
        "网关",
        GATEWAYS,
        _columns(id="编号", vendor="厂商", place="安装位置"),
        ("id",),
    ),
    Sheet(
        "sensor_sets",
        "传感器组",
        SETS,
        _columns(id="编号", name="名称", channels="通道:list"),
        ("id",),
    ),
    Sheet(
        "lifts",
        "电梯",
        LIFTS,
        _columns(
            reg_code="注册代码:digits", rescue_code="识别码:digits", name="名称", place="地点",
            street_office="街道", use_unit="使用单位", maintenance="维保单位", gateway="网关",
            type="类型", rated_speed="额定速度:number", rated_load_kg="额定载重:number",
            floor_lo="最低层:number", floor_hi="最高层:number", feeder="供电",
            period_s="上报周期:number", lat="纬度:number", lon="经度:number",
            inspection_due="下次检验:day",
            last_visit="上次维保:day", planned_visit="计划维保:day", voice_link="对讲:choice",
            group="分组", sensor_set="传感器组",
        ),
        ("reg_code",),
    ),
)  # fmt: skip
_BY_FILE = {sheet.table: sheet for sheet in SHEETS}
_KEY = re.compile(r"line (\d+), (\w+)")


@dataclass(frozen=True, slots=True)
class Import:
    """A checked import: the files' rows it would make, the difference, what to look at."""

    before: Tables
    tables: Tables
    differences: list[SheetDifference]
    notes: list[Text]

    @property
    def none(self) -> bool:
        """True if nothing would change."""
        return all(one.none for one in self.differences)

    @property
    def leaving(self) -> int:
        """How many lifts and gateways would be retired."""
        return sum(len(d.removed) for d in self.differences if d.sheet.table in (LIFTS, GATEWAYS))


def typed(tables: Tables) -> dict[str, list[Row]]:
    """Return the files' rows as spreadsheets have them: numbers, days, lists."""
    return {
        sheet.table: [_typed(sheet, row) for row in tables.get(sheet.table, [])] for sheet in SHEETS
    }


def _typed(sheet: Sheet, row: Mapping[str, str]) -> Row:
    kinds = {column.key: column for column in sheet.columns}
    found = {key: read(kinds[key], Cell(text)) for key, text in row.items() if key in kinds}
    return tidy(sheet, found)


def _plain(sheet: Sheet, row: Mapping[str, Any]) -> dict[str, str]:
    return {column.key: _text(row.get(column.key)) for column in sheet.columns}


def _text(value: Any) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return repr(float(value)).removesuffix(".0")
    if isinstance(value, list):
        return ";".join(str(one) for one in value)
    return str(write(value))


def import_from(
    path: Path, files: SiteFiles, units: Collection[str] = (), channels: Collection[str] = ()
) -> Import:
    """Read a spreadsheet and compare it with the site's files; nothing is written.

    `units`: ids of the directory; a lift that names another one is noted, not refused.
    `channels`: of the vocabulary; a sensor set with another one is refused.
    Raises Refused, or ConfigError for a file that is no spreadsheet.
    """
    old = files.read()
    reading = gather(path, typed(old), SHEETS)
    _types(reading)
    new = merged(reading)
    tables = old | {
        table: [_plain(_BY_FILE[table], row) for row in new[table]] for table in reading.lines
    }
    _channels(reading, new, channels)
    try:
        files.check(tables)
    except ConfigError as error:
        raise Refused([_placed(error, reading)]) from None
    notes = [*reading.notes, *_unknown_units(new, reading, units)]
    return Import(old, tables, reading.differences(new), notes)


def _types(reading: Reading) -> None:
    for line in reading.lines.get(LIFTS, []):
        said = line.row.get("type")
        line.row |= {"type": _TYPES.get(said, said)} if said else {}


def _channels(reading: Reading, new: Mapping[str, list[Row]], known: Collection[str]) -> None:
    if not known or SETS not in reading.lines:
        return
    wrong = [
        ConfigError(
            reading.path,
            reading.place(SETS, place, "channels"),
            name,
            Text("应为 docs/wire.md 通道表中的名称", "must be a channel of docs/wire.md"),
        )
        for place, row in enumerate(new[SETS])
        for name in row.get("channels", [])
        if name not in known
    ]
    if wrong:
        raise Refused(wrong)


def _unknown_units(
    new: Mapping[str, list[Row]], reading: Reading, units: Collection[str]
) -> list[Text]:
    if not units or LIFTS not in reading.lines:
        return []
    named = {
        str(row[key])
        for row in new[LIFTS]
        for key in ("street_office", "use_unit", "maintenance")
        if row.get(key)
    }
    return [
        Text(
            f"单位 {one} 不在名录中：其电梯的通知将无人接收",
            f"unit {one} is not in the directory: pages for its lifts reach nobody",
        )
        for one in sorted(named - set(units))
    ]


def _placed(error: ConfigError, reading: Reading) -> ConfigError:
    """Say sheet, row and column instead of file and line."""
    name, match = Path(error.file).name, _KEY.fullmatch(error.key)
    if match is None or name not in reading.lines:
        return error
    key = reading.place(name, int(match[1]) - 2, match[2])
    return ConfigError(reading.path, key, error.value, error.way_out)
