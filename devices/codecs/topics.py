"""Topics of the wire contract: `lift/v1/{gateway}/{kind}`."""

from __future__ import annotations

PREFIX = "lift/v1"
BACKFILL = "backfill"  # telemetry that was kept while the link was down, in a lane of its own
UPWARD = ("telemetry", BACKFILL, "message", "waveform", "status")  # gateway → service
ACK = "ack"  # service → gateway


def topic(gateway: str, kind: str) -> str:
    """Return the topic of a gateway, e.g. `lift/v1/gw-01/telemetry`."""
    return f"{PREFIX}/{gateway}/{kind}"


def split(name: str) -> tuple[str, str] | None:
    """Return (gateway, kind) of a topic, None where it is not one of the contract."""
    parts = name.split("/")
    if len(parts) != 4 or f"{parts[0]}/{parts[1]}" != PREFIX:
        return None
    return parts[2], parts[3]
