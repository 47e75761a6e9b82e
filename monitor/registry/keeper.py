"""Keeps what is known of the registry up to date while the service runs, in a thread of its own.

The pipeline only marks rows that spoke; what follows from it is written here, a moment later.
Nothing of it is needed to judge a sample, so a database that is away only delays it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields, replace

import numpy as np
import structlog
from numpy.typing import NDArray
from sqlalchemy import Engine, select
from sqlalchemy.exc import SQLAlchemyError

from alerts.database.access import reading, writing
from alerts.database.registry_tables import registry_entry
from config.settings import Registry as Limits
from devices.batch import TelemetryBatch
from devices.registry import Registry
from monitor.detector.table import NEVER
from monitor.registry.entries import (
    FRESH,
    GATEWAY,
    KEEP,
    LIFT,
    Change,
    Entry,
    Key,
    compare,
    insert_entries,
    journal_changes,
    lines_of,
    read_entries,
    update_entry,
)
from monitor.registry.sightings import Sightings, write_sightings
from monitor.worker import Worker

log = structlog.get_logger()
EVERY_S = 1.0


class Keeper:
    """`entries` is what the table holds, or will within a second."""

    def __init__(
        self, engine: Engine, registry: Registry, limits: Limits, clock: Callable[[], int]
    ) -> None:
        self._engine, self._registry, self._limits = engine, registry, limits
        self._clock = clock
        self.sightings = Sightings()
        self.entries: dict[Key, Entry] = {}
        self.rebuilt: list[str] = []
        self._stored: set[Key] = set()
        self._dirty: dict[Key, set[str]] = {}
        self._changes: list[Change] = []
        self._lock = threading.RLock()
        # bool[N]: rows that spoke, and those whose speaking is noted already
        self._spoke = np.zeros(len(registry), np.bool_)
        self._noted = np.zeros(len(registry), np.bool_)
        self._heard: Callable[[], Iterable[str]] = tuple
        self._beside: list[Callable[[], None]] = []
        self.worker = Worker("registry", self._again, first_s=EVERY_S, patience_s=30.0)

    # -- the service --------------------------------------------------------------------

    def open(self) -> Keeper:
        """Compare the site's files with what is remembered; before anything else runs.

        `rebuilt` then names the lifts that became another machine while nothing ran.
        """
        with reading(self._engine) as conn:
            self.entries = read_entries(conn)
        self._stored = set(self.entries)
        changes = compare(self.entries, lines_of(self._registry), self._clock())
        self.rebuilt = [change.entry.id for change in changes if change.what == "rebuilt"]
        self._take(changes)
        self.write()
        return self

    def listen(self, heard: Callable[[], Iterable[str]]) -> None:
        """`heard` names the gateways whose status came."""
        self._heard = heard

    def beside(self, call: Callable[[], None]) -> None:
        """Have this called in the keeper's thread, once a second."""
        self._beside.append(call)

    def stop(self) -> None:
        """Write what is at hand and end."""
        self.worker.stop()
        self.turn()

    def expected(self, registry: Registry, now_ms: int) -> NDArray[np.int64]:
        """Return from when each row is expected to speak, int64[N] epoch ms.

        NEVER for a row that has spoken before: the detector knows that by itself. Others have
        the site's grace from their registration on, and are then as silent as one that stopped.
        """
        grace_ms = round(self._limits.grace_s * 1000)
        since = np.full(len(registry), NEVER, np.int64)
        for row, lift in enumerate(registry.slots):
            entry = self.entries.get((LIFT, lift.reg_code)) if lift else None
            if lift and (entry is None or entry.first_seen_ms is None):
                since[row] = (entry.registered_ms if entry else now_ms) + grace_ms
        return since

    # -- the pipeline's thread -------------------------------------------------------------

    def saw(self, batch: TelemetryBatch) -> None:
        """Mark whoever spoke in a batch; marks only."""
        self._spoke[batch.lift] = True
        self._spoke[batch.messages.lift] = True
        for burst in batch.waveforms:
            self._spoke[burst.lift] = True

    def saw_rows(self, rows: NDArray[np.bool_]) -> None:
        """Mark rows that a recovered state shows to have spoken; bool[N]."""
        self._spoke[: len(rows)] |= rows

    def take_up(
        self, newer: Registry, now_ms: int, answered: Mapping[str, str] | None = None
    ) -> None:
        """The files have changed and are about to count: find what happened, make room.

        Nobody is asked about a lift that `answered` tells of.
        """
        changes = [
            replace(one, entry=replace(one.entry, question=None))
            if one.entry.id in (answered or ())
            else one
            for one in compare(self.entries, lines_of(newer), now_ms)
        ]
        room = max(0, len(newer) - len(self._spoke))
        with self._lock:
            self._noted = np.concatenate([self._noted, np.zeros(room, np.bool_)])
            self._spoke = np.concatenate([self._spoke, np.zeros(room, np.bool_)])
            for change in changes:
                row = newer.row_of.get(change.entry.id)
                if change.what in ("moved", "restored") and row is not None:
                    # by its new gateway it has not spoken yet
                    self._spoke[row] = self._noted[row] = False
            self._take(changes)
        self.worker.wake()

    def answers(self) -> dict[str, str]:
        """Return what people answered meanwhile, be it by a command: lift → keep or fresh.

        The table is asked. `settle` follows once it has been acted on.
        """
        question = registry_entry.c.question
        with reading(self._engine) as conn:
            rows = conn.execute(
                select(registry_entry.c.id, question)
                .where(registry_entry.c.kind == LIFT)
                .where(question.in_((KEEP, FRESH)))
            ).all()
        return {row.id: row.question for row in rows}

    def settle(self, answered: Mapping[str, str]) -> None:
        """Note that these answers have been acted on: nobody is asked any more."""
        with self._lock:
            for ident, answer in answered.items():
                asked = self.entries.get((LIFT, ident))
                if asked is None:
                    continue
                fresh = self._clock() if answer == FRESH else asked.device_since_ms
                self._note(replace(asked, question=None, device_since_ms=fresh))
                self._dirty[asked.key].add("question")  # the table says otherwise, not we

    # -- its own thread --------------------------------------------------------------------

    def _again(self) -> float:
        self.turn()
        return EVERY_S

    def turn(self) -> None:
        """Note who spoke, write what changed. A failure is told, and tried at the next turn."""
        with self._lock:
            self._look()
        self.write()
        for call in self._beside:
            try:
                call()
            except Exception:
                log.exception("registry.beside_failed")

    def _look(self) -> None:
        now_ms, registry = self._clock(), self._registry
        rows = np.flatnonzero(self._spoke & ~self._noted).tolist()
        spoke = [lift for row in rows if row < len(registry) and (lift := registry.slots[row])]
        names = {(GATEWAY, lift.gateway) for lift in spoke}
        names |= {(GATEWAY, name) for name in self._heard()}
        for key in [*names, *((LIFT, lift.reg_code) for lift in spoke)]:
            entry = self.entries.get(key)
            if entry is not None and entry.waits:
                moved = entry.moved_ms is not None
                arrived = entry.arrived_ms or (now_ms if moved else None)
                first = entry.first_seen_ms or now_ms
                self._set(replace(entry, first_seen_ms=first, arrived_ms=arrived))
        self._noted[rows] = True

    def _set(self, entry: Entry) -> None:
        with self._lock:
            self._note(entry)

    def _note(self, entry: Entry) -> None:
        """Only what differs is written: people answer questions beside us."""
        before = self.entries.get(entry.key)
        names = (f.name for f in fields(entry))
        changed = {n for n in names if before is None or getattr(before, n) != getattr(entry, n)}
        self.entries[entry.key] = entry
        self._dirty[entry.key] = self._dirty.get(entry.key, set()) | changed

    def _take(self, changes: Sequence[Change]) -> None:
        with self._lock:
            self._changes.extend(changes)
            for change in changes:
                self._note(change.entry)

    def write(self) -> bool:
        """Write what is at hand; False where the database did not take it."""
        with self._lock:
            dirty, self._dirty = self._dirty, {}
            changes, self._changes = self._changes, []
        seen = self.sightings.drain()
        if not (dirty or changes or seen):
            return True
        try:
            with writing(self._engine) as conn:
                insert_entries(
                    conn, (self.entries[key] for key in dirty if key not in self._stored)
                )
                for key in self._stored.intersection(dirty):
                    update_entry(conn, self.entries[key], dirty[key])
                if changes:
                    journal_changes(conn, changes, self._clock())
                write_sightings(conn, seen, self._limits.sightings)
        except SQLAlchemyError as error:
            log.error("registry.not_written", reason=str(error))
            with self._lock:
                for key, names in dirty.items():
                    self._dirty[key] = self._dirty.get(key, set()) | names
                self._changes = changes + self._changes
            self.sightings.put_back(seen)
            return False
        self._stored |= set(dirty)
        return True
