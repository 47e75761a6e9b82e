"""What routes are built from: the site, and what it switches on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from config.settings import Ingest
from devices.registry import Registry
from devices.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True, eq=False)
class Setup:
    """What a dialect is built from. The registry changes in place while the service runs."""

    registry: Registry
    vocab: Vocabulary
    site: Path
    ingest: Ingest
