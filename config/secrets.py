"""Secrets that a site's files only name: from the environment, or one file each in a folder.

`name` is looked up as the variable LIFTWATCH_KEY_NAME, then as the file `name` of the folder (as
container platforms mount them). Only names with that prefix can be had: a file that somebody
imports cannot ask for any other variable of this process.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

PREFIX = "LIFTWATCH_KEY_"
NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")


@dataclass(frozen=True)
class Secrets:
    """Looks secrets up each time, so that one that was changed needs no restart."""

    folder: Path | None = None
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)

    def get(self, name: str) -> str | None:
        """Return a secret; None where there is none, or the name cannot be one."""
        if not NAME.fullmatch(name):
            return None
        value = self.environment.get(PREFIX + name.upper())
        if value is not None or self.folder is None:
            return value or None
        try:
            return (self.folder / name).read_text("utf-8").strip() or None
        except (OSError, UnicodeDecodeError):
            return None

    def where(self, name: str) -> str:
        """Say where a secret is looked for."""
        told = PREFIX + name.upper()
        return told if self.folder is None else f"{told} | {self.folder / name}"
