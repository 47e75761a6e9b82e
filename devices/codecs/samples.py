"""Many JSON objects {channel: number} as one matrix, read by a typed reader made for them.

msgspec fills one slot a channel in C, struct packs the slots as float32: no Python touches a
value. The reader is made for the channels of the message's first object, in their order, because
a sender names the same ones in the same order from sample to sample; where a later object names
another channel, a reader for all of them takes its place.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from devices.codecs.refuse import Refusals
from devices.codecs.values import (
    STANDS_FOR_NULL,
    Plan,
    Selection,
    all_valid,
    check_value,
    faults,
    floats,
    without_nulls,
)
from devices.vocabulary import Kind

VALUES = b'"values"'
EXACT = 2.0**63  # orjson reads whole numbers from here on as fractions
Build = Callable[[Any], Any]  # type of an object of values → type of a message that holds them


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """A reader of messages whose objects name these channels, or some of them.

    An object has one slot a channel of `selection`, then one a name that is passed over.
    """

    selection: Selection
    passed_over: int
    decoder: msgspec.json.Decoder[Any]


@dataclass(frozen=True, slots=True, eq=False)
class Reader:
    """Readers of one form of message. `wire`: a sender's name → our channel, None to pass over."""

    plan: Plan
    build: Build
    wire: Mapping[str, str | None]

    def read(self, payload: bytes) -> tuple[Any, Shape, int] | None:
        """Return the message, its values as structs, what their slots are, how many are null.

        None where a name or a type is not right anywhere, or the payload is no JSON. Keys that
        stand twice are not seen here: count the quotation marks.
        """
        start = payload.find(b"{", payload.find(VALUES))
        names = tuple(payload[start : payload.find(b"}", start)].split(b'"')[1::2])
        found = self._decode(payload, names)
        if found is not None:
            return (*found, 0)
        nulls = payload.count(b"null")
        if not nulls or STANDS_FOR_NULL in payload:
            return None
        found = self._decode(payload.replace(b"null", STANDS_FOR_NULL), names)
        return None if found is None else (*found, nulls)

    def _decode(self, payload: bytes, names: tuple[bytes, ...]) -> tuple[Any, Shape] | None:
        for shape in (_shape(self, names), _shape(self, ())):
            if shape is None:
                continue
            try:
                return shape.decoder.decode(payload), shape
            except (msgspec.MsgspecError, RecursionError, ValueError):
                continue
        return None


def _every(wire: Mapping[str, str | None]) -> tuple[str, ...]:
    """Return one name of the sender for each channel, and all that are passed over."""
    one = {ours: theirs for theirs, ours in wire.items() if ours is not None}
    return (*one.values(), *(theirs for theirs, ours in wire.items() if ours is None))


@lru_cache(maxsize=512)
def _shape(reader: Reader, names: tuple[bytes, ...]) -> Shape | None:
    """Return the shape for these names of the sender; () for all channels. None: unknown ones."""
    wire = reader.wire
    wanted = [name.decode("utf-8", "replace") for name in names] or list(_every(wire))
    if not all(name in wire for name in wanted):
        return None
    chosen = {ours: name for name in wanted if (ours := wire[name]) is not None}
    passed_over = [name for name in wanted if wire[name] is None]
    selection = reader.plan.select(tuple(chosen))
    if selection is None or not chosen or len(chosen) + len(passed_over) != len(set(wanted)):
        return None  # one channel under two names: which of them is right?
    channels = reader.plan.vocab.by_name
    fields: list[tuple[str, Any, Any]] = [
        (f"c{i}", float | bool if channels[name].kind is Kind.BOOL else float, math.nan)
        for i, name in enumerate(chosen)
    ]
    fields += [(f"x{i}", msgspec.Raw, msgspec.Raw(b"")) for i in range(len(passed_over))]
    told = [*chosen.values(), *passed_over]
    values = msgspec.defstruct(
        "Values",
        fields,
        rename={name: theirs for (name, _, _), theirs in zip(fields, told, strict=True)},
        forbid_unknown_fields=True,
        gc=False,
    )
    return Shape(selection, len(passed_over), msgspec.json.Decoder(reader.build(values)))


@dataclass(frozen=True, slots=True, eq=False)
class Values:
    """Many objects as float32[n, k]; `marks`: the quotation marks they have in the payload.

    `valid`: every value is in range, and whole where it must be.
    """

    rows: NDArray[np.float32]
    marks: int
    valid: bool


def matrix_of(
    values: Sequence[msgspec.Struct], shape: Shape, plan: Plan, nulls: int
) -> Values | None:
    """Return the values of all objects, `nulls` of them null.

    None where one has none, or one no float32 holds, or a null stands where no value is.
    """
    n, k = len(values), len(shape.selection.index)
    pack, slots = floats(k), msgspec.structs.astuple
    marks = 0
    try:
        if shape.passed_over:
            packed = b"".join([pack(*slots(one)[:k]) for one in values])
            others = [bytes(raw) for one in values for raw in slots(one)[k:]]
            marks = sum([2 + raw.count(b'"') for raw in others if raw])
        else:
            packed = b"".join([pack(*slots(one)) for one in values])
    except OverflowError:
        return None
    rows = np.frombuffer(packed, np.float32).reshape(n, k)
    if nulls:
        clean = without_nulls(rows, nulls)
        if clean is None:
            return None
        rows = clean
    absent = np.isnan(rows)
    count = n * k - int(np.count_nonzero(absent))
    if count < n * k and absent.all(axis=1).any():
        return None
    valid = all_valid(shape.selection, np.ascontiguousarray(rows.T), plan)
    return Values(rows, marks + 2 * (count + nulls), valid)


def without_faults(
    rows: NDArray[np.float32],
    shape: Shape,
    reader: Reader,
    raw: Sequence[Mapping[str, object]],
    told: Sequence[str],
    lifts: Sequence[str],
    refusals: Refusals,
) -> NDArray[np.float32] | None:
    """Return float32[n, k] without the values that cannot be, each of them noted.

    `raw`: the objects as they were sent; `told`: what the field's name begins with, an object.
    None for a number that only the careful reader can write as the sender did.
    """
    channels, rows = reader.plan.vocab.channels, rows.copy()
    bad = faults(shape.selection, rows.T, reader.plan)
    slots = {channels[index].name: k for k, index in enumerate(shape.selection.index)}
    for i in np.flatnonzero(bad.any(axis=0)).tolist():
        for key, value in raw[i].items():
            name = reader.wire[key]
            if name is None or not bad[slots[name], i]:
                continue
            if isinstance(value, float) and abs(value) >= EXACT:
                return None
            channel = reader.plan.vocab.by_name[name]
            field = f"{told[i]}{key}"
            rows[i, slots[name]] = check_value(channel, value, refusals, field, lifts[i])
    return rows


def spread(rows: NDArray[np.float32], shape: Shape, plan: Plan) -> NDArray[np.float32]:
    """Return float32[n, C] of float32[n, k]: the other channels are absent."""
    full = np.full((len(rows), len(plan.vocab)), np.nan, np.float32)
    full[:, shape.selection.place] = rows
    return full


def quotes(payload: bytes) -> int:
    """Return how many quotation marks a payload has; bytes.count stops at each of them."""
    return int(np.count_nonzero(np.frombuffer(payload, np.uint8) == 34))
