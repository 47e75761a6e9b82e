"""A small site and message builders for the tests of the wire."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from devices.batch import Decoded, RejectedMessage
from devices.codecs import Limits, decode
from devices.registry import Gateway, Lift, Registry
from devices.vocabulary import load_vocabulary

NOW = 1_760_000_000_000
VOCAB = load_vocabulary()
LIMITS = Limits()
GW, OTHER = "gw-01", "gw-02"


def code(i: int) -> str:
    return f"{31105001232012000000 + i}"


def _lift(i: int) -> Lift:
    return Lift(
        reg_code=code(i),
        rescue_code=f"{100000 + i}",
        name=f"{i}#",
        place="",
        street_office="s1",
        use_unit="u1",
        maintenance="m1",
        gateway=GW if i < 80 else OTHER,
        type="passenger",
        rated_speed=1.75,
        rated_load_kg=1000,
        floor_lo=1,
        floor_hi=20,
        feeder="f1",
        period_s=1.0,
        lat=29.5,
        lon=106.5,
    )


REGISTRY = Registry(
    [_lift(i) for i in range(100)], [Gateway(GW, "vendor", "p"), Gateway(OTHER, "vendor", "p")]
)


def row(values: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {"v": 1, "boot": 7, "seq": 3, "lift": code(1), "ts": NOW, "values": values} | changes


def columns(values: dict[str, Any], lifts: list[Any] | None = None, **more: Any) -> dict[str, Any]:
    lifts = [code(0), code(1), code(2)] if lifts is None else lifts
    return {"v": 1, "boot": 7, "seq": 3, "ts": NOW, "lifts": lifts, "columns": values} | more


def send(
    message: object, kind: str = "telemetry", gateway: str = GW, now_ms: int = NOW
) -> Decoded | RejectedMessage:
    """Decode a message as the service does; a rejection is returned, not raised."""
    payload = message if isinstance(message, bytes) else json.dumps(message).encode()
    try:
        return decode(f"lift/v1/{gateway}/{kind}", payload, now_ms, REGISTRY, VOCAB, LIMITS)
    except RejectedMessage as rejection:
        return rejection


def taken(message: object, kind: str = "telemetry", **where: Any) -> Decoded:
    decoded = send(message, kind, **where)
    assert isinstance(decoded, Decoded), getattr(decoded, "refusals", decoded)
    return decoded


def rejected(message: object, kind: str = "telemetry", **where: Any) -> RejectedMessage:
    rejection = send(message, kind, **where)
    assert isinstance(rejection, RejectedMessage), rejection
    return rejection


def reasons(outcome: Decoded | RejectedMessage) -> list[tuple[str, str | None]]:
    return [(refusal.reason, refusal.field) for refusal in outcome.refusals]


def value(decoded: Decoded, channel: str, at: int = 0) -> float:
    return float(decoded.batch.values[at, VOCAB.index(channel)])


def said(decoded: Decoded, at: int = 0) -> dict[str, float]:
    """The channels of a row that are not absent."""
    values = decoded.batch.values[at]
    present = np.flatnonzero(~np.isnan(values))
    return {VOCAB.channels[i].name: float(values[i]) for i in present}
