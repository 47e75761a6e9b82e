from __future__ import annotations

from pathlib import Path

import pytest

from tests.devices.simulator.stories import SCENARIOS, tell

NAMES = sorted(file.stem for file in SCENARIOS.glob("*.toml"))


@pytest.mark.parametrize("name", NAMES)
def test_story_is_heard_as_it_happened(name: str, tmp_path: Path) -> None:
    story, heard = tell(name, tmp_path)
    assert story.judge(heard) == []


def test_there_are_stories() -> None:
    assert len(NAMES) >= 8
