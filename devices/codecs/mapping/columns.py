"""Raw columns → float32[n, C], all rows at once; None as soon as anything may be wrong."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from devices.codecs.clock import in_time
from devices.codecs.context import Context
from devices.codecs.mapping.model import FieldRule, TimeRule
from devices.codecs.mapping.model import Mapping as Map
from devices.codecs.mapping.packing import pack
from devices.codecs.mapping.paths import Path
from devices.codecs.mapping.times import EPOCH, read_time
from devices.codecs.values import Plan, Selection, all_valid
from devices.vocabulary import Kind

NUMERIC = "0123456789+-.eE "  # of what a number in quotes is made
Column = Sequence[Any]
_WHOLE, _REAL = {int}, {int, float}


@dataclass(frozen=True, slots=True, eq=False)
class Operations:
    """The fields of a map prepared for a vocabulary; get it from `prepare`.

    scale, offset float64[k, 1], None where they change nothing. falls: (first, second) rows of
    the matrix, first falling back on second. kept: rows without the second ones, None: all;
    index: their columns. blocks: slot, rows, columns of the block; alone: the other rows.
    """

    rules: tuple[FieldRule, ...]
    selection: Selection
    scale: NDArray[np.float64] | None
    offset: NDArray[np.float64] | None
    of_rated: tuple[int, ...]
    falls: tuple[tuple[int, int], ...]
    kept: NDArray[np.intp] | None
    index: NDArray[np.intp]
    blocks: tuple[tuple[int, NDArray[np.intp], NDArray[np.intp]], ...]
    alone: tuple[int, ...]

    @staticmethod
    def prepare(
        rules: tuple[FieldRule, ...], plan: Plan, places: Mapping[Path, tuple[int, int]]
    ) -> Operations:
        """Compile rules; places: path → slot and column of a block of numbers."""
        selection = plan.select(tuple(rule.channel.name for rule in rules))
        assert selection is not None  # the loader knows the channels
        scale = np.array([rule.scale for rule in rules])[:, None]
        offset = np.array([rule.offset for rule in rules])[:, None]
        falls = []
        for k, rule in enumerate(rules):
            if rule.fallback:
                names = [earlier.channel.name for earlier in rules[:k]]
                falls.append((names.index(rule.channel.name), k))
        kept = np.array([k for k in range(len(rules)) if k not in {b for _, b in falls}], np.intp)
        blocks: dict[int, list[tuple[int, int]]] = {}
        for k, rule in enumerate(rules):
            if rule.path in places:
                slot, column = places[rule.path]
                blocks.setdefault(slot, []).append((k, column))
        return Operations(
            rules,
            selection,
            None if (scale == 1).all() else scale,
            None if (offset == 0).all() else offset,
            tuple(k for k, rule in enumerate(rules) if rule.of_rated),
            tuple(falls),
            kept if falls else None,
            selection.index[kept],
            tuple((slot, *np.array(pairs, np.intp).T) for slot, pairs in blocks.items()),
            tuple(k for k, rule in enumerate(rules) if rule.path not in places),
        )


def leaf_types(rule: FieldRule) -> frozenset[type]:
    """Return the types a parser may give for a field; others are read with care."""
    if rule.values is not None:
        return rule.values.types - {type(None)}
    found: set[type] = {float}
    if rule.channel.kind is Kind.BOOL:
        found.add(bool)
    return frozenset(found | {str} if rule.quoted else found)


def numbers(column: Column) -> list[float] | None:
    """Return texts (and numbers) as numbers, "" and null as NaN; None if one is no number."""
    texts = [cell for cell in column if type(cell) is str]
    if "".join(texts).strip(NUMERIC):
        return None
    try:
        return [math.nan if cell is None or cell == "" else float(cell) for cell in column]
    except ValueError:
        return None


def matrix(
    operations: Operations,
    columns: Mapping[Path, Column],
    blocks: Mapping[int, NDArray[np.float64]],
    rows: NDArray[np.int32],
    ctx: Context,
) -> NDArray[np.float32] | None:
    """Return float32[n, C], None where a value may be wrong.

    rows int32[n]: the lifts. blocks: numbers that were read as they stand, float64[n, k].
    """
    read = np.empty((len(operations.rules), len(rows)))
    for slot, target, source in operations.blocks:
        read[target] = blocks[slot].T[source]
    if not len(operations.alone):
        return finish(operations, read, rows, ctx)
    parts: list[Column] = []
    for k in operations.alone:
        rule = operations.rules[k]
        column = columns[rule.path]
        if rule.values is not None:
            parts.append([rule.values.fast[raw] for raw in column])
        elif rule.quoted:
            texts = numbers(column)
            if texts is None:
                return None
            parts.append(texts)
        else:
            parts.append(column)
    read[list(operations.alone)] = pack(parts, len(rows))
    return finish(operations, read, rows, ctx)


def finish(
    operations: Operations, read: NDArray[np.float64], rows: NDArray[np.int32], ctx: Context
) -> NDArray[np.float32] | None:
    """Scale float64[k, n], check it, and put it into its columns."""
    if operations.scale is not None:
        read *= operations.scale
    if operations.offset is not None:
        read += operations.offset
    for k in operations.of_rated:
        read[k] *= 100.0 / rated_load(rows, ctx)
    with np.errstate(over="ignore"):
        values = read.astype(np.float32)
    if not all_valid(operations.selection, values, ctx.plan):
        return None
    for first, second in operations.falls:
        values[first] = np.where(np.isnan(values[first]), values[second], values[first])
    full = np.full((len(rows), len(ctx.plan.vocab.channels)), np.nan, np.float32)
    if operations.kept is not None:
        values = values[operations.kept]
    full[:, operations.index] = values.T
    return full


def rated_load(rows: NDArray[np.int32], ctx: Context) -> NDArray[np.float64]:
    """Return the rated loads of lifts, float64[n], kg."""
    return np.array([ctx.registry.lift(int(row)).rated_load_kg for row in rows], np.float64)


def times(rule: TimeRule, column: Column, n: int, ctx: Context) -> NDArray[np.int64] | None:
    """Return int64[n] ms, None where one of them may be wrong."""
    if rule.path is None:
        return np.full(n, ctx.received_ms, np.int64)
    if rule.format == "ms" and set(map(type, column)) == _WHOLE:
        read = list(column)
    else:
        known: dict[Any, int | None] = {}
        for raw in set(column):
            known[raw] = read_time(raw, rule.format, rule.zone)
        if None in known.values():
            return None
        read = [known[raw] for raw in column]
    if not all(in_time(ts, ctx.received_ms, ctx.limits) for ts in (min(read), max(read))):
        return None
    return np.array(read, np.int64)


def time_types(rule: TimeRule) -> frozenset[type]:
    """Return the types a parser may give for a time."""
    return frozenset({int, float, str} if rule.format in EPOCH else {str})


def constants(one: Map, full: NDArray[np.float32]) -> None:
    """Put what the map says of every sample into float32[n, C]."""
    for index, value in one.constants.items():
        full[:, index] = value
