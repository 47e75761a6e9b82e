"""Two rule sets as one, so that what they share is judged once."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from alerts.rules import Rule, RuleSet

TIME_DRIVEN = ("silent_s", "gateway_silent", "last_in_inspection")
REGISTRY = ("rated_speed", "rated_load_kg", "floor_lo", "floor_hi", "period_s")


@dataclass(frozen=True, slots=True)
class Plan:
    """What is judged: `sampled` and `timed` rules, each once.

    `a`, `b`: by rule id, the key of the judged rule that speaks for it; a key is (timed, number
    in its set). `left_out`: ids of time-driven rules that also name what samples say.
    """

    sampled: RuleSet
    timed: RuleSet
    a: dict[str, tuple[bool, int]]
    b: dict[str, tuple[bool, int]]
    left_out: tuple[str, ...]

    @property
    def codes(self) -> tuple[int, ...]:
        """Message codes that any judged rule names."""
        return tuple(sorted({*self.sampled.codes, *self.timed.codes}))

    @property
    def whole_gateways(self) -> bool:
        """True where a rule asks for all lifts of a gateway together."""
        return any("gateway_silent" in rule.names for rule in self.timed.rules)


def same(one: Rule, other: Rule) -> bool:
    """Tell whether two rules ring and clear alike, whatever they are called."""
    return _what_rings(one) == _what_rings(other)


def _what_rings(rule: Rule) -> tuple[object, ...]:
    return (
        *(rule.when, rule.at_once, rule.suppressed_by),
        *(rule.hold_s, rule.seen_s, rule.clear_s, rule.min_samples),
    )


def plan(a: RuleSet, b: RuleSet, only: Collection[str] = (), changed: bool = False) -> Plan:
    """Put both sets together; equal rules become one.

    only: rule ids to judge, all of them where empty · changed: leave out what is alike in both.
    """
    kept: dict[tuple[object, ...], tuple[bool, int]] = {}
    sets: dict[bool, list[Rule]] = {False: [], True: []}
    keys: list[dict[str, tuple[bool, int]]] = [{}, {}]
    left_out: dict[str, None] = {}
    alike = _alike(a, b) if changed else frozenset()
    for found, ruleset in zip(keys, (a, b), strict=True):
        for rule in ruleset.rules:
            if (only and rule.id not in only) or rule.id in alike:
                continue
            if rule.time_driven and not set(rule.names) <= {*TIME_DRIVEN, *REGISTRY}:
                left_out[rule.id] = None
                continue
            what = _what_rings(rule)
            if what not in kept:
                mine = sets[rule.time_driven]
                kept[what] = (rule.time_driven, len(mine))
                mine.append(rule)
            found[rule.id] = kept[what]
    sampled, timed = (RuleSet(tuple(sets[which])) for which in (False, True))
    return Plan(sampled, timed, keys[0], keys[1], tuple(left_out))


def as_sampled(timed: RuleSet) -> RuleSet:
    """Return time-driven rules as rules of samples: each look at the clock is one.

    The engine then takes a time of its own for every lift; `seen_s` is nothing, for here
    waiting itself is the evidence.
    """
    return RuleSet(tuple(replace(rule, time_driven=False, seen_s=0.0) for rule in timed.rules))


def _alike(a: RuleSet, b: RuleSet) -> frozenset[str]:
    other = {rule.id: rule for rule in b.rules}
    return frozenset(rule.id for rule in a.rules if rule.id in other and same(rule, other[rule.id]))
