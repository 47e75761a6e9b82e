"""Twins of the gateway store's columns: sets and loops."""

from __future__ import annotations

from devices.gateway.rows import Rows


class NaiveRanges:
    """`Ranges` as a plain set."""

    def __init__(self) -> None:
        self.members: set[int] = set()

    def add(self, low: int, high: int) -> None:
        self.members |= set(range(low, high))

    def remove(self, low: int, high: int) -> None:
        self.members -= set(range(low, high))

    def spans(self) -> list[tuple[int, int]]:
        found: list[list[int]] = []
        for one in sorted(self.members):
            if found and found[-1][1] == one:
                found[-1][1] = one + 1
            else:
                found.append([one, one + 1])
        return [(a, b) for a, b in found]


def naive_thinned(rows: Rows, every: int) -> list[tuple[int, int]]:
    """(lift, ts_ms) of what stays: every so many of a lift's samples in the order of time."""
    places = sorted(range(len(rows)), key=lambda i: (rows.lift[i], rows.ts_ms[i], i))
    seen: dict[int, int] = {}
    kept = []
    for i in places:
        lift = int(rows.lift[i])
        if seen.setdefault(lift, 0) % every == 0:
            kept.append(i)
        seen[lift] += 1
    return [(int(rows.lift[i]), int(rows.ts_ms[i])) for i in sorted(kept)]
