"""Wire formats: bytes of the broker → a batch, or a rejection that says what is wrong.

One file per format. A new one is a file with `fast` and `careful`, and a line in CODECS.
`decode` finds the codec by the topic and tries the fast, typed path first; whatever that
cannot vouch for is read again with care, so that each flaw is named and its neighbours kept.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from devices.batch import Decoded, RejectedMessage
from devices.codecs import json_columns, json_rows, message, waveform
from devices.codecs.ack import Ack, Refused, decode_ack, encode_ack
from devices.codecs.context import Context
from devices.codecs.limits import Limits
from devices.codecs.parse import Fields, parse, salvage
from devices.codecs.refuse import reject
from devices.codecs.status import GatewayStatus, decode_status, encode_status
from devices.codecs.topics import split
from devices.codecs.values import plan_of
from devices.registry import Registry
from devices.vocabulary import Vocabulary

__all__ = [
    "CODECS",
    "Ack",
    "Codec",
    "GatewayStatus",
    "Limits",
    "Refused",
    "decode",
    "decode_ack",
    "decode_status",
    "encode_ack",
    "encode_status",
]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Codec:
    """One wire format of a topic; `claims` tells from the payload whether it is this one."""

    name: str
    kind: str
    claims: Callable[[bytes], bool]
    fast: Callable[[bytes, Context], Decoded | None]
    careful: Callable[[Fields, Context], Decoded]


def _any(payload: bytes) -> bool:
    return True


def _none(payload: bytes, context: Context) -> Decoded | None:
    return None


def _has_columns(payload: bytes) -> bool:
    return b'"columns"' in payload


CODECS = (
    Codec("json_columns", "telemetry", _has_columns, json_columns.fast, json_columns.careful),
    Codec("json_rows", "telemetry", _any, json_rows.fast, json_rows.careful),
    Codec("message", "message", _any, _none, message.careful),
    Codec("waveform", "waveform", _any, waveform.fast, waveform.careful),
)
_BY_KIND = {kind: [c for c in CODECS if c.kind == kind] for kind in {c.kind for c in CODECS}}


def decode(
    topic: str,
    payload: bytes,
    received_ms: int,
    registry: Registry,
    vocab: Vocabulary,
    limits: Limits,
) -> Decoded:
    """Decode one message of a gateway, received at `received_ms`.

    Returns what could be taken, with refusals for what could not. Raises RejectedMessage, and
    nothing else, where nothing could be taken; its boot and seq are set where they are known.
    """
    codecs, gateway = _find(topic, payload, registry)
    if len(payload) > limits.payload_bytes:
        boot, seq = salvage(payload)
        size, limit = len(payload), f"{limits.payload_bytes} bytes"
        raise reject("too_large", "payload", size, limit, boot=boot, seq=seq)
    context = Context(gateway, received_ms, registry, plan_of(vocab), limits)
    codec = next(codec for codec in codecs if codec.claims(payload))
    try:
        return codec.fast(payload, context) or codec.careful(parse(payload), context)
    except RejectedMessage:
        raise
    except Exception as bug:
        # one message must never stop a district: it is refused, kept and reported instead
        _log.exception("codec %s failed on a message of %s", codec.name, topic)
        boot, seq = salvage(payload)
        raise reject("internal_error", None, str(bug), boot=boot, seq=seq) from bug


def _find(topic: str, payload: bytes, registry: Registry) -> tuple[list[Codec], int]:
    parts = split(topic)
    codecs = _BY_KIND.get(parts[1]) if parts else None
    if parts is None or codecs is None:
        boot, seq = salvage(payload)
        raise reject("unknown_topic", "topic", topic, boot=boot, seq=seq)
    gateway = registry.gateway_index.get(parts[0])
    if gateway is None:
        boot, seq = salvage(payload)
        raise reject("unknown_gateway", "topic", parts[0], boot=boot, seq=seq)
    return codecs, gateway
