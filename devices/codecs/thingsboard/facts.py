"""`connect`, `disconnect`: who is there. `attributes`: what a device is, now and then its state."""

from __future__ import annotations

import numpy as np

from devices.batch import Decoded, LinkFact, TelemetryBatch
from devices.codecs.context import Context, check_lift
from devices.codecs.parse import fields_of, nothing_left, parse
from devices.codecs.refuse import Refusals
from devices.codecs.thingsboard.telemetry import NO_NUMBER, device_row, names_of, values_of
from devices.codecs.values import NO_MESSAGES


def connect(payload: bytes, context: Context) -> Decoded:
    """{"device": NAME}: the gateway has it on its line. A fact of the link, no telemetry."""
    return _link(payload, context, True)


def disconnect(payload: bytes, context: Context) -> Decoded:
    """{"device": NAME}: the gateway has lost it."""
    return _link(payload, context, False)


def _link(payload: bytes, context: Context, online: bool) -> Decoded:
    refusals = Refusals(context.limits.refusals)
    message = parse(payload)
    device = message.get("device")
    if "device" in message.twice:
        refusals.add("duplicate_key", "device")
        raise nothing_left(refusals, NO_NUMBER)
    told = names_of(context).code(device) if isinstance(device, str) else device
    row = check_lift(told, context, refusals, "device")
    if row is None:
        raise nothing_left(refusals, NO_NUMBER)
    batch = TelemetryBatch.empty(len(context.plan.vocab))
    links = [LinkFact(online, context.received_ms, row)]
    # the same words after a while are news: no repeat
    return Decoded(None, None, None, "link", batch, [], timed=False, links=links)


def attributes(payload: bytes, context: Context) -> Decoded:
    """{device: {key: value}}: keys that are channels count, at the time of receipt.

    Others describe the device in words of its own and are passed over without a word.
    """
    message, refusals = parse(payload), Refusals(context.limits.refusals)
    rows, values = [], []
    for device, raw in message.items():
        row = device_row(device, message, context, refusals)
        if row is None:
            continue
        keys = fields_of(raw)
        if keys is None:
            refusals.add("wrong_type", device, raw, "object", device)
            continue
        said = values_of(keys, device, device, context, refusals, set(), unknown=False)
        if not np.isnan(said).all():
            rows.append(row)
            values.append(said)
    if not rows and len(refusals):
        raise nothing_left(refusals, NO_NUMBER)
    batch = TelemetryBatch.empty(len(context.plan.vocab))
    if rows:
        n = len(rows)
        now_ms = np.full(n, context.received_ms, np.int64)
        fresh = np.zeros(n, np.bool_)
        batch = TelemetryBatch(
            np.array(rows, np.int32), now_ms, np.stack(values), fresh, NO_MESSAGES
        )
    return Decoded(None, None, None, "telemetry", batch, refusals.named(), timed=False)
