"""JSON the fast way: typed structs made from the paths, taken apart into columns level by level.

Only what a path names is built; everything else of the payload is skipped by the parser. A
payload that does not fit the types is not read here (the careful walk names what is wrong).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from itertools import chain, repeat
from operator import or_
from typing import Any

import msgspec

from devices.codecs.mapping.paths import EACH_STEP, KEYED_STEP, Path, Wild, axis, depth

Column = Sequence[Any]


@dataclass(slots=True)
class Node:
    """One place of the payload: an object, an array, an object keyed by lift, or a value."""

    fields: dict[str, Node] = field(default_factory=dict)
    each: Node | None = None
    keyed: Node | None = None
    types: set[type] = field(default_factory=set)

    def add(self, path: Path, types: frozenset[type]) -> bool:
        """Put a path in; False where it has a fixed index or crosses another one."""
        node = self
        for step in path:
            if isinstance(step, int):
                return False
            if isinstance(step, str):
                node = node.fields.setdefault(step, Node())
            elif step is EACH_STEP:
                node.each = node.each or Node()
                node = node.each
            else:
                node.keyed = node.keyed or Node()
                node = node.keyed
        if path and path[-1] is KEYED_STEP:
            return True  # the keys themselves
        node.types |= types
        return True

    def well_formed(self) -> bool:
        """True where every place is only one thing."""
        kinds = (self.fields, self.each, self.keyed, self.types)
        inner = [*self.fields.values(), *(n for n in (self.each, self.keyed) if n)]
        return sum(map(bool, kinds)) <= 1 and all(node.well_formed() for node in inner)

    def python_type(self) -> Any:
        """Return the type that msgspec reads this place as."""
        if self.fields:
            return _struct(self)
        if self.each:
            return list[self.each.python_type()]  # type: ignore[misc]
        if self.keyed:
            return dict[str, self.keyed.python_type()]  # type: ignore[misc]
        return reduce(or_, sorted(self.types, key=str), None) if self.types else Any


def _struct(node: Node) -> Any:
    """Return a struct with one member a key; what is missing is null or empty."""
    members = []
    for i, child in enumerate(node.fields.values()):
        kind = child.python_type()
        factory = list if child.each else dict if child.keyed else kind if child.fields else None
        default: Any = msgspec.field(default_factory=factory) if factory else None
        members.append((f"f{i}", kind, default))
    names = {f"f{i}": key for i, key in enumerate(node.fields)}
    return msgspec.defstruct("Place", members, rename=names, gc=False)


@dataclass(slots=True)
class Shredded:
    """columns: path → one raw value an instance; lengths: path of an array → entries each."""

    columns: dict[Path, Column] = field(default_factory=dict)
    lengths: dict[Path, list[int]] = field(default_factory=dict)

    def take(self, node: Node, instances: Column, path: Path) -> None:
        """Take all instances of a place apart."""
        if node.fields:
            rows = map(msgspec.structs.astuple, instances)
            taken = list(zip(*rows, strict=True)) or [()] * len(node.fields)
            for (key, child), column in zip(node.fields.items(), taken, strict=True):
                self.take(child, column, (*path, key))
        elif node.each:
            path = (*path, EACH_STEP)
            self.lengths[path] = list(map(len, instances))
            self.take(node.each, list(chain.from_iterable(instances)), path)
        elif node.keyed:
            path = (*path, KEYED_STEP)
            self.lengths[path] = list(map(len, instances))
            self.columns[path] = list(chain.from_iterable(instances))
            values = chain.from_iterable(one.values() for one in instances)
            self.take(node.keyed, list(values), path)
        else:
            self.columns.setdefault(path, instances)

    def rows(self, paths: Sequence[Path]) -> tuple[int, dict[Path, Column]] | None:
        """Return n and the columns of paths that run together, each of n values.

        None where arrays beside each other differ in length.
        """
        most = max(map(depth, paths), default=0)
        deep = [path for path in paths if depth(path) == most]
        rows_of = max(map(axis, deep), key=lambda a: sum(self.lengths.get(a, ())), default=())
        wilds = [
            rows_of[: i + 1] for i, step in enumerate(rows_of) if isinstance(step, Wild)
        ]  # fmt: skip
        n = sum(self.lengths[rows_of]) if rows_of else 1
        found: dict[Path, Column] = {}
        for path in paths:
            column, own = self.columns[path], axis(path)
            beside = depth(path) == most and own != rows_of
            if beside and self.lengths[own] != self.lengths[rows_of]:
                if any(self.lengths[own]):
                    return None
                column = [None] * n
            for wild in wilds[depth(path) :]:
                column = list(chain.from_iterable(map(repeat, column, self.lengths[wild])))
            found[path] = column
        return n, found


@dataclass(frozen=True, slots=True, eq=False)
class Tree:
    """A compiled set of paths. None of `compile` where only the careful walk can read them."""

    root: Node
    decoder: msgspec.json.Decoder[Any]

    @staticmethod
    def compile(paths: Mapping[Path, frozenset[type]]) -> Tree | None:
        """Compile paths with the types their values may have."""
        root = Node()
        if not all(root.add(path, types) for path, types in paths.items()):
            return None
        if not root.well_formed():
            return None
        return Tree(root, msgspec.json.Decoder(root.python_type()))

    def shred(self, payload: bytes) -> Shredded | None:
        """Return the columns of a payload, None where it does not fit the types."""
        try:
            found = self.decoder.decode(payload)
        except (msgspec.MsgspecError, RecursionError, ValueError):
            return None
        shredded = Shredded()
        shredded.take(self.root, [found], ())
        return shredded
