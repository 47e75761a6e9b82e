"""The checked expression as a small immutable tree; equal trees are equal values.

Numbers: Col, Num, Arith, Abs, Pick. Truths: Flag, Truth, Compare, OneOf, Not, All, Any,
Known, Certain. A numeric NaN is "unknown"; truths follow Kleene's three-valued logic.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class Node:
    """Any node."""


@dataclass(frozen=True, slots=True)
class Col(Node):
    """The value of a numeric or enumerated column."""

    name: str


@dataclass(frozen=True, slots=True)
class Num(Node):
    """A number; compared as float32, as the columns are."""

    value: float


@dataclass(frozen=True, slots=True)
class Arith(Node):
    """left op right with op one of + - * /. Division by zero is unknown."""

    op: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Abs(Node):
    """abs(x)."""

    of: Node


@dataclass(frozen=True, slots=True)
class Pick(Node):
    """min(…) or max(…); unknown when any part is."""

    op: str
    of: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Flag(Node):
    """A boolean column: 1 true, 0 false, NaN unknown."""

    name: str


@dataclass(frozen=True, slots=True)
class Truth(Node):
    """A constant truth."""

    value: bool


@dataclass(frozen=True, slots=True)
class Compare(Node):
    """left op right with op one of < <= > >= == !=; unknown when either side is."""

    op: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class OneOf(Node):
    """An enumerated column has one of these codes; unknown when it is NaN."""

    name: str
    codes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Not(Node):
    """Kleene negation."""

    of: Node


@dataclass(frozen=True, slots=True)
class All(Node):
    """Kleene `and`."""

    of: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Any(Node):
    """Kleene `or`."""

    of: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Known(Node):
    """True when the part is known, else false; itself never unknown."""

    of: Node


@dataclass(frozen=True, slots=True)
class Certain(Node):
    """True when the part is definitely true, else false; itself never unknown."""

    of: Node


def walk(node: Node) -> Iterator[Node]:
    """Yield the node and all nodes below it."""
    yield node
    for part in fields(node):
        value = getattr(node, part.name)
        for child in value if isinstance(value, tuple) else (value,):
            if isinstance(child, Node):
                yield from walk(child)


def names(node: Node) -> Iterator[str]:
    """Yield the columns the expression reads, repeats included, in order of reading."""
    for part in walk(node):
        if isinstance(part, Col | Flag | OneOf):
            yield part.name
