"""What marks a drill: its rule, its words, its place behind everything real.

Everything that pages, lists or tells may ask here; nothing is imported but the nouns.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from alerts.model import SEVERITIES, Transition
from config.text import Text

PREFIX = "drill:"
END = "drill_end"
"""The step of the timer that ends a drill by itself."""
ENDS = Text("演练自动结束", "the exercise ends by itself")
NOT_REAL = Text(
    "这是演练，不是真实警情。请照常接单、到场，逐步点按。",
    "This is an exercise, not a real alarm. Please act as always, step by step.",
)


def real_rule(ident: str) -> str:
    """Return the rule a drill exercises; a real rule is its own."""
    return ident.removeprefix(PREFIX)


def marked(text: Text) -> Text:
    """Return a rule's text as a drill of it says it."""
    return Text(f"【演练】{text.zh}", f"[EXERCISE] {text.en}")


def transition(lift: str, rule: str, people: int, now_ms: int) -> Transition:
    """Return what raises a drill."""
    return Transition(
        "lift", lift, PREFIX + rule, True, now_ms, now_ms, True, people, exercise=True
    )


def priority(row: Mapping[str, Any]) -> int:
    """Return in which order an alert's timers and pages go: an exercise after all that is real."""
    return len(SEVERITIES) - 1 if row["exercise"] else int(row["severity_rank"])
