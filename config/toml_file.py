"""Reading a TOML file of a site; what is wrong with the file itself is told in one place."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from config.errors import ConfigError
from config.text import Text

UNREADABLE = Text("应存在且可读", "must be there and readable")


def read_toml(file: Path, why: Text = UNREADABLE) -> dict[str, Any]:
    """Return the tables of a file. Raises ConfigError: `why` where it cannot be read at all."""
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(file, "file", error.strerror or "", why) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        way_out = Text("应为 UTF-8 的 TOML，语法有误", "not TOML in UTF-8")
        raise ConfigError(file, "TOML", str(error), way_out) from None
