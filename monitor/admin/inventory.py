"""Every setting there is: its value now, where that comes from, what it means. Secrets are masked.

A value comes from the environment (which wins), from a line of the settings file, or is the
default; what else differs was given when the service was started (the demo does).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr

from config.errors import ConfigError
from config.meanings import MEANINGS, SECTIONS
from config.settings import Settings, load_settings
from config.text import Text
from config.toml_file import read_toml

PREFIX = "LIFTWATCH_"
MASK = "••••••"
# A password that was not encoded may hold any sign: up to the last @ where there is a colon.
USER_INFO = re.compile(r"(://)(?:[^\s/?#@]*:\S*|[^\s/?#]*)@")
SECRET_PARAMETER = re.compile(
    r"([?&][^\s=&#]*(?:password|passwd|secret|token)[^\s=&#]*=)[^\s&#{}]+", re.IGNORECASE
)
UNKNOWN = Text("未说明", "not told")


@dataclass(frozen=True, slots=True)
class Entry:
    """One setting. source: environment, file, default, start · line: of the file ·
    pending: what the file says by now, where that counts only after the next start."""

    key: str
    value: str
    source: str
    line: int | None
    variable: str
    default: str
    pending: str | None
    meaning: Text

    def as_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "key": self.key,
            "value": self.value,
            "source": self.source,
            "line": self.line,
            "variable": self.variable,
            "default": self.default,
            "pending": self.pending,
            "meaning": self.meaning.as_json(),
        }


def keys(model: type[BaseModel] = Settings, before: str = "") -> Iterator[str]:
    """Yield the dotted name of every setting, in the order of the file."""
    for name, info in model.model_fields.items():
        kind = info.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from keys(kind, f"{before}{name}.")
        else:
            yield f"{before}{name}"


def value_of(settings: BaseModel, key: str) -> Any:
    """Return the value under a dotted name."""
    found: Any = settings
    for part in key.split("."):
        found = getattr(found, part)
    return found


def told(value: Any) -> str:
    """Return a value for people; of a secret only whether it is set."""
    if value is None or value in ([], {}):
        return "–"
    if isinstance(value, SecretStr):
        return MASK
    if isinstance(value, Mapping):
        return ", ".join(f"{name} = {told(one)}" for name, one in value.items())
    if isinstance(value, list):
        return ", ".join(told(one) for one in value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) else without_secrets(str(value))


def without_secrets(text: str) -> str:
    """Return a text without the user info of addresses in it, and without secrets among their
    parameters: whatever the key is called, and however odd the address."""
    return SECRET_PARAMETER.sub(rf"\1{MASK}", USER_INFO.sub(rf"\1{MASK}@", text))


def entries(settings: Settings, environment: Mapping[str, str] = os.environ) -> list[Entry]:
    """Return all settings of a running service."""
    file = settings.file
    data, text = _read(file)
    now = _again(file)
    defaults = Settings.model_construct()
    upper = {name.upper(): name for name in environment}
    found = []
    for key in keys():
        value = value_of(settings, key)
        default = told(value_of(defaults, key))
        variable = PREFIX + key.upper().replace(".", "__")
        source, line = "default", None
        if _in_environment(upper, key):
            source = "environment"
        elif _in_file(data, key):
            source, line = "file", line_of(text, key)
        elif told(value) != default:
            source = "start"
        shown, later = told(value), None
        if now is not None and source != "start" and value_of(now, key) != value:
            later = told(value_of(now, key))
        meaning = MEANINGS.get(key, UNKNOWN)
        found.append(Entry(key, shown, source, line, variable, default, later, meaning))
    return found


def sections() -> Mapping[str, Text]:
    """Return what the tables of the file are about, in their order."""
    return SECTIONS


def line_of(text: str, key: str) -> int | None:
    """Return the line of a settings file (TOML) where a dotted key is set; None: not found."""
    here = ""
    for number, line in enumerate(text.splitlines(), start=1):
        header = re.match(r"\s*\[([\w.]+)\]", line)
        if header:
            here = f"{header[1]}."
        named = re.match(r"\s*([\w.]+)\s*=", line)
        if named and (f"{here}{named[1]}" == key or key.startswith(f"{here}{named[1]}.")):
            return number
    return None


def _read(file: Path | None) -> tuple[Mapping[str, Any], str]:
    if file is None:
        return {}, ""
    try:
        return read_toml(file), file.read_text("utf-8")
    except (ConfigError, OSError):
        return {}, ""


def _again(file: Path | None) -> Settings | None:
    """What the next start would read; None where that is refused, or there is no file."""
    try:
        return load_settings(file) if file is not None else None
    except (ConfigError, OSError):
        return None


def _in_environment(upper: Mapping[str, str], key: str) -> bool:
    parts = key.upper().split(".")
    names = (PREFIX + "__".join(parts[: k + 1]) for k in range(len(parts)))
    return any(name in upper for name in names)


def _in_file(data: Mapping[str, Any], key: str) -> bool:
    found: Any = data
    for part in key.split("."):
        if not isinstance(found, Mapping) or part not in found:
            return False
        found = found[part]
    return True
