"""A batch → rounds: the k-th event of each lift in time order, so that no lift is twice in one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from devices.batch import TelemetryBatch

Index = NDArray[np.int64]
CHUNK = 4096  # lifts a step: 100 float32 columns of them fit into 2 MB


@dataclass(frozen=True, slots=True)
class Round:
    """Indices into the batch's samples and into its messages; no lift twice in both together."""

    samples: Index
    messages: Index


def rounds(batch: TelemetryBatch) -> Iterator[Round]:
    """Yield the rounds of what is not late.

    Order per lift: by event time; of equal times samples before messages, then as arrived.
    """
    samples = np.flatnonzero(~batch.late)
    messages = np.flatnonzero(~batch.messages.late)
    lift = np.concatenate([batch.lift[samples], batch.messages.lift[messages]])
    if not len(lift):
        return
    if _nobody_twice(lift):  # the usual case
        yield from _chunks(Round(samples, messages))
        return
    ts = np.concatenate([batch.ts_ms[samples], batch.messages.ts_ms[messages]])
    ranks = ranks_of(lift, ts)
    by_rank = np.argsort(ranks, kind="stable")
    cuts = np.flatnonzero(np.diff(ranks[by_rank])) + 1
    for part in np.split(by_rank, cuts):
        is_sample = part < len(samples)
        found = Round(samples[part[is_sample]], messages[part[~is_sample] - len(samples)])
        yield from _chunks(found)


def ranks_of(lift: NDArray[np.int32], ts_ms: Index) -> Index:
    """Return the place of each event in the order of time of its lift, int64[n] from 0.

    Equal times keep the order in which they are given.
    """
    order = np.lexsort((ts_ms, lift))  # stable
    ranks = np.empty(len(lift), np.int64)
    ranks[order] = _ranks(lift[order])
    return ranks


def _nobody_twice(lift: NDArray[np.int32]) -> bool:
    """Without sorting: each lift keeps the last place that wrote to it."""
    if (lift[1:] > lift[:-1]).all():
        return True
    place = np.arange(len(lift), dtype=np.int32)
    last = np.empty(int(lift.max()) + 1, np.int32)
    last[lift] = place
    return bool((last[lift] == place).all())


def _chunks(whole: Round) -> Iterator[Round]:
    """Cut a round of many lifts so that what a step works on stays in the cache."""
    for begin in range(0, max(len(whole.samples), 1), CHUNK):
        messages = whole.messages if begin == 0 else whole.messages[:0]
        yield Round(whole.samples[begin : begin + CHUNK], messages)


def _ranks(sorted_lift: NDArray[np.int32]) -> Index:
    """Return 0, 1, 2 … within each run of equal lifts."""
    here = np.arange(len(sorted_lift))
    starts = np.flatnonzero(np.r_[True, sorted_lift[1:] != sorted_lift[:-1]])
    lengths = np.diff(np.r_[starts, len(sorted_lift)])
    return here - np.repeat(starts, lengths)
