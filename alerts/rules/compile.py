"""Checked expressions → a flat program of numpy calls. Equal parts are computed once a run.

Kleene's logic without a third value: each truth has two programs, "definitely true" and
"definitely false". NaN makes both comparisons of a pair false, which is "unknown". What is
asked of every sample is one list without branches; the rest is computed only when asked,
that is falsehood, which matters only where an alert stands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alerts.rules import nodes as n
from alerts.rules.model import Columns

Array = NDArray[Any]
Call = Callable[..., Any]
NONE = -1
_TEST: dict[str, Call] = {
    "<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal,
    "==": np.equal,
}  # fmt: skip
_OPPOSITE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}


def _divide(above: Array, below: Array) -> Array:
    result: Array = above / np.where(below == 0, np.float32(np.nan), below)
    return result


_ARITH: dict[str, Call] = {"+": np.add, "-": np.subtract, "*": np.multiply, "/": _divide}


@dataclass(frozen=True, slots=True)
class _Op:
    """slot ← call(slots[a], slots[b]); b NONE: one argument."""

    call: Call
    a: int
    b: int


class Run:
    """One evaluation over k lifts."""

    __slots__ = ("_ops", "slots")

    def __init__(self, slots: list[Array | None], ops: list[_Op | None]) -> None:
        self.slots, self._ops = slots, ops

    def get(self, slot: int) -> Array:
        """Return the value of a slot, computing what it needs."""
        value = self.slots[slot]
        if value is None:
            op = self._ops[slot]
            assert op is not None
            a = self.get(op.a)
            value = op.call(a) if op.b == NONE else op.call(a, self.get(op.b))
            self.slots[slot] = value
        return value


class Compiler:
    """Turns expressions into slots of one shared program."""

    def __init__(self) -> None:
        self._slot_of: dict[tuple[str, n.Node], int] = {}
        self._ops: list[_Op | None] = []
        self._start: list[Array | None] = []
        self._names: list[tuple[int, str]] = []
        self._always: list[tuple[int, Call, int, int]] = []
        self._zero = self._constant(("zero", n.Num(0.0)), np.float32(0))

    def run(self, columns: Columns, always: bool = True) -> Run:
        """Evaluate over these columns; call inside np.errstate(all="ignore")."""
        slots = self._start.copy()
        for slot, name in self._names:
            slots[slot] = columns[name]
        if always:
            for slot, call, a, b in self._always:
                slots[slot] = call(slots[a]) if b == NONE else call(slots[a], slots[b])
        return Run(slots, self._ops)

    def always(self, roots: Iterable[int]) -> None:
        """Name the slots that every run needs; they and their parts become the flat list."""
        needed: set[int] = set()
        todo = list(roots)
        while todo:
            slot = todo.pop()
            op = self._ops[slot]
            if op is not None and slot not in needed:
                needed.add(slot)
                todo += [part for part in (op.a, op.b) if part != NONE]
        found = [(slot, self._ops[slot]) for slot in sorted(needed)]  # parts have lower numbers
        self._always = [(slot, op.call, op.a, op.b) for slot, op in found if op is not None]

    def true(self, node: n.Node) -> int:
        """Return the slot of bool[k]: definitely true (a single bool for a constant)."""
        return self._shared("true", node)

    def false(self, node: n.Node) -> int:
        """Return the slot of bool[k]: definitely false (a single bool for a constant)."""
        return self._shared("false", node)

    # -- building -------------------------------------------------------------------------

    def _shared(self, want: str, node: n.Node) -> int:
        key = (want, node)
        if key not in self._slot_of:
            make = {"true": self._true, "false": self._false, "number": self._number}[want]
            self._slot_of[key] = make(node)
        return self._slot_of[key]

    def _op(self, call: Call, a: int, b: int = NONE) -> int:
        self._ops.append(_Op(call, a, b))
        self._start.append(None)
        return len(self._ops) - 1

    def _constant(self, key: tuple[str, n.Node], value: Any) -> int:
        if key not in self._slot_of:
            self._ops.append(None)
            self._start.append(value)
            self._slot_of[key] = len(self._ops) - 1
        return self._slot_of[key]

    def _column(self, name: str) -> int:
        key = ("column", n.Col(name))
        if key not in self._slot_of:
            self._ops.append(None)
            self._start.append(None)
            self._slot_of[key] = len(self._ops) - 1
            self._names.append((self._slot_of[key], name))
        return self._slot_of[key]

    def _number(self, node: n.Node) -> int:
        match node:
            case n.Num(value):
                return self._constant(("constant", node), np.float32(value))
            case n.Col(name) | n.Flag(name):
                return self._column(name)
            case n.Abs(of):
                return self._op(np.abs, self._shared("number", of))
            case n.Arith(op, left, right):
                a, b = self._shared("number", left), self._shared("number", right)
                return self._op(_ARITH[op], a, b)
            case n.Pick(op, of):
                pick: Call = np.minimum if op == "min" else np.maximum
                return self._fold(pick, [self._shared("number", item) for item in of])
        raise TypeError(node)

    def _true(self, node: n.Node) -> int:
        match node:
            case n.Flag(name):
                return self._op(np.greater, self._column(name), self._zero)
            case n.Truth(value):
                return self._constant(("truth", node), np.bool_(value))
            case n.Compare(op, left, right):
                return self._compare(op, left, right)
            case n.OneOf(name, codes):
                column = self._column(name)
                each = [self._op(np.equal, column, self._shared("number", n.Num(code)))
                        for code in codes]  # fmt: skip
                return self._fold(np.logical_or, each)
            case n.Not(of):
                return self.false(of)
            case n.All(of):
                return self._fold(np.logical_and, [self.true(item) for item in of])
            case n.Any(of):
                return self._fold(np.logical_or, [self.true(item) for item in of])
            case n.Known(of):
                return self._known(of)
            case n.Certain(of):
                return self.true(of)
        raise TypeError(node)

    def _false(self, node: n.Node) -> int:
        match node:
            case n.Flag(name):
                return self._op(np.equal, self._column(name), self._zero)
            case n.Truth(value):
                return self._constant(("truth", n.Truth(not value)), np.bool_(not value))
            case n.Compare(op, left, right):
                return self._compare(_OPPOSITE[op], left, right)
            case n.OneOf(name):  # NaN is no code and differs from itself
                column = self._column(name)
                other = self._op(np.logical_not, self.true(node))
                return self._op(np.logical_and, other, self._op(np.equal, column, column))
            case n.Not(of):
                return self.true(of)
            case n.All(of):
                return self._fold(np.logical_or, [self.false(item) for item in of])
            case n.Any(of):
                return self._fold(np.logical_and, [self.false(item) for item in of])
            case n.Known() | n.Certain():
                return self._op(np.logical_not, self.true(node))
        raise TypeError(node)

    def _compare(self, op: str, left: n.Node, right: n.Node) -> int:
        a, b = self._shared("number", left), self._shared("number", right)
        if op == "!=":  # NaN != x is true in numpy, unknown here
            less, more = self._op(np.less, a, b), self._op(np.greater, a, b)
            return self._op(np.logical_or, less, more)
        return self._op(_TEST[op], a, b)

    def _known(self, of: n.Node) -> int:
        if isinstance(of, n.Flag | n.Col | n.Num | n.Abs | n.Arith | n.Pick):
            value = self._shared("number", of)
            return self._op(np.equal, value, value)
        return self._op(np.logical_or, self.true(of), self.false(of))

    def _fold(self, join: Call, parts: list[int]) -> int:
        return reduce(lambda a, b: self._op(join, a, b), parts)
