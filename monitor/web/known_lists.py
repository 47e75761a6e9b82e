"""What a list and its numbers were at a journal line: two hundred desks ask the same at once.

Everything a list shows changes with a journal line, so the newest line is the key: same line, same
answer. Who comes first reads, the others wait for that one read.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, TypeVar, cast

from sqlalchemy import Connection

from alerts.desk import queries

MOST_S = 1.0
"""No longer, whatever the journal says: so nothing that is written beside it can stay hidden."""
KEPT = 64
T = TypeVar("T")


class _Entry:
    """One answer, and the turn of those who want it."""

    def __init__(self) -> None:
        self.turn = threading.Lock()
        self.head, self.read_s, self.value = -1, 0.0, cast(Any, None)


class KnownLists:
    """Answers by question, each of one moment of the journal; used from many threads."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._entries: OrderedDict[Hashable, _Entry] = OrderedDict()

    def of(self, conn: Connection, asked: Hashable, read: Callable[[], T]) -> T:
        """Return what `read` gives; from before, while the journal stands as `conn` sees it.

        `read` uses `conn`, so its answer belongs to that line. Nobody may change the answer.
        """
        head = queries.newest_line(conn)
        entry = self._entry(asked)
        with entry.turn:
            fresh = time.monotonic() - entry.read_s < MOST_S
            if entry.head != head or not fresh:
                entry.value = read()
                entry.head, entry.read_s = head, time.monotonic()
            return cast(T, entry.value)

    def _entry(self, asked: Hashable) -> _Entry:
        with self._guard:
            entry = self._entries.setdefault(asked, _Entry())
            self._entries.move_to_end(asked)
            if len(self._entries) > KEPT:
                self._entries.popitem(last=False)
            return entry
