"""Waveform bursts: acceleration on up to three axes, or currents, 1–30 s in one message.

{"v":1,"boot":B,"seq":S,"lift":"…","ts":T,"rate_hz":800,"unit":"m/s2","axes":{"x":[…],…}}
"""

from __future__ import annotations

import re
from itertools import pairwise

import msgspec
import numpy as np
from msgspec import UNSET, UnsetType
from numpy.typing import NDArray

from devices.batch import Decoded, TelemetryBatch, Waveform
from devices.codecs.clock import check_ts, in_time, read_or_never
from devices.codecs.context import Context, check_lift
from devices.codecs.limits import BOOT_MAX, SEQ_MAX
from devices.codecs.parse import (
    VERSION,
    Envelope,
    Fields,
    fields_of,
    nothing_left,
    read_envelope,
)
from devices.codecs.refuse import Refusals

# largest magnitude per unit: beyond what the sensors of the field can measure (domain default)
UNITS = {"m/s2": 200.0, "A": 5000.0}
AXIS = re.compile(r"[a-z][a-z0-9_]{0,31}")


class _Message(msgspec.Struct, gc=False):
    v: int
    boot: int
    seq: int
    lift: str
    ts: int | str
    rate_hz: float
    unit: str
    axes: dict[str, list[float]]
    first: int | UnsetType = UNSET


_DECODER = msgspec.json.Decoder(_Message)


def fast(payload: bytes, context: Context) -> Decoded | None:
    """Decode a burst in which everything is right; None if anything may be wrong."""
    try:
        message = _DECODER.decode(payload)
    except (msgspec.MsgspecError, RecursionError, ValueError):
        return None
    first = None if message.first is UNSET else message.first
    strings = 10 + (first is not None) + len(message.axes) + isinstance(message.ts, str)
    row = context.registry.row_of.get(message.lift, -1)
    ts_ms = read_or_never(message.ts)
    if (
        row < 0
        or payload.count(b'"') != 2 * strings
        or message.v != VERSION
        or not 1 <= message.boot <= BOOT_MAX
        or not 0 <= message.seq <= SEQ_MAX
        or not 0 <= (first or 0) <= message.seq
        or context.registry.lift_gateway[row] != context.gateway
        or not in_time(ts_ms, context.received_ms, context.limits)
    ):
        return None
    axes = _fast_axes(message, context)
    if axes is None:
        return None
    burst = Waveform(row, ts_ms, message.rate_hz, message.unit, axes)
    return _decoded(burst, Envelope(message.boot, message.seq, first), Refusals(0), context)


def _fast_axes(message: _Message, context: Context) -> dict[str, NDArray[np.float32]] | None:
    limits, most = context.limits, UNITS.get(message.unit)
    counts = {len(values) for values in message.axes.values()}
    if most is None or len(counts) != 1 or len(message.axes) > limits.axes:
        return None
    lo, hi = limits.rate_hz
    seconds = counts.pop() / message.rate_hz if lo <= message.rate_hz <= hi else 0.0
    if not limits.burst_s[0] <= seconds <= limits.burst_s[1]:
        return None
    axes = {}
    for name, values in message.axes.items():
        column = np.array(values, np.float64)
        if AXIS.fullmatch(name) is None or np.abs(column).max() > most:
            return None
        axes[name] = column.astype(np.float32)
    return axes


def _decoded(burst: Waveform, envelope: Envelope, refusals: Refusals, context: Context) -> Decoded:
    batch = TelemetryBatch.empty(len(context.plan.vocab.channels))
    batch.waveforms = [burst]
    boot, seq, first = envelope.boot, envelope.seq, envelope.first
    return Decoded(boot, seq, first, "waveform", batch, refusals.named())


def careful(fields: Fields, context: Context) -> Decoded:
    """Decode the axes that can be taken, naming those that cannot.

    Raises RejectedMessage where the envelope, lift, time, rate or unit is unusable, or no axis
    is left.
    """
    refusals = Refusals(context.limits.refusals)
    envelope = read_envelope(fields, refusals)
    for name in sorted(fields.twice & {"lift", "ts", "rate_hz", "unit", "axes"}):
        refusals.add("duplicate_key", name)
        raise nothing_left(refusals, envelope)
    row = check_lift(fields.get("lift"), context, refusals)
    if row is None:
        raise nothing_left(refusals, envelope)
    lift = str(fields["lift"])
    ts = check_ts(fields.get("ts"), context.received_ms, context.limits, refusals, lift=lift)
    rate = _rate(fields.get("rate_hz"), lift, context, refusals)
    unit = fields.get("unit")
    if not isinstance(unit, str) or unit not in UNITS:
        wrong = "out_of_range" if isinstance(unit, str) else "wrong_type"
        reason = "missing_field" if unit is None else wrong
        refusals.add(reason, "unit", unit, " | ".join(UNITS), lift)
        raise nothing_left(refusals, envelope)
    if ts is None or rate is None:
        raise nothing_left(refusals, envelope)
    axes = _axes(fields.get("axes"), rate, UNITS[unit], lift, context, refusals)
    if not axes:
        raise nothing_left(refusals, envelope, "axes")
    return _decoded(Waveform(row, ts, rate, unit, axes), envelope, refusals, context)


def _rate(raw: object, lift: str, context: Context, refusals: Refusals) -> float | None:
    lo, hi = context.limits.rate_hz
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        reason = "missing_field" if raw is None else "wrong_type"
        refusals.add(reason, "rate_hz", raw, f"{lo:g}..{hi:g} Hz", lift)
        return None
    if not lo <= raw <= hi:
        reason = "out_of_range" if raw - raw == 0 else "not_finite"
        refusals.add(reason, "rate_hz", raw, f"{lo:g}..{hi:g} Hz", lift)
        return None
    return float(raw)


def _axes(
    raw: object, rate: float, most: float, lift: str, context: Context, refusals: Refusals
) -> dict[str, NDArray[np.float32]]:
    fields = fields_of(raw)
    if fields is None or len(fields) > context.limits.axes:
        reason = "missing_field" if raw is None else "wrong_type"
        refusals.add(reason, "axes", raw, f"object of 1..{context.limits.axes} arrays", lift)
        return {}
    axes = {}
    for name, values in fields.items():
        if name in fields.twice:
            refusals.add("duplicate_key", f"axes.{name}", lift=lift)
        elif AXIS.fullmatch(name) is None:
            refusals.add("unknown_channel", f"axes.{name}", values, "a-z, 0-9, _", lift)
        else:
            axis = _axis(name, values, rate, most, lift, context, refusals)
            if axis is not None:
                axes[name] = axis
    for (one, axis), (other, next_axis) in pairwise(list(axes.items())):
        if len(axis) != len(next_axis):
            limit = f"{len(axis)} as {one}"
            refusals.add("length_mismatch", f"axes.{other}", len(next_axis), limit, lift)
            return {}
    return axes


def _axis(
    name: str,
    raw: object,
    rate: float,
    most: float,
    lift: str,
    context: Context,
    refusals: Refusals,
) -> NDArray[np.float32] | None:
    field = f"axes.{name}"
    if not isinstance(raw, list):
        refusals.add("wrong_type", field, raw, "array of numbers", lift)
        return None
    shortest, longest = context.limits.burst_s
    if not shortest <= len(raw) / rate <= longest:
        limit = f"{shortest:g}..{longest:g} s at {rate:g} Hz"
        refusals.add("out_of_range", field, len(raw), limit, lift)
        return None
    for i, value in enumerate(raw):
        if isinstance(value, bool) or not isinstance(value, int | float):
            refusals.add("wrong_type", f"{field}[{i}]", value, "number", lift)
            return None
        if not abs(value) <= most:
            reason = "out_of_range" if value - value == 0 else "not_finite"
            refusals.add(reason, f"{field}[{i}]", value, f"-{most:g}..{most:g}", lift)
            return None
    return np.array(raw, np.float64).astype(np.float32)
