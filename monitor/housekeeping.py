"""Keeping the house in order, in a thread of its own: compaction, retention, bounds, and the
journal's head once a day."""

from __future__ import annotations

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
from monitor.worker import Worker

log = structlog.get_logger()
FIRST_AFTER_S, EVERY_S = 300.0, 3600.0
# Days that a backlog is still filling would be moved piece by piece, and rewritten each time.
PUT_OFF_S, PUT_OFF_MOST = 60.0, 120


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
        self._put_off = 0
        self.worker = Worker("housekeeping", self._turn, first_s=FIRST_AFTER_S)

    def _turn(self) -> float:
        if self._late.behind and self._put_off < PUT_OFF_MOST:
            self._put_off += 1
            return PUT_OFF_S
        self.tidy()
        self._put_off = 0
        return EVERY_S

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
