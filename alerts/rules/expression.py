"""Text → checked expression. Syntax is Python's, of which only what rules need is taken.

and or not · < <= > >= == != · in (a, b) · + - * / · abs(x) min(x, y) max(x, y) ·
known(x) certain(x) · code(93) once(93) · raised(30, 1, 2) · true false · columns, defined names,
and the names of an enumeration's values beside its column (`service_mode == inspection`).
"""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import cast

from alerts.rules import nodes as n
from alerts.rules.model import Column, Schema
from alerts.rules.tally import FORM, LONGEST_DAYS, MOST, name_of
from config.text import Text
from devices.vocabulary import Kind

LONGEST = 4000
_COMPARE = {
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!=",
}  # fmt: skip
_ARITH = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
_RULE_ID = re.compile(r"[A-Za-z0-9_.-]+")
FUNCTIONS = ("abs", "min", "max", "known", "certain", "code", "once", "raised")


class ExpressionError(Exception):
    """What is wrong in an expression, where (1-based column), and the way out."""

    def __init__(self, position: int, value: str, way_out: Text) -> None:
        self.position, self.value, self.way_out = position, value, way_out
        super().__init__(f"column {position}: {value}: {way_out.both()}")


@dataclass(frozen=True, slots=True)
class Typed:
    """A node with what it is: "truth", "number" or "enum"; unit None = fits any unit."""

    node: n.Node
    kind: str
    unit: str | None = None
    column: str = ""


def near(word: str, known: Iterable[str]) -> Text:
    """Return "did you mean …" for a word nobody knows."""
    words = sorted(set(known))
    close = difflib.get_close_matches(word, words, n=3, cutoff=0.6)
    if close:
        some = ", ".join(close)
        return Text(f"没有这个名称；是否想写：{some}", f"unknown name; did you mean {some}?")
    some = ", ".join(words[:60])
    return Text(f"没有这个名称；可用：{some}", f"unknown name; known are {some}")


class Parser:
    """Parses against one schema; remembers what it was given as defined names."""

    def __init__(self, schema: Schema, defines: Mapping[str, str] | None = None) -> None:
        self.schema = schema
        self._sources = dict(defines or {})
        self._defined: dict[str, Typed] = {}
        self._open: list[str] = []
        self._lines: list[str] = [""]

    def truth(self, source: str) -> n.Node:
        """Return the checked expression. Raises ExpressionError where it is no truth."""
        typed = self.parse(source)
        if typed.kind != "truth":
            raise ExpressionError(1, source, _need_truth(typed))
        return typed.node

    def parse(self, source: str) -> Typed:
        """Return node and type. Raises ExpressionError with position and way out."""
        if len(source) > LONGEST:
            way_out = Text(f"最多 {LONGEST} 个字符", f"at most {LONGEST} characters")
            raise ExpressionError(LONGEST, source[:40] + "…", way_out)
        outer, self._lines = self._lines, source.split("\n")
        try:
            tree = ast.parse(f"({source}\n)", mode="eval")
            return self._visit(tree.body)
        except SyntaxError as error:
            line = (error.lineno or 1) - 1
            before = sum(len(text) + 1 for text in self._lines[:line])
            column = max(before + (error.offset or 1) - (line == 0), 1)
            way_out = Text(f"表达式语法有误：{error.msg}", f"not an expression: {error.msg}")
            text = source.strip() or "(empty)"
            raise ExpressionError(min(column, len(source) + 1), text, way_out) from None
        except (RecursionError, MemoryError, ValueError):
            way_out = Text("嵌套过深或含非法字符", "nested too deeply, or a character not allowed")
            raise ExpressionError(1, source[:40] + "…", way_out) from None
        finally:
            self._lines = outer

    def defined(self, name: str) -> Typed:
        """Return a defined name, parsed once. Raises ExpressionError on a circle."""
        if name not in self._defined:
            if name in self._open:
                circle = " → ".join([*self._open[self._open.index(name) :], name])
                way_out = Text(f"定义互相引用：{circle}", f"defined in a circle: {circle}")
                raise ExpressionError(1, name, way_out)
            self._open.append(name)
            try:
                self._defined[name] = self.parse(self._sources[name])
            finally:
                self._open.pop()
        return self._defined[name]

    # -- one kind of syntax a method ------------------------------------------------------

    def _visit(self, at: ast.expr) -> Typed:
        match at:
            case ast.BoolOp():
                parts = tuple(self._truth(value) for value in at.values)
                both = isinstance(at.op, ast.And)
                return Typed(n.All(parts) if both else n.Any(parts), "truth")
            case ast.UnaryOp(op=ast.Not()):
                return Typed(n.Not(self._truth(at.operand)), "truth")
            case ast.UnaryOp(op=ast.USub()):
                value = self._number(at.operand)
                return Typed(_fold("-", n.Num(0.0), value.node), "number", value.unit)
            case ast.BinOp():
                return self._arith(at)
            case ast.Compare():
                return self._compare(at)
            case ast.Call():
                return self._call(at)
            case ast.Name():
                return self._name(at)
            case ast.Constant(value=bool()):
                return Typed(n.Truth(bool(at.value)), "truth")
            case ast.Constant(value=int() | float()):
                return Typed(n.Num(float(at.value)), "number")  # type: ignore[arg-type]
        way_out = Text(
            "规则只支持比较、and/or/not、+ - * /、in (…) 和函数 " + " ".join(FUNCTIONS),
            "rules know comparisons, and/or/not, + - * /, in (…) and " + " ".join(FUNCTIONS),
        )
        raise self._error(at, way_out)

    def _name(self, at: ast.Name) -> Typed:
        if at.id in ("true", "false"):
            return Typed(n.Truth(at.id == "true"), "truth")
        if at.id in self._sources:
            return self.defined(at.id)
        column = self.schema.get(at.id)
        if column is None:
            raise self._error(at, near(at.id, [*self.schema, *self._sources]))
        if column.kind is Kind.BOOL:
            return Typed(n.Flag(at.id), "truth", column=at.id)
        if column.kind is Kind.ENUM:
            return Typed(n.Col(at.id), "enum", column=at.id)
        return Typed(n.Col(at.id), "number", column.unit or None, at.id)

    def _arith(self, at: ast.BinOp) -> Typed:
        op = _ARITH.get(type(at.op))
        if op is None:
            raise self._error(at, Text("只支持 + - * /", "only + - * / are known"))
        left, right = self._number(at.left), self._number(at.right)
        if op in "+-":
            unit = self._same_unit(at, left, right)
        else:  # a factor without unit keeps the unit of the other; else nobody can tell
            unit = left.unit if right.unit is None else right.unit if op == "*" else None
            unit = unit if left.unit is None or right.unit is None else None
        return Typed(_fold(op, left.node, right.node), "number", unit)

    def _compare(self, at: ast.Compare) -> Typed:
        parts: list[n.Node] = []
        left = at.left
        for op, right in zip(at.ops, at.comparators, strict=True):
            if isinstance(op, ast.In | ast.NotIn):
                parts.append(self._is_in(left, op, right))
            else:
                parts.append(self._compare_two(at, left, op, right))
            left = right
        return Typed(parts[0] if len(parts) == 1 else n.All(tuple(parts)), "truth")

    def _compare_two(
        self, at: ast.Compare, left: ast.expr, op: ast.cmpop, right: ast.expr
    ) -> n.Node:
        symbol = _COMPARE.get(type(op))
        if symbol is None:
            raise self._error(at, Text("请写 == 或 !=", "write == or !="))
        side = self._enum_column(left)
        if side is not None:
            if symbol not in ("==", "!="):
                way_out = Text("枚举只能用 ==、!=、in", "an enumeration knows ==, != and in only")
                raise self._error(at, way_out)
            found = n.OneOf(side, (self._enum_value(side, right),))
            return found if symbol == "==" else n.Not(found)
        a, b = self._number(left), self._number(right)
        self._same_unit(at, a, b)
        self._countable(at, a.node, b.node)
        return n.Compare(symbol, a.node, b.node)

    def _countable(self, at: ast.expr, left: n.Node, right: n.Node) -> None:
        """A count that ends at 8 never reaches 9: say so now, not never."""
        sides = (left, right)
        counts = any(isinstance(x, n.Col) and x.name.startswith(FORM) for x in sides)
        if counts and any(isinstance(x, n.Num) and x.value > MOST for x in sides):
            way_out = Text(f"raised 最多数到 {MOST}", f"raised counts to {MOST} at most")
            raise self._error(at, way_out)

    def _is_in(self, left: ast.expr, op: ast.cmpop, right: ast.expr) -> n.Node:
        if not isinstance(right, ast.Tuple | ast.List | ast.Set):
            right = ast.copy_location(ast.Tuple([right], ast.Load()), right)
        side = self._enum_column(left)
        found: n.Node
        if side is not None:
            codes = {self._enum_value(side, item) for item in right.elts}
            found = n.OneOf(side, tuple(sorted(codes)))
        else:
            value = self._number(left)
            items = [self._number(item) for item in right.elts]
            found = n.Any(tuple(n.Compare("==", value.node, item.node) for item in items))
        return n.Not(found) if isinstance(op, ast.NotIn) else found

    def _call(self, at: ast.Call) -> Typed:
        name = at.func.id if isinstance(at.func, ast.Name) else ""
        if name not in FUNCTIONS:
            raise self._error(at, near(name or "?", FUNCTIONS))
        if at.keywords or not at.args:
            raise self._error(at, Text(f"请写 {name}(…)", f"write {name}(…)"))
        if name in ("min", "max"):
            items = [self._number(item) for item in at.args]
            unit = next((item.unit for item in items if item.unit is not None), None)
            for item in items:
                self._same_unit(at, Typed(item.node, "number", unit), item)
            return Typed(n.Pick(name, tuple(item.node for item in items)), "number", unit)
        if name == "raised":
            return self._raised(at)
        if len(at.args) != 1:
            raise self._error(at, Text(f"{name} 只有一个参数", f"{name} takes one argument"))
        if name in ("code", "once"):
            return self._code(at, name)
        if name == "abs":
            value = self._number(at.args[0])
            return Typed(n.Abs(value.node), "number", value.unit)
        if name == "certain":
            return Typed(n.Certain(self._truth(at.args[0])), "truth")
        return Typed(n.Known(self._visit(at.args[0]).node), "truth")

    def _code(self, at: ast.Call, name: str) -> Typed:
        number = at.args[0]
        column = f"{name}({ast.unparse(number)})"
        if column not in self.schema:
            known = [key for key in self.schema if key.startswith("code(")]
            listed = " ".join(key[5:-1] for key in known)
            way_out = Text(f"应为词表中的代码：{listed}", f"must be a message code: {listed}")
            raise self._error(number, way_out)
        return Typed(n.Flag(column), "truth", column=column)

    def _raised(self, at: ast.Call) -> Typed:
        days, *ids = [item.value if isinstance(item, ast.Constant) else None for item in at.args]
        whole = type(days) is int and 1 <= days <= LONGEST_DAYS
        known = all(type(one) in (int, str) and _RULE_ID.fullmatch(str(one)) for one in ids)
        if not whole or not ids or not known:
            way_out = Text(
                f"请写 raised(天数 1..{LONGEST_DAYS}, 规则编号, …)，如 raised(30, 1, 2, '16b')",
                f"write raised(days 1..{LONGEST_DAYS}, rule ids …), e.g. raised(30, 1, 2, '16b')",
            )
            raise self._error(at, way_out)
        name = name_of(cast(int, days), map(str, ids))
        return Typed(n.Col(name), "number", "", name)

    # -- types ----------------------------------------------------------------------------

    def _truth(self, at: ast.expr) -> n.Node:
        typed = self._visit(at)
        if typed.kind != "truth":
            raise self._error(at, _need_truth(typed))
        return typed.node

    def _number(self, at: ast.expr) -> Typed:
        typed = self._visit(at)
        if typed.kind != "number":
            name = typed.column or "…"
            way_out = (
                Text(f"这里需要数值；枚举请写 {name} == 值名", f"a number is needed here; "
                     f"an enumeration is compared by name: {name} == …")
                if typed.kind == "enum"
                else Text(f"这里需要数值；开关量请直接写 {name} 或 not {name}",
                          f"a number is needed here; a switch stands alone: {name}, not {name}")
            )  # fmt: skip
            raise self._error(at, way_out)
        return typed

    def _enum_column(self, at: ast.expr) -> str | None:
        if not isinstance(at, ast.Name) or at.id in self._sources:
            return None
        column = self.schema.get(at.id)
        return at.id if column is not None and column.kind is Kind.ENUM else None

    def _enum_value(self, name: str, at: ast.expr) -> int:
        column: Column = self.schema[name]
        codes = {value.name: code for code, value in column.values.items()}
        word = at.id if isinstance(at, ast.Name) else ast.unparse(at)
        if word not in codes:
            listed = ", ".join(codes)
            way_out = Text(f"{name} 的取值：{listed}", f"values of {name} are {listed}")
            raise self._error(at, way_out)
        return codes[word]

    def _same_unit(self, at: ast.expr, left: Typed, right: Typed) -> str | None:
        if left.unit is None or right.unit is None or left.unit == right.unit:
            return right.unit if left.unit is None else left.unit
        a, b = left.unit or "1", right.unit or "1"
        raise self._error(at, Text(f"单位不同：{a} 与 {b}", f"units differ: {a} and {b}"))

    def _error(self, at: ast.expr, way_out: Text) -> ExpressionError:
        row = at.lineno - 1
        line = self._lines[row] if row < len(self._lines) else ""
        ahead = line.encode()[: max(at.col_offset - (row == 0), 0)]  # ast counts bytes
        before = sum(len(text) + 1 for text in self._lines[:row])
        return ExpressionError(before + len(ahead.decode("utf-8", "ignore")) + 1,
                               ast.unparse(at), way_out)  # fmt: skip


def _fold(op: str, left: n.Node, right: n.Node) -> n.Node:
    """Compute numbers with numbers now, so `1.6 * 9.81` is rounded to float32 once."""
    if isinstance(left, n.Num) and isinstance(right, n.Num):
        a, b = left.value, right.value
        if op != "/" or b:
            return n.Num({"+": a + b, "-": a - b, "*": a * b, "/": a / b if b else 0.0}[op])
    return n.Arith(op, left, right)


def _need_truth(typed: Typed) -> Text:
    name = typed.column or "…"
    if typed.kind == "enum":
        return Text(f"这里需要真假；请写 {name} == 值名", f"a truth is needed: {name} == …")
    return Text(f"这里需要真假；请与数值比较，如 {name} >= 1",
                f"a truth is needed; compare with a number, e.g. {name} >= 1")  # fmt: skip
