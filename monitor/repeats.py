"""Repeats of messages that carry no number of ours, recognised by their bytes.

MQTT delivers at least once: a lost PUBACK brings the same bytes again. Where (gateway, boot,
seq) cannot tell, a digest does, within a window a gateway: what comes again after more
messages than that is taken for new. A repeat comes within the sender's in-flight window (20 by
default, rarely above 100), so the window is ample.

The digests of the last batches are kept beside that, however many they are, and committed with
them, in the ledger's place under a gateway without a name. Whatever is not yet acknowledged comes
again when the connection is lost, and after a crash also what was committed a moment before.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections import OrderedDict, deque
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
        self._recent: set[bytes] = set()
        self._batches: deque[list[bytes]] = deque(maxlen=SLOTS)
        self._fresh: list[bytes] = []
        self._number = 0
        stored = [_read(text) for gateway, _, text in rows if gateway == NOBODY]
        for number, digests in sorted(stored):
            self._number = number
            self._remember(digests)

    def take(self, gateway: str, topic: str, payload: bytes) -> bool:
        """Return True for bytes of this topic that are new."""
        origin = f"{gateway}\0{topic}\0".encode("utf-8", "surrogateescape")
        hashed = blake2b(origin, digest_size=_SIZE)
        hashed.update(payload)
        digest = hashed.digest()
        seen = self._seen.setdefault(gateway, OrderedDict())
        if digest in seen or digest in self._recent:
            return False
        seen[digest] = None
        self._fresh.append(digest)
        self._recent.add(digest)
        if len(seen) > self._window:
            seen.popitem(last=False)
        return True

    def dirty(self) -> Mapping[tuple[str, int], str]:
        """Return what must be committed with the batch that closes now, in the form of the
        ledger's changes."""
        if not self._fresh:
            return {}
        self._number += 1
        text = f"{self._number}:{b64encode(b''.join(self._fresh)).decode()}"
        self._remember(self._fresh)
        self._fresh = []
        return {(NOBODY, self._number % SLOTS): text}

    def _remember(self, digests: list[bytes]) -> None:
        if len(self._batches) == SLOTS:
            self._recent.difference_update(self._batches[0])
        self._batches.append(digests)
        self._recent.update(digests)


def _read(text: str) -> tuple[int, list[bytes]]:
    number, _, digests = text.partition(":")
    raw = b64decode(digests)
    return int(number), [raw[i : i + _SIZE] for i in range(0, len(raw), _SIZE)]
