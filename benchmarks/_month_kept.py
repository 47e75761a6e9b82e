"""A month in instalments: the state after each day, so that hours of work outlive a reboot."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks._district import say
from monitor.snapshot import Saved, Snapshots


@dataclass(frozen=True, slots=True)
class Kept:
    """What a run knows after `end_ms` of its month, beside the state of detector and rules."""

    end_ms: int
    rings: list[Any]
    desk: Any
    samples: int
    messages: int
    judged_s: float
    took_s: float


class _File:
    """The plain objects of a run as a part of the snapshot. Our own file: pickle is safe here."""

    def __init__(self, kept: Kept | None = None) -> None:
        self.kept = kept

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "run.pickle").write_bytes(pickle.dumps(self.kept))

    def load(self, folder: Path) -> None:
        self.kept = pickle.loads((folder / "run.pickle").read_bytes())


class KeptMonth:
    """Snapshots of one asked month below `folder`; nothing at all where there is no folder.

    A month that is asked differently has a folder of its own. The code must stay what it was:
    a month that began under other rules is none of these rules.
    """

    def __init__(self, folder: Path | None, asked: object) -> None:
        self._snapshots: Snapshots | None = None
        if folder is not None:
            name = hashlib.sha256(repr(asked).encode()).hexdigest()[:12]
            self._snapshots = Snapshots(folder / name)

    def write(self, kept: Kept, parts: Mapping[str, Saved]) -> None:
        """Keep the state after a day."""
        if self._snapshots:
            self._snapshots.write(kept.end_ms, {**parts, "run": _File(kept)})

    def read(self, parts: Mapping[str, Saved]) -> Kept | None:
        """Load the newest state into `parts`; None where a month begins."""
        file = _File()
        if self._snapshots is None or self._snapshots.read({**parts, "run": file}) is None:
            return None
        if file.kept:
            say(f"going on after day {file.kept.end_ms / 86_400_000:.0f}")
        return file.kept
