"""Checked expression → numpy. Equal parts of all rules are computed once a run.

Kleene's logic without a third value: each truth has two programs, "definitely true" and
"definitely false". NaN makes both comparisons of a pair false, which is "unknown". The
second program is only run where somebody asks, that is for rules with an active alert.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from alerts.rules import nodes as n
from alerts.rules.model import Columns

Array = NDArray[Any]
Step = Callable[["Run"], Array]
_TRUE: dict[str, Callable[[Array, Array], Array]] = {
    "<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal,
    "==": np.equal,
}  # fmt: skip
_FALSE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}


class Run:
    """One evaluation: the columns of k lifts and a slot for every part computed so far."""

    __slots__ = ("columns", "size", "slots")

    def __init__(self, columns: Columns, size: int, slots: int) -> None:
        self.columns, self.size = columns, size
        self.slots: list[Array | None] = [None] * slots


class Compiler:
    """Compiles expressions into steps that share their common parts."""

    def __init__(self) -> None:
        self._steps: dict[tuple[str, n.Node], Step] = {}

    def run(self, columns: Columns, size: int) -> Run:
        """Begin an evaluation over `size` lifts; call inside np.errstate(invalid="ignore")."""
        return Run(columns, size, len(self._steps))

    def true(self, node: n.Node) -> Step:
        """Return the step that gives bool[k]: definitely true."""
        return self._shared("true", node)

    def false(self, node: n.Node) -> Step:
        """Return the step that gives bool[k]: definitely false."""
        return self._shared("false", node)

    def _shared(self, want: str, node: n.Node) -> Step:
        key = (want, node)
        if key in self._steps:
            return self._steps[key]
        make = {"true": self._true, "false": self._false, "number": self._number}[want]
        inner = make(node)
        slot = len(self._steps)

        def step(run: Run) -> Array:
            value = run.slots[slot]
            if value is None:
                value = run.slots[slot] = inner(run)
            return value

        self._steps[key] = step
        return step

    def _number(self, node: n.Node) -> Step:
        match node:
            case n.Num(value):
                constant = np.float32(value)
                return lambda run: cast(Array, constant)
            case n.Col(name) | n.Flag(name):
                return lambda run: run.columns[name]
            case n.Abs(of):
                part = self._shared("number", of)
                return lambda run: np.abs(part(run))
            case n.Arith(op, left, right):
                return _arith(op, self._shared("number", left), self._shared("number", right))
            case n.Pick(op, of):
                parts = [self._shared("number", item) for item in of]
                pick = np.minimum if op == "min" else np.maximum

                def picked(run: Run) -> Array:
                    value = parts[0](run)
                    for other in parts[1:]:
                        value = pick(value, other(run))
                    return value

                return picked
        raise TypeError(node)

    def _true(self, node: n.Node) -> Step:
        match node:
            case n.Flag(name):
                return lambda run: run.columns[name] > 0.5
            case n.Truth(value):
                return lambda run: np.full(run.size, value)
            case n.Compare(op, left, right):
                return self._compare(op, left, right)
            case n.OneOf(name, codes):
                return _one_of(name, codes)
            case n.Not(of):
                return self.false(of)
            case n.All(of):
                return _fold(np.logical_and, [self.true(item) for item in of])
            case n.Any(of):
                return _fold(np.logical_or, [self.true(item) for item in of])
            case n.Known(of):
                return self._known(of)
            case n.Certain(of):
                return self.true(of)
        raise TypeError(node)

    def _false(self, node: n.Node) -> Step:
        match node:
            case n.Flag(name):
                return lambda run: run.columns[name] < 0.5
            case n.Truth(value):
                return lambda run: np.full(run.size, not value)
            case n.Compare(op, left, right):
                return self._compare(_FALSE[op], left, right)
            case n.OneOf(name):
                is_one = self.true(node)
                # NaN is no code and differs from itself
                return lambda run: ~is_one(run) & (run.columns[name] == run.columns[name])
            case n.Not(of):
                return self.true(of)
            case n.All(of):
                return _fold(np.logical_or, [self.false(item) for item in of])
            case n.Any(of):
                return _fold(np.logical_and, [self.false(item) for item in of])
            case n.Known() | n.Certain():
                yes = self.true(node)
                return lambda run: ~yes(run)
        raise TypeError(node)

    def _compare(self, op: str, left: n.Node, right: n.Node) -> Step:
        a, b = self._shared("number", left), self._shared("number", right)
        if op == "!=":  # NaN != x is true in numpy, unknown here
            return lambda run: (a(run) < b(run)) | (a(run) > b(run))
        test = _TRUE[op]
        if isinstance(left, n.Num) and isinstance(right, n.Num):
            return lambda run: np.full(run.size, test(a(run), b(run)))
        return lambda run: test(a(run), b(run))

    def _known(self, of: n.Node) -> Step:
        if isinstance(of, n.Flag | n.Col | n.Num | n.Abs | n.Arith | n.Pick):
            value = self._shared("number", of)
            return lambda run: np.broadcast_to(~np.isnan(value(run)), (run.size,))
        yes, no = self.true(of), self.false(of)
        return lambda run: yes(run) | no(run)


def _arith(op: str, left: Step, right: Step) -> Step:
    match op:
        case "+":
            return lambda run: left(run) + right(run)
        case "-":
            return lambda run: left(run) - right(run)
        case "*":
            return lambda run: left(run) * right(run)

    def divide(run: Run) -> Array:
        below = right(run)
        return cast(Array, left(run) / np.where(below == 0, np.float32(np.nan), below))

    return divide


def _one_of(name: str, codes: tuple[int, ...]) -> Step:
    first, rest = np.float32(codes[0]), [np.float32(code) for code in codes[1:]]

    def one_of(run: Run) -> Array:
        column = run.columns[name]
        value: Array = column == first
        for code in rest:
            value |= column == code
        return value

    return one_of


def _fold(join: Callable[[Array, Array], Array], parts: list[Step]) -> Step:
    def folded(run: Run) -> Array:
        value = parts[0](run)
        for part in parts[1:]:
            value = join(value, part(run))
        return value

    return folded
