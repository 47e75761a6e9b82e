"""What a rule is, what the rules may name, and how a wrong rule file is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from alerts.model import RuleMeta
from alerts.rules.nodes import Node
from config.errors import ConfigError
from config.text import Text
from devices.vocabulary import EnumValue, Kind


class Column(Protocol):
    """What type checking must know of a column that a rule may name."""

    @property
    def kind(self) -> Kind: ...

    @property
    def unit(self) -> str: ...

    @property
    def values(self) -> Mapping[int, EnumValue]: ...

    @property
    def time_driven(self) -> bool:
        """True where the value changes by waiting alone, without a sample of the lift."""


Schema = Mapping[str, Column]
Columns = Mapping[str, NDArray[np.float32]]


class RuleError(ConfigError):
    """A rule file that cannot be meant: file, rule, key, position, value and the way out.

    `position` is the 1-based column in the expression, None where the value is no expression;
    `line` is the line of the file, None where it cannot be told.
    """

    def __init__(
        self,
        file: Path | str,
        rule: str,
        key: str,
        value: object,
        way_out: Text,
        *,
        position: int | None = None,
        line: int | None = None,
    ) -> None:
        self.rule, self.position, self.line = rule, position, line
        where = ", ".join(
            part
            for part in (
                f"line {line}" if line else "",
                f"rule {rule}" if rule else "",
                key,
                f"column {position}" if position else "",
            )
            if part
        )
        super().__init__(file, where, value, way_out)
        self.key = key


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: when it is true, for how long, and what it then means.

    Of `hold_s` at least `seen_s` must lie between samples that say so; the rest may elapse while
    the lift is silent. By default all of it: silence is no evidence.

    `when` must be definitely true for `hold_s` and `min_samples` consecutive samples;
    `at_once` (may be None) needs neither. Suppressed while `suppressed_by` is definitely true.
    Cleared once definitely false for `clear_s`. `names` are all columns of the expressions.
    """

    id: str
    text: Text
    source: str
    when: Node
    at_once: Node | None
    suppressed_by: Node | None
    hold_s: float
    seen_s: float
    clear_s: float
    min_samples: int
    meta: RuleMeta
    names: tuple[str, ...]
    time_driven: bool
    bell: bool = True


@dataclass(frozen=True)
class RuleSet:
    """All rules of a site in the order of its file; `rules[i]` is rule number i everywhere."""

    rules: tuple[Rule, ...]
    file: str = ""
    defines: Mapping[str, Node] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.rules)

    @property
    def ids(self) -> tuple[str, ...]:
        """Rule ids by rule number."""
        return tuple(rule.id for rule in self.rules)

    @property
    def meta(self) -> dict[str, RuleMeta]:
        """What alerting must know, by rule id."""
        return {rule.id: rule.meta for rule in self.rules}

    @property
    def codes(self) -> tuple[int, ...]:
        """Message codes that some expression names by code(N) or once(N), ascending."""
        found = {
            int(name[5:-1])
            for rule in self.rules
            for name in rule.names
            if name.startswith(("code(", "once("))
        }
        return tuple(sorted(found))


@dataclass(slots=True)
class RuleTransitions:
    """p changes of (lift, rule): lift int32[p], rule int16[p] (number in the RuleSet),
    raised bool[p], at_ms int64[p] when it was due, since_ms int64[p] onset of the condition.

    In order: of one lift and rule a clearing stands before the raise that follows it.
    """

    lift: NDArray[np.int32]
    rule: NDArray[np.int16]
    raised: NDArray[np.bool_]
    at_ms: NDArray[np.int64]
    since_ms: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.lift)

    @staticmethod
    def empty() -> RuleTransitions:
        """Return no change."""
        none = np.empty(0, np.int64)
        return RuleTransitions(
            none.astype(np.int32), none.astype(np.int16), none.astype(np.bool_), none, none
        )

    @staticmethod
    def join(parts: list[RuleTransitions]) -> RuleTransitions:
        """Return all parts in the order given."""
        parts = [part for part in parts if len(part)]
        if not parts:
            return RuleTransitions.empty()
        if len(parts) == 1:
            return parts[0]
        return RuleTransitions(
            np.concatenate([part.lift for part in parts]),
            np.concatenate([part.rule for part in parts]),
            np.concatenate([part.raised for part in parts]),
            np.concatenate([part.at_ms for part in parts]),
            np.concatenate([part.since_ms for part in parts]),
        )
