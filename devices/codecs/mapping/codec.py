"""The codec of one map: compiled once into column operations, read again with care if it must."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from collections.abc import Mapping as Map
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from devices.batch import Decoded, MessageRows, RejectedMessage, TelemetryBatch
from devices.codecs.clock import late
from devices.codecs.context import Context
from devices.codecs.mapping import careful
from devices.codecs.mapping.columns import (
    Operations,
    constants,
    leaf_types,
    matrix,
    time_types,
    times,
)
from devices.codecs.mapping.lifts import Lifts
from devices.codecs.mapping.model import LiftRule, Mapping, MessageRule
from devices.codecs.mapping.paths import Path
from devices.codecs.mapping.tree import NUMBERS, Columns, Shredded, Tree
from devices.codecs.mapping.walk import Rows, read_json, walk
from devices.codecs.refuse import Refusals, refusal
from devices.codecs.values import NO_MESSAGES, Plan

_TEXT: frozenset[type] = frozenset({str, int})
_ANY: frozenset[type] = frozenset({str, int, bool, float})
Blocks = dict[int, NDArray[np.float64]]
RowsOf = Callable[[list[Path]], Rows]


class Reader(Protocol):
    """What both codecs have: a map, how it names lifts, and its fields compiled."""

    map: Mapping
    lifts: Lifts
    message_lifts: list[Lifts]
    known: dict[int, tuple[Plan, Operations]]
    places: Map[Path, tuple[int, int]]


def types_of(one: Mapping) -> dict[Path, frozenset[type]]:
    """Return every path of a map with the types that a parser may give for it."""
    found: dict[Path, frozenset[type]] = {}

    def add(path: Path | None, types: frozenset[type]) -> None:
        if path is not None:
            found[path] = found.get(path, frozenset()) | types

    for rule in one.fields:
        add(rule.path, leaf_types(rule))
    rules: list[tuple[LiftRule, Any]] = [(one.lift, one.time)]
    for message in one.messages:
        add(message.path, _TEXT)
        add(message.state, _ANY)
        rules.append((message.lift, message.time))
    for lift, time in rules:
        add(lift.path, _TEXT)
        if time.path is not None:
            add(time.path, time_types(time))
    return found


@dataclass(slots=True, eq=False)
class JsonCodec:
    """Reads the JSON payloads of one map.

    `tree` is None where a path has a fixed index: then every payload is walked with care.
    """

    map: Mapping
    tree: Tree | None = None
    lifts: Lifts = field(init=False)
    message_lifts: list[Lifts] = field(init=False)
    known: dict[int, tuple[Plan, Operations]] = field(default_factory=dict)
    places: Map[Path, tuple[int, int]] = field(default_factory=dict)
    _samples: Columns = field(init=False)
    _rules: list[Columns] = field(init=False)
    _guarded: list[tuple[Path, frozenset[type]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        types = types_of(self.map)
        plain = [rule.path for rule in self.map.fields if rule.values is None and not rule.quoted]
        alone = {path for path in plain if plain.count(path) == 1 and types[path] <= NUMBERS}
        self.tree = Tree.compile(types, frozenset(alone))
        if self.tree is not None:
            self.places = self.tree.blocks
            self._samples = self.tree.columns(self.map.sample_paths())
            self._rules = [self.tree.columns(self.map.message_paths(r)) for r in self.map.messages]
        self.lifts = Lifts(self.map.lift)
        self.message_lifts = [Lifts(rule.lift) for rule in self.map.messages]
        for rule in self.map.fields:
            own = leaf_types(rule) | ({int} if rule.values is None else set())
            if types[rule.path] - own:
                self._guarded.append((rule.path, own | {type(None)}))

    def fast(self, payload: bytes, context: Context) -> Decoded | None:
        """Decode a payload in which everything is right; None if anything may be wrong."""
        shredded = None if self.tree is None else self.tree.shred(payload)
        if shredded is None:
            return None
        batch = TelemetryBatch.empty(len(context.plan.vocab.channels))
        if self.map.fields:
            rows = shredded.read(self._samples)
            if rows is None:
                return None
            if rows[0] or not self.map.messages:
                taken = self.samples(*rows, shredded.blocks, context)
                if taken is None:
                    return None
                batch = taken
        refusals = Refusals(context.limits.refusals)
        told = zip(self.map.messages, self._rules, strict=True)
        if any(self._telling(rule, shredded, where) for rule, where in told):
            # a code is worth the careful way, which names what is wrong with it
            document, most = read_json(payload), context.limits.samples
            batch.messages = read_messages(
                self, lambda paths: walk(document, paths, most, refusals), refusals, context
            )
        return whole(self.map, batch, refusals)

    @staticmethod
    def _telling(rule: MessageRule, shredded: Shredded, where: Columns) -> bool:
        slot = next(slot for path, slot, _, _ in where.each if path == rule.path)
        said = set(shredded.columns[slot]) - {None, ""}
        return not all(careful.text_of(code) in rule.ignored for code in said)

    def samples(
        self, n: int, columns: Map[Path, Sequence[Any]], blocks: Blocks, context: Context
    ) -> TelemetryBatch | None:
        """Return the samples of n rows, None if anything may be wrong."""
        if not 0 < n <= context.limits.samples:
            return None
        for path, types in self._guarded:
            if set(map(type, columns[path])) - types:
                return None
        rule = self.map.lift
        names = [self.lifts.named(context)] * n if rule.path is None else list(columns[rule.path])
        rows = self.lifts.rows(names, context)
        stamp = self.map.time
        ts_ms = times(stamp, () if stamp.path is None else columns[stamp.path], n, context)
        if rows is None or ts_ms is None:
            return None
        try:
            full = matrix(operations_of(self, context.plan), columns, blocks, rows, context)
        except (KeyError, TypeError, ValueError):
            return None  # a value that no table knows, or that is no number
        return None if full is None else batch_of(self.map, rows, ts_ms, full, context)

    def careful(self, payload: bytes, context: Context) -> Decoded:
        """Decode what can be taken of a payload, naming what cannot.

        Raises RejectedMessage where nothing is left.
        """
        document = read_json(payload)
        refusals, most = Refusals(context.limits.refusals), context.limits.samples
        return read_carefully(
            self, lambda paths: walk(document, paths, most, refusals), refusals, context
        )


def operations_of(codec: Reader, plan: Plan) -> Operations:
    """Return the fields of a map compiled for a vocabulary, made once."""
    known = codec.known.get(id(plan))
    if known is None:  # the entry holds the plan, so its id stays its own
        known = codec.known[id(plan)] = (
            plan,
            Operations.prepare(codec.map.fields, plan, codec.places),
        )
    return known[1]


def read_carefully(codec: Reader, rows: RowsOf, refusals: Refusals, context: Context) -> Decoded:
    """Decode with care; `rows(paths)` gives the rows that these paths run over."""
    one = codec.map
    batch = TelemetryBatch.empty(len(context.plan.vocab.channels))
    if one.fields:
        found = rows(one.sample_paths())
        reading = careful.Reading(context, codec.lifts, found.name, refusals)
        names = lift_names(codec.lifts, found, context)
        taken = careful.samples(one.fields, found.columns, found.n, names, one.time, reading)
        batch = batch_of(one, *taken, context)
    batch.messages = read_messages(codec, rows, refusals, context)
    return decoded(one, batch, refusals)


def read_messages(codec: Reader, rows: RowsOf, refusals: Refusals, context: Context) -> MessageRows:
    """Return the messages of all rules of a map."""
    entries: list[careful.Entry] = []
    for rule, lifts in zip(codec.map.messages, codec.message_lifts, strict=True):
        found = rows(codec.map.message_paths(rule))
        reading = careful.Reading(context, lifts, found.name, refusals)
        names = lift_names(lifts, found, context)
        entries += careful.messages(rule, found.columns, found.n, names, reading)
    return careful.message_rows(entries, context)


def lift_names(lifts: Lifts, found: Rows, context: Context) -> tuple[Path | None, Sequence[object]]:
    """Return the path that names the lift of each row and the names; no path: the topic's."""
    path = lifts.rule.path
    if path is None:
        return None, [lifts.named(context)] * found.n
    return path, found.columns[path]


def batch_of(
    one: Mapping,
    rows: NDArray[np.int32],
    ts_ms: NDArray[np.int64],
    full: NDArray[np.float32],
    context: Context,
) -> TelemetryBatch:
    """Return the rows that said something, with what the map says of every sample."""
    spoken = ~np.isnan(full).all(axis=1)
    if not spoken.all():
        rows, ts_ms, full = rows[spoken], ts_ms[spoken], full[spoken]
    constants(one, full)
    late_rows = late(ts_ms, context.received_ms, context.limits)
    return TelemetryBatch(rows, ts_ms, full, late_rows, NO_MESSAGES)


def whole(one: Mapping, batch: TelemetryBatch, refusals: Refusals) -> Decoded | None:
    """Return the message where nothing was refused and something is there, else None."""
    said = len(batch) or len(batch.messages)
    return decoded(one, batch, refusals) if said and not len(refusals) else None


def decoded(one: Mapping, batch: TelemetryBatch, refusals: Refusals) -> Decoded:
    """Return the message. Raises RejectedMessage where nothing is left of it."""
    if not len(batch) and not len(batch.messages):
        raise RejectedMessage(refusals.named() or [refusal("empty", "payload")])
    timed = one.time.path is not None or not len(batch)
    timed = timed and all(rule.time.path is not None for rule in one.messages)
    kind: Any = "telemetry" if len(batch) else "message"
    return Decoded(None, None, None, kind, batch, refusals.named(), timed)
