"""Reads and checks chains.toml. A refusal names file, key, value and what would be right."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from alerts.chains.ladder import (
    DEFAULT_CHAINS,
    LONGEST_S,
    MARKS,
    UNTIL,
    Area,
    Chain,
    Chains,
    ChainStep,
)
from alerts.directory.units import CHANNELS, ROLES
from alerts.model import SEVERITIES
from config.errors import ConfigError
from config.text import Text
from config.toml_file import read_toml

__all__ = ["DEFAULT_CHAINS", "Area", "Chain", "ChainStep", "Chains", "load_chains"]

OWN_CHAINS = ("D",)  # of the desk's own alerts: a site's file that lacks them gets the shipped ones
_STEP_KEYS = (
    "id", "after_s", "of_arrival", "to", "until", "every_channel", "mark", "name_zh", "name_en",
    "severities", "channels",
)  # fmt: skip
_AREA_KEYS = ("lifts", "groups", "use_units", "street_offices")


def load_chains(file: Path = DEFAULT_CHAINS, profile: str = "urban") -> Chains:
    """Read chains.toml. Raises ConfigError with file, key, value and what would be right."""
    data = read_toml(file)
    _only(file, "", data, ("version", "profile", "area", "chain"))
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
    if file != DEFAULT_CHAINS and not all(name in chains for name in OWN_CHAINS):
        shipped = load_chains().chains
        chains = {name: shipped[name] for name in OWN_CHAINS} | chains
    return Chains(chains, profiles, profile, _areas(file, data.get("area", []), profiles))


def _areas(file: Path, rows: object, profiles: Mapping[str, float]) -> tuple[Area, ...]:
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise _refusal(file, "area", rows, "[[area]]")
    return tuple(_area(file, f"area[{i}].", row, profiles) for i, row in enumerate(rows))


def _area(file: Path, at: str, row: Mapping[str, Any], profiles: Mapping[str, float]) -> Area:
    _only(file, at, row, ("profile", *_AREA_KEYS))
    if row.get("profile") not in profiles:
        raise _refusal(file, f"{at}profile", row.get("profile"), " | ".join(profiles))
    named = {key: _words(file, f"{at}{key}", row[key]) for key in _AREA_KEYS if key in row}
    if not any(named.values()):
        raise _refusal(file, f"{at}groups", None, "one of / 其一: " + " | ".join(_AREA_KEYS))
    return Area(row["profile"], **named)


def _words(file: Path, key: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise _refusal(file, key, value, "a list / 列表")
    for one in value:
        if not isinstance(one, str) or not one:
            raise _refusal(file, key, one, "text / 文字")
    return tuple(value)


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
    _only(file, at, row, ("rescue", "name_zh", "name_en", "severities", "step"))
    if "+" in name:
        raise _refusal(file, f"chain.{name}", name, "a name without + / 不含 +")
    rescue = row.get("rescue", False)
    if not isinstance(rescue, bool):
        raise _refusal(file, f"{at}rescue", rescue, "true | false")
    rows = row.get("step")
    if not isinstance(rows, list) or not rows:
        raise _refusal(file, f"{at}step", rows, f"[[chain.{name}.step]]")
    steps: dict[str, ChainStep] = {}
    general = _list(file, f"{at}severities", row.get("severities", []), SEVERITIES)
    for i, one in enumerate(rows):
        if not isinstance(one, dict):
            raise _refusal(file, f"{at}step[{i}]", one, f"[[chain.{name}.step]]")
        step = _step(file, f"{at}step[{i}].", one, general)
        if step.id in steps:
            raise _refusal(file, f"{at}step[{i}].id", step.id, "unique / 不可重复")
        steps[step.id] = step
    return Chain(name, _name(file, at, row), rescue, tuple(steps.values()))


def _step(file: Path, at: str, row: Mapping[str, Any], general: tuple[str, ...]) -> ChainStep:
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
    until = _list(file, f"{at}until", row.get("until"), tuple(UNTIL))
    severities = _list(file, f"{at}severities", row.get("severities", []), SEVERITIES) or general
    channels = _list(file, f"{at}channels", row.get("channels", []), CHANNELS)
    return ChainStep(
        ident, _name(file, at, row), to, until, after_s, share, every, mark, severities, channels
    )


def _list(file: Path, key: str, value: object, allowed: tuple[str, ...]) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise _refusal(file, key, value, "a list / 列表")
    for one in value:
        if one not in allowed:
            raise _refusal(file, key, one, " | ".join(allowed))
    return tuple(value)
