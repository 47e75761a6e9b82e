"""Rules are data: an expression over columns, compiled to numpy, with hold and clear times."""

from __future__ import annotations

from alerts.rules.engine import RuleEngine
from alerts.rules.load import DEFAULT_RULES, load_rules, parse_rules
from alerts.rules.model import Columns, Rule, RuleError, RuleSet, RuleTransitions, Schema

__all__ = [
    "DEFAULT_RULES",
    "Columns",
    "Rule",
    "RuleEngine",
    "RuleError",
    "RuleSet",
    "RuleTransitions",
    "Schema",
    "load_rules",
    "parse_rules",
]
