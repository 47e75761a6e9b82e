"""Sparkplug data, read the slow and obvious way: one metric after the other, plain dictionaries."""

from __future__ import annotations

import math
import struct
from typing import Any

from devices.vocabulary import Channel, Kind

# data type → (bits, signed) of a whole number
WHOLE = {1: (8, True), 2: (16, True), 3: (32, True), 4: (64, True)}
WHOLE |= {5: (8, False), 6: (16, False), 7: (32, False), 8: (64, False), 13: (64, False)}
Told = dict[tuple[str, int], dict[str, float]]  # lift, ts → channel → value


def number(metric: Any, datatype: int) -> object:
    """The metric's value; None: not measured."""
    which = metric.WhichOneof("value")
    if which is None or metric.is_null:
        return None
    for key, prop in zip(metric.properties.keys, metric.properties.values, strict=False):
        if key == "Quality" and prop.int_value != 192:
            return None
    raw = getattr(metric, which)
    if which not in ("int_value", "long_value"):
        return raw
    field = 32 if which == "int_value" else 64
    bits, signed = WHOLE.get(datatype, (field, True))
    if signed:
        for width in (bits, field):  # as wide as its type, or as its field
            low = 2**width - 2 ** (bits - 1)
            if low <= raw < 2**width:
                return raw - 2**width
    return raw


def fits(channel: Channel, raw: object) -> float | None:
    """The value as it is stored, None where the channel cannot have it."""
    if isinstance(raw, bool):
        return float(raw) if channel.kind is Kind.BOOL else None
    if isinstance(raw, str):
        names = {value.name: code for code, value in channel.values.items()}
        return float(names[raw]) if channel.kind is Kind.ENUM and raw in names else None
    if not isinstance(raw, int | float) or not math.isfinite(raw):
        return None
    try:
        (value,) = struct.unpack("<f", struct.pack("<f", raw))
        lo, hi = struct.unpack("<ff", struct.pack("<ff", channel.lo, channel.hi))
    except OverflowError:
        return None
    if not lo <= value <= hi or (channel.kind is not Kind.FLOAT and value != int(value)):
        return None
    if channel.kind is Kind.ENUM and int(value) not in channel.values:
        return None
    return float(value)


def read(
    message: Any,
    births: dict[int, tuple[str, str, int]],
    channels: dict[str, Channel],
    earliest_ms: int,
    latest_ms: int,
) -> tuple[Told, int]:
    """Return what was told and how many metrics had to be refused.

    births: alias → (lift, channel, data type).
    """
    told: Told = {}
    refused = 0
    for metric in message.metrics:
        if metric.alias not in births:
            refused += 1
            continue
        lift, name, datatype = births[metric.alias]
        raw = number(metric, metric.datatype or datatype)
        if raw is None:
            continue
        ts = metric.timestamp if metric.HasField("timestamp") else message.timestamp
        value = fits(channels[name], raw)
        if not earliest_ms <= ts <= latest_ms or value is None:
            refused += 1
            continue
        told.setdefault((lift, ts), {})[name] = value
    return told, refused
