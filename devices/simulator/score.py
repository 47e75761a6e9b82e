"""What was raised against what was injected: hits, misses, alarms with no cause."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from devices.simulator.labels import Label


@dataclass(frozen=True, slots=True)
class Ring:
    """One rule that rang on a subject (reg_code or gateway id)."""

    subject: str
    rule: str
    raised_ms: int


@dataclass(slots=True)
class Score:
    """hits: labels heard in time · late: heard, but after their time · missed: not heard ·
    excused: rings that no label asks for but one explains · false: rings without any cause ·
    near: near misses that stayed quiet, of how many.
    """

    hits: list[Label] = field(default_factory=list)
    late: list[Label] = field(default_factory=list)
    missed: list[Label] = field(default_factory=list)
    excused: list[Ring] = field(default_factory=list)
    false: list[Ring] = field(default_factory=list)
    near_quiet: int = 0
    near_all: int = 0

    def as_json(self) -> dict[str, Any]:
        """Return counts as plain JSON values."""
        due = len(self.hits) + len(self.late) + len(self.missed)
        return {
            "injected": due,
            "raised_in_time": len(self.hits),
            "raised_late": len(self.late),
            "missed": len(self.missed),
            "explained": len(self.excused),
            "false": len(self.false),
            "near_misses": self.near_all,
            "near_misses_quiet": self.near_quiet,
        }


def family(rule: str) -> str:
    """Return the number a rule belongs to: a site may split 16 into 16 and 16b."""
    return rule.rstrip("abcdefgh")


def explains(label: Label, rule: str) -> bool:
    """Tell whether a rule may truthfully ring because of what the label says."""
    return family(rule) == label.rule or family(rule) in label.also


def score(
    labels: Sequence[Label], rings: Iterable[Ring], until_ms: int, after_s: float = 900.0
) -> Score:
    """Judge rings by labels. Labels whose time to ring is after `until_ms` are left out.

    after_s: how long after the end of its cause a ring is still explained by it (counts over a
    day, clear times). Lifts the sensors of which cannot show a fault owe nothing.
    """
    found, rung = Score(), list(rings)
    asked_for: set[int] = set()
    explained: set[int] = set()
    for label in labels:
        mine = {i for i, ring in enumerate(rung) if _fits(label, ring, after_s)}
        asked = {i for i in mine if family(rung[i].rule) == label.rule}
        asked_for |= asked
        explained |= mine
        if label.rule is None:
            continue
        if label.visible and label.must_ring_by_ms and label.must_ring_by_ms <= until_ms:
            in_time = any(rung[i].raised_ms <= label.must_ring_by_ms for i in asked)
            (found.hits if in_time else found.late if asked else found.missed).append(label)
    found.excused = [rung[i] for i in sorted(explained - asked_for)]
    found.false = [ring for i, ring in enumerate(rung) if i not in explained]
    near = [label for label in labels if label.rule is None]
    found.near_all = len(near)
    found.near_quiet = sum(not any(_during(label, r) for r in found.false) for label in near)
    return found


def _during(label: Label, ring: Ring) -> bool:
    end_ms = label.end_ms if label.end_ms is not None else ring.raised_ms
    return _about(label, ring) and label.start_ms <= ring.raised_ms <= end_ms + 60_000


def _about(label: Label, ring: Ring) -> bool:
    return ring.subject == label.subject or ring.subject in label.covers


def _fits(label: Label, ring: Ring, after_s: float) -> bool:
    if not _about(label, ring) or not explains(label, ring.rule):
        return False
    end_ms = label.end_ms if label.end_ms is not None else ring.raised_ms
    return label.start_ms <= ring.raised_ms <= end_ms + after_s * 1000
