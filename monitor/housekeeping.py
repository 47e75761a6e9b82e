"""Keeping the house in order, in a thread of its own: compaction, retention, bounds, and the
journal's head once a day."""

from __future__ import annotations

import threading
from collections.abc import Callable

import duckdb
import structlog

from config.settings import History as Limits
from monitor.heads import DailyHead
from monitor.intake import Intake
from monitor.late import LateLane
from monitor.snapshot import Snapshots
from monitor.store.compact import compact
from monitor.store.history import History

log = structlog.get_logger()
FIRST_AFTER_S, EVERY_S = 300.0, 3600.0


class Housekeeper:
    """Runs `compact` now and then; a run that fails changes nothing and is tried at the next."""

    def __init__(
        self,
        limits: Limits,
        history: History,
        snapshots: Snapshots,
        intake: Intake,
        clock: Callable[[], int],
        late: LateLane,
        heads: DailyHead,
    ) -> None:
        self._limits, self._history, self._snapshots = limits, history, snapshots
        self._intake, self._clock, self._late = intake, clock, late
        self._heads = heads
        self.also: list[Callable[[], None]] = []  # what else is tidied, after history
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="housekeeping", daemon=True)

    def start(self) -> None:
        """Begin; the first run is a few minutes after the start."""
        self._thread.start()

    def stop(self) -> None:
        """Finish the run at hand and end."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout=60)

    def stopping(self) -> bool:
        """True once it was told to end: long work asks between two pieces."""
        return self._stopping.is_set()

    def _run(self) -> None:
        wait_s = FIRST_AFTER_S
        while not self._stopping.wait(wait_s):
            self.tidy()
            wait_s = EVERY_S

    def tidy(self) -> None:
        """One run."""
        self._heads.send()
        limits = self._limits
        try:
            done = compact(
                self._history,
                self._clock(),
                min(self._snapshots.newest(), self._late.saved_cursor),
                limits.retention_days,
                limits.quarantine_mb,
            )
        except (OSError, duckdb.Error) as error:
            log.error("housekeeping.failed", reason=str(error))
            return
        self._intake.quarantine_trimmed()
        if done.segments or done.removed:
            log.info("history.compacted", segments=done.segments, removed=done.removed)
        for tidy in self.also:
            try:
                tidy()
            except duckdb.Error as error:  # in the way of somebody's write: at the next run
                log.error("housekeeping.failed", reason=str(error))
