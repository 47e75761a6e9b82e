"""Labels: what was really wrong, where and when, so that what is raised can be judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(slots=True)
class Label:
    """One thing that happened. `rule` is the rule that must ring; None for a near miss.

    subject: reg_code of a lift or id of a gateway · row: lift row, −1 for a gateway ·
    start_ms: the first instant at which the condition is physically there ·
    must_ring_by_ms: latest moment for the rule, None where nothing may ring ·
    end_ms: when the condition was over, None while it lasts ·
    near: the rule a near miss comes close to · also: rules that may truthfully ring beside it ·
    visible: the sensors of this lift can show it at all · covers: reg_codes that share it.
    """

    subject_kind: str
    subject: str
    row: int
    fault: str
    rule: str | None
    start_ms: int
    must_ring_by_ms: int | None
    end_ms: int | None = None
    near: str | None = None
    also: frozenset[str] = frozenset()
    people: int = 0
    visible: bool = True
    covers: frozenset[str] = frozenset()

    @staticmethod
    def from_json(said: Mapping[str, Any], row: int) -> Label:
        """Return the label that `as_json` told; its row is the registry's to say."""
        sets = {name: frozenset(said[name]) for name in ("also", "covers")}
        return Label(**{**said, **sets, "row": row})

    def as_json(self) -> dict[str, Any]:
        """Return the label as plain JSON values."""
        return {
            "subject_kind": self.subject_kind,
            "subject": self.subject,
            "fault": self.fault,
            "rule": self.rule,
            "near": self.near,
            "also": sorted(self.also),
            "start_ms": self.start_ms,
            "must_ring_by_ms": self.must_ring_by_ms,
            "end_ms": self.end_ms,
            "people": self.people,
            "visible": self.visible,
            "covers": sorted(self.covers),
        }
