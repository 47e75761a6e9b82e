"""Filters the broker may still hold for us from an earlier configuration.

The session is persistent: a dialect that a site switched off would go on being delivered, into
the quarantine. Every filter ever subscribed to is remembered in a file, and those that are no
longer wanted are given back at each connection; giving one back twice does no harm.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import structlog

log = structlog.get_logger()


def no_longer_wanted(file: Path, wanted: Iterable[str]) -> list[str]:
    """Note the filters that are wanted now; return those that once were and are not."""
    now = set(wanted)
    try:
        before = {str(name) for name in json.loads(file.read_text("utf-8"))}
    except (OSError, ValueError):  # none yet, or cut short by a power cut: nothing to give back
        before = set()
    if not now <= before:
        fresh = file.with_suffix(".new")
        try:
            fresh.write_text(json.dumps(sorted(now | before)), "utf-8")
            fresh.replace(file)
        except OSError as error:
            log.warning("subscriptions.not_noted", file=str(file), reason=str(error))
    return sorted(before - now)
