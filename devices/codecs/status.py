"""Gateway status: retained on `status`, its offline form left with the broker as last will.

{"v":1,"state":"online","boot":B,"ts":T}
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from devices.batch import RejectedMessage
from devices.codecs.clock import read_ts
from devices.codecs.limits import BOOT_MAX, Limits
from devices.codecs.parse import VERSION, parse
from devices.codecs.refuse import Refusals, reject
from devices.codecs.topics import split
from devices.registry import Registry


@dataclass(frozen=True, slots=True)
class GatewayStatus:
    """What a gateway last said of itself. `ts_ms` is its own clock, None where unreadable.

    The time of a last will is that of the connection, not of its loss: use the time of
    receipt for how long a gateway is silent. `clock_off_ms` is its clock minus ours, for
    an online status; a retained one that is read later makes it look slow, never fast.
    """

    gateway: str
    online: bool
    boot: int
    ts_ms: int | None
    clock_off_ms: int | None


def decode_status(
    topic: str, payload: bytes, received_ms: int, registry: Registry, limits: Limits
) -> GatewayStatus:
    """Decode a status. Raises RejectedMessage with all that is wrong with it."""
    parts = split(topic)
    if parts is None or parts[1] != "status":
        raise reject("unknown_topic", "topic", topic)
    if parts[0] not in registry.gateway_index:
        raise reject("unknown_gateway", "topic", parts[0])
    if len(payload) > limits.payload_bytes:
        raise reject("too_large", "payload", len(payload), f"{limits.payload_bytes} bytes")
    fields, wrong = parse(payload), Refusals(8)
    version, state, boot = fields.get("v"), fields.get("state"), fields.get("boot")
    if version != VERSION or isinstance(version, bool):
        reason = "missing_field" if version is None else "wrong_version"
        wrong.add(reason, "v", version, str(VERSION))
    if state not in ("online", "offline"):
        wrong.add(
            "missing_field" if state is None else "out_of_range", "state", state, "online | offline"
        )
    if type(boot) is not int:
        wrong.add("missing_field" if boot is None else "wrong_type", "boot", boot, "integer")
    elif not 1 <= boot <= BOOT_MAX:
        wrong.add("seq_out_of_range", "boot", boot, f"1..{BOOT_MAX}")
    elif not len(wrong):
        ts_ms = read_ts(fields.get("ts"))
        online = state == "online"
        off_ms = ts_ms - received_ms if online and ts_ms is not None else None
        return GatewayStatus(parts[0], online, boot, ts_ms, off_ms)
    raise RejectedMessage(wrong.named())


def encode_status(online: bool, boot: int, ts_ms: int, clock_off_ms: int | None = None) -> bytes:
    """Return the payload of a status. clock_off_ms: what the gateway found its own clock to be
    off by, ours minus the service's; left out where it does not know."""
    said = {"v": VERSION, "state": "online" if online else "offline", "boot": boot, "ts": ts_ms}
    if clock_off_ms is not None:
        said["clock_off_ms"] = clock_off_ms
    return json.dumps(said).encode()
