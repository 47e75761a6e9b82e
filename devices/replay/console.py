"""Replay for the command line: a progress bar on standard error."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from devices.replay.mapping import ReplayMap
from devices.replay.player import ReplayResult, replay


def replay_with_bar(
    file: Path, lift: str, gateway: str, mapping: ReplayMap | str | Path, url: str, **options: Any
) -> ReplayResult:
    """`replay` with a progress bar on standard error; same arguments, errors and result."""
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("样本 samples"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
    with bar:
        task = bar.add_task(file.name, total=None)

        def show(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        return replay(file, lift, gateway, mapping, url, progress=show, **options)
