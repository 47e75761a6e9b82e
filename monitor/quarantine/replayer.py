"""Does the second tries that people asked for, a portion at a time, beside the live samples.

A portion is decoded with today's configuration as of its own time of receipt, goes into the open
batch as late data, and is marked in the transaction that stores it. So a crash between two
portions is gone on from at the first row that bears no mark of this run, and a crash within one
leaves nothing of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import duckdb
import numpy as np
import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from devices.batch import Decoded, TelemetryBatch
from monitor.intake import Intake
from monitor.quarantine import runs
from monitor.quarantine.choice import DROPPED
from monitor.quarantine.runs import Run
from monitor.store import quarantine
from monitor.store.again import REPLAYED, Settled, settle
from monitor.store.history import History
from monitor.store.quarantine import Kept
from monitor.worker import Worker

log = structlog.get_logger()
LOOK_S = 1.0
ROWS, BYTES = 200, 4 * 1024 * 1024  # a portion: about what one batch holds
Number = tuple[str, int, int] | None


class NotStoredError(Exception):
    """History would not take a portion; its messages stay in quarantine as they are."""


class Replayer:
    """A thread that takes due runs one after the other."""

    def __init__(
        self,
        engine: Engine,
        history: History,
        intake: Intake,
        clock: Callable[[], int],
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        """`wake`: called after commits that wrote to the journal."""
        self._engine, self._history, self._intake = engine, history, intake
        self._clock, self._told = clock, wake
        self._tried: dict[str, int] = {}
        # stopped in a run, the next start goes on with it
        self.worker = Worker("replayer", self._again, expected=(SQLAlchemyError, duckdb.Error))

    def _again(self) -> float:
        return 0.0 if self.turn() else LOOK_S

    def turn(self) -> bool:
        """Do the oldest due run, or what is left of it. False where there is none."""
        run = runs.next_due(self._engine)
        if run is None:
            return False
        upto_id = run.upto_id
        if upto_id is None:
            upto_id, total = quarantine.upto(self._history, run.choice)
            runs.begin(self._engine, run, upto_id, total, self._clock())
        wrong: str | None = None
        try:
            if run.kind == "drop":
                self._drop(run, upto_id)
            elif not self._try(run, upto_id):
                return False
        except (SQLAlchemyError, duckdb.Error):
            raise
        except Exception as error:  # one run that trips a fault of ours must not stop the next
            log.exception("quarantine.run_failed", run=run.id)
            wrong = str(error)
        counts = self._tried if run.kind == "try" else quarantine.outcome_of(self._history, run.id)
        runs.end(self._engine, run, counts, self._clock(), wrong)
        self._told()
        log.info("quarantine.run", run=run.id, kind=run.kind, by=run.by, **counts)
        return True

    def _drop(self, run: Run, upto_id: int) -> None:
        where, values = run.choice.sql()
        self._history.run(
            (
                "UPDATE quarantine SET run = ?, outcome = ?, ended_ms = ?, ended_by = ?, why = ?,"  # noqa: S608
                f" took = NULL WHERE id <= ? AND {where}",
                (run.id, DROPPED, self._clock(), run.by, run.why, upto_id, *values),
            )
        )

    def _try(self, run: Run, upto_id: int) -> bool:
        """Go through the rows; False where the service is stopping."""
        self._tried = quarantine.counted([])
        after, done = 0, 0 if run.kind == "try" else run.done
        while not self.worker.stopping:
            kept = quarantine.portion(
                self._history, run.choice, run.id, (after, upto_id), ROWS, BYTES
            )
            if not kept:
                return True
            after, done = kept[-1].id, done + len(kept)
            tried = [self._second(run, one) for one in kept]
            if run.kind == "try":
                self._count(tried)
            elif not self._take(tried):
                return False
            found = quarantine.counted([_told(one) for one, _ in tried])
            sums = self._tried if run.kind == "try" else _sum(run.counts, found)
            run = replace(run, counts=sums, done=done)
            runs.progress(self._engine, run.id, done, sums)
        return False

    def _second(self, run: Run, kept: Kept) -> tuple[Settled, Number]:
        """Decode a row anew, as of when it came."""

        def settled(batch: TelemetryBatch | None, left: list[dict[str, Any]]) -> Settled:
            return Settled(kept.id, run.id, run.by, self._clock(), batch, left)

        if kept.held < kept.size:  # cut while the quarantine was full: it cannot be read any more
            return settled(None, kept.refusals), None
        decoded, rejected = self._intake.look_again(kept.topic, kept.payload, kept.at_ms)
        if decoded is None:
            refusals = rejected.refusals if rejected else []
            return settled(None, runs.as_json(kept.seq, refusals)), None
        one = settled(_late(decoded), runs.as_json(decoded.seq, decoded.refusals))
        if decoded.boot is None or decoded.seq is None:
            return one, None
        return one, (kept.gateway, decoded.boot, decoded.seq)

    def _take(self, tried: list[tuple[Settled, Number]]) -> bool:
        """Have a portion committed; False where the service is stopping."""
        with self._history.still:
            self._intake.again(tried)
            for one, _ in tried:
                while not one.done.wait(0.5):
                    if self.worker.stopping and not one.done.is_set():
                        return False
                if one.failed is not None:
                    raise NotStoredError(one.failed)
        return True

    def _count(self, tried: list[tuple[Settled, Number]]) -> None:
        empty = TelemetryBatch.empty(len(self._history.vocab))
        db = self._history.reader()
        try:
            settle(db, self._history.vocab, empty, [one for one, _ in tried], dry=True)
        finally:
            db.close()
        found = quarantine.counted([_told(one) for one, _ in tried])
        self._tried = _sum(self._tried, found)
        for one, _ in tried:
            for refusal in one.refusals[:1]:
                name = f"refused_{refusal['reason']}"
                self._tried[name] = self._tried.get(name, 0) + 1


def _late(decoded: Decoded) -> TelemetryBatch:
    """It came long ago, whatever its time says: it goes into history and calls nobody."""
    batch = decoded.batch
    batch.late = np.ones(len(batch), np.bool_)
    batch.messages.late = np.ones(len(batch.messages), np.bool_)
    return batch


def _told(one: Settled) -> tuple[str, dict[str, int]]:
    return (REPLAYED if one.whole else "open", one.counts)


def _sum(one: Any, other: dict[str, int]) -> dict[str, int]:
    return {name: one.get(name, 0) + other.get(name, 0) for name in {**one, **other}}
