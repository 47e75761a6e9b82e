"""Delay as a histogram of fixed buckets: adds up over minutes, gateways and vendors."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

# Upper edges in ms, ten a decade from 1 ms to 1000 s: neighbours differ by 26 %.
EDGES: Final = np.round(10 ** (np.arange(0, 61) / 10), 3)
BUCKETS: Final = len(EDGES) + 1


def bucket(delay_ms: NDArray[np.int64]) -> NDArray[np.intp]:
    """Return the bucket of each delay, int[n] in 0..BUCKETS-1; a negative one counts as none."""
    return np.searchsorted(EDGES, np.maximum(delay_ms, 0), side="left")


def quantile(counts: NDArray[np.int64], q: float) -> NDArray[np.float32]:
    """Return the q-quantile in ms of each row of counts int64[k, BUCKETS], float32[k].

    NaN where nothing was counted; linear within its bucket, and never above its upper edge.
    """
    total = counts.sum(axis=1)
    upto = np.cumsum(counts, axis=1)
    want = q * total
    place = np.minimum((upto < want[:, None]).sum(axis=1), BUCKETS - 1)
    rows = np.arange(len(counts))
    before = upto[rows, place] - counts[rows, place]
    share = (want - before) / np.maximum(counts[rows, place], 1)
    low = np.where(place > 0, EDGES[np.maximum(place - 1, 0)], 0.0)
    high = EDGES[np.minimum(place, BUCKETS - 2)]
    found = np.where(total > 0, low + np.clip(share, 0, 1) * (high - low), np.nan)
    return found.astype(np.float32)
