"""The naive twin of devices/codecs/thingsboard: one value after the other."""

from __future__ import annotations

import json
from typing import Any

from devices.registry import Registry
from devices.vocabulary import Vocabulary
from tests.naive.codec import Read, Twice, _pairs, lift_reason, time_reason, value_reason


def read_gateway_telemetry(
    gateway: str,
    text: str,
    now_ms: int,
    registry: Registry,
    vocab: Vocabulary,
    devices: dict[str, str],
    keys: dict[str, str | None],
) -> Read:
    """`devices`: device → registration code; `keys`: key → channel, None to pass over."""
    read = Read()
    message = json.loads(text, object_pairs_hook=_pairs)
    for device, entries in message.items():
        if device in message.doubles:
            read.refused.append(("duplicate_key", device))
            continue
        code = devices.get(device, device)
        if reason := lift_reason(code, gateway, registry):
            read.refused.append((reason, "device"))
            continue
        if not isinstance(entries, list) or not entries:
            read.refused.append(("empty" if entries == [] else "wrong_type", device))
            continue
        for i, entry in enumerate(entries):
            _entry(read, entry, f"{device}[{i}]", code, now_ms, vocab, keys)
    if not message:
        read.refused.append(("empty", "payload"))
    read.rejected = not read.samples
    return read


def _entry(
    read: Read,
    entry: Any,
    field: str,
    code: str,
    now_ms: int,
    vocab: Vocabulary,
    keys: dict[str, str | None],
) -> None:
    if not isinstance(entry, Twice):
        read.refused.append(("wrong_type", field))
        return
    if entry.doubles & {"ts", "values"}:
        read.refused.append(("duplicate_key", field))
        return
    values = entry.get("values") if "values" in entry else entry
    if not isinstance(values, Twice):
        read.refused.append(("wrong_type", f"{field}.values"))
        return
    ts: int | None = now_ms
    if entry.get("ts") is not None:
        ts, reason = time_reason(entry["ts"], now_ms)
        if reason:
            read.refused.append((reason, f"{field}.ts"))
            return
    before = len(read.refused)
    good: dict[str, float] = {}
    told: set[str] = set()
    for key, raw in values.items():
        if values is entry and key == "ts":
            continue
        if key in keys and keys[key] is None:
            continue
        name = keys.get(key)
        if name is None:
            read.refused.append(("unknown_channel", f"{field}.{key}"))
        elif key in values.doubles or name in told:
            read.refused.append(("duplicate_key", f"{field}.{key}"))
            good.pop(name, None)
        else:
            told.add(name)
            value, reason = value_reason(vocab.by_name[name], raw)
            if reason:
                read.refused.append((reason, f"{field}.{key}"))
            elif value is not None:
                good[name] = value
    if good:
        assert ts is not None
        read.samples.append((code, ts, good, ts < now_ms - 120_000))
    elif len(read.refused) == before:
        read.refused.append(("empty", field))
