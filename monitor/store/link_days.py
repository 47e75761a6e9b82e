"""Link quality by the day, in the history: what a vendor is asked about months later.

One row a gateway and day: figures as JSON and the delays as a histogram, which add up to a vendor
or a month. A day is written again and again while it lasts; the last write counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
from numpy.typing import NDArray

from monitor.store.history import History


@dataclass(frozen=True, slots=True)
class LinkDay:
    """figures: name → number, `reasons` name → count · delays int64[BUCKETS]."""

    day: date
    gateway: str
    vendor: str
    figures: dict[str, Any]
    delays: NDArray[np.int64]


def write(history: History, day: date, rows: Sequence[LinkDay]) -> None:
    """Put these rows in place of what the day held. Raises duckdb.Error; nothing changes then."""
    table = pa.table(
        {
            "day": pa.array([one.day for one in rows], pa.date32()),
            "gateway": pa.array([one.gateway for one in rows], pa.string()),
            "vendor": pa.array([one.vendor for one in rows], pa.string()),
            "figures": pa.array([orjson.dumps(one.figures).decode() for one in rows], pa.string()),
            "delays": pa.array([one.delays.astype("<i8").tobytes() for one in rows], pa.binary()),
        }
    )
    db = history.reader()
    try:
        db.register("incoming_links", table)
        db.execute("BEGIN")
        db.execute("DELETE FROM link_day WHERE day = ?", (day,))
        db.execute("INSERT INTO link_day SELECT * FROM incoming_links")
        db.execute("COMMIT")
    finally:
        db.close()


def read(
    history: History, first: date, last: date, gateway: str | None = None, vendor: str | None = None
) -> list[LinkDay]:
    """Return the rows of these days, both included, by day and gateway."""
    db = history.reader()
    try:
        rows = db.execute(
            "SELECT day, gateway, vendor, figures, delays FROM link_day"
            " WHERE day BETWEEN ? AND ? AND (? IS NULL OR gateway = ?)"
            " AND (? IS NULL OR vendor = ?) ORDER BY day, gateway",
            (first, last, gateway, gateway, vendor, vendor),
        ).fetchall()
    finally:
        db.close()
    return [
        LinkDay(day, name, made_by, orjson.loads(figures), np.frombuffer(delays, "<i8").copy())
        for day, name, made_by, figures, delays in rows
    ]


def expire(history: History, before: date) -> None:
    """Forget days before this one."""
    history.run(("DELETE FROM link_day WHERE day < ?", (before,)))
