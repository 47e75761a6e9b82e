"""The second lane: what came late is judged too, at its own event time, and calls nobody.

After an outage a gateway sends what it kept. Those samples are in history like all others; this
lane reads them back from there, a portion at a time, and judges them with a state of its own,
so that the live lane neither waits for them nor is moved by them. A lift's state begins empty
with its first late sample: what rings for minutes needs minutes, and what is learned over weeks
goes on in the live lane. A slice of a portion is a few rounds, done between two live batches.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from datetime import tzinfo
from pathlib import Path

import numpy as np

from alerts.model import Transition
from alerts.rules import RuleSet
from devices.arrays_file import read_arrays, write_arrays
from devices.batch import MessageRows, TelemetryBatch
from devices.registry import Lift, Registry
from devices.vocabulary import Vocabulary
from monitor.detector.rounds import ranks_of
from monitor.judge import Judge
from monitor.store.history import History
from monitor.store.replay import late_numbers, late_rows

ROUNDS_A_SLICE = 8  # of a thousand lifts 50 ms; live samples wait no longer than that
# A round of the detector costs much the same for ten lifts as for a thousand. So a portion is
# large: all lifts are in most of its rounds. What came is judged at the latest when it is quiet.
ROWS_A_PORTION = 100_000
BATCHES_A_PORTION = 100
QUIET_MS = 1_000
CLOSE_AFTER_MS = 600_000  # no late data for so long: the backlog is through
LANE_MS = 0  # this lane has no present: nothing in it falls due by waiting


class LateLane:
    """Owned by the pipeline's thread. `busy`: there is something left to judge."""

    def __init__(
        self,
        vocab: Vocabulary,
        registry: Registry,
        rules: RuleSet,
        history: History,
        zone: tzinfo,
    ) -> None:
        self._vocab, self._registry, self._rules = vocab, registry, rules
        self._zone = zone
        self._history = history
        self._slices: deque[TelemetryBatch] = deque()
        # a backlog has thousands of batches: to ask history for the next few each time would
        # read all the rest each time
        self._noted: deque[tuple[int, int]] = deque()
        self._noted_rows = self._noted_ms = self._unknown = 0
        self._ripe = False
        self._portion_end = self._cursor = self._upto = 0
        self.saved_cursor = 0  # history must keep what comes after it
        self._last_ms: int | None = None
        self._begin([])

    def _begin(self, lifts: list[Lift | None]) -> None:
        self._lifts = Registry(lifts, self._registry.gateways)
        self._judge = Judge(self._vocab, self._lifts, self._rules, self._zone)

    def take_up_rules(self, rules: RuleSet) -> None:
        """Judge what is still to come by other rules; what stood under those gone stays as told."""
        self._rules = rules
        self._judge.take_up_rules(rules, LANE_MS)

    @property
    def busy(self) -> bool:
        """True while there is committed late data that is due to be judged."""
        return bool(self._slices) or self._ripe

    @property
    def behind(self) -> int:
        """How many logged batches are still to be judged."""
        return self._upto - self._cursor

    def note(self, number: int, rows: int, now_ms: int) -> None:
        """A batch with so many late rows was committed under this number."""
        self._noted.append((number, rows))
        self._noted_rows += rows
        self._noted_ms = now_ms
        self._upto = max(self._upto, number)
        self._ripe = self._ripe or self._noted_rows >= ROWS_A_PORTION

    def look_upto(self, number: int) -> None:
        """Batches up to this one may have late rows: after a start nobody has counted them."""
        self._unknown = self._upto = max(self._upto, number)
        self._ripe = self._cursor < self._upto

    def skip_to(self, number: int) -> None:
        """What lies up to this batch is not judged: there is no state to go on from."""
        self._cursor = self.saved_cursor = max(self._cursor, number)
        self._upto = max(self._upto, number)

    def work(self, now_ms: int) -> list[Transition]:
        """Judge one slice; return what it changed, marked as late.

        now_ms: wall time, only to tell when nothing more comes, and when a backlog is through.
        """
        if not self._slices and self._cursor < self._upto:
            if not 0 <= now_ms - self._noted_ms < QUIET_MS or self._ripe:
                self._slices.extend(self._portion())
            self._ripe = self._cursor < self._unknown or self._noted_rows >= ROWS_A_PORTION
        if not self._slices:
            return self._rest(now_ms)
        self._last_ms = now_ms
        moved = self._judge.judge(self._slices.popleft(), LANE_MS, self._portion_end)
        if not self._slices:
            self._cursor = self._portion_end
        return [replace(one, late=True) for one in moved]

    def _rest(self, now_ms: int) -> list[Transition]:
        """After a while without late data end what still stands: the live lane knows better."""
        if self._last_ms is None or now_ms - self._last_ms < CLOSE_AFTER_MS:
            return []
        self._last_ms = None
        heard = self._judge.detector.fleet.at_ms
        over = self._judge.close(int(heard.max()) if len(heard) else now_ms)
        self._begin([])
        return [replace(one, late=True) for one in over]

    # -- reading ----------------------------------------------------------------------------

    def _portion(self) -> Iterator[TelemetryBatch]:
        numbers = self._next_numbers()
        if not numbers:
            return iter(())
        self._portion_end = numbers[-1]
        batch = late_rows(self._history, numbers[0], numbers[-1])
        self._place(batch)
        return slices(batch)

    def _next_numbers(self) -> list[int]:
        """Return the next batches with late rows; none: the cursor was moved past what has none."""
        if self._cursor < self._unknown:
            found = late_numbers(self._history, self._cursor, self._unknown, BATCHES_A_PORTION)
            if not found:
                self._cursor = self._unknown
            return found
        found, rows = [], 0
        while self._noted and rows < ROWS_A_PORTION:
            number, fresh = self._noted.popleft()
            self._noted_rows -= fresh
            if number > self._cursor:
                found.append(number)
                rows += fresh
        if not found:
            self._cursor = self._upto
        return found

    def _place(self, batch: TelemetryBatch) -> None:
        """Give each lift a row of this lane; rows of lifts that left the site are dropped."""
        rows = np.unique(np.concatenate([batch.lift, batch.messages.lift]))
        place = np.full(len(self._registry), -1, np.int32)
        slots = list(self._lifts.slots)
        for row in rows.tolist():
            lift = self._registry.slots[row]
            if lift is None:
                continue
            known = self._lifts.row_of.get(lift.reg_code)
            place[row] = len(slots) if known is None else known
            if known is None:
                slots.append(lift)
        if len(slots) > len(self._lifts):
            grown = Registry(slots, self._registry.gateways)
            self._judge.take_up(grown, LANE_MS)
            self._lifts.take_up(grown)
        batch.lift, batch.messages.lift = place[batch.lift], place[batch.messages.lift]

    # -- save, load -------------------------------------------------------------------------

    def save(self, folder: Path) -> None:
        """Write the lane's state. A portion under way is judged again: that changes nothing."""
        codes = [lift.reg_code if lift else "" for lift in self._lifts.slots]
        last = -1 if self._last_ms is None else self._last_ms
        header = {"layout": "late-1", "lifts": codes, "cursor": self._cursor, "last_ms": last}
        write_arrays(folder / "late.npz", header, {})
        for name, part in self._judge.parts.items():
            part.save(folder / name)
        self.saved_cursor = self._cursor

    def load(self, folder: Path) -> None:
        """Take it up. Raises StoredError for a file that is missing, torn or foreign."""
        file = folder / "late.npz"
        header, _ = read_arrays(file, {"layout": "late-1"})
        rows = [self._registry.row_of.get(code) for code in header["lifts"]]
        self._begin([None if row is None else self._registry.lift(row) for row in rows])
        for name, part in self._judge.parts.items():
            part.load(folder / name)
        self._slices.clear()
        self._cursor = self.saved_cursor = self._upto = int(header["cursor"])
        self._last_ms = None if header["last_ms"] < 0 else int(header["last_ms"])


def slices(batch: TelemetryBatch) -> Iterator[TelemetryBatch]:
    """Cut a batch into parts of a few rounds, in the order of time of each lift.

    Rows with lift −1 are dropped; in the parts nothing is late any more.
    """
    told = batch.messages
    lift = np.concatenate([batch.lift, told.lift])
    rank = ranks_of(lift, np.concatenate([batch.ts_ms, told.ts_ms])) // ROUNDS_A_SLICE
    mine, theirs = rank[: len(batch)], rank[len(batch) :]
    for number in range(int(rank.max()) + 1 if len(rank) else 0):
        some = np.flatnonzero((mine == number) & (batch.lift >= 0))
        said = np.flatnonzero((theirs == number) & (told.lift >= 0))
        messages = MessageRows(
            told.lift[said],
            told.ts_ms[said],
            told.code[said],
            told.state[said],
            np.zeros(len(said), np.bool_),
        )
        yield TelemetryBatch(
            batch.lift[some],
            batch.ts_ms[some],
            batch.values[some],
            np.zeros(len(some), np.bool_),
            messages,
        )
