"""What a host remembers of an edge node between its messages: births, aliases, numbers.

Nothing of it survives a restart, by design: the next message asks for a rebirth, and the births
bring every name, data type and present value again. Used by one thread.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from devices.codecs.sparkplug.names import Lifts, Meaning, Names
from devices.codecs.sparkplug.topics import Topic
from devices.registry import Registry

SEQS = 256  # seq counts 0..255 and begins again
BEHIND = 128  # a number this far ahead is one that is behind
_LONGEST_MS = 300_000


@dataclass(frozen=True, slots=True)
class Known:
    """A metric of a birth, or one whose name speaks for itself: whose it is and what it means."""

    name: str
    datatype: int
    row: int
    meaning: Meaning


Key = tuple[str | None, str]  # device, metric


@dataclass(slots=True)
class Node:
    """One edge node's session. Keys begin with the device, None for the node itself."""

    group: str = ""
    name: str = ""
    born: bool = False
    bd_seq: int | None = None
    seq: int | None = None
    missing: set[int] = field(default_factory=set)
    overdue_ms: int | None = None
    gaps: int = 0  # numbers that never came, over all sessions
    devices: dict[str, bool] = field(default_factory=dict)  # device → it is there
    aliases: dict[tuple[str | None, int], str] = field(default_factory=dict)
    types: dict[Key, int] = field(default_factory=dict)
    codes: dict[tuple[int, int], int] = field(default_factory=dict)  # row, code → state told last
    last: tuple[str | None, bytes] = (None, b"")
    # what follows is made from the above and the registry; it is made again when either changes
    known: dict[Key, Known] = field(default_factory=dict)
    by_alias: dict[str | None, dict[int, Known]] = field(default_factory=dict)
    layouts: dict[tuple[str | None, int], Any] = field(default_factory=dict)
    lengths: dict[tuple[str | None, int], int] = field(default_factory=dict)
    shapes: dict[tuple[str | None, int], int] = field(default_factory=dict)
    again: tuple[str | None, int] | None = None  # a shape that came twice running: worth learning
    tables: dict[str | None, Any] = field(default_factory=dict)
    site: Lifts | None = None

    def there(self, topic: Topic) -> bool:
        """True where the births that give this topic's messages their meaning were seen."""
        known = self.born and topic.group == self.group
        return known and (topic.device is None or self.devices.get(topic.device, False))

    def forget_births(self) -> None:
        """Begin a session anew; the state that message codes were told in stays."""
        self.aliases, self.types, self.devices = {}, {}, {}
        self.missing, self.overdue_ms, self.last = set(), None, (None, b"")
        self.rederive()

    def forget_device(self, device: str) -> None:
        """Forget one device's birth."""
        self.aliases = {key: name for key, name in self.aliases.items() if key[0] != device}
        self.types = {key: kind for key, kind in self.types.items() if key[0] != device}
        self.known = {key: known for key, known in self.known.items() if key[0] != device}
        self.layouts = {key: made for key, made in self.layouts.items() if key[0] != device}
        self.tables.pop(device, None)
        self.by_alias.pop(device, None)

    def rederive(self) -> None:
        """Drop what was made from births and registry."""
        self.known, self.by_alias, self.tables = {}, {}, {}
        self.layouts, self.lengths, self.shapes, self.again = {}, {}, {}, None

    def count(self, seq: int, now_ms: int, patience_ms: int) -> bool:
        """Take note of a message's number. False where something before it must be missing.

        With patience, what is missing may still come: `overdue` tells when it did not.
        """
        if seq in self.missing:
            self.missing.discard(seq)
            self.gaps -= 1
            if not self.missing:
                self.overdue_ms = None
            return True
        expected = seq if self.seq is None else (self.seq + 1) % SEQS
        ahead = (seq - expected) % SEQS
        if ahead >= BEHIND:  # late, and given up before
            return True
        self.seq = seq
        self.gaps += ahead
        if not ahead:
            return True
        if patience_ms <= 0:
            return False
        self.missing.update((expected + i) % SEQS for i in range(ahead))
        self.overdue_ms = self.overdue_ms or now_ms + patience_ms
        return True

    def overdue(self, now_ms: int) -> bool:
        """True once where what was missing did not come in time."""
        if self.overdue_ms is None or now_ms < self.overdue_ms:
            return False
        self.missing, self.overdue_ms = set(), None
        return True


class Rebirths:
    """When a rebirth may be asked for: not again and again of one node, not of all at once.

    A node that does not answer is asked after `wait_ms`, then twice that, up to five minutes.
    """

    def __init__(self, wait_ms: int, per_s: float) -> None:
        self._wait_ms, self._per_s = wait_ms, per_s
        self._next: dict[int, tuple[int, int]] = {}  # gateway → not before, wait after that
        self._tokens, self._at_ms = per_s, 0
        self.asked = 0  # since the start

    def ask(self, gateway: int, now_ms: int) -> bool:
        """True where this gateway may be asked now; it then counts as asked."""
        not_before, wait_ms = self._next.get(gateway, (0, self._wait_ms))
        if now_ms < not_before:
            return False
        refill = max(0, now_ms - self._at_ms) / 1000 * self._per_s
        self._tokens = min(max(1.0, self._per_s), self._tokens + refill)
        self._at_ms = now_ms
        if self._tokens < 1:
            return False
        self._tokens -= 1
        self.asked += 1
        self._next[gateway] = (now_ms + wait_ms, min(2 * wait_ms, _LONGEST_MS))
        return True

    def answered(self, gateway: int) -> None:
        """The node was born: what comes next is another matter. The pause since the last
        request still holds, so that a node which answers in vain is not asked without end."""
        if gateway in self._next:
            self._next[gateway] = (self._next[gateway][0], self._wait_ms)


class Sessions:
    """The memory of all edge nodes, one a gateway; `names` is the site's map."""

    def __init__(
        self,
        names: Names | None = None,
        reorder_ms: int = 0,
        rebirth_ms: int = 10_000,
        rebirths_per_s: float = 100.0,
    ) -> None:
        self.names = names or Names()
        self.reorder_ms = reorder_ms
        self.rebirths = Rebirths(rebirth_ms, rebirths_per_s)
        self._nodes: dict[int, Node] = {}
        self._lifts: Lifts | None = None

    def node(self, gateway: int, registry: Registry) -> Node:
        """Return a gateway's session; one that begins with nothing for a new gateway."""
        node = self._nodes.setdefault(gateway, Node())
        site = self.lifts(registry)
        if node.site is not site:
            node.rederive()
            node.site = site
        return node

    def lifts(self, registry: Registry) -> Lifts:
        """Return who is who in the registry as it is now."""
        if self._lifts is None or self._lifts.row_of is not registry.row_of:
            self._lifts = Lifts(self.names, registry)
        return self._lifts

    def figures(self) -> tuple[int, int, int]:
        """Return (nodes in a session, numbers that never came, rebirths asked for)."""
        nodes = self._nodes.values()
        return sum(n.born for n in nodes), sum(n.gaps for n in nodes), self.rebirths.asked

    def overdue(self, now_ms: int) -> Iterator[tuple[int, Node]]:
        """Give the gateways whose missing messages did not come within the reorder time."""
        for gateway, node in self._nodes.items():
            if node.overdue(now_ms):
                yield gateway, node
