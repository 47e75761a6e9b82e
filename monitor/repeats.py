"""Repeats of messages that carry no number of ours, recognised by their bytes.

MQTT delivers at least once: a lost PUBACK brings the same bytes again. Where (gateway, boot,
seq) cannot tell, a digest does, within a window a gateway: what comes again after more
messages than that is taken for new. A repeat comes within the sender's in-flight window (20 by
default, rarely above 100), so the window is ample.

The digests of the last batches are committed with them, in the ledger's place under a gateway
without a name: after a crash the broker brings again what was committed and not acknowledged,
and that is at most the last batch or two.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from hashlib import blake2b

WINDOW = 256  # digests a gateway: 8 bytes each, some 25 kB with their table
SLOTS = 16  # batches whose digests outlive a crash
NOBODY = ""  # no gateway has this name
_SIZE = 8


class Repeats:
    """One window of digests a gateway; gateways are those of the registry, so it is bounded."""

    def __init__(self, rows: Iterable[tuple[str, int, str]] = (), window: int = WINDOW) -> None:
        """`rows` = (gateway, slot, text) as stored; those of gateways with a name are passed
        over."""
        self._window = window
        self._seen: dict[str, OrderedDict[bytes, None]] = {}
        self._fresh: list[bytes] = []
        self._before: set[bytes] = set()
        self._number = 0
        for gateway, _, text in rows:
            if gateway == NOBODY:
                number, _, digests = text.partition(":")
                self._number = max(self._number, int(number))
                raw = b64decode(digests)
                self._before.update(raw[i : i + _SIZE] for i in range(0, len(raw), _SIZE))

    def take(self, gateway: str, topic: str, payload: bytes) -> bool:
        """Return True for bytes of this topic that are new in the gateway's window."""
        hashed = blake2b(topic.encode("utf-8", "surrogateescape") + b"\0", digest_size=_SIZE)
        hashed.update(payload)
        digest = hashed.digest()
        seen = self._seen.setdefault(gateway, OrderedDict())
        if digest in seen or digest in self._before:
            return False
        seen[digest] = None
        self._fresh.append(digest)
        if len(seen) > self._window:
            seen.popitem(last=False)
        return True

    def dirty(self) -> Mapping[tuple[str, int], str]:
        """Return what must be committed with the batch, in the form of the ledger's changes."""
        if not self._fresh:
            return {}
        self._number += 1
        text = f"{self._number}:{b64encode(b''.join(self._fresh)).decode()}"
        self._fresh = []
        return {(NOBODY, self._number % SLOTS): text}
