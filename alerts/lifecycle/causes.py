"""Causes as data: groups, and causes within them, read from causes.toml.

An alert keeps its cause as one string: `group`, `group.cause`, either with `: free text` behind,
or free text alone (what somebody wrote before, or by another way). All of them can be said.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import config
from config.errors import ConfigError
from config.text import Text
from config.toml_file import read_toml

DEFAULT_CAUSES = Path(config.__file__).parent / "defaults" / "causes.toml"


@dataclass(frozen=True, slots=True)
class CauseGroup:
    """One group. `false`: the lift was well, so the alert was a false one."""

    id: str
    text: Text
    causes: Mapping[str, Text]
    false: bool = False


@dataclass(frozen=True)
class Causes:
    """All groups by id, in the order of the file."""

    groups: Mapping[str, CauseGroup]

    def words(self, cause: str | None) -> Text | None:
        """Return a filed cause in words, None if none was filed; free text stays as written."""
        if not cause:
            return None
        key, colon, more = cause.partition(":")
        known = self._known(key.strip())
        if known is None:
            return Text(cause, cause)
        if not (colon and more.strip()):
            return known
        return Text(f"{known.zh}：{more.strip()}", f"{known.en}: {more.strip()}")

    def is_false(self, cause: str | None) -> bool:
        """True when a filed cause says that the lift was well."""
        group = self.groups.get((cause or "").partition(":")[0].partition(".")[0].strip())
        return group is not None and group.false

    def _known(self, key: str) -> Text | None:
        group_id, dot, cause_id = key.partition(".")
        group = self.groups.get(group_id)
        if group is None or not dot:
            return group.text if group else None
        cause = group.causes.get(cause_id)
        if cause is None:
            return None
        return Text(f"{group.text.zh}·{cause.zh}", f"{group.text.en}: {cause.en}")


def load_causes(file: Path = DEFAULT_CAUSES) -> Causes:
    """Read causes.toml. Raises ConfigError naming file, key, value and what would be right."""
    rows = read_toml(file).get("group")
    if not isinstance(rows, list) or not rows:
        raise _refusal(file, "group", rows, "[[group]]")
    groups: dict[str, CauseGroup] = {}
    for i, row in enumerate(rows):
        at = f"group[{i}]."
        ident = _ident(file, at, row, groups)
        causes: dict[str, Text] = {}
        for j, one in enumerate(row.get("cause", [])):
            inner = f"{at}cause[{j}]."
            causes[_ident(file, inner, one, causes)] = _name(file, inner, one)
        false = row.get("false", False)
        if not isinstance(false, bool):
            raise _refusal(file, f"{at}false", false, "true | false")
        groups[ident] = CauseGroup(ident, _name(file, at, row), causes, false)
    return Causes(groups)


def _refusal(file: Path, key: str, value: object, right: str) -> ConfigError:
    return ConfigError(file, key, value, Text(f"应为：{right}", f"should be: {right}"))


def _ident(file: Path, at: str, row: Any, known: Mapping[str, object]) -> str:
    ident = row.get("id") if isinstance(row, dict) else None
    if not isinstance(ident, str) or not ident.isascii() or not ident.replace("_", "").isalnum():
        raise _refusal(file, f"{at}id", ident, "letters, digits and _ / 字母、数字与 _")
    if ident in known:
        raise _refusal(file, f"{at}id", ident, "unique / 不可重复")
    return ident


def _name(file: Path, at: str, row: Mapping[str, Any]) -> Text:
    for key in ("name_zh", "name_en"):
        if not isinstance(row.get(key), str) or not row[key].strip():
            raise _refusal(file, f"{at}{key}", row.get(key), "text / 文字")
    return Text(row["name_zh"], row["name_en"])
