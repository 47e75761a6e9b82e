"""Which sheets there are, and what their columns are called, in Chinese and in English.

A header may be the key, the Chinese word or both ("电话 phone"); so may a sheet's name. Words of a
fixed list may be written in Chinese too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from alerts.directory.directory_file import CONTACT_KEYS, UNIT_KEYS
from alerts.directory.roster import MAIN_LINE, SWAP_KINDS
from alerts.directory.roster_file import CONTRACT_KEYS, DUTY_KEYS, HOLIDAY_KEYS, SWAP_KEYS
from alerts.directory.units import POSTS, UNIT_KINDS, WEEKDAYS


def _same(words: Sequence[str], *chinese: str) -> dict[str, str]:
    """What may be written → what it means; several Chinese words for one are split by `|`."""
    found = {word: word for word in words}
    for word, others in zip(words, chinese, strict=True):
        found |= dict.fromkeys(others.split("|"), word)
    return found


_KINDS = _same(
    UNIT_KINDS, "值班台", "使用单位", "维保单位|维保", "救援站", "公共救援|119|110",
    "区局|监管部门", "街道|街道办", "镇|镇政府",
)  # fmt: skip
_POSTS = _same(POSTS, "成员|值班", "副班", "负责人|经理", "领导")
_DAYS = _same(
    WEEKDAYS, "周一|星期一", "周二|星期二", "周三|星期三", "周四|星期四", "周五|星期五",
    "周六|星期六", "周日|星期日|周天|星期天",
)  # fmt: skip
_SWAPS = _same(SWAP_KINDS, "换班|调班", "病假", "休假|请假|年假", "其他")
_LANGS = {"zh": "zh", "en": "en", "中文": "zh", "英文": "en"}


@dataclass(frozen=True, slots=True)
class Column:
    """One column: `kind` says how its cells are read (cells.py)."""

    key: str
    zh: str
    kind: str = "text"
    choices: Mapping[str, str] = field(default_factory=dict)

    @property
    def header(self) -> str:
        """As we write it: `电话 phone`."""
        return f"{self.zh} {self.key}" if self.zh != self.key else self.key


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet: the tables `[[table]]` of directory.toml. `identity`: what makes a row itself."""

    name: str
    zh: str
    table: str
    columns: tuple[Column, ...]
    identity: tuple[str, ...]
    defaults: Mapping[str, str] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """As we write it: `联系人 contacts`."""
        return f"{self.zh} {self.name}"

    def column(self, header: str) -> Column | None:
        """Return the column a header means."""
        said = words(header)
        for column in self.columns:
            if said & {column.key.lower(), column.zh.lower()}:
                return column
        return None


def words(name: str) -> set[str]:
    """Return the words of a header or a sheet's name."""
    bare = re.sub(r"[（(].*?[）)]|[*＊]", " ", name)
    return {part.lower() for part in re.split(r"[\s·/:：]+", bare) if part}


_COLUMNS = {
    column.key: column
    for column in (
        Column("id", "编号"),
        Column("kind", "类别", "choice", _KINDS),
        Column("name_zh", "名称"),
        Column("name_en", "英文名称"),
        Column("phone", "电话", "digits"),
        Column("lat", "纬度", "number"),
        Column("lon", "经度", "number"),
        Column("unit", "单位"),
        Column("name", "姓名"),
        Column("email", "邮箱"),
        Column("webhook", "回调地址"),
        Column("mqtt", "消息主题", "switch"),
        Column("sms", "短信", "switch"),
        Column("voice", "语音", "switch"),
        Column("alertmanager", "Alertmanager地址"),
        Column("apprise", "其他通道"),
        Column("lang", "语言", "choice", _LANGS),
        Column("channels", "通道顺序", "list"),
        Column("post", "岗位", "choice", _POSTS),
        Column("from", "开始", "day"),
        Column("to", "结束", "day"),
        Column("lifts", "电梯", "list"),
        Column("groups", "分组", "list"),
        Column("use_units", "使用单位", "list"),
        Column("tz", "时区"),
        Column("line", "班次"),
        Column("contacts", "值班人", "list"),
        Column("deputies", "副班", "list"),
        Column("weekday", "交班日", "choice", _DAYS),
        Column("time", "交班时间", "clock"),
        Column("until", "下班时间", "clock"),
        Column("days", "值班日", "choices", _DAYS),
        Column("calendar", "日历文件"),
        Column("start", "起算日", "day"),
        Column("out", "原值班人"),
        Column("in", "替班人"),
    )
}
_OTHERS = {  # the same key means something else on these sheets
    ("swap", "kind"): Column("kind", "类型", "choice", _SWAPS),
    ("swap", "from"): Column("from", "开始", "moment"),
    ("swap", "to"): Column("to", "结束", "moment"),
    ("holiday", "name_zh"): Column("name_zh", "节日"),
    ("holiday", "name_en"): Column("name_en", "节日英文"),
    ("contract", "unit"): Column("unit", "维保单位"),
}


def _sheet(
    name: str, zh: str, table: str, keys: Sequence[str], identity: str, **defaults: str
) -> Sheet:
    columns = tuple(
        _OTHERS.get((table, key)) or _COLUMNS.get(key) or Column(key, key) for key in keys
    )
    return Sheet(name, zh, table, columns, tuple(identity.split()), defaults)


SHEETS = (
    _sheet("units", "单位", "unit", UNIT_KEYS, "id"),
    _sheet("contacts", "联系人", "contact", CONTACT_KEYS, "id"),
    _sheet("contracts", "合同", "contract", CONTRACT_KEYS, "unit from lifts groups use_units"),
    _sheet("duties", "值班", "duty", DUTY_KEYS, "unit line", line=MAIN_LINE),
    _sheet("holidays", "节假日", "holiday", HOLIDAY_KEYS, "unit line from"),
    _sheet("swaps", "调班", "swap", SWAP_KEYS, "unit line out from"),
)
BY_TABLE = {sheet.table: sheet for sheet in SHEETS}


def sheet_named(name: str, sheets: Sequence[Sheet] = SHEETS) -> Sheet | None:
    """Return the sheet that a sheet's title or a file's name means."""
    said = words(name)
    return next((sheet for sheet in sheets if said & {sheet.name, sheet.zh, sheet.table}), None)
