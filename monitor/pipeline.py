"""The one loop: batch → history committed → signals → transitions accepted → acknowledged.

The order is the promise. History first: it holds the ledger, so a message that comes again is
known. Then the desk accepts what the batch changes, durably; what calls rescuers is done with it.
Only then is the broker told, and the gateway. What else was accepted is worked off slice by slice
between batches, so that a flood holds up neither samples nor the next entrapment. After a crash
anywhere in between, `recover` judges the logged batches again; every effect is keyed by what
caused it, so judging twice changes nothing.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue

import duckdb
import numpy as np
import structlog
from sqlalchemy.exc import SQLAlchemyError

from alerts.desk.alert_desk import AlertDesk
from alerts.model import Transition
from config.settings import Settings
from devices.batch import LinkFact, Said, TelemetryBatch
from monitor.batches import Answer, ClosedBatch
from monitor.intake import STARVED_S, Intake
from monitor.judge import Judge
from monitor.late import LateLane
from monitor.metrics import Metrics
from monitor.snapshot import Saved, Snapshots
from monitor.store.history import History
from monitor.store.replay import batches_after

log = structlog.get_logger()
TICK_S = 0.25
RETRY_S = 1.0
# A batch that comes within this time is accepted before the next slice is worked off; but however
# fast they come, a slice is done this often.
GRACE_S, WORK_EVERY_S = 0.002, 0.1
# Without a usable snapshot this much of the log is judged again; older state is stale anyway.
REPLAY_WITHOUT_SNAPSHOT_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class Wires:
    """Whom the pipeline tells; all are called after the commit only."""

    acknowledge: Callable[[Sequence[tuple[int, int]]], None]
    answer: Callable[[Sequence[Answer]], None]
    wake: Callable[[], None]
    say: Callable[[Sequence[Said], Sequence[tuple[str, LinkFact]]], None] = lambda said, links: None
    saw: Callable[[TelemetryBatch], None] = lambda _: None


class Pipeline:
    """Owns the order of effects; runs in a thread of its own."""

    def __init__(
        self,
        settings: Settings,
        history: History,
        intake: Intake,
        judge: Judge,
        late: LateLane,
        desk: AlertDesk,
        snapshots: Snapshots,
        wires: Wires,
        clock: Callable[[], int],
        metrics: Metrics,
    ) -> None:
        self._settings, self._history, self._intake = settings, history, intake
        self._judge, self._late, self._desk = judge, late, desk
        self._snapshots, self._link = snapshots, intake.link
        self._parts: dict[str, Saved] = {**judge.parts, "late": late, "link": intake.link}
        self._wires, self._clock, self._metrics = wires, clock, metrics
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self.run, name="pipeline", daemon=True)
        self._between: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._next_tick = self._late_at = self._work_after = self._worked = 0.0
        self._next_snapshot = time.monotonic() + settings.ingest.snapshot_s
        self._silent: Collection[str] | None = None
        self._late_after = 0.0
        self._owing = False  # something was judged and not accepted
        self.pulse_ms = 0
        self.trouble: str | None = None

    # -- life ---------------------------------------------------------------------------

    def recover(self) -> int:
        """Rebuild the state from the newest snapshot and the batches logged since.

        Returns how many batches were judged again.
        """
        number = self._snapshots.read(self._parts)
        count = 0
        for logged in batches_after(self._history, self._replay_from(number)):
            transitions = self._judge.judge(logged.batch, logged.now_ms, logged.id)
            transitions += self._judge.tick(logged.now_ms)
            if transitions:
                self._desk.accept(logged.now_ms, transitions, self._judge.silent_gateways())
            count += 1
        if number is None:
            self._late.skip_to(self._replay_from(None))
        self._late.look_upto(self._history.last_batch)
        log.info("pipeline.recovered", snapshot=number, batches=count)
        return count

    def _replay_from(self, snapshot: int | None) -> int:
        if snapshot is not None:
            return snapshot
        db = self._history.reader()
        try:
            row = db.execute(
                "SELECT coalesce(max(id), 0) FROM batch"
                " WHERE now_ms < (SELECT max(now_ms) FROM batch) - ?",
                (REPLAY_WITHOUT_SNAPSHOT_MS,),
            ).fetchone()
        finally:
            db.close()
        return int(row[0]) if row else 0

    def start(self) -> None:
        """Start the loop in its thread."""
        self._thread.start()

    def stop(self) -> None:
        """Finish the batch at hand, write a snapshot, end.

        Where something could not be accepted no snapshot is written: the next start judges anew
        from the one before, and so comes to it again.
        """
        self._stopping.set()
        self._intake.stop()
        if self._thread.is_alive():
            self._thread.join(timeout=60)
        if not self._owing:
            self._snapshot()

    def run(self) -> None:
        """The loop. A failing commit is tried again for ever: nothing is acknowledged by it."""
        while not self._stopping.is_set():
            closed = self._intake.take(self._pause_s())
            if closed is not None:
                begun = time.monotonic()
                self.process(closed)
                if closed.backfill:
                    rows = len(closed.batch) + len(closed.batch.messages)
                    self._intake.portion.took(rows, time.monotonic() - begun)
            self._turn(idle=closed is None)

    def _pause_s(self) -> float:
        if self._late.busy:
            return 0.0
        return GRACE_S if self._may_work_off() else TICK_S

    # -- one batch ----------------------------------------------------------------------

    def process(self, closed: ClosedBatch) -> None:
        """Commit a batch and accept all it causes, then acknowledge it."""
        now_ms = self._clock()
        number = self._commit(closed, now_ms)
        if number is None:  # stopping while the disk is full: it all comes again
            return
        transitions = self._judged(closed, now_ms, number)
        if transitions and not self._accepted(transitions, now_ms):
            return
        self._wires.acknowledge(closed.receipts)
        self._wires.answer(closed.answers)
        self._wires.say(closed.said, closed.links)
        batch = closed.batch
        self._wires.saw(batch)
        self._metrics.batches.inc()
        late = int(np.count_nonzero(batch.late)) + int(np.count_nonzero(batch.messages.late))
        late += sum(
            len(one.batch) + len(one.batch.messages)
            for one in closed.again
            if one.batch is not None
        )
        if late or closed.again:
            self._late.note(number, late, now_ms)
        for one in closed.again:
            one.done.set()
        if len(batch):
            self._metrics.late.inc(int(np.count_nonzero(batch.late)))
            if not closed.backfill:
                self._metrics.lag_s.set(max(0, self._clock() - int(batch.ts_ms.max())) / 1000)

    def _commit(self, closed: ClosedBatch, now_ms: int) -> int | None:
        nothing = not (
            len(closed.batch)
            or len(closed.batch.messages)
            or closed.batch.waveforms
            or closed.quarantine
            or closed.ledger
            or closed.again
        )
        if nothing:  # repeats only: they were committed before
            return self._history.last_batch
        while True:
            try:
                with self._metrics.commit_s.time():
                    number = self._history.append(
                        closed.batch, now_ms, closed.ledger, closed.quarantine, closed.again
                    )
                self.trouble = None
                return number
            except Exception as error:
                if closed.again:  # live samples wait for no second try that cannot be stored
                    self._give_up(closed, error)
                elif not isinstance(error, duckdb.Error):
                    raise
                elif not self._wait_out("history", error):
                    return None

    def _give_up(self, closed: ClosedBatch, error: Exception) -> None:
        """Leave a second try out of its batch; its bytes are in quarantine as before."""
        log.error("quarantine.not_stored", reason=str(error))
        tried, closed.again = closed.again, []
        for one in tried:
            one.failed = f"{type(error).__name__}: {error}"
            one.done.set()

    def _judged(self, closed: ClosedBatch, now_ms: int, number: int) -> list[Transition]:
        try:
            with self._metrics.detect_s.time():
                found = self._judge.judge(closed.batch.at_our_clock(), now_ms, number)
                if closed.links:
                    self._judge.links(closed.links)
                return found
        except Exception:
            # The samples are safe in history; one batch that trips a fault of ours must not
            # silence every other lift of the city. The health page turns red.
            self._metrics.errors.inc()
            self.trouble = f"detector failed on batch {number}"
            log.exception("detector.failed", batch=number)
            return []

    def _accepted(self, transitions: list[Transition], now_ms: int) -> bool:
        silent = self._judge.silent_gateways()
        for t in transitions:
            self._metrics.transitions.labels(t.rule, "raised" if t.raised else "cleared").inc()
        done = self._accept(transitions, now_ms, silent)
        if done:
            self._silent = silent
        return done

    def _accept(
        self, transitions: Sequence[Transition], now_ms: int, silent: Collection[str]
    ) -> bool:
        while True:
            try:
                if self._desk.accept(now_ms, transitions, silent):
                    self._wires.wake()
                return True
            except SQLAlchemyError as error:
                if not self._wait_out("alerts", error):
                    self._owing = True
                    return False
            except Exception:  # a fault of ours in one alert must not hold up all others
                self._metrics.errors.inc()
                self.trouble = "alerts: a transition could not be accepted"
                if len(transitions) > 1:
                    log.exception("alerts.one_by_one", transitions=len(transitions))
                    return all([self._accept([one], now_ms, silent) for one in transitions])
                log.exception("alerts.not_accepted", whole=str(transitions))  # nowhere else kept
                return True

    def _wait_out(self, what: str, error: Exception) -> bool:
        """Note trouble and wait a little. False when the service is stopping."""
        self.trouble = f"{what}: {error}"
        self._metrics.retries.inc()
        log.error("commit.failed", part=what, reason=str(error))
        return not self._stopping.wait(RETRY_S)

    # -- what time does -----------------------------------------------------------------

    def apply(self, transitions: list[Transition], now_ms: int) -> None:
        """Take transitions that no sample caused; in the pipeline's thread."""
        if transitions:
            self._accepted(transitions, now_ms)

    def between(self, call: Callable[[], None]) -> None:
        """Have this done in the pipeline's thread, between two batches."""
        self._between.put(call)

    def _turn(self, idle: bool = True) -> None:
        self._call_between()
        now, now_ms = time.monotonic(), self._clock()
        if idle or now >= self._worked + WORK_EVERY_S:
            self._work_off(now_ms)
        self._late_slice(now_ms)
        if now >= self._next_tick:
            self._next_tick = now + TICK_S
            self._tick(now_ms)
        if now >= self._next_snapshot:
            self._next_snapshot = now + self._settings.ingest.snapshot_s
            self._snapshot()
        self.pulse_ms = now_ms

    def _call_between(self) -> None:
        try:
            call = self._between.get_nowait()
        except Empty:
            return
        try:
            call()
        except Exception as error:  # whoever asked is told by the health page; batches go on
            self._metrics.errors.inc()
            self.trouble = f"between two batches: {error}"
            log.exception("pipeline.call_failed")

    def _may_work_off(self) -> bool:
        return self._desk.waiting and time.monotonic() >= self._work_after

    def _work_off(self, now_ms: int) -> None:
        """A slice of what was accepted. What fails goes on waiting, and batches go on coming."""
        if not self._may_work_off():
            return
        try:
            if self._desk.work_off(now_ms):
                self._wires.wake()
            self._worked = time.monotonic()
        except Exception as error:
            self._work_after = time.monotonic() + RETRY_S
            self._metrics.errors.inc()
            self.trouble = f"alerts: {error}"
            log.exception("alerts.not_worked_off")

    def _late_slice(self, now_ms: int) -> None:
        """Some of what came late, after all that is live; sooner or later in any case."""
        begun = time.monotonic()
        if begun < self._late_after:
            return
        if self._intake.live_due() and begun < self._late_at + STARVED_S:
            return
        self._late_at = begun
        try:
            transitions = self._late.work(now_ms)
            self._late.took(time.monotonic() - begun)
        except (duckdb.Error, OSError) as error:  # history is away: what was read is read again
            self._late_after = begun + RETRY_S
            self._late.again()
            self.trouble = f"late data: {error}"
            log.error("late.waits", reason=str(error))
            return
        except Exception:
            self._metrics.errors.inc()
            self.trouble = "detector failed on late data"
            log.exception("late.failed")
            self._late.skip_to(self._history.last_batch)
            return
        if transitions:
            self._accepted(transitions, now_ms)

    def _tick(self, now_ms: int) -> None:
        try:
            self._judge.heed_links(self._link.columns(now_ms, len(self._judge)))
            transitions = self._judge.tick(now_ms)
        except Exception:
            self._metrics.errors.inc()
            self.trouble = "detector failed on a tick"
            log.exception("detector.tick_failed")
            transitions = []
        self._metrics.late_behind.set(self._late.behind)
        for lane, rows in self._intake.waiting.items():
            self._metrics.waiting.labels(lane).set(rows)
        if transitions or self._judge.silent_gateways() != self._silent:
            self._accepted(transitions, now_ms)
        try:
            if self._desk.tick(now_ms):
                self._wires.wake()
        except SQLAlchemyError as error:  # the timers are rows: the next tick finds them still due
            self.trouble = f"timers: {error}"
            log.error("timers.failed", reason=str(error))

    def _snapshot(self) -> None:
        try:
            self._snapshots.write(self._history.last_batch, self._parts)
            self._history.fold_ledger(self._clock())
        except (OSError, duckdb.Error) as error:  # only makes the next start longer
            log.error("snapshot.failed", reason=str(error))
