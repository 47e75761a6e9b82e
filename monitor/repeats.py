"""Repeats of messages that carry no number of ours, recognised by their bytes.

MQTT delivers at least once: a lost PUBACK brings the same bytes again. Where (gateway, boot,
seq) cannot tell, a digest does, within a window a gateway: what comes again after more
messages than that is taken for new. A repeat comes within the sender's in-flight window (20 by
default, rarely above 100), so the window is ample. It is not kept over a restart.
"""

from __future__ import annotations

from collections import OrderedDict
from hashlib import blake2b

WINDOW = 256  # digests a gateway: 8 bytes each, some 25 kB with their table


class Repeats:
    """One window of digests a gateway; gateways are those of the registry, so it is bounded."""

    def __init__(self, window: int = WINDOW) -> None:
        self._window = window
        self._seen: dict[str, OrderedDict[bytes, None]] = {}

    def take(self, gateway: str, topic: str, payload: bytes) -> bool:
        """Return True for bytes of this topic that are new in the gateway's window."""
        hashed = blake2b(topic.encode("utf-8", "surrogateescape") + b"\0", digest_size=8)
        hashed.update(payload)
        digest = hashed.digest()
        seen = self._seen.setdefault(gateway, OrderedDict())
        if digest in seen:
            return False
        seen[digest] = None
        if len(seen) > self._window:
            seen.popitem(last=False)
        return True
