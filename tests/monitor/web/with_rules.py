"""The rules of a House: the shipped file, or its own, and what the desk lays over it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

from sqlalchemy import Engine

from alerts.chains.chains_file import load_chains
from alerts.desk.alert_desk import AlertDesk
from config.settings import Settings
from devices.vocabulary import Vocabulary
from monitor.admin.rulebook import RuleBook
from monitor.admin.trials import Trials
from monitor.detector import rule_schema


class WithRules:
    engine: Engine
    settings: Settings
    vocab: Vocabulary
    desk: AlertDesk
    now_ms: Callable[[], int]

    @cached_property
    def rulebook(self) -> RuleBook:
        return RuleBook(
            self.engine, self.settings.site.folder, rule_schema(self.vocab), load_chains(),
            self.now_ms, lambda rules: self.desk.take_up_rules(rules.meta),
        )  # fmt: skip

    @cached_property
    def trials(self) -> Trials:
        return Trials(rank=0)
