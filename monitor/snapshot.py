"""Snapshots of the detector's and the rules' state, each whole or not there at all."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Protocol

import structlog

from devices.arrays_file import StoredError

log = structlog.get_logger()


class Saved(Protocol):
    """A part whose state goes into a snapshot."""

    def save(self, folder: Path, /) -> None:
        """Write the state below `folder`."""

    def load(self, folder: Path, /) -> object:
        """Read it back. Raises StoredError or OSError where it does not fit."""


class Snapshots:
    """`folder`/{batch number}/ for the state after that batch; the newest counts."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def write(self, batch: int, parts: dict[str, Saved]) -> None:
        """Write all parts, then make them count by one rename; drop older ones."""
        final = self._folder / str(batch)
        if final.exists():
            return
        fresh = self._folder / f"{batch}.part"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir()
        for name, part in parts.items():
            part.save(fresh / name)
        fresh.rename(final)
        for older in self._numbers()[1:]:
            shutil.rmtree(self._folder / str(older))

    def read(self, parts: dict[str, Saved]) -> int | None:
        """Load the newest snapshot that fits and return its batch number, or None."""
        for number in self._numbers():
            try:
                for name, part in parts.items():
                    part.load(self._folder / str(number) / name)
            except (StoredError, OSError) as error:
                log.warning("snapshot.unusable", batch=number, reason=str(error))
                continue
            return number
        return None

    def newest(self) -> int:
        """Return the number of the newest snapshot, 0 where there is none."""
        return next(iter(self._numbers()), 0)

    def _numbers(self) -> list[int]:
        names = (path.name for path in self._folder.iterdir())
        return sorted((int(name) for name in names if name.isdecimal()), reverse=True)
