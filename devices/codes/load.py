"""Reading a code map; whatever in it is ambiguous is an error that names both sides."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import config
from config.errors import ConfigError
from config.text import Text
from config.toml_file import read_toml
from devices.codes.model import STATES, Code, CodeMap, FieldMap, MessageFields, OpenCode, Part
from devices.vocabulary import Channel, Kind, Vocabulary

FOLDER = Path(config.__file__).parent / "defaults" / "codes"
_KEYS = {
    "platform", "zh", "en", "version", "base", "source", "confirm_zh", "confirm_en", "topic",
    "width", "quoted", "lift", "time", "time_format", "zone", "no_fault", "code", "open",
    "status", "escalator", "statistics", "message",
}  # fmt: skip
_CODE = {"theirs", "ours", "also", "preferred", "zh", "en"}
_OPEN = {"theirs", "zh", "en", "ours"}
_FIELD = {"name", "channel", "values", "preferred", "fallback", "unit"}
_MESSAGE = {"code", "time", "state", "states", "several", "prefix", "escalator_prefix"}
_NEEDED = ("platform", "zh", "en", "version", "source", "topic", "lift", "time", "time_format",
           "zone")  # fmt: skip
Json = dict[str, Any]


def shipped() -> list[str]:
    """Return the platforms whose maps come with the service."""
    return sorted(file.stem for file in FOLDER.glob("*.toml"))


def find_code_map(name: str, vocab: Vocabulary, folder: Path | None = None) -> CodeMap:
    """Return a map by the name of a shipped one, or by a path from `folder`.

    Raises ConfigError that lists the shipped ones.
    """
    places = [FOLDER / f"{name}.toml", (folder or Path()) / name]
    file = next((place for place in places if place.is_file()), None)
    if file is None:
        listed = ", ".join(shipped())
        way_out = Text(
            f"应为码表文件，或其中之一：{listed}", f"a file of codes, or one of: {listed}"
        )
        raise ConfigError(places[1], "codes", name, way_out)
    return load_code_map(file, vocab)


def load_code_map(file: Path, vocab: Vocabulary) -> CodeMap:
    """Read a map and check it. Raises ConfigError with file, key, value and what would be right."""
    data = read_toml(file)
    _only(file, "", data, _KEYS)
    if "base" in data:
        base = read_toml(FOLDER / f"{data['base']}.toml")
        data = {k: v for k, v in base.items() if k not in ("code", "open")} | data
    for key in _NEEDED:
        if not isinstance(data.get(key), str) or not data[key]:
            raise ConfigError(file, key, data.get(key), Text("应为文字", "must be text"))
    codes = tuple(_code(file, i, row, vocab) for i, row in enumerate(_rows(file, data, "code")))
    opened = tuple(_open(file, i, row) for i, row in enumerate(_rows(file, data, "open")))
    _check_codes(file, codes, opened)
    zh, en = data.get("confirm_zh"), data.get("confirm_en")
    return CodeMap(
        file=file,
        platform=data["platform"],
        text=Text(data["zh"], data["en"]),
        version=data["version"],
        source=data["source"],
        confirm=Text(zh, en) if zh and en else None,
        codes=codes,
        open=opened,
        no_fault=tuple(data.get("no_fault", ())),
        width=int(data.get("width", 0)),
        quoted=bool(data.get("quoted", False)),
        topic=data["topic"],
        lift=data["lift"],
        time_format=data["time_format"],
        zone=data["zone"],
        status=_part(file, "status", data, vocab),
        escalator=_part(file, "escalator", data, vocab),
        statistics=_part(file, "statistics", data, vocab),
        message=_message(file, data),
    )


def _only(file: Path, where: str, data: object, keys: set[str]) -> None:
    if not isinstance(data, dict):
        raise ConfigError(file, where, data, Text("应为表", "must be a table"))
    for key in data:
        if key not in keys:
            listed = ", ".join(sorted(keys))
            way_out = Text(f"可用的键：{listed}", f"keys: {listed}")
            raise ConfigError(file, f"{where}.{key}".lstrip("."), data[key], way_out)


def _rows(file: Path, data: Json, key: str) -> list[Json]:
    rows = data.get(key, [])
    if not isinstance(rows, list):
        raise ConfigError(file, key, rows, Text("应为数组", "must be an array"))
    return rows


def _text(row: Json) -> Text | None:
    return Text(row["zh"], row["en"]) if row.get("zh") and row.get("en") else None


def _code(file: Path, i: int, row: Json, vocab: Vocabulary) -> Code:
    where = f"code[{i}]"
    _only(file, where, row, _CODE)
    theirs, ours, also = row.get("theirs"), row.get("ours"), row.get("also", [])
    if not isinstance(theirs, str) or not theirs:
        way_out = Text('应为带引号的代码，如 "08"', 'must be a code in quotes, such as "08"')
        raise ConfigError(file, f"{where}.theirs", theirs, way_out)
    for one in (ours, *also):
        if one not in vocab.messages:
            way_out = Text("应为 messages.toml 中的代码", "must be a code of messages.toml")
            raise ConfigError(file, f"{where}.ours ({theirs})", one, way_out)
    return Code(theirs, int(row["ours"]), tuple(also), bool(row.get("preferred")), _text(row))


def _open(file: Path, i: int, row: Json) -> OpenCode:
    where = f"open[{i}]"
    _only(file, where, row, _OPEN)
    text, theirs = _text(row), row.get("theirs")
    if text is None or not isinstance(theirs, str):
        way_out = Text("需要 theirs、zh、en", "needs theirs, zh, en")
        raise ConfigError(file, where, theirs, way_out)
    return OpenCode(theirs, text, tuple(row.get("ours", ())))


def _check_codes(file: Path, codes: Sequence[Code], opened: Sequence[OpenCode]) -> None:
    ours_of: dict[str, int] = {}
    for code in codes:
        if code.theirs in ours_of:
            both = f"{ours_of[code.theirs]} / {code.ours}"
            way_out = Text(
                f"一个代码只能有一个含义，这里有 {both}；无法确定时移入 open",
                f"one code means one thing, here {both}; move it to open where nobody knows",
            )
            raise ConfigError(file, "code.theirs", code.theirs, way_out)
        ours_of[code.theirs] = code.ours
    for one in opened:
        if one.theirs in ours_of:
            way_out = Text("已在 code 中：二者只能取一", "stands in code too: keep one of them")
            raise ConfigError(file, "open.theirs", one.theirs, way_out)
    _check_back(file, codes)


def _check_back(file: Path, codes: Sequence[Code]) -> None:
    told: dict[int, list[Code]] = {}
    for code in codes:
        told.setdefault(code.ours, []).append(code)
    for ours, those in told.items():
        if len(those) > 1 and sum(code.preferred for code in those) != 1:
            listed = ", ".join(code.theirs for code in those)
            way_out = Text(
                f"我方 {ours} 对应多个代码 {listed}：恰好一个标 preferred = true",
                f"ours {ours} is told by {listed}: mark exactly one preferred = true",
            )
            raise ConfigError(file, "code.preferred", ours, way_out)
    seen: dict[int, str] = {}
    for code in codes:
        for ours in code.also:
            other = seen.setdefault(ours, code.theirs)
            if ours in told or other != code.theirs:
                also = told[ours][0].theirs if ours in told else other
                way_out = Text(
                    f"我方 {ours} 已由 {also} 表示", f"ours {ours} is told by {also} already"
                )
                raise ConfigError(file, f"code.also ({code.theirs})", ours, way_out)


def _part(file: Path, name: str, data: Json, vocab: Vocabulary) -> Part:
    table = data.get(name, {})
    _only(file, name, table, {"field", "time"})
    fields: list[FieldMap] = []
    taken: dict[str, str] = {}
    for i, row in enumerate(_rows(file, table, "field")):
        where = f"{name}.field[{i}]"
        _only(file, where, row, _FIELD)
        one = _field(file, where, row, vocab)
        other = taken.setdefault(one.channel, one.name)
        if other != one.name and not one.fallback:
            way_out = Text(
                f"{one.channel} 已由 {other} 给出；备用字段须标 fallback = true",
                f"{one.channel} comes from {other}; mark the second one fallback = true",
            )
            raise ConfigError(file, f"{where}.channel", one.name, way_out)
        fields.append(one)
    return Part(tuple(fields), table.get("time", data["time"]))


def _field(file: Path, where: str, row: Json, vocab: Vocabulary) -> FieldMap:
    name, channel = row.get("name"), vocab.by_name.get(str(row.get("channel")))
    if channel is None or not isinstance(name, str):
        way_out = Text("需要 name 与词汇表中的 channel", "needs name, and a channel we know")
        raise ConfigError(file, f"{where}.channel", row.get("channel"), way_out)
    if "values" not in row:
        return FieldMap(name, channel.name, None, None, bool(row.get("fallback")), row.get("unit"))
    values = read_values(file, f"{where}.values", row["values"], channel)
    back = _back(file, where, values, row.get("preferred", []), channel)
    return FieldMap(name, channel.name, values, back, bool(row.get("fallback")), row.get("unit"))


def read_values(file: Path, where: str, raw: object, channel: Channel) -> dict[str, float]:
    """Return their values → ours: a name of the channel, true or false, a number, "" for nothing.

    Raises ConfigError.
    """
    if not isinstance(raw, dict) or not raw:
        way_out = Text('应如 { "1" = "up" }', 'must be like { "1" = "up" }')
        raise ConfigError(file, where, raw, way_out)
    names: dict[object, float] = {v.name: float(code) for code, v in channel.values.items()}
    found = {}
    for theirs, ours in raw.items():
        value = math.nan
        if ours == "":
            found[theirs] = value
            continue
        if isinstance(ours, bool):
            value = float(ours) if channel.kind is Kind.BOOL else math.nan
        elif isinstance(ours, str):
            value = names.get(ours, math.nan)
        elif isinstance(ours, int | float) and channel.lo <= ours <= channel.hi:
            value = float(ours)
        if math.isnan(value):
            right = " | ".join(map(str, names)) or channel.limit
            way_out = Text(
                f'应为 {right}，或 ""（不表示任何值）', f'must be {right}, or "" for nothing'
            )
            raise ConfigError(file, f"{where}.{theirs}", ours, way_out)
        found[theirs] = value
    return found


def _back(
    file: Path, where: str, values: Mapping[str, float], preferred: object, channel: Channel
) -> dict[float, str]:
    wanted = set(preferred) if isinstance(preferred, list) else set()
    for theirs in wanted - set(values):
        raise ConfigError(
            file, f"{where}.preferred", theirs, Text("应为 values 的键", "must be a key of values")
        )
    told: dict[float, list[str]] = {}
    for theirs, ours in values.items():
        if not math.isnan(ours):
            told.setdefault(ours, []).append(theirs)
    back = {}
    for ours, those in told.items():
        best = [theirs for theirs in those if theirs in wanted] if len(those) > 1 else those
        if len(best) != 1:
            listed = ", ".join(those)
            way_out = Text(
                f"{channel.name} = {ours:g} 对应 {listed}：在 preferred 中恰好列出一个",
                f"{channel.name} = {ours:g} is told by {listed}: list exactly one in preferred",
            )
            raise ConfigError(file, f"{where}.preferred", sorted(wanted), way_out)
        back[ours] = best[0]
    return back


def _message(file: Path, data: Json) -> MessageFields:
    table = data.get("message", {})
    _only(file, "message", table, _MESSAGE)
    if not isinstance(table.get("code"), str):
        raise ConfigError(file, "message.code", table.get("code"), Text("应为字段名", "a field"))
    states = table.get("states", {state: state for state in STATES})
    for theirs, ours in states.items():
        if ours not in STATES:
            way_out = Text("应为 on、off 或 once", "must be on, off or once")
            raise ConfigError(file, f"message.states.{theirs}", ours, way_out)
    prefix = table.get("prefix", "")
    return MessageFields(
        table["code"],
        table.get("time", data["time"]),
        table.get("state"),
        states,
        bool(table.get("several", False)),
        prefix,
        table.get("escalator_prefix", prefix),
    )
