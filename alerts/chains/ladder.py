"""Chains: who is told, after how long, until what; and which arrival profile holds where.

They are data: chains_file.py reads and checks them. The shipped ones are those of
config/defaults/chains.toml: R rescue, F fault, A administrative, O duty desk, U use unit, D nobody
on duty. Their limits are domain defaults that a site may change in its own file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import config
from alerts.directory.contracts import Served
from alerts.directory.units import ROLES
from alerts.model import RuleMeta
from config.errors import ConfigError
from config.text import Text

DEFAULT_CHAINS = Path(config.__file__).parent / "defaults" / "chains.toml"
UNTIL: Mapping[str, Text] = {
    "acknowledged": Text("有人确认", "somebody acknowledges"),
    "accepted": Text("有人接单", "somebody accepts"),
    "departed": Text("有人出发", "somebody sets out"),
    "arrived": Text("有人到场", "somebody arrives"),
    "freed": Text("乘客解困", "the passengers are free"),
    "cause_filed": Text("填报原因", "the cause is filed"),
    "answered:use_unit": Text("使用单位应答", "the use unit answers"),
    "answered:maintenance": Text("维保单位应答", "the firm answers"),
}
MARKS = ("accident",)
LONGEST_S = 400 * 86400


@dataclass(frozen=True, slots=True)
class ChainStep:
    """One rung. Either `after_s` or `of_arrival` (a share of the arrival limit) is set.

    `severities`: the step belongs to alerts of these alone; empty = all. `channels`: tried first
    and in this order, a person's other ones after them; with `every_channel` these at once, or all
    of somebody who has none of them.
    """

    id: str
    text: Text
    to: tuple[str, ...]
    until: tuple[str, ...]
    after_s: float | None = None
    of_arrival: float | None = None
    every_channel: bool = False
    mark: str | None = None
    severities: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()

    def due_ms(self, raised_ms: int, arrival_s: float) -> int:
        """Return when the step is due for an alert raised then."""
        after_s = arrival_s * (self.of_arrival or 0) if self.after_s is None else self.after_s
        return raised_ms + round(after_s * 1000)


@dataclass(frozen=True, slots=True)
class Chain:
    """One ladder of steps; with `rescue` its alerts have rescue states."""

    id: str
    text: Text
    rescue: bool
    steps: tuple[ChainStep, ...]

    def steps_for(self, severity: str) -> tuple[ChainStep, ...]:
        """Return the steps of an alert of this severity."""
        return tuple(s for s in self.steps if not s.severities or severity in s.severities)


class Placed(Served, Protocol):
    """What is asked of a lift to find its arrival profile."""

    @property
    def street_office(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Area:
    """Where a profile holds: any lift that one of its lists names."""

    profile: str
    lifts: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    use_units: tuple[str, ...] = ()
    street_offices: tuple[str, ...] = ()

    def holds(self, lift: Placed) -> bool:
        """True if it names the lift."""
        return (
            lift.id in self.lifts
            or lift.group in self.groups
            or lift.use_unit in self.use_units
            or lift.street_office in self.street_offices
        )


@dataclass(frozen=True)
class Chains:
    """All chains, and the arrival profiles: `profile` where no area names another."""

    chains: Mapping[str, Chain]
    profiles: Mapping[str, float]
    profile: str
    areas: tuple[Area, ...] = ()

    def profile_of(self, lift: Placed) -> str:
        """Return the arrival profile of a lift: of the first area that names it."""
        return next((area.profile for area in self.areas if area.holds(lift)), self.profile)

    def arrival_ms(self, profile: str) -> int:
        """Return the time from the raise to arrival on site, in ms."""
        return round(self.profiles[profile] * 1000)

    def of(self, name: str) -> Chain:
        """Return a chain by `ID` or `ID+role+role`: the further roles are told at once.

        Raises KeyError for an unknown chain or role; `check` finds that at start-up.
        """
        base_id, *roles = name.split("+")
        base = self.chains[base_id]
        if not roles:
            return base
        also = tuple(_also(role) for role in roles)
        return Chain(name, base.text, base.rescue, base.steps + also)

    def step(self, chain: str, step: str) -> ChainStep | None:
        """Return a step of a chain, None when a changed file no longer has it."""
        try:
            steps = self.of(chain).steps
        except KeyError:
            return None
        return next((s for s in steps if s.id == step), None)

    def check(self, rules: Iterable[RuleMeta], file: Path | str = "rules.toml") -> None:
        """Raise ConfigError when a rule names a chain or a role that is not there, or a chain that
        has no step for the rule's severity."""
        for rule in rules:
            for key in ("chain", "chain_with_people"):
                name = getattr(rule, key)
                if name is None:
                    continue
                try:
                    chain = self.of(name)
                except KeyError:
                    known = " | ".join(self.chains) + ", + " + " | ".join(ROLES)
                    way_out = Text(f"应为：{known}", f"should be: {known}")
                    raise ConfigError(file, f"rule {rule.id}, {key}", name, way_out) from None
                people = key == "chain_with_people"
                severity = (rule.severity_with_people if people else None) or rule.severity
                if not chain.steps_for(severity):
                    way_out = Text(
                        f"该链没有适用于 {severity} 的步骤：请改规则的链，或步骤的 severities",
                        f"a chain with a step for {severity}: change the rule's chain or the "
                        f"steps' severities",
                    )
                    raise ConfigError(file, f"rule {rule.id}, {key}", name, way_out)


def _also(role: str) -> ChainStep:
    if role not in ROLES:
        raise KeyError(role)
    text = Text(f"同时通知：{role}", f"told at once: {role}")
    return ChainStep(f"also_{role}", text, (role,), ("acknowledged",), after_s=0)
