"""Named gaps: samples that a gateway had and gave up, so that a hole has a name.

{"v":1,"boot":B,"seq":S,"gaps":[{"from":T,"to":T,"samples":N,"kept":K,"reason":"thinned"}]}

They come on the topic of messages, numbered like all else.
"""

from __future__ import annotations

from devices.batch import Decoded, GapReport, TelemetryBatch
from devices.codecs.clock import check_ts
from devices.codecs.context import Context
from devices.codecs.parse import Fields, fields_of, nothing_left, read_envelope
from devices.codecs.refuse import Refusals

REASONS = ("dropped", "thinned", "aged", "damaged")
MOST = 100  # in one message
_MOST_SAMPLES = 2**53


def claims(payload: bytes) -> bool:
    """True where a payload of the message topic tells gaps."""
    return b'"gaps"' in payload[:4096]


def careful(fields: Fields, context: Context) -> Decoded:
    """Decode what can be taken of a report, naming each field that cannot.

    Raises RejectedMessage where the envelope is unusable or nothing is left.
    """
    refusals = Refusals(context.limits.refusals)
    envelope = read_envelope(fields, refusals)
    raw = fields.get("gaps")
    if not isinstance(raw, list) or "gaps" in fields.twice:
        refusals.add("duplicate_key" if "gaps" in fields.twice else "wrong_type", "gaps", raw,
                     "array of gaps")  # fmt: skip
        raise nothing_left(refusals, envelope)
    if len(raw) > MOST:
        refusals.add("too_many_samples", "gaps", len(raw), f"{MOST}")
        raise nothing_left(refusals, envelope)
    read = [_gap(one, f"gaps[{i}].", context, refusals) for i, one in enumerate(raw)]
    found = [gap for gap in read if gap is not None]
    if not found:
        raise nothing_left(refusals, envelope, "gaps")
    batch = TelemetryBatch.empty(len(context.plan.vocab))
    batch.gaps = found
    boot, seq, first = envelope.boot, envelope.seq, envelope.first
    return Decoded(boot, seq, first, "message", batch, refusals.named())


def _gap(raw: object, prefix: str, context: Context, refusals: Refusals) -> GapReport | None:
    entry = fields_of(raw)
    if entry is None or entry.twice:
        refusals.add("wrong_type", prefix.rstrip("."), raw, "{from, to, samples, kept, reason}")
        return None
    before = len(refusals)
    limits, now_ms = context.limits, context.received_ms
    from_ms = check_ts(entry.get("from"), now_ms, limits, refusals, f"{prefix}from")
    to_ms = check_ts(entry.get("to"), now_ms, limits, refusals, f"{prefix}to")
    counts = [_count(entry, name, prefix, refusals) for name in ("samples", "kept")]
    reason = entry.get("reason")
    if not isinstance(reason, str) or reason not in REASONS:
        refusals.add("out_of_range", f"{prefix}reason", reason, " | ".join(REASONS))
        return None
    if from_ms is None or to_ms is None or len(refusals) != before:
        return None
    gateway = context.registry.gateways[context.gateway].id
    return GapReport(gateway, from_ms, to_ms, counts[0], counts[1], reason)


def _count(entry: Fields, name: str, prefix: str, refusals: Refusals) -> int:
    raw = entry.get(name, 0)
    if type(raw) is not int:
        refusals.add("wrong_type", f"{prefix}{name}", raw, "integer")
    elif not 0 <= raw <= _MOST_SAMPLES:
        refusals.add("out_of_range", f"{prefix}{name}", raw, f"0..{_MOST_SAMPLES}")
    else:
        return raw
    return 0
