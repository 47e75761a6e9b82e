"""Reading a payload by a layout that is known: a few array operations, none of them a metric's."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from devices.batch import TelemetryBatch
from devices.codecs.clock import in_time, late
from devices.codecs.context import Context
from devices.codecs.sparkplug.layout import Layout, Numbers
from devices.codecs.sparkplug.records import Words, narrow, words_of
from devices.codecs.sparkplug.session import SEQS, Node
from devices.codecs.sparkplug.wire import BOOLEAN, DOUBLE, FLOAT, INT, varint

Bytes = NDArray[np.uint8]
Times = NDArray[np.int64]
Values = NDArray[np.float32]


def replay(
    layout: Layout, payload: bytes, node: Node, context: Context
) -> tuple[TelemetryBatch, int] | None:
    """Return (batch, seq) of a payload in which everything is right; None if anything is not.

    About 1 µs a lift of 20 channels.
    """
    raw = np.frombuffer(payload, np.uint8)
    if (raw & layout.mask).tobytes() != layout.want:
        return None
    seq = varint(payload, *layout.seq)[0]
    if seq >= SEQS or any(node.codes.get(key) != state for key, state in layout.codes):
        return None
    words = words_of(payload)
    ts_ms = _times(layout, payload, words)
    if ts_ms is None or not _in_order(ts_ms, layout, context):
        return None
    values = _values(layout, raw, words)
    if not _in_range(values, layout):
        return None
    full = np.full((len(ts_ms), layout.channels), np.nan, np.float32)
    full.reshape(-1)[layout.flat] = values
    history = late(ts_ms, context.received_ms, context.limits) | ~layout.live
    return TelemetryBatch(layout.lifts.copy(), ts_ms, full, history), seq


def _times(layout: Layout, payload: bytes, words: Words) -> Times | None:
    """Return int64[g]; None where the metrics of a row do not agree on its time any more."""
    if layout.timed.size == 0:
        sent = varint(payload, *layout.sent)[0] if layout.sent else 0
        return np.full(len(layout.lifts), min(sent, 2**62), np.int64)
    every = words[layout.timed]
    every &= layout.timed_mask
    if (every == every[0]).all():  # the ordinary case: one moment for all
        at = int(layout.timed[0])
        sent = varint(payload, at, at + layout.timed_width)[0]
        return np.full(len(layout.lifts), min(sent, 2**62), np.int64)
    first = every[layout.first]
    if (every != first[layout.row_of]).any():
        return None
    return narrow(first, layout.timed_width).astype(np.int64)


def _wide(raw: Bytes) -> Words:
    """Return uint64[k] of varints uint8[k, width]; bits beyond 64 fall off."""
    shifts = np.arange(raw.shape[1], dtype=np.uint64) * np.uint64(7)
    parts: Words = (raw & 0x7F).astype(np.uint64) << shifts
    found: Words = np.bitwise_or.reduce(parts, axis=1)
    return found


def _in_order(ts_ms: Times, layout: Layout, context: Context) -> bool:
    earlier, later = layout.ascends
    received, limits = context.received_ms, context.limits
    return (
        in_time(int(ts_ms.min()), received, limits)
        and in_time(int(ts_ms.max()), received, limits)
        and (len(earlier) == 0 or not (ts_ms[later] <= ts_ms[earlier]).any())
    )


def _values(layout: Layout, raw: Bytes, words: Words) -> Values:
    values = layout.base.copy()
    with np.errstate(over="ignore", invalid="ignore"):
        for numbers in layout.numbers:
            values[numbers.cells] = _read(numbers, raw, words)
    return values


def _read(numbers: Numbers, raw: Bytes, words: Words) -> NDArray[Any]:
    """Return the numbers of cells that are written alike."""
    if numbers.field == FLOAT:
        return words[numbers.at].astype(np.uint32).view(np.float32)
    if numbers.field == DOUBLE:
        return words[numbers.at].view("<f8")
    if numbers.width == 1:  # below 128: no sign to look for
        single: NDArray[Any] = raw[numbers.at]
        return single != 0 if numbers.field == BOOLEAN else single
    if numbers.width <= 8:
        whole = narrow(words[numbers.at], numbers.width)
    else:
        whole = _wide(raw[numbers.at[:, None] + np.arange(numbers.width)])
    if numbers.field == BOOLEAN:
        return np.not_equal(whole, 0)
    width = 32 if numbers.field == INT else 64
    if width == 32:
        whole &= np.uint64(0xFFFFFFFF)
    if numbers.bits == 0:
        return whole
    return _signed(whole, numbers.bits, width)


def _signed(whole: NDArray[np.uint64], bits: int, width: int) -> Times:
    """Return int64[k]: two's complement in `bits`, or in the width of the field."""
    number = whole.view(np.int64)  # of 64 bits this is all that is needed
    if bits == 64:
        return number
    if width == 32:
        number = np.where(whole >= np.uint64((1 << 32) - (1 << (bits - 1))), number - 2**32, number)
    narrow = (whole >= np.uint64(1 << (bits - 1))) & (whole < np.uint64(1 << bits))
    return np.where(narrow, whole.view(np.int64) - (1 << bits), number)


def _in_range(values: Values, layout: Layout) -> bool:
    good = values >= layout.lo  # NaN is neither
    good &= values <= layout.hi
    if not good.all():
        return False
    whole = values[layout.integral]
    if len(whole) and (whole != np.floor(whole)).any():
        return False
    return all(np.isin(values[cells], codes).all() for cells, codes in layout.holes)
