"""When nobody at all was heard: then it was we who did not listen, not the lifts that fell silent.

Live the service knows that it slept. History only shows that for a while no lift of any gateway
said anything on time; that of several gateways all fall silent in the same second and return
together is no matter of lifts. With one gateway alone the two cannot be told apart, and silence
counts as silence.
"""

from __future__ import annotations

import numpy as np

from monitor.backtest.silence import SECOND, Deaf
from monitor.backtest.source import Source, open_reader

LONGEST_S = 30  # as live: two looks further apart mean that the service slept


def deaf(source: Source, begin_ms: int, end_ms: int, gateways: int) -> Deaf:
    """Return the stretches of [begin_ms, end_ms) in which nothing was received on time."""
    if gateways < 2:
        return Deaf(np.empty(0, np.int64), np.empty(0, np.int64))
    first, last = begin_ms // SECOND, -(-end_ms // SECOND)
    heard = np.zeros(last - first + 2, np.bool_)
    heard[[0, -1]] = True
    db = open_reader()
    try:
        for path in (*source.between(begin_ms, end_ms), source.messages):
            found = db.execute(
                "SELECT DISTINCT ts_ms // 1000 - ? AS s FROM read_parquet(?) "
                "WHERE NOT late AND ts_ms >= ? AND ts_ms < ?",
                (first, path, begin_ms, end_ms),
            ).fetchnumpy()
            heard[np.asarray(found["s"]).astype(np.int64)] = True
    finally:
        db.close()
    seconds = np.flatnonzero(heard)
    gaps = np.flatnonzero(np.diff(seconds) > LONGEST_S)
    # the look after the last word belongs to the time before
    return Deaf((seconds[gaps] + first + 2) * SECOND, (seconds[gaps + 1] + first) * SECOND)
