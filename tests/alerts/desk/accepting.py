"""A desk in a process of its own that dies between acceptance and working off; see test_inbox."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

from sqlalchemy import event

from alerts.directory.directory_file import load_directory
from alerts.model import Transition
from tests.alerts.conftest import CAR, T0, House, cleared, raised

LIFTS = 60
ACCEPTED, IN_A_SLICE = "accepted", "in a slice"


def batch() -> list[Transition]:
    """Return a flood: each lift raises one thing that ends at once and one that stays."""
    short = [raised("16", f"{i:020d}", people=None) for i in range(LIFTS)]
    stay = [raised("9", f"{i:020d}", people=None) for i in range(LIFTS)]
    return [*short, *stay, *(cleared(one, T0 + 1000) for one in short), raised("1", CAR)]


def live(url: str, folder: str, moment: str) -> None:
    """Accept the flood, then go on until SIGKILL at that moment."""
    house = House(url, load_directory(Path(folder) / "directory.toml"))
    house.desk.accept(T0, batch())
    if moment == ACCEPTED:
        die()
    house.desk.work_off(T0)

    def written(_conn: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        if statement.startswith("INSERT INTO journal"):  # the last of a transaction
            die()

    event.listen(house.engine, "after_cursor_execute", written)
    house.desk.work_off(T0)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
