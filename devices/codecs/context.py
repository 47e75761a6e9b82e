"""What a codec needs to know beside the bytes: who sent, when it came, what is allowed."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from devices.codecs.limits import Limits
from devices.codecs.refuse import Refusals
from devices.codecs.values import Plan
from devices.registry import Registry


@dataclass(frozen=True, slots=True)
class Context:
    """One message's surroundings; `gateway` is the index of the sender in the registry.

    `topic` as it came; `memory` is what the route's dialect keeps from message to message.
    """

    gateway: int
    received_ms: int
    registry: Registry
    plan: Plan
    limits: Limits
    topic: str = ""
    memory: object = None


def check_lift(
    raw: object, context: Context, refusals: Refusals, field: str = "lift"
) -> int | None:
    """Return the registry row of a lift of this gateway, or None after noting why not."""
    if not isinstance(raw, str):
        refusals.add("missing_field" if raw is None else "wrong_type", field, raw, "20 digits")
        return None
    row = context.registry.row_of.get(raw)
    if row is None:
        refusals.add("unknown_lift", field, raw, "20 digits, registered", raw)
        return None
    owner = int(context.registry.lift_gateway[row])
    if owner != context.gateway:
        name = context.registry.gateways[owner].id
        refusals.add("wrong_gateway", field, raw, f"sent by gateway {name}", raw)
        return None
    return row


def rows_of(codes: Collection[str], context: Context) -> NDArray[np.int32] | None:
    """Return the registry rows of lifts, int32[n]; None unless all are this gateway's."""
    own = context.registry.own_rows(context.gateway)
    try:
        return np.fromiter(map(own.__getitem__, codes), np.int32, len(codes))
    except (KeyError, TypeError):
        return None
