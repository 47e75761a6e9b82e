"""The second lane: what came late is judged too, at its own event time, and calls nobody.

After an outage a gateway sends what it kept. Those samples are in history like all others; this
lane reads them back from there, a portion at a time, and judges them with a state of its own,
so that the live lane neither waits for them nor is moved by them. A lift's state begins empty
with its first late sample: what rings for minutes needs minutes, and what is learned over weeks
goes on in the live lane.

It works in turns, between two live batches, and a turn either reads a piece of a portion or judges
a slice of it, which is a few rounds. Whoever calls tells how long the turn took, and pieces and
slices are cut so that one costs TURN_S, on whatever machine and beside whatever else.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from datetime import tzinfo
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from alerts.model import Transition
from alerts.rules import RuleSet
from devices.arrays_file import read_arrays, write_arrays
from devices.batch import MessageRows, TelemetryBatch, concat
from devices.registry import Lift, Registry
from devices.vocabulary import Vocabulary
from monitor.detector.rounds import ranks_of
from monitor.judge import Judge
from monitor.portion import Portion
from monitor.store.history import History
from monitor.store.replay import late_numbers, late_rows

TURN_S = 0.1  # live samples wait no longer than that
ROUNDS_A_SLICE, MOST_ROUNDS = 8, 64  # to begin with: of a thousand lifts 50 ms
# A round of the detector costs much the same for ten lifts as for a thousand. So a portion is
# large: all lifts are in most of its rounds. What came is judged at the latest when it is quiet.
ROWS_A_PORTION = 100_000
ROWS_A_PIECE, LEAST_ROWS = 10_000, 1_000  # of a portion, read in one turn
BATCHES_A_PIECE = 100
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
        self._pieces: list[TelemetryBatch] = []  # read, of the portion that is not whole yet
        self._slices: Slices | None = None  # of the portion that is being judged
        self._read = Portion(TURN_S, ROWS_A_PIECE, LEAST_ROWS, ROWS_A_PORTION)
        self._rounds = Portion(TURN_S, ROUNDS_A_SLICE, 1, MOST_ROUNDS)
        self._did: tuple[Portion, int] | None = None
        # a backlog has thousands of batches: to ask history for the next few each time would
        # read all the rest each time
        self._noted: deque[tuple[int, int]] = deque()
        self._noted_rows = self._noted_ms = self._unknown = 0
        self._ripe = False
        # judged up to, read up to, there is up to: numbers of batches
        self._portion_end = self._cursor = self._reached = self._upto = 0
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
        return self._slices is not None or bool(self._pieces) or self._ripe

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
        self._slices, self._pieces = None, []
        self._cursor = self.saved_cursor = self._reached = max(self._cursor, number)
        self._upto = max(self._upto, number)

    def again(self) -> None:
        """Reading failed: begin anew behind what is judged; history knows what was late."""
        self._pieces, self._slices = [], None
        self._noted.clear()
        self._noted_rows = 0
        self._reached = self._cursor
        self.look_upto(self._upto)

    def work(self, now_ms: int) -> list[Transition]:
        """Take one turn: read a piece, or judge a slice; return what it changed, marked as late.

        now_ms: wall time, only to tell when nothing more comes, and when a backlog is through.
        """
        self._did = None
        if self._slices is None:
            if self._cursor < self._upto or self._pieces:
                quiet = not 0 <= now_ms - self._noted_ms < QUIET_MS
                if quiet or self._ripe or self._pieces:
                    self._last_ms = now_ms
                    self._read_on()
                return []
            return self._rest(now_ms)
        self._last_ms = now_ms
        some, rounds = self._slices.take(self._rounds.size)
        moved = self._judge.judge(some, LANE_MS, self._portion_end)
        self._did = (self._rounds, rounds)
        if not self._slices:
            self._slices, self._cursor = None, self._portion_end
            self._is_ripe()
        return [replace(one, late=True) for one in moved]

    def took(self, seconds: float) -> None:
        """The last turn took so long: the next of its kind does more, or less."""
        if self._did is not None:
            portion, done = self._did
            portion.took(done, seconds)

    def _is_ripe(self) -> None:
        self._ripe = self._cursor < self._unknown or self._noted_rows >= ROWS_A_PORTION

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

    def _read_on(self) -> None:
        """Read a piece; a portion that is large enough, or all there is, is cut into slices."""
        numbers = self._next_numbers()
        if numbers:
            piece = late_rows(self._history, numbers[0], numbers[-1])
            self._pieces.append(piece)
            self._reached = numbers[-1]
            self._did = (self._read, len(piece) + len(piece.messages))
        rows = sum(len(piece) + len(piece.messages) for piece in self._pieces)
        more = bool(self._noted) or self._reached < self._unknown
        if self._pieces and (rows >= ROWS_A_PORTION or not more):
            batch, self._pieces = concat(self._pieces, len(self._vocab)), []
            self._portion_end = self._reached
            self._place(batch)
            self._slices = Slices(batch)
        elif not self._pieces:  # what was left had nothing late
            self._cursor = self._reached = self._upto
            self._is_ripe()

    def _next_numbers(self) -> list[int]:
        """Return the next batches with late rows, about as many as a turn should read."""
        if self._reached < self._unknown:
            found = late_numbers(self._history, self._reached, self._unknown, BATCHES_A_PIECE)
            if found:
                return found
            self._reached = self._unknown
        found, rows = [], 0
        while (
            self._noted and (not found or rows < self._read.size) and len(found) < BATCHES_A_PIECE
        ):
            number, fresh = self._noted.popleft()
            self._noted_rows -= fresh
            if number > self._reached:
                found.append(number)
                rows += fresh
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
        if not (self.busy or self.behind):  # so history need not keep what has nothing late
            self.skip_to(self._history.last_batch)
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
        self._slices, self._pieces = None, []
        self._cursor = self.saved_cursor = self._upto = self._reached = int(header["cursor"])
        self._last_ms = None if header["last_ms"] < 0 else int(header["last_ms"])


class Slices:
    """A portion, cut into parts of a few rounds, in the order of time of each lift.

    Rows with lift −1 are dropped; in the parts nothing is late any more.
    """

    def __init__(self, batch: TelemetryBatch) -> None:
        told = batch.messages
        self._batch, mine, theirs = batch, np.flatnonzero(batch.lift >= 0), told.lift >= 0
        said = np.flatnonzero(theirs)
        lift = np.concatenate([batch.lift[mine], told.lift[said]])
        rank = ranks_of(lift, np.concatenate([batch.ts_ms[mine], told.ts_ms[said]]))
        # by round, within one as they came: a slice is then a span of both
        order, rank_said = np.argsort(rank[: len(mine)], kind="stable"), rank[len(mine) :]
        order_said = np.argsort(rank_said, kind="stable")
        self._samples, self._rank = mine[order], rank[: len(mine)][order]
        self._said, self._rank_said = said[order_said], rank_said[order_said]
        self._at, self._end = 0, int(rank.max()) + 1 if len(rank) else 0

    def __bool__(self) -> bool:
        return self._at < self._end

    def take(self, rounds: int) -> tuple[TelemetryBatch, int]:
        """Return the next rounds, at most so many, as they came, and how many they are."""
        low, high = self._at, min(self._end, self._at + rounds)
        self._at = high
        some = np.sort(_between(self._samples, self._rank, low, high))
        said = np.sort(_between(self._said, self._rank_said, low, high))
        batch, told = self._batch, self._batch.messages
        messages = MessageRows(
            told.lift[said],
            told.ts_ms[said],
            told.code[said],
            told.state[said],
            np.zeros(len(said), np.bool_),
        )
        part = TelemetryBatch(
            batch.lift[some],
            batch.ts_ms[some],
            batch.values[some],
            np.zeros(len(some), np.bool_),
            messages,
        )
        return part, high - low


def _between(
    places: NDArray[np.int64], rank: NDArray[np.int64], low: int, high: int
) -> NDArray[np.int64]:
    begin, end = np.searchsorted(rank, [low, high])
    return places[begin:end]
