"""A site's own file beside its lifts.csv, or the shipped one."""

from __future__ import annotations

from pathlib import Path


def own_or(site: Path, name: str, default: Path) -> Path:
    """Return the site's own file where it has one, else `default`."""
    return site / name if (site / name).exists() else default
