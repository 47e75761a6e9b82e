"""Sealed segments: tens of thousands of samples as compressed columns.

Each channel is laid out lift by lift, so that neighbours are one lift's successive values. A
sensor with a fixed number of decimals becomes whole numbers, their differences, and those the
fewest bytes; what is not of that kind keeps its float32 bits, split into byte planes. zlib does
the rest. Every value comes back bit by bit; all NaN are one.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from devices.gateway.rows import Rows

_MAGIC = b"LS1"
_HEAD = struct.Struct("<3sIH")
_SIZE = struct.Struct("<I")
_LEVEL = 1  # of zlib: level 6 saves 4 % and takes three times as long
_DECIMALS = (0, 1, 2, 3, 4)
_PROBE = 256
_MOST = 2**23  # scaled values stay exact in float32 arithmetic on both sides
_CONST, _SCALED, _BITS = 0, 1, 2
_WIDTHS: Sequence[type[np.unsignedinteger[Any]]] = (np.uint8, np.uint16, np.uint32, np.uint64)


def seal(rows: Rows) -> bytes:
    """Return the segment of these samples. About 1.3 µs a sample of 20 channels."""
    order = np.lexsort((rows.ts_ms, rows.lift))
    parts = [_ints(rows.lift), _ints(rows.ts_ms), rows.channel.astype("<i4").tobytes()]
    parts += [_channel(column[order]) for column in rows.values]
    body = b"".join(_SIZE.pack(len(part)) + part for part in parts)
    return _HEAD.pack(_MAGIC, len(rows), len(rows.channel)) + body


def unseal(body: bytes) -> Rows:
    """Return the samples of a segment, in the order in which they came.

    Raises ValueError, struct.error, zlib.error for bytes that are no segment.
    """
    magic, n, channels = _HEAD.unpack_from(body)
    if magic != _MAGIC:
        raise ValueError("no segment")
    parts, at = [], _HEAD.size
    for _ in range(3 + channels):
        (size,) = _SIZE.unpack_from(body, at)
        at += _SIZE.size
        parts.append(body[at : at + size])
        at += size
    lift, ts_ms = _read_ints(parts[0], n).astype(np.int32), _read_ints(parts[1], n)
    order = np.lexsort((ts_ms, lift))
    values = np.empty((channels, n), np.float32)
    for row, part in zip(values, parts[3:], strict=True):
        row[order] = _read_channel(part, n)
    return Rows(lift, ts_ms, np.frombuffer(parts[2], "<i4"), values)


def _ints(whole: NDArray[Any]) -> bytes:
    """Differences, sign folded in, in the fewest bytes, plane by plane."""
    step = whole.astype(np.int64)
    step[1:] -= step[:-1].copy()
    folded = ((step << 1) ^ (step >> 63)).view(np.uint64)
    top = int(folded[1:].max()) if len(folded) > 1 else 0
    first, folded = int(folded[0]) if len(folded) else 0, folded[1:]
    width = next(i for i, kind in enumerate(_WIDTHS) if top <= np.iinfo(kind).max)
    return struct.pack("<BQ", width, first) + _planes(folded.astype(_WIDTHS[width]))


def _read_ints(part: bytes, n: int) -> NDArray[np.int64]:
    width, first = struct.unpack_from("<BQ", part)
    folded = np.empty(n, np.uint64)
    if n:
        folded[0] = first
        folded[1:] = _read_planes(part[9:], n - 1, _WIDTHS[width])
    step = (folded >> np.uint64(1)).view(np.int64) ^ -(folded & np.uint64(1)).view(np.int64)
    return np.cumsum(step)


def _planes(array: NDArray[Any]) -> bytes:
    """All lowest bytes, then all second ones …: equal bytes come to lie side by side."""
    width = array.dtype.itemsize
    raw = array.view(np.uint8).reshape(-1, width).T
    return zlib.compress(np.ascontiguousarray(raw).tobytes(), _LEVEL)


def _read_planes(part: bytes, n: int, kind: Any) -> NDArray[Any]:
    width = np.dtype(kind).itemsize
    raw = np.frombuffer(zlib.decompress(part), np.uint8).reshape(width, n)
    return np.ascontiguousarray(raw.T).reshape(-1).view(kind)


def _channel(column: NDArray[np.float32]) -> bytes:
    absent = np.isnan(column)
    mask = b"" if not absent.any() else zlib.compress(np.packbits(absent).tobytes(), _LEVEL)
    there = column[~absent] if mask else column
    bits = there.view(np.uint32)
    head = struct.pack("<I", len(mask)) + mask
    if len(bits) and (bits == bits[0]).all():
        return head + struct.pack("<BI", _CONST, int(bits[0]))
    decimals = _decimals(there)
    if decimals is None:
        return head + struct.pack("<B", _BITS) + _planes(np.ascontiguousarray(bits))
    return head + struct.pack("<BB", _SCALED, decimals) + _ints(_scaled(there, decimals))


def _read_channel(part: bytes, n: int) -> NDArray[np.float32]:
    (size,) = struct.unpack_from("<I", part)
    at = 4 + size
    absent = None
    if size:
        raw = np.frombuffer(zlib.decompress(part[4:at]), np.uint8)
        absent = np.unpackbits(raw, count=n).astype(np.bool_)
    m = n if absent is None else n - int(np.count_nonzero(absent))
    there = _read_values(part[at:], m)
    if absent is None:
        return there
    column = np.full(n, np.nan, np.float32)
    column[~absent] = there
    return column


def _read_values(part: bytes, m: int) -> NDArray[np.float32]:
    kind = part[0]
    if kind == _CONST:
        return np.full(m, struct.unpack_from("<I", part, 1)[0], np.uint32).view(np.float32)
    if kind == _SCALED:
        return _unscaled(_read_ints(part[2:], m), part[1])
    return _read_planes(part[1:], m, np.uint32).view(np.float32)


def _decimals(there: NDArray[np.float32]) -> int | None:
    """Return how many decimals bring every value back exactly; None where none do."""
    for decimals in _DECIMALS:
        if _exact(there[:_PROBE], decimals) and _exact(there, decimals):
            return decimals
    return None


def _exact(there: NDArray[np.float32], decimals: int) -> bool:
    if not len(there):
        return True
    if float(np.abs(there).max()) * 10**decimals >= _MOST:
        return False
    again = _unscaled(_scaled(there, decimals), decimals)
    return bool((again.view(np.uint32) == there.view(np.uint32)).all())  # −0.0 is not 0.0


def _scaled(there: NDArray[np.float32], decimals: int) -> NDArray[np.int64]:
    whole: NDArray[np.int64] = np.rint(there.astype(np.float64) * 10**decimals).astype(np.int64)
    return whole


def _unscaled(whole: NDArray[np.int64], decimals: int) -> NDArray[np.float32]:
    there: NDArray[np.float32] = (whole / 10**decimals).astype(np.float32)
    return there
