"""Reading a mapping file. What is wrong with it is told with file, line, key, value, way out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path as File

import config
from config.text import Text
from config.toml_file import read_toml
from devices.codecs.mapping.model import Crossing, CsvForm, FieldRule, Mapping, check_together
from devices.codecs.mapping.paths import KEYED, shown
from devices.codecs.mapping.rules import (
    FIELD,
    MESSAGE,
    read_codes,
    read_field,
    read_lift,
    read_message,
    read_time_rule,
)
from devices.codecs.mapping.table import Table
from devices.codes import read_values
from devices.vocabulary import Vocabulary

FOLDER = File(config.__file__).parent / "defaults" / "maps"
_TOP = ("zh", "en", "topic", "gateway", "format", "quoted", "codes", "csv", "lift", "time",
        "field", "message", "constants")  # fmt: skip
_CSV = ("delimiter", "header", "columns", "encoding", "decimal")


def shipped() -> list[str]:
    """Return the names of the example maps that come with the service."""
    return sorted(file.stem for file in FOLDER.glob("*.toml"))


def find_mapping(name: str | File, vocab: Vocabulary) -> Mapping:
    """Read a mapping file given by path, or by the name of a shipped one. Raises ConfigError."""
    file = File(name) if File(name).is_file() else FOLDER / f"{name}.toml"
    return load_mapping(file if file.is_file() else File(name), vocab)


def load_mapping(file: File, vocab: Vocabulary) -> Mapping:
    """Read a mapping file. Raises ConfigError."""
    top = Table(file, "", read_toml(file), _TOP)
    csv = _csv(top) if top.word("format", "json", ("json", "csv")) == "csv" else None
    if csv is None and "csv" in top.data:
        way_out = Text('与 [csv] 并用须写 format = "csv"', '[csv] needs format = "csv"')
        raise top.wrong("format", top.data.get("format"), way_out)
    codes = read_codes(top, vocab)
    tables = top.tables("field", FIELD)
    fields = tuple(read_field(table, csv, top, codes, vocab) for table in tables)
    _check_channels(top, fields)
    topic = _topic(top)
    lift, time = read_lift(top, topic, fields, csv), read_time_rule(top, csv)
    tables = top.tables("message", MESSAGE)
    messages = tuple(read_message(table, csv, lift, time, codes, vocab) for table in tables)
    if not fields and not messages:
        way_out = Text(
            "至少需要一个 [[field]] 或 [[message]]", "needs a [[field]] or a [[message]]"
        )
        raise top.wrong("field", None, way_out)
    one = Mapping(
        file=file,
        name=file.stem,
        text=Text(top.word("zh", file.stem), top.word("en", file.stem)),
        topic=topic,
        gateway=top.word("gateway") if "gateway" in top.data else None,
        csv=csv,
        lift=lift,
        time=time,
        fields=fields,
        messages=messages,
        constants=_constants(top, vocab),
    )
    _check_rows(top, one)
    return one


def _topic(top: Table) -> str:
    topic = top.word("topic")
    levels = topic.split("/")
    named = [level for level in levels if "{" in level or "}" in level]
    fits = set(named) <= {"{gateway}", KEYED} and len(set(named)) == len(named)
    fits = fits and all("#" not in level for level in levels[:-1]) and levels[-1][:1] != "$"
    if not fits or any("+" in level and level != "+" for level in levels):
        way_out = Text(
            "如 vendor/{gateway}/{lift}/up：{gateway}、{lift} 至多各一层，+ 为任意一层，# 在末尾",
            "such as vendor/{gateway}/{lift}/up: {gateway} and {lift} once at most, each a whole "
            "level; + is any level, # only the last",
        )
        raise top.wrong("topic", topic, way_out)
    if ("{gateway}" in topic) == ("gateway" in top.data):
        way_out = Text(
            "主题含 {gateway}，或另写 gateway = \"网关名\"，二者取一",
            'either {gateway} in the topic, or gateway = "its id"',
        )  # fmt: skip
        raise top.wrong("gateway", top.data.get("gateway"), way_out)
    return topic


def _csv(top: Table) -> CsvForm:
    table = top.table("csv", _CSV)
    delimiter, decimal = table.word("delimiter", ","), table.word("decimal", ".", (".", ","))
    if len(delimiter) != 1 or delimiter in '\r\n"0123456789.-+eE' or delimiter == decimal:
        way_out = Text("应为一个字符，不同于小数点", "must be one sign, not that of decimals")
        raise table.wrong("delimiter", delimiter, way_out)
    header, columns = table.flag("header", "columns" not in table.data), table.data.get("columns")
    words = isinstance(columns, list) and all(isinstance(c, str) for c in columns)
    if columns is not None and (not words or len(set(columns)) != len(columns)):
        way_out = Text("应为不重复的列名", "must be names of columns, each once")
        raise table.wrong("columns", columns, way_out)
    if not header and columns is None:
        way_out = Text("没有表头时须列出 columns", "needed where there is no header")
        raise table.wrong("columns", None, way_out)
    encoding = table.word("encoding", "utf-8-sig")
    try:
        "".encode(encoding)
    except LookupError:
        way_out = Text("应为编码名，如 utf-8、gb18030", "an encoding such as utf-8 or gb18030")
        raise table.wrong("encoding", encoding, way_out) from None
    return CsvForm(delimiter, tuple(columns) if columns else None, header, encoding, decimal)


def _constants(top: Table, vocab: Vocabulary) -> dict[int, float]:
    table = top.table("constants", [channel.name for channel in vocab.channels])
    found = {}
    for name, raw in table.data.items():
        channel = vocab.by_name[name]
        value = read_values(table.file, "constants", {name: raw}, channel)[name]
        found[channel.index] = value
    return found


def _check_channels(top: Table, fields: Sequence[FieldRule]) -> None:
    seen: dict[str, FieldRule] = {}
    for rule, table in zip(fields, top.tables("field", FIELD), strict=True):
        other = seen.setdefault(rule.channel.name, rule)
        if other is not rule and not rule.fallback:
            way_out = Text(
                f"{rule.channel.name} 已由 {other.label} 给出；备用字段须标 fallback = true",
                f"{rule.channel.name} comes from {other.label}; mark a second one fallback = true",
            )
            raise table.wrong("channel", rule.channel.name, way_out)
        if other is rule and rule.fallback:
            way_out = Text(
                "前面须先有该通道的字段", "an earlier field of this channel must come first"
            )
            raise table.wrong("fallback", True, way_out)


def _check_rows(top: Table, one: Mapping) -> None:
    groups = [("field", one.sample_paths())] if one.fields else []
    groups += [("message", one.message_paths(rule)) for rule in one.messages]
    for key, paths in groups:
        try:
            check_together(paths)
        except Crossing as crossing:
            first, second = shown(crossing.one), shown(crossing.other)
            way_out = Text(
                f"{first} 与 {second} 不在同一数组上：无法确定哪些行属于一起",
                f"{first} and {second} run over different arrays: nobody can say which rows "
                f"belong together",
            )
            raise top.wrong(key, first, way_out) from None
