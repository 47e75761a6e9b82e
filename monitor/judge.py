"""Batch in, transitions out: the detector and the rules, where columns become plain objects.

Below this line nothing is an object; above it things are few and matter.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from alerts.model import Evidence, Transition
from alerts.rules import RuleEngine, RuleSet, RuleTransitions
from devices.batch import TelemetryBatch
from devices.registry import Registry
from devices.vocabulary import Vocabulary
from monitor.detector import Detector
from monitor.snapshot import Saved

PEOPLE = ("with_people", "people")
SILENCE_EVERY_MS = 1_000


class Judge:
    """Owns the state of the fleet; used by one thread."""

    def __init__(self, vocab: Vocabulary, registry: Registry, rules: RuleSet) -> None:
        self._registry = registry
        self.rules = rules
        self._silent: frozenset[str] = frozenset()
        self._silent_ms = 0
        self.detector = Detector(vocab, registry.columns(), len(registry), codes=rules.codes)
        self.engine = RuleEngine(rules, len(registry))
        self.parts: dict[str, Saved] = {"detector": self.detector, "rules": self.engine}

    def judge(self, batch: TelemetryBatch, now_ms: int, number: int) -> list[Transition]:
        """Take a logged batch into the state; return what it changes, in order."""
        found: list[Transition] = []
        for signals in self.detector.update(batch, now_ms):
            moved = self.engine.evaluate(
                signals.rows, signals.at_ms, signals.columns, now_ms, signals.sampled
            )
            if len(moved):
                found += self._transitions(moved, number)
        return found

    def tick(self, now_ms: int) -> list[Transition]:
        """Return what waiting alone changes."""
        moved = self.engine.tick(now_ms, self.detector.tick(now_ms))
        self._look_for_silence(now_ms)
        return self._transitions(moved, None) if len(moved) else []

    def silent_gateways(self) -> Collection[str]:
        """Return the gateways whose lifts are all silent, as of the last look at the fleet."""
        return self._silent

    def _look_for_silence(self, now_ms: int) -> None:
        if 0 <= now_ms - self._silent_ms < SILENCE_EVERY_MS:
            return
        self._silent_ms = now_ms
        columns = self.detector.silence.columns(now_ms, self.detector.registry)
        silent = np.unique(self._registry.lift_gateway[columns["gateway_silent"] > 0])
        self._silent = frozenset(self._registry.gateways[i].id for i in silent.tolist())

    def _transitions(self, moved: RuleTransitions, number: int | None) -> list[Transition]:
        columns = (moved.lift, moved.rule, moved.raised, moved.at_ms, moved.since_ms)
        made = []
        for lift, rule, raised, at_ms, since_ms in zip(*(c.tolist() for c in columns), strict=True):
            slot = self._registry.slots[lift]
            if slot is None:  # left the site; its row stays reserved and says nothing
                continue
            names = self.rules.rules[rule].names
            with_people, people = self._people(lift)
            made.append(
                Transition(
                    "lift",
                    slot.reg_code,
                    self.rules.rules[rule].id,
                    raised,
                    at_ms,
                    since_ms,
                    with_people,
                    people,
                    tuple(Evidence(*one) for one in self.detector.evidence(lift, names)),
                    number,
                )
            )
        return made

    def _people(self, lift: int) -> tuple[bool, int | None]:
        known = {name: value for name, value, _ in self.detector.evidence(lift, PEOPLE)}
        counted = known["people"]
        return bool(known["with_people"]), None if counted is None else int(counted)
