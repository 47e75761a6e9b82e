"""Batch in, transitions out: the detector and the rules, where columns become plain objects.

Below this line nothing is an object; above it things are few and matter.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import numpy as np

from alerts.model import Evidence, Transition
from alerts.rules import RuleEngine, RuleSet, RuleTransitions
from devices.batch import TelemetryBatch
from devices.registry import Registry
from devices.vocabulary import Vocabulary
from monitor.detector import Detector
from monitor.snapshot import Saved


class Judge:
    """Owns the state of the fleet; used by one thread."""

    def __init__(self, vocab: Vocabulary, registry: Registry, rules: RuleSet) -> None:
        self._registry = registry
        self.rules = rules
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
        return self._transitions(moved, None) if len(moved) else []

    def silent_gateways(self) -> Collection[str]:
        """Return the gateways whose lifts are all silent, as of the last tick."""
        rows = np.flatnonzero(self.detector.silent_gateways())
        return {self._registry.gateways[row].id for row in rows.tolist()}

    def _transitions(self, moved: RuleTransitions, number: int | None) -> list[Transition]:
        columns = (moved.lift, moved.rule, moved.raised, moved.at_ms, moved.since_ms)
        made = []
        for lift, rule, raised, at_ms, since_ms in zip(*(c.tolist() for c in columns), strict=True):
            slot = self._registry.slots[lift]
            if slot is None:  # left the site; its row stays reserved and says nothing
                continue
            names = self.rules.rules[rule].names
            with_people, people = self.detector.people(lift)
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


def rules_file(site: Path, default: Path) -> Path:
    """Return the site's own rules.toml where it has one, else the shipped one."""
    own = site / "rules.toml"
    return own if own.exists() else default
