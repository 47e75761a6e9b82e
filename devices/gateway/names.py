"""Numbers for names of lifts and channels, kept in the store: a name is written once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from sqlite3 import Connection
from threading import RLock

import numpy as np
from numpy.typing import NDArray

_LISTS = 64  # a gateway asks for the same lists of names again and again

Transaction = Callable[[], AbstractContextManager[Connection]]


class Names:
    """Safe to use from several threads under the store's lock."""

    def __init__(self, db: Connection, lock: RLock, transaction: Transaction) -> None:
        self._lock, self._transaction = lock, transaction
        self._texts = [text for (text,) in db.execute("SELECT text FROM name ORDER BY id")]
        self._ids = {text: number for number, text in enumerate(self._texts)}
        self._lists: dict[tuple[str, ...], NDArray[np.int32]] = {}

    def ids(self, texts: Sequence[str]) -> NDArray[np.int32]:
        """Return the numbers of these names, int32[n]; new ones are given one."""
        key = tuple(texts)
        with self._lock:
            found = self._lists.get(key)
            if found is None:
                fresh = [text for text in dict.fromkeys(key) if text not in self._ids]
                if fresh:
                    self._add(fresh)
                found = np.array([self._ids[text] for text in key], np.int32)
                if len(self._lists) >= _LISTS:
                    self._lists.clear()
                self._lists[key] = found
            return found

    def _add(self, fresh: Sequence[str]) -> None:
        rows = list(enumerate(fresh, len(self._texts)))
        with self._transaction() as db:
            db.executemany("INSERT INTO name VALUES (?, ?)", rows)
        self._texts += fresh
        self._ids |= {text: number for number, text in rows}

    def texts(self, ids: NDArray[np.int32]) -> list[str]:
        """Return the names of these numbers."""
        texts = self._texts
        return [texts[number] for number in ids.tolist()]
