"""Runs a story through the real detector and the real rules, without broker or database."""

from __future__ import annotations

from pathlib import Path

from alerts.rules import DEFAULT_RULES, RuleEngine, RuleTransitions, load_rules
from devices.simulator.scenario import load_scenario
from devices.simulator.story import Heard, Story
from devices.vocabulary import load_vocabulary
from monitor.detector import Detector, rule_schema

SCENARIOS = Path(__file__).parents[2] / "scenarios"
# event times decide what rings, so longer strides only save time
STRIDE_S, LONG_STRIDE_S, LONG_S = 2.0, 10.0, 3600.0


class Listener:
    """Detector and rules over one story; `heard` is what rang, in order."""

    def __init__(self, story: Story) -> None:
        vocab, n = story.vocab, len(story.registry)
        self.rules = load_rules(DEFAULT_RULES, rule_schema(vocab))
        self.detector = Detector(vocab, story.registry.columns(), n, codes=self.rules.codes)
        self.engine = RuleEngine(self.rules, n)
        self.heard: list[Heard] = []

    def listen(self, story: Story) -> list[Heard]:
        long = story.scenario.length_s > LONG_S
        for page in story.pages(LONG_STRIDE_S if long else STRIDE_S):
            for signals in self.detector.update(page.batch, page.now_ms):
                self._note(
                    self.engine.evaluate(
                        signals.rows, signals.at_ms, signals.columns, page.now_ms, signals.sampled
                    )
                )
            self._note(self.engine.tick(page.now_ms, self.detector.tick(page.now_ms)))
        return self.heard

    def _note(self, moved: RuleTransitions) -> None:
        for i in range(len(moved)):
            row, rule = int(moved.lift[i]), self.rules.ids[int(moved.rule[i])]
            at_ms = int(moved.at_ms[i])
            if moved.raised[i]:
                self.heard.append(Heard(row, rule, at_ms))
                continue
            for ring in reversed(self.heard):
                if (ring.row, ring.rule) == (row, rule):
                    ring.cleared_ms = at_ms
                    break


def tell(name: str, folder: Path) -> tuple[Story, list[Heard]]:
    """Run one story of tests/scenarios; return it and what was heard."""
    story = Story(load_scenario(SCENARIOS / f"{name}.toml"), folder, load_vocabulary())
    return story, Listener(story).listen(story)
