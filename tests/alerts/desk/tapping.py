"""Somebody who taps, in a process of their own; see test_two_taps.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from alerts.directory.directory_file import load_directory
from alerts.model import Step
from tests.alerts.conftest import T0, House


def tap_all(url: str, folder: str, who: str, count: int, start: Any, answers: Any) -> None:
    """Wait for the other one, then accept every alert; put (who, alert, ok, changed, words)."""
    house = House(url, load_directory(Path(folder) / "directory.toml"))
    start.wait(60)
    for number in range(1, count + 1):
        got = house.act(number, Step.ACCEPT, who, T0 + 1000)
        answers.put((who, number, got.ok, got.changed, got.text.zh))
    house.engine.dispose()
