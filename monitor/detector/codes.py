"""Which messages of the controller stand: on until off, or ten seconds after a single report."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from devices.batch import STATE_OFF, STATE_ON
from monitor.detector.reading import INSPECTION, MAINS, Now
from monitor.detector.table import Block, Table

Rows = NDArray[np.int32]
Times = NDArray[np.int64]
Values = NDArray[np.float32]
ONCE_MS = 10_000  # domain default: a single report stands that long
REFUTED_MS = 10_000  # what a sample says so much later is no matter of clocks
NO_RESTART, NO_MAINS = 8, 41


class CodeState:
    """Only codes that rules name have columns.

    on int64[N, K]: +t since when it is on, −t since when it is off, 0 never heard of.
    once int64[N, K]: until when a single report stands. busy int64[N, 1]: 0 = surely nothing.
    """

    def __init__(self, codes: Iterable[int], n: int) -> None:
        self.codes = tuple(sorted(set(codes)))
        names = [str(code) for code in self.codes]
        self.on = Table(names, np.int64, 0, n)
        self.once = Table(names, np.int64, 0, n)
        self.busy = Table(("busy",), np.int64, 0, n)
        self._column = np.array(self.codes, np.int32)
        self._ends_row: Rows = np.empty(0, np.int32)
        self._ends_at: Times = np.empty(0, np.int64)
        self._ends_column: NDArray[np.intp] = np.empty(0, np.intp)

    @property
    def tables(self) -> dict[str, Table[Any]]:
        """All state, for growing and saving."""
        return {"code_on": self.on, "code_once": self.once, "code_busy": self.busy}

    def with_more(self, codes: Iterable[int], at_ms: Times) -> CodeState:
        """Return this state with room for codes that rules name only now: never heard of yet.

        at_ms int64[N]: each lift's last word.
        """
        more = CodeState({*self.codes, *codes}, len(self.on.data))
        place = [more.codes.index(code) for code in self.codes]
        more.on.data[:, place], more.once.data[:, place] = self.on.data, self.once.data
        more.busy.data[:] = self.busy.data
        more.relist(at_ms)
        return more

    def known(self, code: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Return which of these codes some rule names."""
        return np.isin(code, self._column)

    def update(
        self, rows: Rows, at_ms: Times, code: NDArray[np.int32], state: NDArray[np.int8]
    ) -> None:
        """Take one message of each of k different lifts; codes must be known."""
        column = np.searchsorted(self._column, code)
        on = self.on.data[rows, column]
        once = self.once.data[rows, column]
        newer = at_ms >= np.abs(on)
        starts = newer & (state == STATE_ON) & (on <= 0)
        ends = newer & (state == STATE_OFF)
        single = (state != STATE_ON) & (state != STATE_OFF)
        self.on.data[rows, column] = np.where(starts, at_ms, np.where(ends, -at_ms, on))
        until = np.where(single, np.maximum(once, at_ms + ONCE_MS), np.where(ends, 0, once))
        self.once.data[rows, column] = until
        self.busy.data[rows, 0] = 1
        if single.any():
            self._ends_row = np.concatenate([self._ends_row, rows[single]])
            self._ends_column = np.concatenate([self._ends_column, column[single]])
            self._ends_at = np.concatenate([self._ends_at, until[single]])

    def refute(self, rows: Rows, at_ms: Times, said: Block[np.float32], now: Now) -> None:
        """End what a sample of k lifts refutes: a car that runs by itself is not prevented from
        restarting, and one on mains has no power cut. The word that ended it got lost: a device
        that dies with the mains cannot send it.
        """
        i = np.flatnonzero(self.busy.data[rows, 0] > 0)
        if not len(i):
            return
        by_itself = now.runs[i] & now.shut[i] & (said.at("service_mode", i) != INSPECTION)
        for code, untrue in ((NO_RESTART, by_itself), (NO_MAINS, said.at("power", i) == MAINS)):
            if code not in self.codes:
                continue
            column = self.on.data[:, self.codes.index(code)]
            on, at = column[rows[i]], at_ms[i]
            over = untrue & (on > 0) & (at - on >= REFUTED_MS)
            column[rows[i[over]]] = -at[over]

    def stands(self, code: int) -> NDArray[np.bool_]:
        """Return where a code is on, bool[N]; single reports are none."""
        if code not in self.codes:
            return np.zeros(len(self.on.data), np.bool_)
        on: NDArray[np.bool_] = self.on.data[:, self.codes.index(code)] > 0
        return on

    def ended(self, local_now: Callable[[Rows], Times], at_ms: Times) -> tuple[Rows, Times]:
        """Return lifts whose single report stands no longer, with the time it ended.

        local_now(rows): the present of these lifts; at_ms int64[N]: their last word, which may
        have shown the end already. Costs what stands, not the fleet.
        """
        rows, at = self._ends_row, self._ends_at
        if not len(rows):
            return rows, at
        over = at <= local_now(rows)
        # set anew, switched off, or seen to end by a sample: nothing to tell
        true = (self.once.data[rows, self._ends_column] == at) & (at > at_ms[rows])
        self._keep(true & ~over)
        rows, at = rows[true & over], at[true & over]
        order = np.lexsort((at, rows))
        rows, at = rows[order], at[order]
        last = np.r_[rows[1:] != rows[:-1], True][: len(rows)]
        return rows[last], at[last]  # one entry a lift: its last ending

    def _keep(self, which: NDArray[np.bool_]) -> None:
        if not which.all():
            self._ends_row, self._ends_at = self._ends_row[which], self._ends_at[which]
            self._ends_column = self._ends_column[which]

    def since(self, rows: Rows, name: str) -> Times:
        """Return since when `code(N)` or `once(N)` stands, int64[k]; 0 where it never did."""
        column = self.codes.index(int(name[5:-1]))
        on, once = self.on.data[rows, column], self.once.data[rows, column]
        single: Times = np.maximum(once - ONCE_MS, 0)
        return np.where(on > 0, on, single) if name.startswith("code") else single

    def relist(self, at_ms: Times) -> None:
        """Find the single reports that stand at at_ms int64[N] anew, after a load."""
        row, column = np.nonzero(self.once.data > np.maximum(at_ms, 0)[:, None])
        self._ends_row, self._ends_column = row.astype(np.int32), column
        self._ends_at = self.once.data[row, column]

    def take(self, rows: Rows | None, at_ms: Times) -> dict[str, Values]:
        """Return the columns code(N) and once(N), float32[k]; rows None: the whole fleet.

        A code nobody reported is off, not unknown.
        """
        size = len(at_ms)
        busy = (self.busy.data if rows is None else self.busy.data[rows])[:, 0] > 0
        none = np.zeros(size, np.float32)
        if not busy.any():
            forms = (f"{form}({code})" for code in self.codes for form in ("code", "once"))
            return dict.fromkeys(forms, none)
        which = np.flatnonzero(busy)
        lifts = which if rows is None else rows[which]
        on = self.on.data[lifts] > 0
        once = self.once.data[lifts] > at_ms[which][:, None]
        if rows is not None:
            self.busy.data[lifts, 0] = on.any(axis=1) | once.any(axis=1)
        columns = {}
        for k, code in enumerate(self.codes):
            for form, truth in (("code", on[:, k] | once[:, k]), ("once", once[:, k])):
                column = none
                if truth.any():
                    column = np.zeros(size, np.float32)
                    column[which] = truth
                columns[f"{form}({code})"] = column
        return columns
