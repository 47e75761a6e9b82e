"""Wire formats: bytes of the broker → a batch, or a rejection that says what is wrong.

One file per format, found by topic (routes.py, dialects.py). `decode` tries the fast, typed
path first; whatever that cannot vouch for is read again with care, so that each flaw is named
and its neighbours kept.
"""

from __future__ import annotations

import logging

from devices.batch import Decoded, RejectedMessage
from devices.codecs.ack import Ack, Refused, decode_ack, encode_ack
from devices.codecs.context import Context
from devices.codecs.dialects import OURS, build_routes
from devices.codecs.limits import Limits
from devices.codecs.parse import salvage
from devices.codecs.refuse import reject
from devices.codecs.routes import Codec, Found, Route, Routes
from devices.codecs.setup import Setup
from devices.codecs.status import GatewayStatus, decode_status, encode_status
from devices.codecs.values import plan_of
from devices.registry import Registry
from devices.vocabulary import Vocabulary

__all__ = [
    "OURS",
    "Ack",
    "Codec",
    "Found",
    "GatewayStatus",
    "Limits",
    "Refused",
    "Route",
    "Routes",
    "Setup",
    "build_routes",
    "decode",
    "decode_ack",
    "decode_found",
    "decode_status",
    "encode_ack",
    "encode_status",
]

_log = logging.getLogger(__name__)


def decode(
    topic: str,
    payload: bytes,
    received_ms: int,
    registry: Registry,
    vocab: Vocabulary,
    limits: Limits,
    routes: Routes = OURS,
) -> Decoded:
    """Decode one message of a gateway, received at `received_ms`.

    Returns what could be taken, with refusals for what could not. Raises RejectedMessage, and
    nothing else, where nothing could be taken; its boot and seq are set where they are known.
    """
    found = routes.find(topic, payload)
    return decode_found(found, topic, payload, received_ms, registry, vocab, limits)


def decode_found(
    found: Found | None,
    topic: str,
    payload: bytes,
    received_ms: int,
    registry: Registry,
    vocab: Vocabulary,
    limits: Limits,
) -> Decoded:
    """As `decode`, for a message whose route is known already."""
    if found is None:
        boot, seq = salvage(payload)
        raise reject("unknown_topic", "topic", topic, boot=boot, seq=seq)
    route = found.route
    gateway = registry.gateway_index.get(found.gateway or "")
    if gateway is None:
        boot, seq = route.salvage(payload)
        name = topic if found.gateway is None else found.gateway
        raise reject("unknown_gateway", "topic", name, boot=boot, seq=seq)
    if len(payload) > limits.payload_bytes:
        boot, seq = route.salvage(payload)
        size, limit = len(payload), f"{limits.payload_bytes} bytes"
        raise reject("too_large", "payload", size, limit, boot=boot, seq=seq)
    plan = plan_of(vocab)
    context = Context(gateway, received_ms, registry, plan, limits, topic, route.memory)
    codec = route.codec(payload)
    try:
        return codec.fast(payload, context) or codec.careful(payload, context)
    except RejectedMessage:
        raise
    except Exception as bug:
        # one message must never stop a district: it is refused, kept and reported instead
        _log.exception("codec %s failed on a message of %s", codec.name, topic)
        boot, seq = route.salvage(payload)
        raise reject("internal_error", None, str(bug), boot=boot, seq=seq) from bug
