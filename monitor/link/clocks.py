"""Whose clock is off, by how much: told apart from delay by its being constant.

A sample's age on arrival (receipt − event time) is delay + clock offset. Delay is never negative
and jitters; an offset stands. So the lower envelope of the age is the offset
(and the least delay, some tenths of a second) where it stands still for long enough. It is taken
a window of WINDOW_MS at a time:

- windows agree when they differ by no more than STEP_MS and DRIFT of the time between them. A
  backlog that is sent from the front shrinks faster, by the time that it gains;
- they must agree for PROOF_MS, and for LONG_PROOF_MS where a backlog would look the same: when the
  age rose after a silence about as long, when the gateway's own status told a right clock, and
  for a lift that was never heard before;
- a status of a gateway that tells the same offset proves it at once.

A sample younger than the envelope disproves it at once: it cannot arrive before it was made. Older
ones only show delay, until they have gone on for as long as a proof takes.
Everything is columns, one row a lift. Times are epoch ms of the service's clock.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Times = NDArray[np.int64]
Rows = NDArray[np.int32]

WINDOW_MS: Final = 20_000
LONG_WINDOW_MS: Final = 120_000  # under suspicion: the more samples, the less their jitter
STEP_MS: Final = 1_000
DRIFT: Final = 500e-6  # a quartz in the sun is 100 ppm off; a backlog gains a thousand times that
PROOF_MS: Final = 120_000
LONG_PROOF_MS: Final = 900_000
DOUBT_MS: Final = 10_000  # a longer silence may be the beginning of a backlog
LEAST: Final = 6  # samples that bear witness
WRONG_MS: Final = 60_000  # a clock that is further off is wrong: rule 33, and corrected
FAR_MS: Final = 120_000  # no delay of a link that works: something else has happened
UNDER_MS: Final = 2_000  # so far below the envelope is no jitter of rounding
WITNESS_MS: Final = 3_600_000  # a status tells of the clock for so long
DAY_MS: Final = 86_400_000
NEVER: Final = -(1 << 60)
# lo: least age of the window · anchor: of the first window of the streak · last: of the window
# before · from, to: what receipt times the streak spans · seen: when last heard · n: samples
COLUMNS: Final = (
    "win_from", "win_lo", "win_n", "anchor", "last", "from", "to", "n", "seen", "suspect", "known",
    "offset", "since",
)  # fmt: skip


class Clocks:
    """int64[N, len(COLUMNS)]; used by one thread, read by any."""

    def __init__(self, n: int) -> None:
        self._all: Times = np.empty((0, len(COLUMNS)), np.int64)
        self._at = {name: i for i, name in enumerate(COLUMNS)}
        self.grow(n)

    def __len__(self) -> int:
        return len(self._all)

    def grow(self, n: int) -> None:
        """Make room for more lifts."""
        fresh = np.zeros((max(0, n - len(self._all)), len(COLUMNS)), np.int64)
        fresh[:, self._at["seen"]] = NEVER
        self._all = np.concatenate([self._all, fresh])

    def forget(self, rows: Rows) -> None:
        """Make these lifts as new."""
        self._all[rows] = 0
        self._all[rows, self._at["seen"]] = NEVER

    def column(self, name: str) -> Times:
        """Return a column of all lifts; a view."""
        return self._all[:, self._at[name]]

    # -- samples ----------------------------------------------------------------------------

    def place(
        self, lift: Rows, age_ms: Times, front: NDArray[np.bool_], late_ms: int
    ) -> tuple[NDArray[np.bool_], Times]:
        """Return which samples of lifts with a wrong clock are of now, bool[n], and what is to be
        added to their time, int64[n]; 0 where nothing is.

        age_ms int64[n]: receipt − event time as told · front bool[n]: False for what fills a gap
        or belongs to an older boot, which is never of now. What disproves an offset ends it here.
        """
        known, offset = self.column("known")[lift] == 1, self.column("offset")[lift]
        under = known & front & (age_ms - offset < -UNDER_MS)
        if under.any():
            broken = np.unique(lift[under])
            self._break(broken)
            known &= ~np.isin(lift, broken)
        wrong = known & (np.abs(offset) >= WRONG_MS)
        now = wrong & front & (age_ms - offset <= late_ms)
        return now, np.where(now, offset, 0)

    def wrong(self, lift: Rows) -> NDArray[np.bool_]:
        """Return bool[n]: the clock of the lift is known to be wrong."""
        found: NDArray[np.bool_] = (self.column("known")[lift] == 1) & (
            np.abs(self.column("offset")[lift]) >= WRONG_MS
        )
        return found

    def _break(self, rows: Rows) -> None:
        for name in ("known", "win_n", "n"):
            self._all[rows, self._at[name]] = 0

    def hear(
        self, lift: Rows, age_ms: Times, received_ms: Times, witness: Times, witness_ms: Times
    ) -> None:
        """Take samples in: lift int32[n], in any order; several of one lift count once, by the
        youngest of them. witness int64[n]: the offset that the lift's gateway told of itself at
        witness_ms, NEVER where it did not."""
        if not len(lift):
            return
        order = np.lexsort((age_ms, lift))
        first = np.r_[True, lift[order[1:]] != lift[order[:-1]]]
        one = order[first]
        rows, age = lift[one], age_ms[one]
        at = np.maximum.reduceat(received_ms[order], np.flatnonzero(first)).astype(np.int64)
        state = {name: self._all[rows, i].copy() for name, i in self._at.items()}
        told = (witness[one] != NEVER) & (at - witness_ms[one] <= WITNESS_MS)
        same = told & (np.abs(witness[one] - state["win_lo"]) <= UNDER_MS)
        length = np.where((state["suspect"] == 1) & ~same, LONG_WINDOW_MS, WINDOW_MS)
        over = (state["win_n"] > 0) & (at >= state["win_from"] + length)
        _close(state, over, witness[one], told)
        begins = over | (state["win_n"] == 0)
        state["win_from"] = np.where(begins, at, state["win_from"])
        state["win_lo"] = np.where(begins, age, np.minimum(state["win_lo"], age))
        state["win_n"] = np.where(begins, 1, state["win_n"] + 1)
        # A silence about as long as the age that follows it: so begins a backlog. A lift nobody
        # has heard before may be in the middle of one.
        silence = at - state["seen"]
        rise = age - np.where(state["n"] > 0, state["last"], 0)
        doubt = (state["seen"] == NEVER) | ((rise > DOUBT_MS) & (silence >= rise // 2))
        state["suspect"] = np.where(age < WRONG_MS, 0, state["suspect"] | doubt)
        state["seen"] = at
        for name, i in self._at.items():
            self._all[rows, i] = state[name]

    # -- what is known ----------------------------------------------------------------------

    def offset_s(self) -> NDArray[np.float32]:
        """Return seconds to add to what each lift says, float32[N]; NaN where not known."""
        known = self.column("known") == 1
        return np.where(known, self.column("offset") / 1000, np.nan).astype(np.float32)

    def drift_s_day(self) -> NDArray[np.float32]:
        """Return seconds a day by which each offset grows, float32[N]; NaN within the hour."""
        span = self.column("to") - self.column("from")
        told = (self.column("known") == 1) & (span >= 3_600_000)
        moved = (self.column("last") - self.column("anchor")) / np.maximum(span, 1)
        return np.where(told, moved * DAY_MS / 1000, np.nan).astype(np.float32)

    # -- save, load -------------------------------------------------------------------------

    def dump(self) -> Times:
        """Return the state."""
        return self._all

    def load(self, data: Times) -> None:
        """Take up the first rows from a saved state."""
        k = min(len(data), len(self._all))
        self._all[:k] = data[:k]


def _close(
    s: dict[str, Times], over: NDArray[np.bool_], witness: Times, told: NDArray[np.bool_]
) -> None:
    """End the window of these lifts: it goes on with the streak or begins another."""
    lo, at = s["win_lo"], s["win_from"]
    moved = np.abs(lo - s["anchor"])
    agrees = (s["n"] > 0) & (moved <= STEP_MS + DRIFT * (at - s["from"]))
    goes_on, anew = over & agrees, over & ~agrees
    for name, value in (("anchor", lo), ("from", at)):
        s[name] = np.where(anew, value, s[name])
    s["n"] = np.where(anew, s["win_n"], s["n"] + np.where(goes_on, s["win_n"], 0))
    s["last"] = np.where(over, lo, s["last"])
    s["to"] = np.where(over, s["seen"], s["to"])
    gone = anew & (np.abs(lo - s["offset"]) > FAR_MS)
    s["known"] = np.where(gone, 0, s["known"])
    same = told & (np.abs(witness - lo) <= UNDER_MS)
    other = told & ~same & (np.abs(witness - lo) >= WRONG_MS // 2)
    s["suspect"] = np.where(over & other & (lo >= WRONG_MS), 1, s["suspect"])
    proof = np.where(same, 0, np.where(s["suspect"] == 1, LONG_PROOF_MS, PROOF_MS))
    least = np.where(same, LEAST // 2, LEAST)
    proved = over & (s["to"] - s["from"] >= proof) & (s["n"] >= least)
    s["since"] = np.where(proved & (s["known"] == 0), s["to"], s["since"])
    s["offset"] = np.where(proved, lo, s["offset"])
    s["known"] = np.where(proved, 1, s["known"])


def agreed(values: Times) -> int | None:
    """Return the middle one where they differ by a few steps, else None."""
    if not len(values) or int(values.max()) - int(values.min()) > 5 * STEP_MS:
        return None
    return int(np.median(values))
