"""Samples as the gateway holds them: columns of float32, names as numbers of its own."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from devices.vocabulary import load_vocabulary

Value = float | bool | str | None
Column = Sequence[Value] | NDArray[Any]

_HEAD = struct.Struct("<IHB")
_LARGEST = float(np.finfo(np.float32).max)


@dataclass(slots=True)
class Rows:
    """n samples in the order in which they came.

    lift int32[n] and channel int32[C]: numbers of names · ts_ms int64[n], epoch ms UTC ·
    values float32[C, n], NaN where absent.
    """

    lift: NDArray[np.int32]
    ts_ms: NDArray[np.int64]
    channel: NDArray[np.int32]
    values: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.lift)

    def pick(self, which: Any) -> Rows:
        """Return some of the samples; `which` is a slice or an index of numpy."""
        return Rows(self.lift[which], self.ts_ms[which], self.channel, self.values[:, which])

    def spoken(self) -> Rows:
        """Return the samples that have a value at all: without one a lift did not answer."""
        empty = np.isnan(self.values).all(axis=0)
        return self.pick(~empty) if empty.any() else self

    def pack(self) -> bytes:
        """Return the bytes that `unpack` reads: cheap to write, for samples that soon leave."""
        same = bool(len(self)) and bool((self.ts_ms == self.ts_ms[0]).all())
        times = self.ts_ms[:1] if same else self.ts_ms
        head = _HEAD.pack(len(self), len(self.channel), same)
        parts = (times, self.lift, self.channel, np.ascontiguousarray(self.values))
        return head + b"".join(part.tobytes() for part in parts)

    @staticmethod
    def unpack(body: bytes) -> Rows:
        """Read what `pack` returned. Raises ValueError, struct.error for anything else."""
        n, channels, same = _HEAD.unpack_from(body)
        at = _HEAD.size
        times = np.frombuffer(body, "<i8", 1 if same else n, at)
        at += times.nbytes
        lift = np.frombuffer(body, "<i4", n, at)
        at += lift.nbytes
        channel = np.frombuffer(body, "<i4", channels, at)
        at += channel.nbytes
        values = np.frombuffer(body, "<f4", channels * n, at).reshape(channels, n)
        return Rows(lift, np.repeat(times, n) if same else times, channel, values)


def join(parts: Sequence[Rows]) -> Rows:
    """Join samples in the order given; the channels are those of all."""
    if len(parts) == 1:
        return parts[0]
    first = parts[0].channel
    if all(np.array_equal(part.channel, first) for part in parts):
        channel, values = first, np.concatenate([part.values for part in parts], axis=1)
    else:
        channel = np.unique(np.concatenate([part.channel for part in parts]))
        values = np.full((len(channel), sum(map(len, parts))), np.nan, np.float32)
        at = 0
        for part in parts:
            place = np.searchsorted(channel, part.channel)
            values[place, at : at + len(part)] = part.values
            at += len(part)
    lift = np.concatenate([part.lift for part in parts])
    return Rows(lift, np.concatenate([part.ts_ms for part in parts]), channel, values)


def column_of(name: str, given: Column) -> NDArray[np.float32] | None:
    """Return float32[n], NaN where absent; None for what only the service can judge.

    Names of enumerated channels become their numbers. What is no number, too large for a
    float32, or a name that nobody knows, is not ours to correct or to swallow: it travels as it
    is, and the service refuses it by name.
    """
    array = given if isinstance(given, np.ndarray) else np.asarray(given)
    if array.dtype.kind in "biu":
        return array.astype(np.float32)
    if array.dtype.kind == "f":
        return _narrow(array)
    return _narrow(numbers) if (numbers := _one_by_one(name, list(given))) is not None else None


def _narrow(array: NDArray[Any]) -> NDArray[np.float32] | None:
    if array.dtype.itemsize > 4:
        with np.errstate(invalid="ignore"):
            if (np.isfinite(array) & (np.abs(array) > _LARGEST)).any():
                return None
    narrow = array.astype(np.float32)
    narrow[np.isinf(narrow)] = np.nan
    return narrow


def _one_by_one(name: str, given: Sequence[Any]) -> NDArray[np.float64] | None:
    found = np.full(len(given), np.nan)
    names = _enum_names().get(name, {})
    for i, said in enumerate(given):
        value = names.get(said) if isinstance(said, str) else said
        if said is None:
            continue
        if not isinstance(value, int | float | np.number | np.bool_):
            return None
        try:
            found[i] = value
        except OverflowError:
            return None
    return found


@lru_cache(maxsize=1)
def _enum_names() -> Mapping[str, Mapping[str, int]]:
    return {
        channel.name: {value.name: number for number, value in channel.values.items()}
        for channel in load_vocabulary().channels
        if channel.values
    }
