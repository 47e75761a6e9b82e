"""Many rows, each with its own part that counts: peaks between zero crossings, quantiles."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Index = NDArray[np.intp]


def quantile(row: Index, value: Floats, rows: int, share: float) -> Floats:
    """Return of each row the least value that `share` of its values do not exceed, float64[rows].

    row intp[k] ascending, value float64[k]; NaN for a row without values.
    """
    found = np.full(rows, np.nan)
    count = np.bincount(row, minlength=rows)
    have = np.flatnonzero(count)
    ordered = value[np.lexsort((value, row))]
    start = np.cumsum(count) - count
    rank = np.ceil(share * count[have]).astype(np.intp) - 1
    found[have] = ordered[start[have] + np.maximum(rank, 0)]
    return found


def of_mask(values: Floats, mask: Mask, share: float) -> Floats:
    """Return the quantile of each row [R, M] over its True places; NaN where there are none."""
    return quantile(np.nonzero(mask)[0], values[mask], len(values), share)


def largest(values: Floats, mask: Mask) -> Floats:
    """Return the largest value of each row over its True places; NaN where there are none."""
    found = np.where(mask, values, -np.inf).max(axis=-1, initial=-np.inf)
    return np.where(np.isneginf(found), np.nan, found)


def first_last(mask: Mask) -> tuple[Index, Index]:
    """Return the first and last True place of each row [R, M]; 0 and M−1 where there are none."""
    return mask.argmax(axis=-1), mask.shape[-1] - 1 - mask[..., ::-1].argmax(axis=-1)


def peak_to_peak(values: Floats, mask: Mask) -> tuple[Floats, Floats]:
    """Return the maximum and A95 of peak to peak of each row, float64[R] each.

    ISO 18738-1 annex A: between two zero crossings the largest magnitude is a peak; two peaks
    that follow each other add up to one value peak to peak. A95: the least of these that 95 %
    of them do not exceed. NaN where no zero is crossed. mask: one unbroken stretch of a row.
    """
    row = np.nonzero(mask)[0]
    value = values[mask]
    rows = len(values)
    none = np.full(rows, np.nan)
    if not len(value):
        return none, none.copy()
    above = value >= 0
    begins = np.flatnonzero(np.r_[True, (above[1:] != above[:-1]) | (row[1:] != row[:-1])])
    peak, owner = np.maximum.reduceat(np.abs(value), begins), row[begins]
    pair = owner[1:] == owner[:-1]
    height, owner = (peak[1:] + peak[:-1])[pair], owner[1:][pair]
    return quantile(owner, height, rows, 1.0), quantile(owner, height, rows, 0.95)
