"""Rules over lifts that are each at a time of their own.

Live, ticks between samples tell what waiting alone makes true: a hold that elapses while a lift
is silent, a single report that ends. Here many lifts stand side by side at different moments,
so a tick for all would come too early for some; each lift is given its own, just before its next
event. The engine and the detector count such a present from what they were told last
(`RuleEngine.offset`, `Silence.heard`), and that is what is set here.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from alerts.rules import Columns, RuleEngine, RuleSet, RuleTransitions
from alerts.rules.engine import GAP_MS, Due
from monitor.detector import Detector

Rows = NDArray[np.int32]
Times = NDArray[np.int64]
NOW = 0  # the clock of the walk stands still: presents are set lift by lift
FAR = 1 << 60
FOREVER = 1 << 62


@dataclass(slots=True)
class _Full:
    """What `Detector.tick` says, with nothing of the whole fleet."""

    due: Due | None
    columns: Columns


@dataclass
class Lane:
    """One engine, its transitions so far, and the lifts' own presents."""

    ruleset: RuleSet
    n: int
    found: list[RuleTransitions] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.engine = RuleEngine(self.ruleset, self.n)
        self._next_end = np.full(self.n, FOREVER, np.int64)
        self._ends: dict[int, list[int]] = {}

    def evaluate(
        self, rows: Rows, at_ms: Times, columns: Columns, sampled: NDArray[np.bool_] | None = None
    ) -> None:
        """As `RuleEngine.evaluate`; call `catch_up` before the detector takes the samples."""
        self._note(self.engine.evaluate(rows, at_ms, columns, NOW, sampled))

    def catch_up(self, rows: Rows, at_ms: Times, detector: Detector | None = None) -> None:
        """Bring these lifts to their next event: what became true before it while they said
        nothing. No lift may stand there twice.
        """
        if self._ends and detector is not None:
            self._end_reports(rows, at_ms, detector)
        far = at_ms - self.engine.last_at[rows] > GAP_MS
        if far.any():
            rows, at_ms = rows[far], at_ms[far]
            waits = (self.engine.holds.state[rows] & 1).any(axis=1)  # pending or clearing
            if waits.any():
                self._tick(rows[waits], at_ms[waits], None)

    def settle(self, at_ms: Times, detector: Detector | None = None) -> None:
        """Bring all lifts to the end of what is judged: at_ms int64[n]."""
        rows = np.arange(self.n, dtype=np.int32)
        if self._ends and detector is not None:
            self._end_reports(rows, at_ms, detector)
        self._tick(rows, at_ms, None)

    def single_report(self, rows: Rows, until_ms: Times) -> None:
        """Remember that a single report of these lifts stands until then."""
        for row, until in zip(rows.tolist(), until_ms.tolist(), strict=True):
            ends = self._ends.setdefault(row, [])
            ends.append(until)
            self._next_end[row] = min(ends)

    def _end_reports(self, rows: Rows, at_ms: Times, detector: Detector) -> None:
        """Let single reports end, each at its own time."""
        while True:
            over = self._next_end[rows] <= at_ms
            if not over.any():
                return
            mine = rows[over]
            until = self._next_end[mine]
            heard = detector.silence.heard.data[:, 0]
            heard[:] = FAR
            heard[mine] = NOW - (until - detector.fleet.at_ms[mine])
            full = detector.tick(NOW)
            heard[:] = NOW
            self._tick(mine, until, full.due)
            for row in mine.tolist():
                left = [one for one in self._ends[row] if one > self._next_end[row]]
                self._next_end[row] = min(left, default=FOREVER)
                if left:
                    self._ends[row] = left
                else:
                    del self._ends[row]

    def _tick(self, rows: Rows, upto_ms: Times, due: Due | None) -> None:
        """Tick these lifts to moments of their own and no other lift."""
        offset = self.engine.offset
        offset[: self.n] = FAR
        offset[rows] = NOW - upto_ms
        full = None if due is None else _Full(due, {})
        self._note(self.engine.tick(NOW, full))

    def _note(self, moved: RuleTransitions) -> None:
        if len(moved):
            self.found.append(moved)
