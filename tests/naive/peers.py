"""Slow twin of peers.against: one group after another with the statistics module."""

from __future__ import annotations

import statistics

import numpy as np

F = np.float32


def against(x, group, floor, share):
    found = np.zeros(len(x), np.float32)
    for g in set(group.tolist()):
        rows = [i for i in range(len(x)) if group[i] == g]
        if len(rows) < 5:
            continue
        middle = middle_of([x[i] for i in rows])
        mad = middle_of([abs(F(x[i] - middle)) for i in rows])
        for i in rows:
            least = F(F(2) * F(floor + F(share * abs(middle))))
            found[i] = F(F(x[i] - middle) / max(F(F(1.4826) * mad), least))
    return found


def middle_of(values):
    low, high = statistics.median_low(values), statistics.median_high(values)
    return F(F(low + high) / F(2))
