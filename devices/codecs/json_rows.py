"""Telemetry as JSON rows: one lift, one sample or several, the form to begin with.

{"v":1,"boot":B,"seq":S,"lift":"…","ts":T,"values":{"speed":0.0,…}}
{"v":1,"boot":B,"seq":S,"lift":"…","samples":[{"ts":T,"values":{…}},…]}
"""

from __future__ import annotations

import math

import msgspec
import numpy as np
from msgspec import UNSET, UnsetType
from numpy.typing import NDArray

from devices.batch import Decoded, TelemetryBatch
from devices.codecs.clock import check_ts, late, read_or_never
from devices.codecs.context import Context, check_lift
from devices.codecs.json_samples import envelope_fits, fast_samples, times_of
from devices.codecs.parse import Envelope, Fields, fields_of, nothing_left, read_envelope
from devices.codecs.refuse import Refusals
from devices.codecs.values import NO_MESSAGES, Plan, all_valid, check_value, flat
from devices.vocabulary import Kind

Values = dict[str, float | bool | None]


class _Sample(msgspec.Struct, gc=False):
    ts: int | str
    values: Values


class _Message(msgspec.Struct, gc=False):
    v: int
    boot: int
    seq: int
    lift: str
    ts: int | str | UnsetType = UNSET
    values: Values | UnsetType = UNSET
    samples: list[_Sample] | UnsetType = UNSET
    first: int | UnsetType = UNSET


_WORTHWHILE = 8  # samples from which numpy is faster than a loop
_LONG = 1500  # bytes; no single sample is as long
_DECODER = msgspec.json.Decoder(_Message)


def fast(payload: bytes, context: Context) -> Decoded | None:
    """Decode a message in which everything is right; None if anything may be wrong.

    Keys that stand twice, or that we do not know, are found by counting quotation marks:
    each string of the message accounts for two.
    """
    if len(payload) > _LONG and (many := fast_samples(payload, context)):
        return many
    try:
        message = _DECODER.decode(payload)
    except (msgspec.MsgspecError, RecursionError, ValueError):
        return None
    samples, strings = _samples(message)
    row = context.registry.row_of.get(message.lift, -1)
    if (
        row < 0
        or payload.count(b'"') != 2 * strings
        or not envelope_fits(message)
        or not 0 < len(samples) <= context.limits.samples
        or context.registry.lift_gateway[row] != context.gateway
    ):
        return None
    times = _times(samples, context)
    values = _matrix(samples, context)
    if times is None or values is None:
        return None
    n = len(times)
    late_rows = late(times, context.received_ms, context.limits)
    batch = TelemetryBatch(np.full(n, row, np.int32), times, values, late_rows, NO_MESSAGES)
    first = None if message.first is UNSET else message.first
    return Decoded(message.boot, message.seq, first, "telemetry", batch, [])


def _samples(message: _Message) -> tuple[list[_Sample], int]:
    """Return the samples, and how many strings a message of just these has."""
    strings = 5 + (message.first is not UNSET)  # v boot seq lift, and the lift's code
    if message.samples is UNSET:
        if message.ts is UNSET or message.values is UNSET:
            return [], 0
        samples = [_Sample(message.ts, message.values)]
    elif message.ts is UNSET and message.values is UNSET:
        samples, strings = message.samples, strings + 1
    else:
        return [], 0
    for sample in samples:
        strings += 2 + len(sample.values) + isinstance(sample.ts, str)
    return samples, strings


def _times(samples: list[_Sample], context: Context) -> NDArray[np.int64] | None:
    return times_of([read_or_never(sample.ts) for sample in samples], context)


def _matrix(samples: list[_Sample], context: Context) -> NDArray[np.float32] | None:
    """Return float32[n, C]; None if a name, a type or a value is not right or a row is empty."""
    plan = context.plan
    full = np.full((len(samples), len(plan.vocab.channels)), math.nan, np.float32)
    names = tuple(samples[0].values)
    alike = len(samples) >= _WORTHWHILE and all(tuple(s.values) == names for s in samples)
    if not alike:
        singly = (
            _fill(row, sample.values, plan) for row, sample in zip(full, samples, strict=True)
        )
        return full if all(singly) else None
    selection = plan.select(names) if names else None
    if selection is None or any(_has_stray_bool(s, selection.not_bool) for s in samples):
        return None
    rows = flat((s.values.values() for s in samples), full.shape[0] * len(names))
    rows = rows.reshape(len(samples), len(names))
    if not all_valid(selection, rows.T, plan) or np.isnan(rows).all(axis=1).any():
        return None
    full[:, selection.index] = rows
    return full


def _fill(row: NDArray[np.float32], values: Values, plan: Plan) -> bool:
    """Write one sample into float32[C]; False if it is not right. Faster than numpy for one."""
    said = False
    for name, value in values.items():
        single = plan.singles.get(name)
        if single is None:
            return False
        index, lo, hi, fractions = single
        if value is None:
            continue
        if not lo <= value <= hi:
            return False
        if isinstance(value, bool):
            if plan.vocab.channels[index].kind is not Kind.BOOL:
                return False
        elif not fractions and not value.is_integer():
            return False
        row[index] = value
        said = True
    return said


def _has_stray_bool(sample: _Sample, not_bool: frozenset[int]) -> bool:
    values = sample.values.values()
    if bool not in set(map(type, values)):
        return False
    return any(isinstance(v, bool) and k in not_bool for k, v in enumerate(values))


def careful(fields: Fields, context: Context) -> Decoded:
    """Decode what can be taken of a message, naming each field that cannot.

    Raises RejectedMessage where the envelope is unusable or nothing is left.
    """
    refusals = Refusals(context.limits.refusals)
    envelope = read_envelope(fields, refusals)
    for name in fields.twice & {"lift", "ts", "values", "samples"}:
        refusals.add("duplicate_key", name)
        raise nothing_left(refusals, envelope)
    row = check_lift(fields.get("lift"), context, refusals)
    if row is None:
        raise nothing_left(refusals, envelope)
    times: list[int] = []
    values: list[NDArray[np.float32]] = []
    for sample, prefix in _careful_samples(fields, envelope, context, refusals):
        read = _careful_sample(sample, prefix, str(fields["lift"]), context, refusals)
        if read is not None:
            times.append(read[0])
            values.append(read[1])
    if not times:
        raise nothing_left(refusals, envelope, "samples" if "samples" in fields else "values")
    ts_ms = np.array(times, np.int64)
    batch = TelemetryBatch(
        np.full(len(times), row, np.int32),
        ts_ms,
        np.stack(values),
        late(ts_ms, context.received_ms, context.limits),
    )
    boot, seq, first = envelope.boot, envelope.seq, envelope.first
    return Decoded(boot, seq, first, "telemetry", batch, refusals.named())


def _careful_samples(
    fields: Fields, envelope: Envelope, context: Context, refusals: Refusals
) -> list[tuple[object, str]]:
    """Return (sample, prefix of its field names); the message itself is its only sample."""
    if "samples" not in fields:
        return [(fields, "")]
    samples = fields["samples"]
    if not isinstance(samples, list):
        refusals.add("wrong_type", "samples", samples, "array of {ts, values}")
        raise nothing_left(refusals, envelope)
    for name in ("ts", "values", "columns"):
        if name in fields:
            refusals.add("wrong_type", name, fields[name], "not beside samples")
    if len(samples) > context.limits.samples:
        refusals.add("too_many_samples", "samples", len(samples), f"{context.limits.samples}")
        raise nothing_left(refusals, envelope)
    return [(sample, f"samples[{i}].") for i, sample in enumerate(samples)]


def _careful_sample(
    raw: object, prefix: str, lift: str, context: Context, refusals: Refusals
) -> tuple[int, NDArray[np.float32]] | None:
    sample = fields_of(raw)
    if sample is None:
        refusals.add("wrong_type", prefix.rstrip("."), raw, "{ts, values}", lift)
        return None
    if sample.twice & {"ts", "values"}:
        refusals.add("duplicate_key", f"{prefix}{min(sample.twice & {'ts', 'values'})}", lift=lift)
        return None
    limits, values = context.limits, fields_of(sample.get("values"))
    ts = check_ts(sample.get("ts"), context.received_ms, limits, refusals, f"{prefix}ts", lift)
    if values is None:
        reason = "missing_field" if sample.get("values") is None else "wrong_type"
        refusals.add(reason, f"{prefix}values", sample.get("values"), "object", lift)
    if ts is None or values is None:
        return None
    return _careful_values(values, prefix, lift, ts, context, refusals)


def _careful_values(
    values: Fields, prefix: str, lift: str, ts: int, context: Context, refusals: Refusals
) -> tuple[int, NDArray[np.float32]] | None:
    channels, before = context.plan.vocab.channels, len(refusals)
    row = np.full(len(channels), math.nan, np.float32)
    for name, value in values.items():
        index = context.plan.index.get(name)
        if index is None:
            refusals.add("unknown_channel", f"{prefix}{name}", value, lift=lift)
        elif name in values.twice:
            refusals.add("duplicate_key", f"{prefix}{name}", lift=lift)
        else:
            row[index] = check_value(channels[index], value, refusals, f"{prefix}{name}", lift)
    if np.isnan(row).all():
        if len(refusals) == before:
            refusals.add("empty", f"{prefix}values", values, "at least one value", lift)
        return None
    return ts, row
