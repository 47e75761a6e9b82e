"""JSON the fast way: typed structs made from the paths, taken apart into columns level by level.

Only what a path names is built; everything else of the payload is skipped by the parser. A
payload that does not fit the types is not read here (the careful walk names what is wrong).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from itertools import chain, repeat
from operator import itemgetter, or_
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from devices.codecs.mapping.packing import pack
from devices.codecs.mapping.paths import EACH_STEP, KEYED_STEP, Path, Wild, axis, depth

Column = Sequence[Any]
NUMBERS = frozenset({int, float, bool})


@dataclass(slots=True, eq=False)
class Node:
    """One place of the payload: an object, an array, an object keyed by lift, or a value.

    slot: where its column goes (of an object: its block of numbers); length: where the numbers
    of its entries go. plain: how many members of an object, first in order, are no block.
    """

    fields: dict[str, Node] = field(default_factory=dict)
    each: Node | None = None
    keyed: Node | None = None
    types: set[type] = field(default_factory=set)
    numeric: bool = False
    slot: int = -1
    length: int = -1
    plain: int = -1

    def add(self, path: Path, types: frozenset[type], numeric: bool) -> bool:
        """Put a path in; False where it has a fixed index."""
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
        node.numeric = numeric
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


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """Where the columns of some paths that run together are, and how they reach all rows.

    rows: slots of the lengths of the arrays that give the rows, none where there is one row.
    each: path, slot, its own array's slot where it stands beside others (else −1), slots of the
    arrays between it and the rows, −1 for that of the rows.
    """

    rows: tuple[int, ...]
    each: tuple[tuple[Path, int, int, tuple[int, ...]], ...]


@dataclass(slots=True)
class Shredded:
    """columns: slot → one raw value an instance; lengths: slot → entries of each array;

    blocks: slot of an object → float64[instances, k], its numbers.
    """

    columns: dict[int, Column] = field(default_factory=dict)
    lengths: dict[int, list[int]] = field(default_factory=dict)
    blocks: dict[int, NDArray[np.float64]] = field(default_factory=dict)

    def take(self, node: Node, instances: Column) -> None:
        """Take all instances of a place apart."""
        if node.fields:
            self._take_object(node, instances)
        elif node.each:
            self.lengths[node.length] = list(map(len, instances))
            self.take(node.each, list(chain.from_iterable(instances)))
        elif node.keyed:
            self.lengths[node.length] = list(map(len, instances))
            self.columns[node.slot] = list(chain.from_iterable(instances))
            self.take(node.keyed, list(chain.from_iterable(o.values() for o in instances)))
        else:
            self.columns[node.slot] = instances

    def _take_object(self, node: Node, instances: Column) -> None:
        rows: Any = map(msgspec.structs.astuple, instances)
        children = list(node.fields.values())
        if node.plain >= 0:
            rows, m, k = list(rows), node.plain, len(children) - node.plain
            self.blocks[node.slot] = pack(map(itemgetter(slice(m, None)), rows) if m else rows, k)
            children, rows = children[:m], map(itemgetter(slice(0, m)), rows) if m else ()
        taken = list(zip(*rows, strict=True)) or [()] * len(children)
        for child, column in zip(children, taken, strict=True):
            self.take(child, column)

    def read(self, wanted: Columns) -> tuple[int, dict[Path, Column]] | None:
        """Return n and the columns of paths that run together, each of n values.

        None where arrays beside each other differ in length.
        """
        lengths, n, rows = self.lengths, 1, -1
        if wanted.rows:
            rows = max(wanted.rows, key=lambda slot: sum(lengths[slot]))
            n = sum(lengths[rows])
        found: dict[Path, Column] = {}
        for path, slot, beside, between in wanted.each:
            column = self.columns[slot]
            if beside >= 0 and lengths[beside] != lengths[rows]:
                if any(lengths[beside]):
                    return None
                column = [None] * n
            for inner in between:
                entries = lengths[inner if inner >= 0 else rows]
                column = list(chain.from_iterable(map(repeat, column, entries)))
            found[path] = column
        return n, found


@dataclass(slots=True, eq=False)
class Tree:
    """A compiled set of paths."""

    root: Node
    decoder: msgspec.json.Decoder[Any]
    slots: dict[Path, int]
    lengths: dict[Path, int]
    blocks: dict[Path, tuple[int, int]]
    places: int = 0

    @staticmethod
    def compile(paths: Mapping[Path, frozenset[type]], numeric: frozenset[Path]) -> Tree | None:
        """Compile paths with the types their values may have.

        `numeric`: those that become numbers as they are; several in one object of the innermost
        rows are read as a block. None where only the careful walk can read the paths.
        """
        root = Node()
        if not all(root.add(path, types, path in numeric) for path, types in paths.items()):
            return None
        if not root.well_formed():
            return None
        tree = Tree(root, msgspec.json.Decoder(Any), {}, {}, {})
        tree._number(root, (), max(map(depth, paths), default=0))
        tree.decoder = msgspec.json.Decoder(root.python_type())
        return tree

    def _number(self, node: Node, path: Path, most: int) -> None:
        """Give every place its slot; put the numbers of an object last, as its block."""
        slot = node.slot = self.places
        self.places += 2  # an object keyed by lift needs two
        if node.each or node.keyed:
            inner: Any = node.each or node.keyed
            path = (*path, EACH_STEP if node.each else KEYED_STEP)
            node.length = self.lengths[path] = slot
            if node.keyed:
                node.slot = self.slots[path] = slot + 1
            self._number(inner, path, most)
        elif node.fields:
            block = [k for k, c in node.fields.items() if c.numeric and depth(path) == most]
            if len(block) > 1:
                rest = {k: c for k, c in node.fields.items() if k not in block}
                node.plain, node.fields = len(rest), rest | {k: node.fields[k] for k in block}
                for i, key in enumerate(block):
                    self.blocks[(*path, key)] = slot, i
            for key, child in node.fields.items():
                if len(block) < 2 or key not in block:
                    self._number(child, (*path, key), most)
        else:
            self.slots[path] = slot

    def columns(self, paths: Sequence[Path]) -> Columns:
        """Return how the columns of paths that run together are read; blocks are left out."""
        most = max(map(depth, paths), default=0)
        axes = [axis(path) for path in paths if depth(path) == most and most]
        deepest = axes[0] if axes else ()
        wilds = [deepest[: i + 1] for i, step in enumerate(deepest) if isinstance(step, Wild)]
        each = []
        for path in dict.fromkeys(paths):
            if path in self.blocks:
                continue
            own = depth(path)
            several = own == most and own > 0 and len(set(axes)) > 1
            beside = self.lengths[axis(path)] if several else -1
            between = tuple(self.lengths[wild] if wild != deepest else -1 for wild in wilds[own:])
            each.append((path, self.slots[path], beside, between))
        return Columns(tuple(self.lengths[a] for a in dict.fromkeys(axes)), tuple(each))

    def shred(self, payload: bytes) -> Shredded | None:
        """Return the columns of a payload, None where it does not fit the types."""
        shredded = Shredded()
        try:
            if not payload.isascii():
                payload.decode("utf-8")  # the parser does not look into texts that it skips
            shredded.take(self.root, [self.decoder.decode(payload)])
        except (msgspec.MsgspecError, RecursionError, ValueError, TypeError):
            return None
        return shredded
