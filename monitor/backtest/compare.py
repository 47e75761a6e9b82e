"""What differs between two sides, added up by rule and by lift."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from monitor.backtest.labels import Label
from monitor.backtest.rings import Pair, Ring

Span = tuple[int, int]


@dataclass(slots=True)
class Tally:
    """Counts of one rule or one lift; [0] is A, [1] is B.

    rang, cleared: within the span · stands: at its end · alone: rang where the other side did
    not · both: rang on both sides, one of them within the span; later_ms: B after A, summed ·
    missed, false: against labels.
    """

    rang: list[int] = field(default_factory=lambda: [0, 0])
    cleared: list[int] = field(default_factory=lambda: [0, 0])
    stands: list[int] = field(default_factory=lambda: [0, 0])
    alone: list[int] = field(default_factory=lambda: [0, 0])
    both: int = 0
    later_ms: int = 0
    missed: list[int] = field(default_factory=lambda: [0, 0])
    false: list[int] = field(default_factory=lambda: [0, 0])
    labels: int = 0

    @property
    def later_s(self) -> float | None:
        """How much later B rang in the mean; below 0 earlier; None where there is no pair."""
        return round(self.later_ms / self.both / 1000, 1) if self.both else None

    @property
    def differs(self) -> int:
        """How many rings only one side has."""
        return sum(self.alone)

    @property
    def empty(self) -> bool:
        """True where there is nothing to tell."""
        return not (sum(self.rang) + sum(self.cleared) + sum(self.stands) + self.labels)

    def as_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        pair = ("a", "b")
        return {
            "rang": dict(zip(pair, self.rang, strict=True)),
            "only": dict(zip(pair, self.alone, strict=True)),
            "both": self.both,
            "b_later_s": self.later_s,
            "cleared": dict(zip(pair, self.cleared, strict=True)),
            "standing": dict(zip(pair, self.stands, strict=True)),
            "missed": dict(zip(pair, self.missed, strict=True)),
            "false": dict(zip(pair, self.false, strict=True)),
            "labels": self.labels,
        }


@dataclass(slots=True)
class Difference:
    """All that is told: pairs in order of lift and rule, tallies by rule, by lift, in all."""

    pairs: list[Pair]
    by_rule: dict[str, Tally]
    by_lift: dict[str, Tally]
    total: Tally
    rules_of_lift: dict[str, set[str]]


def compare(pairs: Sequence[Pair], span: Span, labels: Sequence[Label] = ()) -> Difference:
    """Add up what both sides did within span [begin, end)."""
    found = Difference(list(pairs), {}, {}, Tally(), {})

    def each(lift: str, rule: str) -> tuple[Tally, ...]:
        by_rule = found.by_rule.setdefault(rule, Tally())
        return by_rule, found.by_lift.setdefault(lift, Tally()), found.total

    for pair in pairs:
        for tally in each(pair.lift, pair.rule):
            _count(tally, pair, span)
        if (pair.a is None) != (pair.b is None) and any(one and one.rang(span) for one in pair):
            found.rules_of_lift.setdefault(pair.lift, set()).add(pair.rule)
    mine = [one for one in labels if one.start_ms < span[1] and one.end_ms >= span[0]]
    _judge(pairs, mine, span, each)
    return found


def _count(tally: Tally, pair: Pair, span: Span) -> None:
    for side, ring in enumerate(pair):
        if ring is None:
            continue
        rang = ring.rang(span)
        tally.rang[side] += rang
        tally.cleared[side] += ring.cleared(span)
        tally.stands[side] += ring.stands(span)
        tally.alone[side] += rang and pair[1 - side] is None
    if pair.a and pair.b and (pair.a.rang(span) or pair.b.rang(span)):
        tally.both += 1
        tally.later_ms += pair.b.at_ms - pair.a.at_ms


def _judge(
    pairs: Sequence[Pair],
    labels: Sequence[Label],
    span: Span,
    each: Callable[[str, str], tuple[Tally, ...]],
) -> None:
    """Missed: a label without a ring. False: a ring without a label, of rules that have labels."""
    by_place: dict[tuple[str, str], list[Label]] = {}
    for label in labels:
        by_place.setdefault((label.lift, label.rule), []).append(label)
    judged = {label.rule for label in labels}
    for side in (0, 1):
        rings: dict[tuple[str, str], list[Ring]] = {}
        for pair in pairs:
            ring = pair[side]
            if ring is not None:
                rings.setdefault((ring.lift, ring.rule), []).append(ring)
        for place, known in by_place.items():
            missed = sum(not any(map(one.explains, rings.get(place, ()))) for one in known)
            for tally in each(*place):
                tally.missed[side] += missed
                tally.labels += len(known) if side == 0 else 0
        for place, rung in rings.items():
            known = by_place.get(place, [])
            false = sum(
                ring.rang(span) and not any(one.explains(ring) for one in known) for ring in rung
            )
            for tally in each(*place) if place[1] in judged else ():
                tally.false[side] += false
