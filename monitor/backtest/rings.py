"""Rings: a rule stood on a lift from when till when. Few, so plain objects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from alerts.rules import RuleTransitions
from monitor.backtest.both import Plan
from monitor.backtest.jobs import Found

FOREVER = 1 << 62


@dataclass(frozen=True, slots=True)
class Ring:
    """One rule on one lift: since_ms onset, at_ms raised, cleared_ms or None while it stands."""

    lift: str
    rule: str
    since_ms: int
    at_ms: int
    cleared_ms: int | None

    @property
    def end_ms(self) -> int:
        """When it was cleared; for ever while it stands."""
        return FOREVER if self.cleared_ms is None else self.cleared_ms

    def rang(self, span: tuple[int, int]) -> bool:
        """Tell whether it was raised within [begin, end)."""
        return span[0] <= self.at_ms < span[1]

    def cleared(self, span: tuple[int, int]) -> bool:
        """Tell whether it was cleared within [begin, end)."""
        return self.cleared_ms is not None and span[0] <= self.cleared_ms < span[1]

    def stands(self, span: tuple[int, int]) -> bool:
        """Tell whether it stands at the end."""
        return self.at_ms < span[1] <= self.end_ms


class Pair(NamedTuple):
    """What A and B made of the same thing; None where one did not ring."""

    a: Ring | None
    b: Ring | None

    @property
    def lift(self) -> str:
        """Registration code."""
        return self._any.lift

    @property
    def rule(self) -> str:
        """Rule id."""
        return self._any.rule

    @property
    def _any(self) -> Ring:
        found = self.a or self.b
        assert found is not None
        return found


def rings_of(found: Found, plan: Plan, side: Mapping[str, tuple[bool, int]],
             codes: Sequence[str]) -> list[Ring]:  # fmt: skip
    """Return the rings of one side (`Plan.a` or `Plan.b`); codes: registration code by row."""
    by_key: dict[tuple[bool, int], list[str]] = {}
    for rule, key in side.items():
        by_key.setdefault(key, []).append(rule)
    made: list[Ring] = []
    for timed, moved in ((False, found.sampled), (True, found.timed)):
        for lift, number, since, at, cleared in _spans(moved):
            for rule in by_key.get((timed, number), ()):
                made.append(Ring(codes[lift], rule, since, at, cleared))
    return sorted(made, key=lambda ring: (ring.lift, ring.rule, ring.at_ms))


def _spans(moved: RuleTransitions) -> Iterable[tuple[int, int, int, int, int | None]]:
    """Yield (lift, rule, since, at, cleared) of transitions in their order."""
    open_: dict[tuple[int, int], tuple[int, int]] = {}
    columns = (moved.lift, moved.rule, moved.raised, moved.at_ms, moved.since_ms)
    for lift, rule, raised, at, since in zip(*(c.tolist() for c in columns), strict=True):
        if raised:
            open_[lift, rule] = (since, at)
        elif (lift, rule) in open_:
            yield (lift, rule, *open_.pop((lift, rule)), at)
    for (lift, rule), (since, at) in open_.items():
        yield (lift, rule, since, at, None)


def pairs_of(a: Iterable[Ring], b: Iterable[Ring]) -> list[Pair]:
    """Pair the rings of a rule on a lift that overlap from onset to end, in their order.

    Each is paired once: of ten short rings during one long one, nine are alone.
    """
    sides = _by_place(a), _by_place(b)
    found: list[Pair] = []
    for place in sorted(sides[0].keys() | sides[1].keys()):
        left, right = (side.get(place, []) for side in sides)
        i = j = 0
        while i < len(left) or j < len(right):
            if j == len(right) or (i < len(left) and left[i].end_ms < right[j].since_ms):
                found.append(Pair(left[i], None))
                i += 1
            elif i == len(left) or right[j].end_ms < left[i].since_ms:
                found.append(Pair(None, right[j]))
                j += 1
            else:
                found.append(Pair(left[i], right[j]))
                i, j = i + 1, j + 1
    return found


def _by_place(rings: Iterable[Ring]) -> dict[tuple[str, str], list[Ring]]:
    found: dict[tuple[str, str], list[Ring]] = {}
    for ring in sorted(rings, key=lambda one: (one.since_ms, one.at_ms)):
        found.setdefault((ring.lift, ring.rule), []).append(ring)
    return found
