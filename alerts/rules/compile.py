"""Checked expressions → a flat program of numpy calls. Equal parts are computed once a run.

Kleene's logic without a third value: each truth has two programs, "definitely true" and
"definitely false". NaN makes both comparisons of a pair false, which is "unknown". What cannot
change an answer is not computed: a part of an `and` that is true nowhere settles it, and
falsehood matters only where an alert stands. Which part is asked first changes no answer.
"""

from __future__ import annotations

from collections.abc import Callable
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
    """slot ← call(slots[a], slots[b]); b NONE: one argument. `test`: a comparison, its value is
    a truth. `name`: a column, asked for when first needed.
    """

    call: Call | None
    a: int = NONE
    b: int = NONE
    test: bool = False
    name: str = ""


class Run:
    """One evaluation over k lifts. Only what is asked for is computed, and of that only what
    can change the answer: most truths are true of no lift at all.
    """

    __slots__ = ("_columns", "_first", "_ops", "_slots")

    def __init__(
        self,
        slots: list[Any],
        ops: list[_Op | None],
        first: dict[int, tuple[int, int]],
        columns: Columns,
    ) -> None:
        self._slots, self._ops, self._first, self._columns = slots, ops, first, columns

    def get(self, slot: int) -> Any:
        """Return the value of a slot, computing what it needs.

        A truth is True where it is true of all, False where of none, else bool[k].
        """
        value = self._slots[slot]
        if value is None:
            value = self._slots[slot] = self._value(slot)
        return value

    def _value(self, slot: int) -> Any:
        op = self._ops[slot]
        assert op is not None
        call = op.call
        if call is None:
            return self._columns[op.name]
        if call is np.logical_and:
            return self._both(slot)
        a = self.get(op.a)
        if call is np.logical_not:
            return _settled(~a) if isinstance(a, np.ndarray) else not a
        if op.b == NONE:
            return call(a)
        if call is np.logical_or:
            return True if a is True else _either(a, self.get(op.b))
        value = call(a, self.get(op.b))
        return _settled(value) if op.test else value

    def _both(self, slot: int) -> Any:
        """`and`: the part that was true nowhere is asked first the next time."""
        first, other = self._first[slot]
        a = self.get(first)
        if a is False:
            return False
        b = self.get(other)
        if b is False:
            self._first[slot] = other, first
            return False
        if a is True or b is True:
            return b if a is True else a
        return _settled(a & b)


def _either(a: Any, b: Any) -> Any:
    if a is False or b is True:
        return b
    return a if b is False else _settled(a | b)


def _settled(truth: Any) -> Any:
    """Return True where true of all, False where of none, else the same."""
    count = np.count_nonzero(truth)
    if count == 0:
        return False
    return True if count == truth.size else truth


class Compiler:
    """Turns expressions into slots of one shared program."""

    def __init__(self) -> None:
        self._slot_of: dict[tuple[str, n.Node], int] = {}
        self._made: dict[_Op, int] = {}
        self._ops: list[_Op | None] = []
        self._start: list[Any] = []
        self._first: dict[int, tuple[int, int]] = {}  # of an `and`: its parts as to be asked
        self._zero = self._constant(("zero", n.Num(0.0)), np.float32(0))

    def run(self, columns: Columns) -> Run:
        """Evaluate over these columns; call and ask inside np.errstate(all="ignore")."""
        return Run(self._start.copy(), self._ops, self._first, columns)

    def true(self, node: n.Node) -> int:
        """Return the slot of bool[k]: definitely true (one bool where all are alike)."""
        return self._shared("true", node)

    def false(self, node: n.Node) -> int:
        """Return the slot of bool[k]: definitely false (one bool where all are alike)."""
        return self._shared("false", node)

    # -- building -------------------------------------------------------------------------

    def _shared(self, want: str, node: n.Node) -> int:
        key = (want, node)
        if key not in self._slot_of:
            make = {"true": self._true, "false": self._false, "number": self._number}[want]
            self._slot_of[key] = make(node)
        return self._slot_of[key]

    def _op(self, call: Call, a: int, b: int = NONE, test: bool = False) -> int:
        return self._add(_Op(call, a, b, test))

    def _add(self, op: _Op) -> int:
        """Return the slot of an operation; equal ones share it."""
        if op not in self._made:
            slot = self._made[op] = self._slot(op, None)
            if op.call is np.logical_and:
                self._first[slot] = op.a, op.b
        return self._made[op]

    def _slot(self, op: _Op | None, value: Any) -> int:
        self._ops.append(op)
        self._start.append(value)
        return len(self._ops) - 1

    def _constant(self, key: tuple[str, n.Node], value: Any) -> int:
        if key not in self._slot_of:
            self._slot_of[key] = self._slot(None, value)
        return self._slot_of[key]

    def _column(self, name: str) -> int:
        return self._add(_Op(None, name=name))

    def _test(self, call: Call, a: int, b: int) -> int:
        return self._op(call, a, b, test=True)

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
                return self._test(np.greater, self._column(name), self._zero)
            case n.Truth(value):
                return self._constant(("truth", node), value)
            case n.Compare(op, left, right):
                return self._compare(op, left, right)
            case n.OneOf(name, codes):
                column = self._column(name)
                each = [self._test(np.equal, column, self._shared("number", n.Num(code)))
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
                return self._test(np.equal, self._column(name), self._zero)
            case n.Truth(value):
                return self._constant(("truth", n.Truth(not value)), not value)
            case n.Compare(op, left, right):
                return self._compare(_OPPOSITE[op], left, right)
            case n.OneOf(name):  # NaN is no code and differs from itself
                column = self._column(name)
                other = self._op(np.logical_not, self.true(node))
                return self._op(np.logical_and, other, self._test(np.equal, column, column))
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
            less, more = self._test(np.less, a, b), self._test(np.greater, a, b)
            return self._op(np.logical_or, less, more)
        return self._test(_TEST[op], a, b)

    def _known(self, of: n.Node) -> int:
        if isinstance(of, n.Flag | n.Col | n.Num | n.Abs | n.Arith | n.Pick):
            value = self._shared("number", of)
            return self._test(np.equal, value, value)
        return self._op(np.logical_or, self.true(of), self.false(of))

    def _fold(self, join: Call, parts: list[int]) -> int:
        return reduce(lambda a, b: self._op(join, a, b), parts)
