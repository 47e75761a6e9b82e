"""The slow obvious twin of monitor.store.ledger.SeqRanges: a set of numbers."""

from __future__ import annotations


class NaiveRanges:
    def __init__(self) -> None:
        self.taken: set[int] = set()
        self.first = 1

    def add(self, seq: int) -> None:
        self.taken.add(seq)

    def give_up_below(self, first: int) -> None:
        self.first = max(self.first, first)

    def __contains__(self, seq: int) -> bool:
        return seq in self.taken or seq < self.first

    @property
    def durable(self) -> int:
        number = self.first - 1
        while number + 1 in self.taken:
            number += 1
        return number

    def missing(self) -> set[int]:
        top = max(self.taken, default=0)
        return {n for n in range(self.durable + 1, top) if n not in self.taken}
