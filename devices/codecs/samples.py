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

from devices.codecs.values import Plan, Selection, all_valid, floats
from devices.vocabulary import Kind

Build = Callable[[Any], Any]  # type of an object of values → type of a message that holds them


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """A reader of messages whose objects name these channels, or some of them."""

    selection: Selection
    decoder: msgspec.json.Decoder[Any]


@dataclass(frozen=True, slots=True, eq=False)
class Reader:
    """Readers of one form of message; `wire` gives names of the sender for our channels."""

    plan: Plan
    build: Build
    wire: Mapping[str, str]

    def read(self, payload: bytes, first: bytes) -> tuple[Any, Selection] | None:
        """Return the message, its values as structs, and which channels are their slots.

        `first`: the text of the first object of values. None where a name or a type is not
        right anywhere, or the payload is no JSON. Keys that stand twice are not seen here.
        """
        names = tuple(first.split(b'"')[1::2])
        for shape in (_shape(self, names), _shape(self, ())):
            if shape is None:
                continue
            try:
                return shape.decoder.decode(payload), shape.selection
            except (msgspec.MsgspecError, RecursionError, ValueError):
                continue
        return None


@lru_cache(maxsize=512)
def _shape(reader: Reader, names: tuple[bytes, ...]) -> Shape | None:
    """Return the shape for these names of the sender; () for all channels. None: unknown ones."""
    ours = {theirs: name for name, theirs in reader.wire.items()}
    wanted = names or tuple(theirs.encode() for theirs in ours)
    channels = [ours.get(name.decode("utf-8", "replace")) for name in wanted]
    chosen = tuple(name for name in channels if name is not None)
    selection = reader.plan.select(chosen)
    if selection is None or len(chosen) != len(wanted) or len(set(chosen)) != len(chosen):
        return None
    kinds = [reader.plan.vocab.by_name[name].kind for name in chosen]
    values = msgspec.defstruct(
        "Values",
        [
            (name, float | bool if kind is Kind.BOOL else float, math.nan)
            for name, kind in zip(chosen, kinds, strict=True)
        ],
        rename=dict(reader.wire),
        forbid_unknown_fields=True,
        gc=False,
    )
    return Shape(selection, msgspec.json.Decoder(reader.build(values)))


def matrix_of(
    values: Sequence[msgspec.Struct], selection: Selection, plan: Plan
) -> tuple[NDArray[np.float32], int] | None:
    """Return (float32[n, C], how many values it has).

    None where a value is out of range or not whole, or an object has none.
    """
    n, k = len(values), len(selection.index)
    pack, slots = floats(k), msgspec.structs.astuple
    try:
        packed = b"".join([pack(*slots(one)) for one in values])
    except OverflowError:
        return None
    rows = np.frombuffer(packed, np.float32).reshape(n, k)
    if not all_valid(selection, rows.T, plan):
        return None
    absent = np.isnan(rows)
    count = n * k - int(np.count_nonzero(absent))
    if count < n * k and absent.all(axis=1).any():
        return None
    full = np.full((n, len(plan.vocab)), np.nan, np.float32)
    full[:, selection.place] = rows
    return full, count


def quotes(payload: bytes) -> int:
    """Return how many quotation marks a payload has; bytes.count stops at each of them."""
    return int(np.count_nonzero(np.frombuffer(payload, np.uint8) == 34))
