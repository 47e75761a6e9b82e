"""One step of the four states: idle, pending, active, clearing; see docs/rules.md."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from alerts.rules.holds import ACTIVE, CLEARING, IDLE, PENDING, Holds, Pairs

Mask = NDArray[np.bool_]
Times = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Limits:
    """Of each rule: hold and clear time int64[R] in ms, least number of samples uint8[R]."""

    hold: Times
    clear: Times
    least: NDArray[np.uint8]


class Truths(NamedTuple):
    """What a round says of p pairs: yes definitely true, no definitely false, at_once needs no
    hold, at event times, counts False where it is no new sample.
    """

    pairs: Pairs
    yes: Mask
    no: Mask
    at_once: Mask
    at: Times
    counts: Mask


def step(h: Holds, limits: Limits, t: Truths) -> tuple[Pairs, Mask, Times]:
    """Move each pair by its new truth; see docs/rules.md for the four states."""
    pairs, yes, no, at_once, at, counts = t
    rule = pairs % h.rules
    hold, clear, least = limits.hold[rule], limits.clear[rule], limits.least[rule]
    state = h.flat_state[pairs]
    count = h.flat_count[pairs]
    since = h.flat_since[pairs]

    begins = yes & (state == IDLE)
    since = np.where(begins, at, since)
    rises = yes & ((state == IDLE) | (state == PENDING))
    more = rises & (begins | counts) & (count < 255)
    before = count
    count = np.where(rises, before + more.astype(np.uint8), before).astype(np.uint8)
    held = (count >= least) & (since + hold <= at)
    raised = rises & (held | at_once)
    state = np.where(rises, np.where(raised, ACTIVE, PENDING), state)
    # the hold may have elapsed between two samples that both say yes
    due = np.where(before >= least, since + hold, at)
    due = np.where(held & ~begins & ~at_once, np.minimum(due, at), at)

    lapses = ~yes & (state == PENDING)
    state = np.where(lapses, IDLE, state)
    count = np.where(lapses, 0, count).astype(np.uint8)

    stands = (state == ACTIVE) | (state == CLEARING)
    ends = stands & no & ~raised
    starts_clear = ends & (state == ACTIVE)
    clear_since = np.where(starts_clear, at, h.flat_clear[pairs])
    cleared = ends & (clear_since + clear <= at)
    state = np.where(stands & ~no, ACTIVE, np.where(ends, CLEARING, state))
    state = np.where(cleared, IDLE, state)
    count = np.where(cleared, 0, count).astype(np.uint8)
    clear_due = np.where(starts_clear, at, np.minimum(clear_since + clear, at))

    h.flat_state[pairs] = state.astype(np.uint8)
    h.flat_count[pairs] = count
    h.flat_since[pairs] = since
    h.flat_clear[pairs] = clear_since
    waits = (rises & ~raised & (state == PENDING)) & begins | (starts_clear & ~cleared)
    h.wait(pairs[waits])
    moved = raised | cleared
    return pairs[moved], raised[moved], np.where(raised, due, clear_due)[moved]
