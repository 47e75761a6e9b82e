"""Messages: faults, events and alarms that a controller or a person's finger reports.

{"v":1,"boot":B,"seq":S,"lift":"…","ts":T,"code":93,"state":"on"}
{"v":1,"boot":B,"seq":S,"messages":[{"lift":"…","ts":T,"code":93,"state":"on"},…]}
"""

from __future__ import annotations

import numpy as np

from devices.batch import STATE_OFF, STATE_ON, STATE_ONCE, Decoded, MessageRows, TelemetryBatch
from devices.codecs.clock import check_ts, late
from devices.codecs.context import Context, check_lift
from devices.codecs.parse import Fields, fields_of, nothing_left, read_envelope
from devices.codecs.refuse import Refusals

STATES = {"off": STATE_OFF, "on": STATE_ON, "once": STATE_ONCE}
_OWN = ("lift", "ts", "code", "state")


def careful(fields: Fields, context: Context) -> Decoded:
    """Decode one message or several, naming each that cannot be taken.

    Messages are few, so there is no fast path. Raises RejectedMessage where the envelope is
    unusable or nothing is left.
    """
    refusals = Refusals(context.limits.refusals)
    envelope = read_envelope(fields, refusals)
    found = [
        row
        for raw, prefix in _entries(fields, context, refusals)
        if (row := _entry(raw, prefix, context, refusals)) is not None
    ]
    if not found:
        raise nothing_left(refusals, envelope, "messages" if "messages" in fields else "code")
    lift, ts_ms, code, state = zip(*found, strict=True)
    times = np.array(ts_ms, np.int64)
    batch = TelemetryBatch.empty(len(context.plan.vocab.channels))
    batch.messages = MessageRows(
        np.array(lift, np.int32),
        times,
        np.array(code, np.int32),
        np.array(state, np.int8),
        late(times, context.received_ms, context.limits),
    )
    boot, seq, first = envelope.boot, envelope.seq, envelope.first
    return Decoded(boot, seq, first, "message", batch, refusals.named())


def _entries(fields: Fields, context: Context, refusals: Refusals) -> list[tuple[object, str]]:
    """Return (entry, prefix of its field names); the message itself is its only entry."""
    if "messages" not in fields:
        return [(fields, "")]
    raw = fields["messages"]
    if "messages" in fields.twice:
        refusals.add("duplicate_key", "messages")
    elif not isinstance(raw, list):
        refusals.add("wrong_type", "messages", raw, "array of {lift, ts, code, state}")
    elif len(raw) > context.limits.samples:
        refusals.add("too_many_samples", "messages", len(raw), f"{context.limits.samples}")
    else:
        for name in _OWN:
            if name in fields:
                refusals.add("wrong_type", name, fields[name], "not beside messages")
        return [(entry, f"messages[{i}].") for i, entry in enumerate(raw)]
    return []


def _entry(
    raw: object, prefix: str, context: Context, refusals: Refusals
) -> tuple[int, int, int, int] | None:
    entry = fields_of(raw)
    if entry is None:
        refusals.add("wrong_type", prefix.rstrip("."), raw, "{lift, ts, code, state}")
        return None
    twice = entry.twice & set(_OWN)
    for name in sorted(twice):
        refusals.add("duplicate_key", f"{prefix}{name}")
    row = check_lift(entry.get("lift"), context, refusals, f"{prefix}lift")
    if twice or row is None:
        return None
    lift = str(entry["lift"])
    limits, now_ms = context.limits, context.received_ms
    ts_ms = check_ts(entry.get("ts"), now_ms, limits, refusals, f"{prefix}ts", lift)
    code = _code(entry.get("code"), f"{prefix}code", lift, context, refusals)
    state = _state(entry.get("state", "once"), f"{prefix}state", lift, refusals)
    return None if ts_ms is None or code is None or state is None else (row, ts_ms, code, state)


def _code(raw: object, field: str, lift: str, context: Context, refusals: Refusals) -> int | None:
    if type(raw) is not int:
        refusals.add("missing_field" if raw is None else "wrong_type", field, raw, "integer", lift)
        return None
    if raw not in context.plan.vocab.messages:
        refusals.add("unknown_code", field, raw, "a code of the table", lift)
        return None
    return raw


def _state(raw: object, field: str, lift: str, refusals: Refusals) -> int | None:
    if not isinstance(raw, str):
        refusals.add("wrong_type", field, raw, "on | off | once", lift)
        return None
    if raw not in STATES:
        refusals.add("out_of_range", field, raw, "on | off | once", lift)
        return None
    return STATES[raw]
