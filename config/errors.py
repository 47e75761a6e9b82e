"""A refusal of something a site has set: names file, key, value and what would be right."""

from __future__ import annotations

from pathlib import Path

from config.text import Text


class ConfigError(Exception):
    """Raised at start-up; the message is complete enough to mend the file with."""

    def __init__(self, file: Path | str, key: str, value: object, way_out: Text) -> None:
        self.file, self.key, self.value, self.way_out = str(file), key, value, way_out
        super().__init__(f"{file}: {key} = {value!r}: {way_out.both()}")
