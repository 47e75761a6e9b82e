"""Truth of rules → transitions, with hold and clear times, over columns.

One pair is one (lift, rule). A sample first settles what fell due before it with the last
known truth, then applies the new truth; `tick` settles pairs that get no sample. So it is
the event times that decide, and ticks in between change nothing but how early one is told.
Our own sleep (a stopped service) is no evidence about a lift: holds stand still meanwhile.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol, cast

import numpy as np
from numpy.typing import NDArray

from alerts.rules import nodes, stored
from alerts.rules.compile import NONE, Compiler, Run
from alerts.rules.holds import ACTIVE, CLEARING, IDLE, PENDING, Holds, Pairs
from alerts.rules.model import Columns, Rule, RuleSet, RuleTransitions
from alerts.rules.steps import Limits, Truths, step
from alerts.rules.tally import Tally

GAP_MS = 120_000  # older than this a last known truth does not fill the gap to a new sample
QUIET_PERIODS, QUIET_LEAST_S, QUIET_UNKNOWN_S = 3.0, 5.0, 60.0  # a gap that breaks off a hold
TICK_MS = 1_000  # rules over the whole fleet are looked at this often at most
NEVER = -(1 << 60)
Mask = NDArray[np.bool_]
Times = NDArray[np.int64]


class Due(Protocol):
    """Lifts to look at again because a time has passed: what `evaluate` takes."""

    @property
    def rows(self) -> NDArray[np.int32]: ...

    @property
    def at_ms(self) -> Times: ...

    @property
    def columns(self) -> Columns: ...


class FullColumns(Protocol):
    """The whole fleet as the detector's `tick` returns it."""

    @property
    def due(self) -> Due | None: ...

    @property
    def columns(self) -> Columns: ...


class RuleEngine:
    """All rules over all lifts. Time is an argument; nothing here reads a clock."""

    def __init__(self, ruleset: RuleSet, n_lifts: int, asleep_s: float = 30.0) -> None:
        """`asleep_s`: two calls further apart than this mean that the service slept, not the
        lifts. Where time is simulated in long strides, give more than a stride.
        """
        self.ruleset = ruleset
        self.asleep_ms = asleep_s * 1000
        rules = ruleset.rules
        self.holds = Holds(n_lifts, len(rules))
        self.tally = Tally(ruleset, n_lifts)
        self.last_at = np.full(max(2 * n_lifts, 1), NEVER, np.int64)
        self.offset = np.zeros(max(2 * n_lifts, 1), np.int64)  # now − event time at the last sample
        self.last_now_ms = NEVER
        self.last_fleet_ms = NEVER
        self._hold = np.array([round(rule.hold_s * 1000) for rule in rules], np.int64)
        self._seen = np.array([round(rule.seen_s * 1000) for rule in rules], np.int64)
        self._clear = np.array([round(rule.clear_s * 1000) for rule in rules], np.int64)
        self._least = np.array([rule.min_samples for rule in rules], np.uint8)
        self._limits = Limits(self._hold, self._clear, self._least)
        self._timed = np.array([rule.time_driven for rule in rules], np.bool_)
        self._numbers = {timed: np.flatnonzero(self._timed == timed) for timed in (False, True)}
        self._place = np.zeros(len(rules), np.intp)  # of a rule among those of its kind
        for numbers in self._numbers.values():
            self._place[numbers] = np.arange(len(numbers))
        self._compiler = {timed: Compiler() for timed in (False, True)}
        self._true, self._false = np.zeros(len(rules), np.int64), np.zeros(len(rules), np.int64)
        self._once = np.full(len(rules), NONE, np.int64)
        for r, rule in enumerate(rules):
            self._compile(r, rule)
        for timed, compiler in self._compiler.items():
            mine = self._timed == timed
            roots = [*self._true[mine].tolist(), *self._once[mine & (self._once != NONE)].tolist()]
            compiler.always(roots)

    def _compile(self, r: int, rule: Rule) -> None:
        """One expression says it all: (when or at_once) and not certainly suppressed."""
        compiler = self._compiler[rule.time_driven]
        condition, once = rule.when, rule.at_once
        if once is not None:
            condition = nodes.Any((condition, once))
        if rule.suppressed_by is not None:
            free = nodes.Not(nodes.Certain(rule.suppressed_by))
            condition = nodes.All((condition, free))
            once = None if once is None else nodes.All((once, free))
        self._true[r], self._false[r] = compiler.true(condition), compiler.false(condition)
        if once is not None:
            self._once[r] = compiler.true(once)

    @property
    def n(self) -> int:
        """Number of lifts."""
        return self.holds.n

    def grow(self, n_lifts: int) -> None:
        """Make room for more lifts; existing rows keep their state."""
        if n_lifts > len(self.last_at):
            room = max(n_lifts, 2 * len(self.last_at))
            self.last_at = _widen(self.last_at, room, NEVER)
            self.offset = _widen(self.offset, room, 0)
        self.holds.grow(n_lifts)
        self.tally.grow(n_lifts)

    def forget(self, rows: NDArray[np.int32], at_ms: int) -> RuleTransitions:
        """Forget all of these lifts; return the clearing of what stood, at this time."""
        h = self.holds
        i, r = np.nonzero(h.state[rows] >= ACTIVE)
        pairs = rows[i].astype(np.int64) * h.rules + r
        over = self._changes(
            pairs, np.zeros(len(pairs), np.bool_), np.full(len(pairs), at_ms, np.int64)
        )
        for name in Holds.FIELDS:
            getattr(h, name)[rows] = 0
        self.tally.forget(rows)
        self.last_at[rows], self.offset[rows] = NEVER, 0
        return over

    def take_up(self, ruleset: RuleSet, at_ms: int) -> RuleTransitions:
        """Go on with other rules; what is known of a rule is kept by its id.

        A condition that stands goes on standing until the rule as it now is says no. Returns the
        clearing of what stood under rules that are gone, by their former numbers.
        """
        new = RuleEngine(ruleset, self.n, self.asleep_ms / 1000)
        over = stored.carry(self, new, at_ms)
        self.__dict__.update(new.__dict__)  # whoever holds this engine holds the new rules
        return over

    # -- samples --------------------------------------------------------------------------

    def evaluate(
        self,
        rows: NDArray[np.int32],
        at_ms: Times,
        columns: Columns,
        now_ms: int,
        sampled: Mask | None = None,
    ) -> RuleTransitions:
        """Return what a round of samples changes.

        rows int32[k] unique lifts · at_ms int64[k] event times, none before the lift's last ·
        columns float32[k] each · sampled bool[k]: False where the row is no new sample (a
        message, a repeat) and must not count towards min_samples.
        """
        self._wake(now_ms)
        if not len(rows):
            return RuleTransitions.empty()
        parts = [self._settle_rows(rows, at_ms)]
        self._break_off(rows, at_ms, columns)
        counts = np.ones(len(rows), np.bool_) if sampled is None else sampled
        parts.append(self._apply(columns, False, rows, at_ms, counts))
        self.last_at[rows] = at_ms
        self.offset[rows] = now_ms - at_ms
        return self.tally.note(RuleTransitions.join(parts))

    def _break_off(self, rows: NDArray[np.int32], at_ms: Times, columns: Columns) -> None:
        """After a longer silence a hold that was not shown long enough begins anew.

        Otherwise a door open before and another time open after it would be one open door.
        """
        period = columns.get("period_s")
        if period is None:
            period = np.full(len(rows), np.nan, np.float32)
        limit = np.fmax(QUIET_PERIODS * period, QUIET_LEAST_S)
        quiet_s = np.where(np.isnan(period), QUIET_UNKNOWN_S, limit)
        last = self.last_at[rows]
        some = np.flatnonzero((at_ms - last > quiet_s * 1000) & (last != NEVER))
        if not len(some):
            return
        h = self.holds
        i, r = np.nonzero((h.state[rows[some]] == PENDING) & ~self._timed)
        short = last[some[i]] - h.since[rows[some[i]], r] < self._seen[r]
        lift, rule = rows[some[i[short]]], r[short]
        h.state[lift, rule], h.count[lift, rule] = IDLE, 0

    def _settle_rows(self, rows: NDArray[np.int32], at_ms: Times) -> RuleTransitions:
        state = self.holds.state.take(rows, 0)
        # PENDING or CLEARING; places in one long row are found many times faster than in two axes
        i, r = np.divmod(np.flatnonzero((state & 1).view(np.bool_)), self.holds.rules)
        if not len(i):
            return RuleTransitions.empty()
        waits = ~self._timed[r] & (at_ms[i] - self.last_at[rows[i]] <= GAP_MS)
        i, r = i[waits], r[waits]
        return self._settle(rows[i].astype(np.int64) * self.holds.rules + r, at_ms[i])

    def _settle(self, pairs: Pairs, upto_ms: Times, ordered: bool = True) -> RuleTransitions:
        """Raise and clear what fell due before that while nothing newer is known.

        A lift that fell silent says nothing, so only what its samples have shown for `seen_s`
        goes on without it.
        """
        h = self.holds
        lift, rule = np.divmod(pairs, h.rules)
        rising = h.flat_state[pairs] == PENDING
        due = np.where(
            rising,
            h.flat_since[pairs] + self._hold[rule],
            h.flat_clear[pairs] + self._clear[rule],
        )
        shown = self.last_at[lift] - h.flat_since[pairs] >= self._seen[rule]
        shown = (shown | self._timed[rule]) & (h.flat_count[pairs] >= self._least[rule])
        ready = (due <= upto_ms) & (~rising | shown)
        found = np.flatnonzero(ready)
        if not ordered:  # the same order whatever was loaded or saved in between
            found = found[np.argsort(pairs[found])]
        pairs, due, rising = pairs[found], due[found], rising[found]
        h.flat_state[pairs] = np.where(rising, ACTIVE, IDLE)
        h.flat_count[pairs[~rising]] = 0
        return self._changes(pairs, rising, due)

    def _apply(
        self,
        columns: Columns,
        timed: bool,
        rows: NDArray[np.int32] | slice,
        at: Times,
        counts: Mask,
    ) -> RuleTransitions:
        """Apply the truth of the sampled or the time-driven rules to these lifts."""
        rules = self._numbers[timed]
        with np.errstate(all="ignore"):
            run = self._compiler[timed].run(columns)
            truth = np.empty((len(rules), len(at)), np.bool_)
            for k, slot in enumerate(self._true[rules].tolist()):
                truth[k] = run.slots[slot]
            state = self.holds.state[rows]
            asked = self._asked(truth, state, timed)
            if not len(asked):
                return RuleTransitions.empty()
            j, i = np.divmod(asked, len(at))  # rule by rule
            yes, stands = truth.ravel()[asked], state[i, rules[j]] >= ACTIVE
            at_once = _pick(run, self._once[rules], j, i, yes & ~stands)
            no = _pick(run, self._false[rules], j, i, ~yes & stands)
        lift = i if isinstance(rows, slice) else rows[i]
        pairs = lift.astype(np.int64) * self.holds.rules + rules[j]
        moved = step(self.holds, self._limits, Truths(pairs, yes, no, at_once, at[i], counts[i]))
        return self._changes(*moved)

    def _asked(self, truth: Mask, state: NDArray[np.uint8], timed: bool) -> NDArray[np.intp]:
        """Return the flat places in truth bool[J, k] that are true or not idle in state [k, R]."""
        i, r = np.divmod(np.flatnonzero(state != IDLE), self.holds.rules)
        ours = self._timed[r] == timed
        asked = truth.copy()
        asked[self._place[r[ours]], i[ours]] = True
        return np.flatnonzero(asked)

    def _changes(self, pairs: Pairs, raised: Mask, at: Times) -> RuleTransitions:
        lift, rule = np.divmod(pairs, self.holds.rules)
        return RuleTransitions(
            lift.astype(np.int32),
            rule.astype(np.int16),
            raised,
            at,
            self.holds.flat_since[pairs],
        )

    # -- time -----------------------------------------------------------------------------

    def tick(self, now_ms: int, full: FullColumns | None = None) -> RuleTransitions:
        """Return what waiting alone changes: holds and clear times that have elapsed.

        `full` is what `Detector.tick(now_ms)` returned; without it the rules over the whole
        fleet (silence) are not looked at. Costs what is pending, and the fleet once a second.
        """
        self._wake(now_ms)
        parts = []
        if full is not None and full.due is not None:
            due = full.due
            still = np.zeros(len(due.rows), np.bool_)
            at = np.maximum(due.at_ms, self.last_at[due.rows])
            parts.append(self._again(due.rows, at, due.columns, still))
        pairs = self.holds.waiting()
        if len(pairs):
            lift, rule = np.divmod(pairs, self.holds.rules)
            local = np.where(self._timed[rule], now_ms, now_ms - self.offset[lift])
            parts.append(self._settle(pairs, local, ordered=False))
        if full is not None and not 0 <= now_ms - self.last_fleet_ms < TICK_MS:
            self.last_fleet_ms = now_ms
            parts.append(self._fleet(now_ms, self.tally.beside(full.columns, now_ms)))
        return self.tally.note(RuleTransitions.join(parts))

    def _again(
        self, rows: NDArray[np.int32], at: Times, columns: Columns, counts: Mask
    ) -> RuleTransitions:
        settled = self._settle_rows(rows, at)
        return RuleTransitions.join([settled, self._apply(columns, False, rows, at, counts)])

    def _fleet(self, now_ms: int, columns: Columns) -> RuleTransitions:
        if not len(self._numbers[True]) or not self.n:
            return RuleTransitions.empty()
        at = np.full(self.n, now_ms, np.int64)
        counts = np.ones(self.n, np.bool_)
        return self._apply(columns, True, slice(0, self.n), at, counts)

    def _wake(self, now_ms: int) -> None:
        """Stop the lifts' clocks for the time in which nobody listened."""
        gap = now_ms - self.last_now_ms
        if self.last_now_ms != NEVER and gap > self.asleep_ms:
            self.offset[: self.n] += gap
        self.last_now_ms = max(now_ms, self.last_now_ms)

    # -- what stands, save, load ----------------------------------------------------------

    def active(self) -> RuleTransitions:
        """Return every alert condition that stands, as raised; to reconcile after a load."""
        state = self.holds.flat_state[: self.n * self.holds.rules]
        pairs = np.flatnonzero((state == ACTIVE) | (state == CLEARING)).astype(np.int64)
        since = self.holds.flat_since[pairs]
        return self._changes(pairs, np.ones(len(pairs), np.bool_), since)

    @property
    def bytes_per_lift(self) -> int:
        """Memory of one lift."""
        return self.holds.bytes_per_lift + self.tally.bytes_per_lift + 16

    def save(self, folder: Path) -> None:
        """Write folder/rules.npz atomically. Raises OSError where the disk refuses."""
        stored.save(self, folder)

    def load(self, folder: Path) -> tuple[str, ...]:
        """Take up the state of folder/rules.npz; each rule is found by its id.

        Returns ids of rules that stood active and are in the rule file no more.
        Raises StoredError for a missing, torn or foreign file; nothing is changed then.
        """
        return stored.load(self, folder)


def _pick(
    run: Run, slots: NDArray[np.int64], j: NDArray[np.intp], i: NDArray[np.intp], asked: Mask
) -> Mask:
    """Return the truth of slots[j] at i where asked; rules nobody asks for cost nothing."""
    found = np.zeros(len(j), np.bool_)
    for k in np.unique(j[asked]).tolist():
        if slots[k] != NONE:
            lo, hi = np.searchsorted(j, (k, k + 1))  # j ascends
            value = run.get(int(slots[k]))
            found[lo:hi] = value if np.ndim(value) == 0 else value[i[lo:hi]]
    return found & asked


def _widen(old: Times, room: int, fill: int) -> Times:
    wide = np.full(room, fill, np.int64)
    wide[: len(old)] = old
    return cast(Times, wide)
