"""`v1/gateway/telemetry`: {device: [{"ts": ms, "values": {key: value}}, …], …}.

`ts` may be missing, `{key: value}` may stand without `values`: both mean the time of receipt,
as with ThingsBoard itself.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import chain
from typing import Any, cast

import msgspec
import numpy as np
import orjson
from numpy.typing import NDArray

from devices.batch import Decoded, TelemetryBatch
from devices.codecs.clock import NEVER, check_ts, in_time, late
from devices.codecs.context import Context, check_lift, rows_of
from devices.codecs.parse import Envelope, Fields, fields_of, nothing_left, parse
from devices.codecs.refuse import Refusals
from devices.codecs.samples import Reader, Shape, matrix_of, quotes, spread, without_faults
from devices.codecs.thingsboard.names import Names
from devices.codecs.values import NO_MESSAGES, Plan, check_value
from devices.codecs.whole import whole

NO_NUMBER = Envelope()
_ENTRY = "[{ts, values}, …]"


def _devices(values: Any) -> Any:
    fields: list[Any] = [("ts", int, NEVER), ("values", values)]
    entry = msgspec.defstruct("Entry", fields, kw_only=True, gc=False)
    return dict[str, list[entry]]  # type: ignore[valid-type]


@lru_cache(maxsize=8)
def _reader(plan: Plan, names: Names) -> Reader:
    return Reader(plan, _devices, names.wire)


def names_of(context: Context) -> Names:
    """Return the names of the site, which the route keeps."""
    return cast(Names, context.memory)


def fast(payload: bytes, context: Context) -> Decoded | None:
    """Decode a message in which everything is right; None if anything may be wrong."""
    names = names_of(context)
    read = _reader(context.plan, names).read(payload)
    if read is None:
        return None
    message, shape, nulls = read
    alias = names.devices
    rows = rows_of([alias.get(device, device) for device in message] if alias else message, context)
    counts = list(map(len, message.values()))
    entries = list(chain.from_iterable(message.values()))
    if rows is None or not message or min(counts) < 1 or len(entries) > context.limits.samples:
        return None
    times = _times([entry.ts for entry in entries], context)
    found = matrix_of([entry.values for entry in entries], shape, context.plan, nulls)
    if times is None or found is None:
        return None
    ts_ms, given = times
    if quotes(payload) != 2 * (len(message) + len(entries) + given) + found.marks:
        return None
    matrix, refusals = found.rows, Refusals(context.limits.refusals)
    if not found.valid:
        clean = _without_faults(payload, matrix, shape, context, refusals)
        if clean is None or given != len(entries):
            return None
        matrix = clean
    if len(rows) != len(entries):
        rows = np.repeat(rows, counts)
    late_rows = late(ts_ms, context.received_ms, context.limits)
    full = spread(matrix, shape, context.plan)
    batch = TelemetryBatch(rows, ts_ms, full, late_rows, NO_MESSAGES)
    decoded = whole(batch, NO_NUMBER, refusals, "payload", found.valid)
    decoded.timed = given == len(entries)
    return decoded


def _without_faults(
    payload: bytes,
    matrix: NDArray[np.float32],
    shape: Shape,
    context: Context,
    refusals: Refusals,
) -> NDArray[np.float32] | None:
    message = orjson.loads(payload)
    told = [f"{device}[{i}]." for device in message for i in range(len(message[device]))]
    lifts = [device for device in message for _ in message[device]]
    raw = [entry["values"] for entries in message.values() for entry in entries]
    reader = _reader(context.plan, names_of(context))
    return without_faults(matrix, shape, reader, raw, told, lifts, refusals)


def _times(times: list[int], context: Context) -> tuple[NDArray[np.int64], int] | None:
    """Return (int64[n], how many were sent): the others are the time of receipt."""
    given = len(times)
    lowest = min(times)
    if lowest == NEVER:
        times = [context.received_ms if ts == NEVER else ts for ts in times]
        given, lowest = given - times.count(context.received_ms), min(times)
    for ts in (lowest, max(times)):
        if not in_time(ts, context.received_ms, context.limits):
            return None
    return np.fromiter(times, np.int64, len(times)), given


def careful(payload: bytes, context: Context) -> Decoded:
    """Decode what can be taken of a message, naming each part that cannot.

    Raises RejectedMessage where nothing is left.
    """
    message, refusals = parse(payload), Refusals(context.limits.refusals)
    rows: list[int] = []
    times: list[int | None] = []
    values: list[NDArray[np.float32]] = []
    samples = sum(len(entries) for entries in message.values() if isinstance(entries, list))
    if samples > context.limits.samples:
        refusals.add("too_many_samples", "payload", samples, f"{context.limits.samples}")
        raise nothing_left(refusals, NO_NUMBER)
    for device, entries in message.items():
        row = device_row(device, message, context, refusals)
        if row is None:
            continue
        if not isinstance(entries, list) or not entries:
            reason = "empty" if entries == [] else "wrong_type"
            refusals.add(reason, device, entries, _ENTRY, device)
            continue
        for i, entry in enumerate(entries):
            sample = _sample(entry, f"{device}[{i}]", device, context, refusals)
            if sample is not None:
                rows.append(row)
                times.append(sample[0])
                values.append(sample[1])
    if not rows:
        raise nothing_left(refusals, NO_NUMBER, "payload")
    every = [context.received_ms if ts is None else ts for ts in times]
    ts_ms = np.array(every, np.int64)
    late_rows = late(ts_ms, context.received_ms, context.limits)
    batch = TelemetryBatch(np.array(rows, np.int32), ts_ms, np.stack(values), late_rows)
    decoded = whole(batch, NO_NUMBER, refusals, "payload")
    decoded.timed = None not in times
    return decoded


def device_row(device: str, message: Fields, context: Context, refusals: Refusals) -> int | None:
    """Return the registry row of a device, or None after noting why not."""
    if device in message.twice:
        refusals.add("duplicate_key", device)
        return None
    return check_lift(names_of(context).code(device), context, refusals, "device")


def _sample(
    raw: object, field: str, device: str, context: Context, refusals: Refusals
) -> tuple[int | None, NDArray[np.float32]] | None:
    """Return (time or None where none was sent, float32[C]); None after noting why not."""
    entry = fields_of(raw)
    if entry is None:
        refusals.add("wrong_type", field, raw, "{ts, values}", device)
        return None
    if entry.twice & {"ts", "values"}:
        refusals.add("duplicate_key", field, lift=device)
        return None
    flat = "values" not in entry
    values = entry if flat else fields_of(entry["values"])
    if values is None:
        refusals.add("wrong_type", f"{field}.values", entry["values"], "object", device)
        return None
    ts = None
    if entry.get("ts") is not None:
        ts = check_ts(
            entry["ts"], context.received_ms, context.limits, refusals, f"{field}.ts", device
        )
        if ts is None:
            return None
    before = len(refusals)
    row = values_of(values, field, device, context, refusals, {"ts"} if flat else set())
    if np.isnan(row).all():
        if len(refusals) == before:
            refusals.add("empty", field, raw, "at least one value", device)
        return None
    return ts, row


def values_of(
    values: Fields,
    field: str,
    device: str,
    context: Context,
    refusals: Refusals,
    skip: set[str],
    unknown: bool = True,
) -> NDArray[np.float32]:
    """Return float32[C]; what cannot be taken is noted. `unknown`: so are unknown keys."""
    plan, wire = context.plan, names_of(context).wire
    channels = plan.vocab.channels
    row = np.full(len(channels), np.nan, np.float32)
    told: dict[str, str] = {}
    for key, value in values.items():
        name = wire.get(key)
        where = f"{field}.{key}"
        if key in skip or (name is None and (key in wire or not unknown)):
            continue
        if name is None:
            refusals.add("unknown_channel", where, value, lift=device)
        elif key in values.twice or name in told:
            refusals.add("duplicate_key", where, lift=device)
            row[plan.index[name]] = np.nan
        else:
            told[name] = key
            index = plan.index[name]
            row[index] = check_value(channels[index], value, refusals, where, device)
    return row
