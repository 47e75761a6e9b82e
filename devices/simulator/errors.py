"""Errors of the simulator: they name what was asked, the value, and the way out."""

from __future__ import annotations

from config.text import Text


class SimulatorError(Exception):
    """Something was asked of the simulated district that it cannot do."""

    def __init__(self, key: str, value: object, way_out: Text) -> None:
        self.key, self.value, self.way_out = key, value, way_out
        super().__init__(f"{key} = {value!r}: {way_out.both()}")
