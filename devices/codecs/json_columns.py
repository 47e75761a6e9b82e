"""Telemetry as JSON columns: many lifts in one message, the form for gateways with many.

{"v":1,"boot":B,"seq":S,"ts":T,"lifts":["…","…"],"columns":{"speed":[0.0,null],…}}
"""

from __future__ import annotations

import math
import struct
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from devices.batch import Decoded, TelemetryBatch
from devices.codecs.clock import check_ts, in_time, late, read_or_never
from devices.codecs.context import Context, check_lift, rows_of
from devices.codecs.limits import BOOT_MAX, SEQ_MAX
from devices.codecs.parse import VERSION, Envelope, Fields, fields_of, nothing_left, read_envelope
from devices.codecs.refuse import Refusals
from devices.codecs.samples import EXACT
from devices.codecs.values import (
    NO_MESSAGES,
    STANDS_FOR_NULL,
    Selection,
    all_valid,
    check_value,
    faults,
    floats,
    read_column,
    without_nulls,
)
from devices.codecs.whole import whole

_NEEDED = {"v", "boot", "seq", "ts", "lifts", "columns"}


def fast(payload: bytes, context: Context) -> Decoded | None:
    """Decode a message in which all but values is right; None if anything else may be wrong.

    Keys that stand twice are found by counting quotation marks: each string of the message
    accounts for two. Types are not looked at one by one: a column of anything but numbers
    does not become doubles, and truth values count only where no column but a switch has any.
    """
    nulls = b"null" in payload
    if nulls and STANDS_FOR_NULL in payload:
        return None
    try:
        message = orjson.loads(payload.replace(b"null", STANDS_FOR_NULL) if nulls else payload)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(message, dict) or not message.keys() >= _NEEDED:
        return None
    lifts, ts, columns = message["lifts"], message["ts"], message["columns"]
    first = message.get("first")
    if type(lifts) is not list or type(columns) is not dict:
        return None
    n, selection = len(lifts), context.plan.select(tuple(columns))
    strings = len(message) + n + len(columns) + isinstance(ts, str)
    if (
        selection is None
        or len(message) - (first is not None) != len(_NEEDED)
        or payload.count(b'"') != 2 * strings
        or not _envelope_fits(message, first)
        or not 0 < n <= context.limits.samples
    ):
        return None
    refusals = Refusals(context.limits.refusals)
    rows = rows_of(lifts, context)
    ts_ms = _times(ts, n, context)
    matrix = _matrix(payload, columns, n, selection)
    if rows is None or ts_ms is None or matrix is None:
        return None
    if not all_valid(selection, matrix, context.plan):
        matrix = _without_faults(matrix, selection, message, context, refusals)
    if matrix is None:
        return None
    full = np.full((n, len(context.plan.vocab)), np.nan, np.float32)
    full[:, selection.place] = matrix.T
    late_rows = late(ts_ms, context.received_ms, context.limits)
    batch = TelemetryBatch(rows, ts_ms, full, late_rows, NO_MESSAGES)
    every = not np.count_nonzero(np.isnan(matrix[0]))  # then every lift said something
    envelope = Envelope(message["boot"], message["seq"], first)
    return whole(batch, envelope, refusals, "columns", every)


def _without_faults(
    matrix: NDArray[np.float32],
    selection: Selection,
    message: dict[str, Any],
    context: Context,
    refusals: Refusals,
) -> NDArray[np.float32] | None:
    """Return the matrix without the values that cannot be, each of them noted.

    None for a number that only the careful reader can write as the sender did. A sensor that
    is broken is so in every message: its neighbours need not go the long way.
    """
    lifts, columns = message["lifts"], list(message["columns"].items())
    matrix = matrix.copy()
    for k, i in np.argwhere(faults(selection, matrix, context.plan)).tolist():
        name, column = columns[k]
        if isinstance(column[i], float) and abs(column[i]) >= EXACT:
            return None
        channel = context.plan.vocab.by_name[name]
        matrix[k, i] = check_value(channel, column[i], refusals, name, lifts[i])
    return matrix


def _matrix(
    payload: bytes, columns: dict[str, list[float]], n: int, selection: Selection
) -> NDArray[np.float32] | None:
    """Return float32[k, n]; None if a column is not n numbers, or truth values of a switch.

    struct takes numbers and truth values and nothing else, three times as fast as numpy.
    """
    if (b"true" in payload or b"false" in payload) and any(
        type(column) is not list or bool in set(map(type, column))
        for k, column in enumerate(columns.values())
        if k in selection.not_bool
    ):
        return None
    pack = floats(n)
    try:
        packed = b"".join([pack(*column) for column in columns.values()])
    except (struct.error, TypeError, OverflowError):
        return None
    matrix = np.frombuffer(packed, np.float32).reshape(-1, n)
    nulls = payload.count(b"null")
    return without_nulls(matrix, nulls) if nulls else matrix


def _envelope_fits(message: dict[str, Any], first: int | None) -> bool:
    boot, seq = message["boot"], message["seq"]
    return (
        type(message["v"]) is int
        and message["v"] == VERSION
        and type(boot) is int
        and 1 <= boot <= BOOT_MAX
        and type(seq) is int
        and 0 <= seq <= SEQ_MAX
        and (first is None or (type(first) is int and 0 <= first <= seq))
    )


def _times(raw: object, n: int, context: Context) -> NDArray[np.int64] | None:
    if type(raw) is int or isinstance(raw, str):
        ts_ms = read_or_never(raw)
        inside = in_time(ts_ms, context.received_ms, context.limits)
        return np.full(n, ts_ms, np.int64) if inside else None
    if type(raw) is not list or len(raw) != n or set(map(type, raw)) != {int}:
        return None
    received_ms, limits = context.received_ms, context.limits
    if not all(in_time(ts, received_ms, limits) for ts in (min(raw), max(raw))):
        return None
    return np.array(raw, np.int64)


def careful(fields: Fields, context: Context) -> Decoded:
    """Decode what can be taken of a message, naming each field that cannot.

    Raises RejectedMessage where the envelope is unusable or nothing is left.
    """
    refusals = Refusals(context.limits.refusals)
    envelope = read_envelope(fields, refusals)
    lifts, columns = _lifts(fields, refusals), _columns(fields, refusals)
    if lifts is None or columns is None:
        raise nothing_left(refusals, envelope)
    if len(lifts) > context.limits.samples:
        refusals.add("too_many_samples", "lifts", len(lifts), f"{context.limits.samples}")
        raise nothing_left(refusals, envelope)
    times = _careful_times(fields, len(lifts), context, refusals)
    if times is None:
        raise nothing_left(refusals, envelope)
    rows = [
        -1 if ts is None else _known(check_lift(code, context, refusals, f"lifts[{i}]"))
        for i, (code, ts) in enumerate(zip(lifts, times, strict=True))
    ]
    matrix = _careful_columns(columns, lifts, rows, context, refusals)
    keep = np.array(rows, np.int32) >= 0
    ts_ms = np.array([ts or 0 for ts in times], np.int64)[keep]
    late_rows = late(ts_ms, context.received_ms, context.limits)
    batch = TelemetryBatch(np.array(rows, np.int32)[keep], ts_ms, matrix[keep], late_rows)
    return whole(batch, envelope, refusals, "columns")


def _known(row: int | None) -> int:
    return -1 if row is None else row


def _lifts(fields: Fields, refusals: Refusals) -> list[object] | None:
    raw = fields.get("lifts")
    if "lifts" in fields.twice:
        refusals.add("duplicate_key", "lifts")
    elif isinstance(raw, list):
        return raw
    else:
        reason = "missing_field" if raw is None else "wrong_type"
        refusals.add(reason, "lifts", raw, "array of registration codes")
    return None


def _columns(fields: Fields, refusals: Refusals) -> Fields | None:
    raw = fields.get("columns")
    if "columns" in fields.twice:
        refusals.add("duplicate_key", "columns")
    elif (columns := fields_of(raw)) is not None:
        return columns
    else:
        refusals.add("wrong_type", "columns", raw, "object of arrays")
    return None


def _careful_times(
    fields: Fields, n: int, context: Context, refusals: Refusals
) -> list[int | None] | None:
    raw = fields.get("ts")
    if "ts" in fields.twice:
        refusals.add("duplicate_key", "ts")
        return None
    if not isinstance(raw, list):
        ts = check_ts(raw, context.received_ms, context.limits, refusals)
        return None if ts is None else [ts] * n
    if len(raw) != n:
        refusals.add("length_mismatch", "ts", len(raw), f"{n} as lifts")
        return None
    return [
        check_ts(one, context.received_ms, context.limits, refusals, f"ts[{i}]")
        for i, one in enumerate(raw)
    ]


def _careful_columns(
    columns: Fields, lifts: list[object], rows: list[int], context: Context, refusals: Refusals
) -> NDArray[np.float32]:
    channels = context.plan.vocab.channels
    matrix = np.full((len(lifts), len(channels)), math.nan, np.float32)
    for name, raw in columns.items():
        index = context.plan.index.get(name)
        if index is None:
            refusals.add("unknown_channel", name, raw)
        elif name in columns.twice:
            refusals.add("duplicate_key", name)
        elif raw is None:
            continue
        elif not isinstance(raw, list):
            refusals.add("wrong_type", name, raw, "array or null")
        elif len(raw) != len(lifts):
            refusals.add("length_mismatch", name, len(raw), f"{len(lifts)} as lifts")
        elif (whole := read_column(context.plan, channels[index], raw)) is not None:
            matrix[:, index] = whole
        else:
            matrix[:, index] = [
                check_value(channels[index], value, refusals, name, str(code))
                if row >= 0
                else math.nan
                for value, code, row in zip(raw, lifts, rows, strict=True)
            ]
    return matrix
