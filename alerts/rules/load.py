"""rules.toml → RuleSet; everything is checked before the first sample arrives."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import config
from alerts.model import RuleMeta
from alerts.rules import nodes
from alerts.rules.expression import ExpressionError, Parser, near
from alerts.rules.model import Rule, RuleError, RuleSet, Schema
from alerts.rules.tally import count_of
from config.text import Text

DEFAULT_RULES = Path(config.__file__).parent / "defaults" / "rules.toml"
SEVERITIES = ("critical", "major", "minor", "info")
GROUPS = ("", "car", "feeder", "gateway")
LONGEST_HOLD_S = 30 * 86400.0
LONGEST_CRITICAL_HOLD_S = 120.0  # nobody may make a trapped passenger wait longer to be seen
LONGEST_CLEAR_S = 7 * 86400.0
MOST_SAMPLES = 50
_KEYS = (
    "id", "name_zh", "name_en", "when", "at_once", "hold_s", "seen_s", "clear_s", "min_samples",
    "severity", "severity_with_people", "chain", "chain_with_people", "latched",
    "manual_reset", "suppressed_by", "group", "code", "bell", "inhibits",
)  # fmt: skip


Overlay = Mapping[str, Mapping[str, Any]]
NO_OVERLAY: Overlay = {}


def overlaid(table: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return a [[rule]] table with other values; None leaves a key out, so its default holds."""
    return {key: value for key, value in {**table, **changes}.items() if value is not None}


class _File:
    """One rule file while it is read; knows how to refuse."""

    def __init__(self, path: Path | str, text: str) -> None:
        self.path, self.text = path, text

    def line_of(self, part: object) -> int | None:
        """Return the line where a value first stands, if it can be found."""
        first = str(part).strip().split("\n")[0]
        at = self.text.find(first) if first else -1
        return None if at < 0 else self.text.count("\n", 0, at) + 1

    def refuse(
        self, rule: str, key: str, value: object, way_out: Text, position: int | None = None,
        near_text: object = None,
    ) -> RuleError:  # fmt: skip
        line = self.line_of(near_text) if near_text is not None else None
        return RuleError(self.path, rule, key, value, way_out, position=position, line=line)


class _Row:
    """One [[rule]] table; each getter checks type and bounds."""

    def __init__(self, file: _File, row: Mapping[str, Any], number: int) -> None:
        self.file, self.row = file, row
        self.id = str(row.get("id", f"#{number}"))
        for key in row:
            if key not in _KEYS:
                raise file.refuse(self.id, key, row[key], near(key, _KEYS))

    def refuse(self, key: str, way_out: Text) -> RuleError:
        """Return the error for the value under this key."""
        return self.file.refuse(self.id, key, self.row.get(key), way_out,
                                near_text=f'id = "{self.id}"')  # fmt: skip

    def text(self, key: str, default: str | None = None) -> str:
        """Return a string; without default it must be there and not be empty."""
        value = self.row.get(key, default)
        if not isinstance(value, str) or (default is None and not value.strip()):
            raise self.refuse(key, Text("需要非空字符串", "needs a string that is not empty"))
        return value

    def one_of(self, key: str, allowed: tuple[str, ...], default: str | None) -> str | None:
        """Return one of the allowed words."""
        value = self.row.get(key, default)
        if value is not None and value not in allowed:
            words = ", ".join(word or '""' for word in allowed)
            raise self.refuse(key, Text(f"应为：{words}", f"must be one of {words}"))
        return value  # type: ignore[no-any-return]

    def number(self, key: str, default: float, lo: float, hi: float) -> float:
        """Return a number within bounds."""
        value = self.row.get(key, default)
        fits = isinstance(value, int | float) and not isinstance(value, bool)
        if not fits or not lo <= value <= hi:
            way_out = Text(f"应为 {lo:g}..{hi:g} 的数值", f"must be a number within {lo:g}..{hi:g}")
            raise self.refuse(key, way_out)
        return float(value)

    def words(self, key: str) -> tuple[str, ...]:
        """Return a list of strings, empty where the key is absent."""
        value = self.row.get(key, [])
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise self.refuse(key, Text('应为 ["15", "17"]', 'must be like ["15", "17"]'))
        return tuple(value)

    def flag(self, key: str, default: bool = False) -> bool:
        """Return true or false."""
        value = self.row.get(key, default)
        if not isinstance(value, bool):
            raise self.refuse(key, Text("应为 true 或 false", "must be true or false"))
        return value

    def expression(self, key: str, parser: Parser) -> nodes.Node | None:
        """Return the checked expression under this key, None where the key is absent."""
        if key not in self.row:
            return None
        source = self.text(key)
        try:
            return parser.truth(source)
        except ExpressionError as error:
            raise self.file.refuse(
                self.id, key, error.value, error.way_out, error.position, source
            ) from None


def _defines(file: _File, table: object, schema: Schema) -> tuple[Parser, dict[str, nodes.Node]]:
    if not isinstance(table, Mapping) or not all(isinstance(v, str) for v in table.values()):
        way_out = Text('应为：名称 = "表达式"', 'must be: name = "expression"')
        raise file.refuse("", "define", table, way_out)
    for name, source in table.items():
        if name in schema or not str(name).isidentifier():
            way_out = Text(
                "名称已是通道，或不是合法标识符", "is a column already, or no identifier"
            )
            raise file.refuse("", f"define.{name}", source, way_out, near_text=source)
    parser = Parser(schema, table)
    found = {}
    for name, source in table.items():
        try:
            found[name] = parser.defined(name).node
        except ExpressionError as error:
            raise file.refuse(
                "", f"define.{name}", error.value, error.way_out, error.position, source
            ) from None
    return parser, found


def _rule(row: _Row, parser: Parser, schema: Schema) -> Rule:
    text = Text(row.text("name_zh"), row.text("name_en"))
    severity = row.one_of("severity", SEVERITIES, "minor") or "minor"
    longest = LONGEST_CRITICAL_HOLD_S if severity == "critical" else LONGEST_HOLD_S
    code = None
    if "code" in row.row:
        code = int(row.number("code", 0, 0, 2**31 - 1))
        if f"code({code})" not in schema:
            raise row.refuse("code", Text("词表中没有该代码", "is no code of the vocabulary"))
    meta = RuleMeta(
        id=row.text("id"),
        text=text,
        severity=severity,
        severity_with_people=row.one_of("severity_with_people", SEVERITIES, None),
        chain=row.text("chain", "F"),
        chain_with_people=row.text("chain_with_people", "") or None,
        latched=row.flag("latched"),
        manual_reset=row.flag("manual_reset"),
        group=row.one_of("group", GROUPS, "") or "",
        code=code,
        bell=row.flag("bell", True),
        inhibits=row.words("inhibits"),
    )
    row.text("when")
    when = row.expression("when", parser)
    assert when is not None
    at_once, suppressed = (row.expression(k, parser) for k in ("at_once", "suppressed_by"))
    hold_s = row.number("hold_s", 0, 0, longest)
    names: dict[str, None] = {}
    for part in (when, at_once, suppressed):
        names.update(dict.fromkeys(nodes.names(part) if part is not None else ()))
    return Rule(
        id=meta.id,
        text=text,
        source=row.text("when"),
        when=when,
        at_once=at_once,
        suppressed_by=suppressed,
        hold_s=hold_s,
        seen_s=row.number("seen_s", hold_s, 0, hold_s),
        clear_s=row.number("clear_s", 0, 0, LONGEST_CLEAR_S),
        min_samples=int(row.number("min_samples", 1, 1, MOST_SAMPLES)),
        meta=meta,
        names=tuple(names),
        time_driven=any(count_of(name) or schema[name].time_driven for name in names),
        bell=meta.bell,
    )


def tables_of(text: str, file: Path | str = "rules.toml") -> dict[str, Any]:
    """Return a rule file as TOML has it. Raises RuleError where it is none."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        way_out = Text(f"TOML 语法有误：{error}", f"not TOML: {error}")
        raise RuleError(file, "", "TOML", "", way_out) from None


def parse_rules(
    text: str, schema: Schema, file: Path | str = "rules.toml", overlay: Overlay = NO_OVERLAY
) -> RuleSet:
    """Return the rules of a TOML text. Raises RuleError for the first thing that is wrong.

    `overlay`: by rule id, keys that have another value than in the text; None: left out.
    """
    source, data = _File(file, text), tables_of(text, file)
    for key in data:
        if key not in ("version", "define", "rule"):
            raise source.refuse("", key, data[key], near(key, ("version", "define", "rule")))
    parser, defines = _defines(source, data.get("define", {}), schema)
    tables = data.get("rule", [])
    if not isinstance(tables, list) or not all(isinstance(row, Mapping) for row in tables):
        raise source.refuse("", "rule", tables, Text("应为 [[rule]]", "must be [[rule]] tables"))
    rules: dict[str, Rule] = {}
    for number, table in enumerate(tables, start=1):
        row = _Row(source, overlaid(table, overlay.get(str(table.get("id")), {})), number)
        rule = _rule(row, parser, schema)
        if rule.id in rules:
            raise row.refuse("id", Text("规则编号重复", "this rule id stands twice"))
        rules[rule.id] = rule
    for rule in rules.values():
        _check_counted(source, rule, rules)
        _check_inhibited(source, rule, rules)
    if not rules:
        raise RuleError(file, "", "rule", "", Text("没有任何规则", "there is no [[rule]] in it"))
    return RuleSet(tuple(rules.values()), str(file), defines)


def _check_counted(file: _File, rule: Rule, rules: Mapping[str, Rule]) -> None:
    """raised(30, 1, 2) may name only rules of this file, and not the rule itself."""
    for count in filter(None, map(count_of, rule.names)):
        for ident in count.rules:
            if ident == rule.id:
                way_out = Text("规则不能数自己", "a rule cannot count itself")
            elif ident not in rules:
                way_out = near(ident, rules)
            else:
                continue
            raise file.refuse(rule.id, "when", f"raised(… {ident} …)", way_out, None, rule.source)


def _check_inhibited(file: _File, rule: Rule, rules: Mapping[str, Rule]) -> None:
    """`inhibits` may name only other rules of this file that are not critical."""
    for ident in rule.meta.inhibits:
        if ident not in rules:
            way_out = near(ident, rules)
        elif ident == rule.id or rules[ident].meta.severity == "critical":
            way_out = Text(
                "不能抑制自己，也不能抑制紧急规则", "may be neither itself nor a critical rule"
            )
        else:
            continue
        near_text = f'id = "{rule.id}"'
        raise file.refuse(rule.id, "inhibits", ident, way_out, near_text=near_text)


def load_rules(path: Path, schema: Schema) -> RuleSet:
    """Read and check a rule file (UTF-8 TOML).

    Raises RuleError with file, rule, key, position, value and the way out in both languages:
    unknown name, wrong type, unit or bound, circle of definitions, double id, no TOML.
    """
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        way_out = Text("无法读取规则文件", "the rule file cannot be read")
        raise RuleError(path, "", "file", str(error), way_out) from None
    return parse_rules(text, schema, path)
