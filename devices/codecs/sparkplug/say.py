"""All that a host says: STATE about itself, and the request for a rebirth.

These two functions are the whole of it. Nothing in the project builds another NCMD, nor any DCMD,
so nothing can be written to a lift by this dialect; a test holds that.
"""

from __future__ import annotations

import json

from devices.codecs.sparkplug.schema import DataType, Payload

REBIRTH = "Node Control/Rebirth"


def rebirth(now_ms: int) -> bytes:
    """Return the NCMD payload that asks an edge node for its births again."""
    payload = Payload(timestamp=now_ms)
    payload.metrics.add(
        name=REBIRTH, timestamp=now_ms, datatype=DataType.BOOLEAN, boolean_value=True
    )
    encoded: bytes = payload.SerializeToString(deterministic=True)
    return encoded


def state(online: bool, timestamp_ms: int) -> bytes:
    """Return a STATE payload. The birth repeats the time of the will it was connected with."""
    return json.dumps({"online": online, "timestamp": timestamp_ms}).encode()


def read_state(payload: bytes | bytearray) -> tuple[bool, int] | None:
    """Return (online, timestamp) of a STATE payload, None where it is not one."""
    try:
        found = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict):
        return None
    online, at_ms = found.get("online"), found.get("timestamp")
    return (online, at_ms) if isinstance(online, bool) and type(at_ms) is int else None
