"""What was raised against what was injected: labels of the simulator beside our alerts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

GRACE_MS = 5_000
"""Ticks and batches of a service that runs faster than the wall; domain default."""


@dataclass(frozen=True, slots=True)
class Raised:
    """One alert, as far as judging it needs."""

    subject: str
    rule: str
    since_ms: int
    raised_ms: int


def _same(rule: str | None, other: str) -> bool:
    """Parts of one rule of the standard ("16", "16b") speak of the same thing."""
    return rule is not None and rule.rstrip("abcd") == other.rstrip("abcd")


def _covers(label: Mapping[str, Any], alert: Raised) -> bool:
    same = alert.subject == label["subject"] or alert.subject in label["covers"]
    end_ms = label["end_ms"]
    began = alert.since_ms >= label["start_ms"] - GRACE_MS
    return same and began and (end_ms is None or alert.since_ms <= end_ms + GRACE_MS)


def score(
    labels: Iterable[Mapping[str, Any]], alerts: Iterable[Raised], until_ms: int, speed: float = 1.0
) -> dict[str, Any]:
    """Return how many injected faults were found in time, late or not, and what was false.

    Not counted is a fault without a limit, with a limit after `until_ms`, or that the sensors of
    its lift cannot show; a near miss must not ring by its own rule.
    """
    told, found_all = list(labels), list(alerts)
    grace_ms = round(GRACE_MS * max(1.0, speed / 4))
    due = [
        label
        for label in told
        if label["rule"]
        and label["visible"]
        and label["must_ring_by_ms"] is not None
        and label["must_ring_by_ms"] + grace_ms <= until_ms
    ]
    missed, late = [], 0
    for label in due:
        hits = [a for a in found_all if _covers(label, a) and _same(label["rule"], a.rule)]
        if not hits:
            missed.append(f"{label['fault']} {label['subject']}")
        elif min(a.raised_ms for a in hits) > label["must_ring_by_ms"] + grace_ms:
            late += 1
    false = [a for a in found_all if not any(_explains(label, a) for label in told)]
    return {
        "injected": len(due),
        "found": len(due) - len(missed),
        "late": late,
        "missed": missed,
        "near_misses": sum(label["rule"] is None for label in told),
        "false": [f"rule {a.rule} {a.subject}" for a in false],
    }


def _explains(label: Mapping[str, Any], alert: Raised) -> bool:
    may = (label["rule"], *label["also"])
    return any(_same(rule, alert.rule) for rule in may) and _covers(label, alert)
