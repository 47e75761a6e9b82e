"""A snapshot from when drifts began in milliseconds is read as what it meant."""

from __future__ import annotations

import numpy as np

from monitor.detector.drift import SINCE
from monitor.detector.stored import _as_now
from monitor.detector.table import NEVER


def test_milliseconds_become_seconds_and_never_becomes_none() -> None:
    old = np.array([[NEVER, 1_795_000_000_123]], np.int64)
    assert _as_now(SINCE, old).tolist() == [[0, 1_795_000_000]]
    now = np.array([[7]], np.uint32)
    assert _as_now(SINCE, now) is now
    assert _as_now("drift", old) is old
