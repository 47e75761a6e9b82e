"""Several samples of one lift in a JSON message, the way without Python for any value.

What json_rows.py reads in any form, this reads where a message is long and all but its values
is right: times are whole numbers, values are numbers, truth values or null.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import msgspec
import numpy as np
import orjson
from msgspec import UNSET, UnsetType
from numpy.typing import NDArray

from devices.batch import Decoded, TelemetryBatch
from devices.codecs.clock import in_time, late
from devices.codecs.context import Context
from devices.codecs.limits import BOOT_MAX, SEQ_MAX
from devices.codecs.parse import VERSION, Envelope
from devices.codecs.refuse import Refusals
from devices.codecs.samples import Reader, matrix_of, quotes, spread, without_faults
from devices.codecs.values import NO_MESSAGES, Plan
from devices.codecs.whole import whole


def _many(values: Any) -> Any:
    """Return the type of a message, for one type of its values."""
    sample = msgspec.defstruct("Sample", [("ts", int), ("values", values)], gc=False)
    fields: list[Any] = [("v", int), ("boot", int), ("seq", int), ("lift", str)]
    fields += [("samples", list[sample]), ("first", int | UnsetType, UNSET)]  # type: ignore[valid-type]
    return msgspec.defstruct("Message", fields, gc=False)


@lru_cache(maxsize=4)
def _reader(plan: Plan) -> Reader:
    return Reader(plan, _many, {channel.name: channel.name for channel in plan.vocab.channels})


def fast_samples(payload: bytes, context: Context) -> Decoded | None:
    """Decode a message in which all but values is right; None if anything else may be wrong."""
    reader = _reader(context.plan)
    read = reader.read(payload)
    if read is None:
        return None
    message, shape, nulls = read
    samples, n = message.samples, len(message.samples)
    row = context.registry.own_rows(context.gateway).get(message.lift)
    if row is None or not envelope_fits(message) or not 0 < n <= context.limits.samples:
        return None
    times = times_of([sample.ts for sample in samples], context)
    values = matrix_of([sample.values for sample in samples], shape, context.plan, nulls)
    if times is None or values is None:
        return None
    first = None if message.first is UNSET else message.first
    strings = 6 + (first is not None) + 2 * n  # the keys, and the lift's code
    if quotes(payload) != 2 * strings + values.marks:
        return None
    matrix, refusals = values.rows, Refusals(context.limits.refusals)
    if not values.valid:
        raw = [sample["values"] for sample in orjson.loads(payload)["samples"]]
        lift, told = message.lift, [f"samples[{i}]." for i in range(n)]
        clean = without_faults(matrix, shape, reader, raw, told, [lift] * n, refusals)
        if clean is None:
            return None
        matrix = clean
    late_rows = late(times, context.received_ms, context.limits)
    full = spread(matrix, shape, context.plan)
    batch = TelemetryBatch(np.full(n, row, np.int32), times, full, late_rows, NO_MESSAGES)
    envelope = Envelope(message.boot, message.seq, first)
    return whole(batch, envelope, refusals, "samples", values.valid)


def envelope_fits(message: Any) -> bool:
    """True if version, boot, seq and first of a typed message are what they may be."""
    first = message.first
    return (
        message.v == VERSION
        and 1 <= message.boot <= BOOT_MAX
        and 0 <= message.seq <= SEQ_MAX
        and (first is UNSET or 0 <= first <= message.seq)
    )


def times_of(times: list[int], context: Context) -> NDArray[np.int64] | None:
    """Return int64[n]; None if one of them is ahead, or older than what is kept."""
    received_ms, limits = context.received_ms, context.limits
    if not all(in_time(ts, received_ms, limits) for ts in (min(times), max(times))):
        return None
    return np.fromiter(times, np.int64, len(times))
