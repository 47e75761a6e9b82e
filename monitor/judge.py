"""Batch in, transitions out: the detector and the rules, where columns become plain objects.

Below this line nothing is an object; above it things are few and matter.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import tzinfo

import numpy as np
from numpy.typing import NDArray

from alerts.model import Evidence, Transition
from alerts.rules import RuleEngine, RuleSet, RuleTransitions
from alerts.rules.tally import count_of
from devices.batch import LinkFact, TelemetryBatch
from devices.registry import Lift, Registry
from devices.vocabulary import Vocabulary
from monitor.detector import DERIVED, Detector, Signals
from monitor.detector.upkeep import CHINA
from monitor.link.clocks import WRONG_MS
from monitor.snapshot import Saved

PEOPLE = ("with_people", "people")
# not of a sample: signals hold no value of them
FLEETWIDE = frozenset(name for name, column in DERIVED.items() if column.time_driven)
SILENCE_EVERY_MS = 1_000


class Judge:
    """Owns the state of the fleet; used by one thread."""

    def __init__(
        self, vocab: Vocabulary, registry: Registry, rules: RuleSet, zone: tzinfo = CHINA
    ) -> None:
        """`zone`: whose calendar the days of the registry belong to."""
        self._registry = registry
        self.rules = rules
        self._silent: frozenset[str] = frozenset()
        self._silent_ms = 0
        self.detector = Detector(
            vocab, registry.columns(), len(registry), codes=rules.codes, zone=zone
        )
        self.engine = RuleEngine(rules, len(registry))
        self.parts: dict[str, Saved] = {"detector": self.detector, "rules": self.engine}

    def __len__(self) -> int:
        return self.detector.n

    def heed_links(self, columns: Mapping[str, NDArray[np.float32]]) -> None:
        """Take what the links tell of the lifts: float32[N] of each column."""
        self.detector.links.take(columns)

    def take_up(self, registry: Registry, now_ms: int) -> list[Transition]:
        """Make room for lifts that joined, know the others as the registry now tells them, and
        forget those that left or were rebuilt. Returns the clearing of what stood on them.

        To be called before `Registry.take_up` changes the registry this judge was made with.
        """
        gone = _changed(self._registry, registry)
        over = self.forget(gone, now_ms) if len(gone) else []
        self.detector.grow(len(registry), registry.columns())
        self.engine.grow(len(registry))
        return over

    def take_up_rules(self, rules: RuleSet, now_ms: int) -> list[Transition]:
        """Go on with other rules. Returns the clearing of what stood under those that are gone."""
        moved = self.engine.take_up(rules, now_ms)
        over = self._transitions(moved, None) if len(moved) else []
        self.detector.name_codes(rules.codes)
        self.rules = rules
        return over

    def expect(self, since_ms: NDArray[np.int64]) -> None:
        """From when lifts that never spoke are expected to, int64[N]; NEVER: as ever."""
        self.detector.silence.since = since_ms

    def forget(self, rows: NDArray[np.int32], now_ms: int) -> list[Transition]:
        """Forget what was learned of these lifts; return the clearing of what stood on them."""
        self.detector.forget(rows)
        moved = self.engine.forget(rows, now_ms)
        return self._transitions(moved, None) if len(moved) else []

    def close(self, now_ms: int) -> list[Transition]:
        """Return the clearing of all that stands; forget every lift."""
        return self.forget(np.arange(len(self._registry), dtype=np.int32), now_ms)

    def judge(self, batch: TelemetryBatch, now_ms: int, number: int) -> list[Transition]:
        """Take a logged batch into the state; return what it changes, in order."""
        found: list[Transition] = []
        for signals in self.detector.update(batch, now_ms):
            moved = self.engine.evaluate(
                signals.rows, signals.at_ms, signals.columns, now_ms, signals.sampled
            )
            if len(moved):
                found += self._transitions(moved, number, signals)
        return found

    def links(self, links: Sequence[tuple[str, LinkFact]]) -> None:
        """Take note of who came and who went, in the order it was said; (gateway, fact) each."""
        gateways, gone, back = self._registry.gateway_index, set[int](), set[int]()
        for gateway, fact in links:
            rows = {fact.lift} if fact.lift is not None else set[int]()
            if fact.lift is None and fact.online:  # a node that is born again: as is what it serves
                number = gateways.get(gateway, -1)
                rows = set(np.flatnonzero(self._registry.lift_gateway == number).tolist())
            gone, back = (gone - rows, back | rows) if fact.online else (gone | rows, back - rows)
        self.detector.silence.welcome(np.array(sorted(back), np.int32))
        self.detector.silence.goodbye(np.array(sorted(gone), np.int32))

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

    def _transitions(
        self, moved: RuleTransitions, number: int | None, signals: Signals | None = None
    ) -> list[Transition]:
        """Make plain objects, in the order of `moved`; evidence is gathered a rule at a time."""
        made: dict[int, Transition] = {}
        for rule in np.unique(moved.rule).tolist():
            places = np.flatnonzero(moved.rule == rule)
            names = [name for name in self.rules.rules[rule].names if count_of(name) is None]
            counts = [name for name in self.rules.rules[rule].names if count_of(name)]
            told = self._told(moved.lift[places], (*PEOPLE, *_with_parts(names)), signals)
            for place, evidence in zip(places.tolist(), told, strict=True):
                slot = self._registry.slots[int(moved.lift[place])]
                if slot is None:  # left the site; its row stays reserved and says nothing
                    continue
                inside, people = evidence[0].value, evidence[1].value
                made[place] = Transition(
                    "lift",
                    slot.reg_code,
                    self.rules.rules[rule].id,
                    bool(moved.raised[place]),
                    int(moved.at_ms[place]),
                    int(moved.since_ms[place]),
                    bool(inside),
                    None if people is None else int(people),
                    (
                        *(one for one in evidence[len(PEOPLE) :] if not _mute(one)),
                        *self._counted(moved, place, counts),
                        *self._by_what_clock(int(moved.lift[place]), names),
                    ),
                    number,
                )
        return [made[place] for place in sorted(made)]

    def _by_what_clock(self, row: int, names: Collection[str]) -> list[Evidence]:
        """Where a lift's clock is wrong, all its times are not its own: say so."""
        offset_s = self.detector.links.offset_s(row)
        if not abs(offset_s) > WRONG_MS / 1000 or "clock_offset_s" in names:  # NaN is not above
            return []
        return [Evidence("clock_offset_s", offset_s, max(0, int(self.detector.fleet.at_ms[row])))]

    def _counted(self, moved: RuleTransitions, place: int, names: list[str]) -> list[Evidence]:
        lift, at_ms = int(moved.lift[place]), int(moved.at_ms[place])
        return [Evidence(*self.engine.tally.evidence(lift, name, at_ms)) for name in names]

    def _told(
        self, rows: NDArray[np.int32], names: tuple[str, ...], signals: Signals | None
    ) -> list[list[Evidence]]:
        """Return the evidence of each lift: values of the moment that moved the rule, not of what
        the rest of the batch made of it."""
        known = self.detector.evidence_of(rows, names)
        told = [[Evidence(*one) for one in row] for row in known]
        if signals is None:
            return told
        order = np.argsort(signals.rows, kind="stable")
        place = order[np.searchsorted(signals.rows, rows, sorter=order)]
        for j, name in enumerate(names):
            if name in FLEETWIDE:
                continue
            values = signals.columns[name][place].tolist()
            for row, value in zip(told, values, strict=True):
                row[j] = replace(row[j], value=None if value != value else value)  # noqa: PLR0124
        return told


def _changed(old: Registry, new: Registry) -> NDArray[np.int32]:
    """Return rows whose lift left, or is another machine now: what was learned of it is void."""

    def machine(lift: Lift | None) -> tuple[object, ...]:
        if lift is None:
            return ()
        return (lift.reg_code, lift.type, lift.rated_speed, lift.rated_load_kg)

    pairs = zip(old.slots, new.slots, strict=False)
    rows = [i for i, (was, now) in enumerate(pairs) if was and machine(was) != machine(now)]
    return np.array(rows, np.int32)


def _with_parts(names: Collection[str]) -> list[str]:
    """Return the names of a rule, each followed by what says why it is so."""
    told: dict[str, None] = {}
    for name in names:
        told[name] = None
        column = DERIVED.get(name)
        told |= dict.fromkeys(column.parts if column else ())
    return list(told)


def _mute(one: Evidence) -> bool:
    """A piece of evidence that weighs nothing need not be told."""
    column = DERIVED.get(one.name)
    nobody_knows = one.name == "link_behind_s" and one.value is None
    return nobody_knows or (column is not None and column.unit == "odds" and not one.value)
