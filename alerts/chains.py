"""Chains as data: who is told, after how long, until what. Reads and checks chains.toml.

The shipped chains are those of config/defaults/chains.toml: R rescue, F fault, A administrative,
O duty desk. Their limits are domain defaults that a site may change in its own file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import config
from alerts.directory import ROLES
from alerts.model import RuleMeta
from config.errors import ConfigError
from config.text import Text
from config.toml_file import read_toml

DEFAULT_CHAINS = Path(config.__file__).parent / "defaults" / "chains.toml"
UNTIL = (
    "acknowledged", "accepted", "departed", "arrived", "freed", "cause_filed",
    "answered:use_unit", "answered:maintenance",
)  # fmt: skip
MARKS = ("accident",)
LONGEST_S = 400 * 86400
_STEP_KEYS = (
    "id", "after_s", "of_arrival", "to", "until", "every_channel", "mark", "name_zh", "name_en",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ChainStep:
    """One rung. Either `after_s` or `of_arrival` (a share of the arrival limit) is set."""

    id: str
    text: Text
    to: tuple[str, ...]
    until: tuple[str, ...]
    after_s: float | None = None
    of_arrival: float | None = None
    every_channel: bool = False
    mark: str | None = None

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


@dataclass(frozen=True)
class Chains:
    """All chains and the arrival profile in force."""

    chains: Mapping[str, Chain]
    profiles: Mapping[str, float]
    profile: str

    @property
    def arrival_s(self) -> float:
        """Seconds from the raise to arrival on site."""
        return self.profiles[self.profile]

    @property
    def arrival_ms(self) -> int:
        """The same in ms."""
        return round(self.arrival_s * 1000)

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
        """Raise ConfigError when a rule names a chain or a role that is not there."""
        for rule in rules:
            for key in ("chain", "chain_with_people"):
                name = getattr(rule, key)
                if name is None:
                    continue
                try:
                    self.of(name)
                except KeyError:
                    known = " | ".join(self.chains) + ", + " + " | ".join(ROLES)
                    way_out = Text(f"应为：{known}", f"should be: {known}")
                    raise ConfigError(file, f"rule {rule.id}, {key}", name, way_out) from None


def _also(role: str) -> ChainStep:
    if role not in ROLES:
        raise KeyError(role)
    text = Text(f"同时通知：{role}", f"told at once: {role}")
    return ChainStep(f"also_{role}", text, (role,), ("acknowledged",), after_s=0)


def load_chains(file: Path = DEFAULT_CHAINS, profile: str = "urban") -> Chains:
    """Read chains.toml. Raises ConfigError with file, key, value and what would be right."""
    data = read_toml(file)
    _only(file, "", data, ("version", "profile", "chain"))
    if data.get("version") != 1:
        raise _refusal(file, "version", data.get("version"), "1")
    profiles = {
        name: _number(file, f"profile.{name}.arrival_s", row.get("arrival_s"), 60, 86400)
        for name, row in _tables(file, "profile", data.get("profile")).items()
    }
    if profile not in profiles:
        raise _refusal(file, "profile", profile, " | ".join(profiles) or "[profile.urban]")
    chains = {
        name: _chain(file, name, row)
        for name, row in _tables(file, "chain", data.get("chain")).items()
    }
    return Chains(chains, profiles, profile)


def _refusal(file: Path, key: str, value: object, right: str) -> ConfigError:
    return ConfigError(file, key, value, Text(f"应为：{right}", f"should be: {right}"))


def _only(file: Path, at: str, row: Mapping[str, Any], names: tuple[str, ...]) -> None:
    for key in row:
        if key not in names:
            raise _refusal(file, f"{at}{key}", row[key], " | ".join(names))


def _tables(file: Path, key: str, value: object) -> dict[str, dict[str, Any]]:
    if not isinstance(value, dict) or not value:
        raise _refusal(file, key, value, f"[{key}.NAME] …")
    for name, row in value.items():
        if not isinstance(row, dict):
            raise _refusal(file, f"{key}.{name}", row, f"[{key}.{name}]")
    return value


def _number(file: Path, key: str, value: object, lo: float, hi: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not lo <= value <= hi:
        raise _refusal(file, key, value, f"{lo:g}..{hi:g}")
    return float(value)


def _name(file: Path, at: str, row: Mapping[str, Any]) -> Text:
    for key in ("name_zh", "name_en"):
        if not isinstance(row.get(key), str) or not row[key].strip():
            raise _refusal(file, f"{at}{key}", row.get(key), "text / 文字")
    return Text(row["name_zh"], row["name_en"])


def _chain(file: Path, name: str, row: Mapping[str, Any]) -> Chain:
    at = f"chain.{name}."
    _only(file, at, row, ("rescue", "name_zh", "name_en", "step"))
    if "+" in name:
        raise _refusal(file, f"chain.{name}", name, "a name without + / 不含 +")
    rescue = row.get("rescue", False)
    if not isinstance(rescue, bool):
        raise _refusal(file, f"{at}rescue", rescue, "true | false")
    rows = row.get("step")
    if not isinstance(rows, list) or not rows:
        raise _refusal(file, f"{at}step", rows, f"[[chain.{name}.step]]")
    steps: dict[str, ChainStep] = {}
    for i, one in enumerate(rows):
        step = _step(file, f"{at}step[{i}].", one)
        if step.id in steps:
            raise _refusal(file, f"{at}step[{i}].id", step.id, "unique / 不可重复")
        steps[step.id] = step
    return Chain(name, _name(file, at, row), rescue, tuple(steps.values()))


def _step(file: Path, at: str, row: Mapping[str, Any]) -> ChainStep:
    _only(file, at, row, _STEP_KEYS)
    ident = row.get("id")
    if not isinstance(ident, str) or not ident.replace("_", "").isalnum():
        raise _refusal(file, f"{at}id", ident, "letters, digits and _ / 字母、数字与 _")
    if ("after_s" in row) == ("of_arrival" in row):
        raise _refusal(file, f"{at}after_s", row.get("after_s"), "after_s or of_arrival, one")
    after_s = share = None
    if "after_s" in row:
        after_s = _number(file, f"{at}after_s", row["after_s"], 0, LONGEST_S)
    else:
        share = _number(file, f"{at}of_arrival", row["of_arrival"], 0, 10)
    mark = row.get("mark")
    if mark is not None and mark not in MARKS:
        raise _refusal(file, f"{at}mark", mark, " | ".join(MARKS))
    every = row.get("every_channel", False)
    if not isinstance(every, bool):
        raise _refusal(file, f"{at}every_channel", every, "true | false")
    to = _list(file, f"{at}to", row.get("to"), ROLES)
    until = _list(file, f"{at}until", row.get("until"), UNTIL)
    return ChainStep(ident, _name(file, at, row), to, until, after_s, share, every, mark)


def _list(file: Path, key: str, value: object, allowed: tuple[str, ...]) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise _refusal(file, key, value, "a list / 列表")
    for one in value:
        if one not in allowed:
            raise _refusal(file, key, one, " | ".join(allowed))
    return tuple(value)
