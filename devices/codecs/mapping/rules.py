"""The tables of a mapping file, one by one: fields, lift, time, messages."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from config.errors import ConfigError
from config.text import Text
from devices.codecs.mapping.model import (
    LIFT_KEYS,
    CsvForm,
    FieldRule,
    LiftRule,
    MessageRule,
    TimeRule,
    Values,
)
from devices.codecs.mapping.paths import KEYED, KEYED_STEP, Path, parse_path, shown
from devices.codecs.mapping.table import Table
from devices.codecs.mapping.times import EPOCH
from devices.codecs.mapping.units import conversion, units
from devices.codes import STATES, CodeMap, find_code_map, read_values
from devices.vocabulary import Channel, Kind, Vocabulary

LIFT = ("path", "is", "alias", "constant")
TIME = ("path", "format", "zone", "receipt")
FIELD = ("path", "channel", "scale", "offset", "unit", "values", "codes", "quoted", "fallback")
MESSAGE = ("path", "codes", "state", "states", "always", "ignore", "lift", "time", "prefix",
           "escalator_prefix")  # fmt: skip


def read_path(table: Table, key: str, csv: CsvForm | None) -> Path:
    """Return the path of a key; for CSV the name of a column. Raises ConfigError."""
    raw = table.word(key)
    if csv is not None:
        if csv.columns is not None and raw not in csv.columns:
            listed = ", ".join(csv.columns)
            way_out = Text(f"应为列名：{listed}", f"must be a column: {listed}")
            raise table.wrong(key, raw, way_out)
        return (raw,)
    try:
        return parse_path(raw)
    except ValueError as error:
        way_out = Text(
            f"如 data[*].v.speed；读到 ▸ 处为止：{error}",
            f"such as data[*].v.speed; not understood from ▸ on: {error}",
        )
        raise table.wrong(key, raw, way_out) from None


def read_codes(table: Table, vocab: Vocabulary) -> CodeMap | None:
    """Return the code map that a table names, None where it names none."""
    if "codes" not in table.data:
        return None
    return find_code_map(table.word("codes"), vocab, table.file.parent)


def read_field(
    table: Table, csv: CsvForm | None, top: Table, codes: CodeMap | None, vocab: Vocabulary
) -> FieldRule:
    """Return the rule of a [[field]]. Raises ConfigError."""
    name = table.word("channel")
    channel = vocab.by_name.get(name)
    if channel is None:
        near = table.near(name, [c.name for c in vocab.channels])
        way_out = Text(f"词汇表中没有此通道；相近：{near}", f"no such channel; near: {near}")
        raise table.wrong("channel", name, way_out)
    path = read_path(table, "path", csv)
    if path[-1] is KEYED_STEP:
        raise table.wrong("path", shown(path), Text("不能以 {lift} 结尾", "cannot end in {lift}"))
    unit = table.word("unit") if "unit" in table.data else None
    factor = conversion(channel, unit)
    if factor is None:
        listed = ", ".join(units(channel))
        raise table.wrong("unit", unit, Text(f"应为：{listed}", f"must be: {listed}"))
    quoted = table.flag("quoted", csv is not None or top.flag("quoted", False))
    own = read_codes(table, vocab) or codes
    by_text = _values(table, channel, own, str(path[-1]), quoted and csv is None)
    try:
        values = None if by_text is None else Values.of(by_text)
    except ValueError as error:
        way_out = Text(
            "1 与 true 含义不同，无法区分", "1 and true differ: they cannot be told apart"
        )
        raise table.wrong("values", str(error), way_out) from None
    scale, offset = table.number("scale", 1.0), table.number("offset", 0.0)
    if values is not None and (scale, offset, unit) != (1.0, 0.0, None):
        way_out = Text("values 与 scale、offset、unit 不能并用", "not together with values")
        raise table.wrong("scale", scale, way_out)
    return FieldRule(
        path=path,
        label=shown(path),
        channel=channel,
        scale=scale * factor[0],
        offset=offset * factor[0] + factor[1],
        values=values,
        quoted=quoted,
        of_rated=unit == "kg" and channel.unit == "% rated",
        fallback=table.flag("fallback", False),
        cells=csv is not None,
        comma=csv is not None and csv.decimal == ",",
    )


def _values(
    table: Table, channel: Channel, codes: CodeMap | None, last: str, quoted: bool
) -> dict[str, float] | None:
    if "values" in table.data:
        where = f"{table.name}.values"
        try:
            return read_values(table.file, where, table.data["values"], channel)
        except ConfigError as error:
            raise table.wrong("values", error.value, error.way_out, error.key) from None
    if codes is not None:
        for _, part in codes.parts():
            for one in part.fields:
                if one.channel == channel.name and one.name == last and one.values is not None:
                    return dict(one.values)
    return plain_values(channel, quoted)


def plain_values(channel: Channel, quoted: bool) -> dict[str, float] | None:
    """Return the table of a channel whose own numbers come as texts; None: no table is needed."""
    if not quoted or channel.kind not in (Kind.BOOL, Kind.ENUM):
        return None
    if channel.kind is Kind.BOOL:
        return {"0": 0.0, "1": 1.0, "false": 0.0, "true": 1.0}
    found = {str(code): float(code) for code in channel.values}
    return found | {value.name: float(code) for code, value in channel.values.items()}


def read_lift(top: Table, topic: str, fields: Sequence[FieldRule], csv: CsvForm | None) -> LiftRule:
    """Return how the lift is named. Raises ConfigError."""
    table = top.table("lift", LIFT)
    alias = table.data.get("alias", {})
    if not isinstance(alias, dict) or not all(isinstance(v, str) for v in alias.values()):
        way_out = Text(
            '应如 { "A-1" = "注册代码" }', 'must be like { "A-1" = "registration code" }'
        )
        raise table.wrong("alias", alias, way_out)
    key = table.word("is", "alias" if alias else "reg_code", LIFT_KEYS)
    keyed = [rule.path for rule in fields if KEYED_STEP in rule.path]
    level = topic.split("/").index(KEYED) if KEYED in topic else None
    path = read_path(table, "path", csv) if "path" in table.data else None
    if keyed:
        path = keyed[0][: keyed[0].index(KEYED_STEP) + 1]
    constant = table.word("constant") if "constant" in table.data else None
    given = [level is not None, "path" in table.data, constant is not None, bool(keyed)]
    if sum(given) != 1:
        way_out = Text(
            "电梯须且只能由一处给出：主题的 {lift}、路径中的 {lift}、lift.path 或 lift.constant",
            "the lift is named in exactly one place: {lift} in the topic, {lift} in the paths, "
            "lift.path, or lift.constant",
        )
        raise table.wrong("path", table.data.get("path"), way_out)
    return LiftRule(key, path, level, constant, alias)


def read_time_rule(top: Table, csv: CsvForm | None) -> TimeRule:
    """Return where time comes from. Raises ConfigError."""
    table = top.table("time", TIME)
    zone = _zone(table)
    if table.flag("receipt", False):
        return TimeRule(None, "ms", zone)
    if "path" not in table.data:
        way_out = Text(
            "写明时间字段 path；确实没有时写 receipt = true（补发的数据将失去时间）",
            "name the field; where there is none say receipt = true (what is sent later then "
            "loses its time)",
        )
        raise table.wrong("path", None, way_out)
    return TimeRule(read_path(table, "path", csv), _format(table), zone)


def _zone(table: Table) -> ZoneInfo:
    try:
        return ZoneInfo(table.word("zone", "UTC"))
    except (KeyError, ValueError, OSError):
        way_out = Text("应为 IANA 时区名，如 Asia/Shanghai", "an IANA zone such as Asia/Shanghai")
        raise table.wrong("zone", table.data.get("zone"), way_out) from None


def _format(table: Table) -> str:
    text = table.word("format", "ms")
    if text not in (*EPOCH, "iso") and "%" not in text:
        way_out = Text(
            "应为 ms、s、us、iso 或 strftime 格式，如 %Y-%m-%d %H:%M:%S",
            "must be ms, s, us, iso, or a strftime pattern such as %Y-%m-%d %H:%M:%S",
        )
        raise table.wrong("format", text, way_out)
    return text


def read_message(
    table: Table, csv: CsvForm | None, lift: LiftRule, time: TimeRule, codes: CodeMap | None,
    vocab: Vocabulary,
) -> MessageRule:  # fmt: skip
    """Return the rule of a [[message]]. Raises ConfigError."""
    path = read_path(table, "path", csv)
    state = read_path(table, "state", csv) if "state" in table.data else None
    states = table.data.get("states", {name: name for name in STATES})
    if not isinstance(states, dict) or not set(states.values()) <= set(STATES):
        way_out = Text(
            '应如 { "1" = "on", "0" = "off" }', 'must be like { "1" = "on", "0" = "off" }'
        )
        raise table.wrong("states", states, way_out)
    ignored = table.data.get("ignore", [])
    if not isinstance(ignored, list):
        raise table.wrong("ignore", ignored, Text('应如 ["0"]', 'must be like ["0"]'))
    if "lift" in table.data:
        lift = LiftRule(lift.key, read_path(table, "lift", csv), None, None, lift.alias)
    if "time" in table.data:
        time = TimeRule(read_path(table, "time", csv), time.format, time.zone)
    prefix = table.word("prefix", "")
    return MessageRule(
        path,
        shown(path),
        read_codes(table, vocab) or codes,
        lift,
        time,
        state,
        states,
        table.word("always", "once", STATES),
        frozenset(map(str, ignored)),
        prefix,
        table.word("escalator_prefix", prefix),
    )
