"""The naive twin of devices/codecs: wire contract v1 read value by value, slow and obvious.

It uses nothing of the package but the vocabulary and the registry, and returns plain tuples,
so that a mistake in the fast path and one in here would have to be made twice.
"""

from __future__ import annotations

import json
import math
import struct
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from devices.registry import Registry
from devices.vocabulary import Channel, Kind, Vocabulary

AHEAD_MS, OLDEST_MS, LATE_MS = 60_000, 400 * 86_400_000, 120_000


@dataclass
class Read:
    """samples (lift code, ts, {channel: value}, late); refused (reason, field)."""

    samples: list[tuple[str, int, dict[str, float], bool]] = field(default_factory=list)
    messages: list[tuple[str, int, int, str, bool]] = field(default_factory=list)
    refused: list[tuple[str, str | None]] = field(default_factory=list)
    rejected: bool = False


class Twice(dict[str, Any]):
    doubles: set[str]


def _pairs(pairs: list[tuple[str, Any]]) -> Twice:
    found = Twice()
    found.doubles = set()
    for key, value in pairs:
        if key in found:
            found.doubles.add(key)
        found[key] = value
    return found


def as_float32(value: float) -> float:
    try:
        return float(struct.unpack("<f", struct.pack("<f", float(value)))[0])
    except OverflowError:
        return math.inf


def value_reason(channel: Channel, value: Any) -> tuple[float | None, str | None]:
    """(value, None) when good, (None, None) when absent, (None, reason) when refused."""
    if value is None:
        return None, None
    if value is True or value is False:
        return (float(value), None) if channel.kind is Kind.BOOL else (None, "wrong_type")
    if isinstance(value, str):
        if channel.kind is not Kind.ENUM:
            return None, "wrong_type"
        codes = [code for code, entry in channel.values.items() if entry.name == value]
        return (float(codes[0]), None) if codes else (None, "out_of_range")
    if not isinstance(value, (int, float)):
        return None, "wrong_type"
    if math.isnan(value) or math.isinf(value):
        return None, "not_finite"
    stored = as_float32(value)
    if stored < as_float32(channel.lo) or stored > as_float32(channel.hi):
        return None, "out_of_range"
    if channel.kind is Kind.FLOAT:
        return stored, None
    if stored != int(stored):
        return None, "wrong_type"
    if channel.kind is Kind.ENUM and int(stored) not in channel.values:
        return None, "out_of_range"
    return stored, None


def time_reason(value: Any, now_ms: int) -> tuple[int | None, str | None]:
    if value is None:
        return None, "missing_field"
    if isinstance(value, str):
        try:  # the generator writes only the Z form, or nonsense
            assert value.endswith("Z") and "T" in value
            moment = datetime.fromisoformat(value)
        except (ValueError, AssertionError):
            return None, "wrong_type"
        value = round(moment.timestamp() * 1000)
    if isinstance(value, bool) or not isinstance(value, int):
        return None, "wrong_type"
    if value > now_ms + AHEAD_MS:
        return None, "clock_ahead"
    if value < now_ms - OLDEST_MS:
        return None, "too_old"
    return value, None


def lift_reason(value: Any, gateway: str, registry: Registry) -> str | None:
    if value is None:
        return "missing_field"
    if not isinstance(value, str):
        return "wrong_type"
    lift = registry.find(value)
    if lift is None:
        return "unknown_lift"
    return None if lift.gateway == gateway else "wrong_gateway"


def read_telemetry(
    gateway: str, text: str, now_ms: int, registry: Registry, vocab: Vocabulary
) -> Read:
    """Read a telemetry message whose envelope is right and whose text is JSON (or Python's)."""
    data = json.loads(text, object_pairs_hook=_pairs)
    return (_columns if "columns" in data else _rows)(gateway, data, now_ms, registry, vocab)


def _rows(gateway: str, data: Twice, now: int, registry: Registry, vocab: Vocabulary) -> Read:
    read = Read()
    reason = lift_reason(data.get("lift"), gateway, registry)
    if reason:
        return Read(refused=[(reason, "lift")], rejected=True)
    several = "samples" in data
    for i, sample in enumerate(data["samples"] if several else [data]):
        prefix = f"samples[{i}]." if several else ""
        ts, reason = time_reason(sample.get("ts"), now)
        if reason:
            read.refused.append((reason, f"{prefix}ts"))
            continue
        before, good = len(read.refused), {}
        for name, raw in sample["values"].items():
            value, reason = None, None
            if name not in vocab.by_name:
                reason = "unknown_channel"
            elif name in sample["values"].doubles:
                reason = "duplicate_key"
            else:
                value, reason = value_reason(vocab.by_name[name], raw)
            if reason:
                read.refused.append((reason, f"{prefix}{name}"))
            elif value is not None:
                good[name] = value
        if good:
            assert ts is not None
            read.samples.append((data["lift"], ts, good, ts < now - LATE_MS))
        elif len(read.refused) == before:
            read.refused.append(("empty", f"{prefix}values"))
    read.rejected = not read.samples
    return read


def _columns(gateway: str, data: Twice, now: int, registry: Registry, vocab: Vocabulary) -> Read:
    read, lifts = Read(), data["lifts"]
    shared = not isinstance(data.get("ts"), list)
    if not shared and len(data["ts"]) != len(lifts):
        return Read(refused=[("length_mismatch", "ts")], rejected=True)
    if shared:
        reason = time_reason(data.get("ts"), now)[1]
        if reason:
            return Read(refused=[(reason, "ts")], rejected=True)
    times: list[int | None] = []
    for i in range(len(lifts)):
        ts, reason = time_reason(data["ts"] if shared else data["ts"][i], now)
        if reason and not shared:
            read.refused.append((reason, f"ts[{i}]"))
        times.append(ts)
    for i, lift in enumerate(lifts):
        reason = lift_reason(lift, gateway, registry) if times[i] is not None else None
        if reason:
            read.refused.append((reason, f"lifts[{i}]"))
            times[i] = None
    usable: dict[str, list[Any]] = {}
    for name, column in data["columns"].items():
        if name not in vocab.by_name:
            read.refused.append(("unknown_channel", name))
        elif name in data["columns"].doubles:
            read.refused.append(("duplicate_key", name))
        elif column is None:
            pass
        elif not isinstance(column, list):
            read.refused.append(("wrong_type", name))
        elif len(column) != len(lifts):
            read.refused.append(("length_mismatch", name))
        else:
            usable[name] = column
    for i, lift in enumerate(lifts):
        good = {}
        for name, column in usable.items():
            if times[i] is None:
                continue
            value, reason = value_reason(vocab.by_name[name], column[i])
            if reason:
                read.refused.append((reason, name))
            elif value is not None:
                good[name] = value
        if good:
            ts = times[i]
            assert ts is not None
            read.samples.append((lift, ts, good, ts < now - LATE_MS))
    if not read.samples and not read.refused:
        read.refused.append(("empty", "columns"))
    read.rejected = not read.samples
    return read
