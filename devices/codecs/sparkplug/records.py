"""The metrics of a payload as columns: protobuf's wire format, read for all records at once.

Only what data messages mostly are: timestamp, metrics by alias, seq, each metric with alias,
timestamp and number in this order. Anything else returns None and is read with care.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from devices.codecs.sparkplug.session import SEQS
from devices.codecs.sparkplug.wire import NotPlain, varint

Bytes = NDArray[np.uint8]
Index = NDArray[np.intp]
Words = NDArray[np.uint64]
_TIMESTAMP, _METRIC, _SEQ = 0x08, 0x12, 0x18  # tags of a payload
_ALIAS, _TS, _HISTORICAL = 0x10, 0x18, 0x28  # tags of a metric, in the order they are written
# a time of our days is a varint of six bytes: five that go on, one that ends
_SIX, _SIX_BITS = np.uint64(0x808080808080), np.uint64(0x008080808080)
U = np.uint64


@dataclass(slots=True)
class Records:
    """n metrics. alias intp[n] · ts_ms int64[n] · historical bool[n] · tag uint8[n] of the number ·
    word uint64[n]: its first eight bytes, least first · far uint64[n]: those that follow · width
    intp[n]: how many they are."""

    seq: int
    alias: Index
    ts_ms: NDArray[np.int64]
    historical: NDArray[np.bool_]
    tag: Bytes
    word: Words
    far: Words
    width: Index

    @property
    def print(self) -> int:
        """A number that is the same for messages of the same metrics, written alike."""
        return hash((self.alias.tobytes(), self.tag.tobytes(), self.width.tobytes()))


def words_of(payload: bytes) -> Words:
    """Return uint64[n]: the eight bytes from each place on, as one number, least byte first."""
    return np.ndarray((len(payload) + 8,), "<u8", payload + bytes(16), strides=(1,))


def narrow(words: Words, width: int) -> Words:
    """Return the numbers of varints of up to eight bytes, each the low bytes of a word."""
    found = words & U(0x7F)
    for k in range(1, width):
        found |= (words >> U(k)) & U(0x7F << 7 * k)
    return found


def records(payload: bytes) -> Records | None:
    """Return the metrics as columns; None where one of them is not plain."""
    try:
        sent, first = _head(payload)
        raw = np.frombuffer(payload, np.uint8)
        at, end = _chain(raw, first)
        seq = _tail(payload, int(end[-1]))
    except NotPlain:
        return None
    words, last = words_of(payload), len(payload)
    raw = np.frombuffer(payload + bytes(16), np.uint8)
    p = at + 2
    if (raw[p] != _ALIAS).any():
        return None
    word = words[p + 1]
    short = (word & U(0x80)) == 0
    if not (short | ((word & U(0x8000)) == 0)).all():
        return None
    long_alias = (word & U(0x7F)) | ((word >> U(1)) & U(0x3F80))
    alias = np.where(short, word & U(0x7F), long_alias).astype(np.intp)
    p = p + np.where(short, 2, 3)
    stamped = raw[np.minimum(p, last)] == _TS
    if stamped.all():
        word = words[p + 1]
        if ((word & _SIX) != _SIX_BITS).any():
            return None
        ts_ms = narrow(word & U((1 << 48) - 1), 6).astype(np.int64)
        p = p + 7
    elif sent is None or stamped.any():
        return None
    else:
        ts_ms = np.full(len(at), min(sent, 2**62), np.int64)
    if (p >= end).any():
        return None
    historical = raw[p] == _HISTORICAL
    if historical.any():
        historical &= raw[p + 1] == 1  # a plain "no" is not written so: read with care
        p = p + 2 * historical
        if (p >= end).any():
            return None
    far = words[np.minimum(p + 9, last)]  # a negative long has ten bytes
    return Records(seq, alias, ts_ms, historical, raw[p], words[p + 1], far, end - p - 1)


def _head(payload: bytes) -> tuple[int | None, int]:
    """Return (the payload's timestamp, where the first metric begins)."""
    if not payload or payload[0] not in (_TIMESTAMP, _METRIC):
        raise NotPlain
    if payload[0] == _METRIC:
        return None, 0
    return varint(payload, 1, len(payload))


def _tail(payload: bytes, at: int) -> int:
    """Return seq, which must be all that follows the metrics."""
    if at >= len(payload) or payload[at] != _SEQ:
        raise NotPlain
    seq, end = varint(payload, at + 1, len(payload))
    if end != len(payload) or seq >= SEQS:
        raise NotPlain
    return seq


def _chain(raw: Bytes, first: int) -> tuple[Index, Index]:
    """Return where each metric begins and ends, intp[n].

    Every byte that looks like a metric's tag is a candidate; the real ones are those that are
    reached from the first by each one's own length. All are followed at once, by doubling: n
    steps of one become log n steps of many.
    """
    at = np.flatnonzero(raw[:-1] == _METRIC)
    at = at[np.searchsorted(at, first) :]
    if not len(at) or at[0] != first:
        raise NotPlain
    size = raw[at + 1]
    end = at + 2 + size
    following = np.searchsorted(at, end)
    none = len(at)
    real = following < none
    real[real] = at[following[real]] == end[real]
    jump = np.append(np.where(real, following, none), none)
    path = np.zeros(1, np.intp)
    while path[-1] != none:
        path = np.concatenate((path, jump[path]))
        jump = jump[jump]
    path = path[path != none]
    if (size[path] >= 0x80).any() or end[path[-1]] > len(raw):
        raise NotPlain  # a length of two bytes
    return at[path], end[path]
