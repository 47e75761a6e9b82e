"""Packed telemetry → a batch. Only the columns' types are looked at one by one, never values."""

from __future__ import annotations

from dataclasses import dataclass
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from devices.batch import Decoded, TelemetryBatch
from devices.codecs.clock import NEVER, check_ts, in_time, late
from devices.codecs.context import Context, check_lift, rows_of
from devices.codecs.limits import BOOT_MAX
from devices.codecs.packed.form import (
    CHANNELS_MAX,
    HEAD_BYTES,
    LIFT_BYTES,
    LIFT_FORMS,
    TIME_FORMS,
    Flaw,
    Head,
    Layout,
    layout,
    names_crc,
    numbers,
    read_head,
)
from devices.codecs.parse import Envelope
from devices.codecs.refuse import Refusals, reject
from devices.codecs.values import NO_MESSAGES, all_valid, check_value
from devices.codecs.whole import whole


@dataclass(frozen=True, slots=True)
class _Parts:
    """A message taken apart: `codes` of its lifts, `place` in them a sample, k columns."""

    head: Head
    layout: Layout
    codes: list[str]
    place: NDArray[np.intp] | None
    ts_ms: NDArray[np.int64]
    matrix: NDArray[np.float32]


def fast(payload: bytes, context: Context) -> Decoded | None:
    """Decode a message in which everything is right; None if anything may be wrong."""
    try:
        parts = _take_apart(payload, context)
    except Flaw:
        return None
    head, plan, limits = parts.head, context.plan, context.limits
    rows = rows_of(parts.codes, context)
    if (
        rows is None
        or not 1 <= head.boot <= BOOT_MAX
        or head.first > head.seq
        or not in_time(head.base_ms, context.received_ms, limits)
        or not (head.time_form == 0 or in_time(int(parts.ts_ms.max()), context.received_ms, limits))
        or not all_valid(parts.layout.selection, parts.matrix, plan)
    ):
        return None
    batch = _batch(parts, rows if parts.place is None else rows[parts.place], context)
    envelope = Envelope(head.boot, head.seq, head.first or None)
    return whole(batch, envelope, Refusals(0), "bitmap", not np.isnan(parts.matrix[0]).any())


def careful(payload: bytes, context: Context) -> Decoded:
    """Decode what can be taken of a message, naming what cannot.

    Raises RejectedMessage where the bytes cannot be taken apart or nothing is left.
    """
    try:
        parts = _take_apart(payload, context)
    except Flaw as flaw:
        boot, seq = numbers(payload)
        raise reject(flaw.reason, flaw.field, flaw.value, flaw.limit, boot=boot, seq=seq) from None
    head, refusals = parts.head, Refusals(context.limits.refusals)
    if not 1 <= head.boot <= BOOT_MAX:
        raise reject("seq_out_of_range", "boot", head.boot, f"1..{BOOT_MAX}", seq=head.seq)
    if head.first > head.seq:
        refusals.add("seq_out_of_range", "first", head.first, f"0..{head.seq}")
    envelope = Envelope(head.boot, head.seq, head.first if 0 < head.first <= head.seq else None)
    known = [check_lift(code, context, refusals, "lifts") for code in parts.codes]
    rows = np.array([-1 if row is None else row for row in known], np.int32)
    rows = rows if parts.place is None else rows[parts.place]
    rows[~_in_time(parts, context, refusals)] = -1
    _clean(parts, rows, context, refusals)
    batch = _batch(parts, rows, context)
    keep = rows >= 0
    batch = TelemetryBatch(
        rows[keep], parts.ts_ms[keep], batch.values[keep], batch.late[keep], NO_MESSAGES
    )
    return whole(batch, envelope, refusals, "bitmap")


def _take_apart(payload: bytes, context: Context) -> _Parts:
    """Read all tables of a message. Raises Flaw; checks nothing of what they say."""
    head = read_head(payload)
    _check_head(head, context)
    end = HEAD_BYTES + (head.channels + 7) // 8
    bitmap = payload[HEAD_BYTES:end]
    present = int.from_bytes(bitmap, "little").bit_count()
    start, end = end, end + 2 * present
    if end > len(payload) - 4:
        raise Flaw("bad_length", "payload", len(payload), f"more than {end + 4} bytes")
    form = layout(context.plan, head.channels, bitmap, payload[start:end])
    n, lift_form, time_form = head.samples, LIFT_FORMS[head.lift_form], TIME_FORMS[head.time_form]
    a_sample = form.bytes_a_sample
    a_sample += (lift_form.itemsize if lift_form else 0) + (time_form.itemsize if time_form else 0)
    size = end + head.lifts * LIFT_BYTES + n * a_sample + 4
    if size != len(payload):
        raise Flaw("bad_length", "payload", len(payload), f"{size} bytes by its counts")
    said = int.from_bytes(payload[-4:], "little")
    if said != (right := crc32(memoryview(payload)[HEAD_BYTES:-4])):
        raise Flaw("bad_checksum", "payload", f"{said:08x}", f"{right:08x}")
    start, end = end, end + head.lifts * LIFT_BYTES
    digits = payload[start:end].hex()
    codes = [digits[i : i + 20] for i in range(0, len(digits), 20)]
    place = None
    if lift_form is not None:
        place = np.frombuffer(payload, lift_form, n, end).astype(np.intp)
        end += n * lift_form.itemsize
        if place.max() >= head.lifts:
            raise Flaw("bad_header", "lift index", int(place.max()), f"below {head.lifts} lifts")
    ts_ms = np.full(n, head.base_ms, np.int64)
    if time_form is not None:
        ts_ms += np.frombuffer(payload, time_form, n, end)
        end += n * time_form.itemsize
    return _Parts(head, form, codes, place, ts_ms, _matrix(payload, end, form, n))


def _check_head(head: Head, context: Context) -> None:
    known = len(context.plan.vocab)
    if head.time_form >= len(TIME_FORMS):
        raise Flaw("bad_header", "time form", head.time_form, f"0..{len(TIME_FORMS) - 1}")
    if head.lift_form >= len(LIFT_FORMS):
        raise Flaw("bad_header", "lift form", head.lift_form, f"0..{len(LIFT_FORMS) - 1}")
    if head.channels > min(known, CHANNELS_MAX):
        raise Flaw("unknown_channel", "channels", head.channels, f"{known} channels")
    if head.names != (right := names_crc(context.plan, head.channels)):
        raise Flaw("unknown_channel", "names", f"{head.names:08x}", f"{right:08x}")
    if head.samples > context.limits.samples or head.lifts > context.limits.samples:
        most, limit = max(head.samples, head.lifts), f"{context.limits.samples}"
        raise Flaw("too_many_samples", "samples", most, limit)
    if not head.samples:
        raise Flaw("empty", "samples", 0, "at least one sample")
    if LIFT_FORMS[head.lift_form] is None and head.lifts != head.samples:
        raise Flaw("length_mismatch", "lifts", head.lifts, f"{head.samples} as samples")
    if head.base_ms > -NEVER:
        raise Flaw("clock_ahead", "base", head.base_ms, "ms since 1970")


def _matrix(payload: bytes, start: int, form: Layout, n: int) -> NDArray[np.float32]:
    matrix = np.empty((len(form.selection.index), n), np.float32)
    for run in form.runs:
        count = (run.stop - run.start) * n
        raw = np.frombuffer(payload, run.dtype, count, start).reshape(-1, n)
        start += count * run.dtype.itemsize
        own = matrix[run.start : run.stop]
        if run.times is None and run.over is None:
            own[:] = raw
        else:
            exact = raw.astype(np.float64)
            if run.times is not None:
                exact *= run.times
            if run.over is not None:
                exact /= run.over
            own[:] = exact
        if run.absent is not None:
            np.copyto(own, np.nan, where=raw == run.absent)
    return matrix


def _batch(parts: _Parts, rows: NDArray[np.int32], context: Context) -> TelemetryBatch:
    full = np.full((len(rows), len(context.plan.vocab)), np.nan, np.float32)
    full[:, parts.layout.selection.place] = parts.matrix.T
    late_rows = late(parts.ts_ms, context.received_ms, context.limits)
    return TelemetryBatch(rows, parts.ts_ms, full, late_rows, NO_MESSAGES)


def _in_time(parts: _Parts, context: Context, refusals: Refusals) -> NDArray[np.bool_]:
    """Return bool[n]; each time that cannot be taken is named once, however many have it."""
    times, place = np.unique(parts.ts_ms, return_inverse=True)
    received_ms, limits = context.received_ms, context.limits
    good = [check_ts(int(ts), received_ms, limits, refusals) is not None for ts in times]
    return np.array(good, np.bool_)[place]


def _clean(parts: _Parts, rows: NDArray[np.int32], context: Context, refusals: Refusals) -> None:
    """Take out each value that cannot be, naming it; of rows that are taken only."""
    matrix, selection = parts.matrix, parts.layout.selection
    for k, index in enumerate(selection.index.tolist()):
        channel = context.plan.vocab.channels[index]
        column = context.plan.select((channel.name,))
        if column is None or all_valid(column, matrix[k : k + 1], context.plan):
            continue
        for i in np.flatnonzero((rows >= 0) & ~np.isnan(matrix[k])).tolist():
            lift = parts.codes[i if parts.place is None else int(parts.place[i])]
            raw = float(matrix[k, i])
            matrix[k, i] = check_value(channel, raw, refusals, channel.name, lift)
