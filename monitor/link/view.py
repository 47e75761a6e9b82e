"""Links as the web sees them."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np

from devices.registry import Registry
from monitor.link.counts import COUNTED, REASON
from monitor.link.delays import BUCKETS
from monitor.link.figures import (
    badness,
    figures,
    gateway_rows,
    minutes,
    sums_of,
    vendor_rows,
)
from monitor.link.watch import LinkWatch
from monitor.store import link_days
from monitor.store.history import History
from monitor.store.link_days import LinkDay


class LinksView:
    """Figures of the day so far, of the last hour by the minute, and of days gone by."""

    def __init__(self, watch: LinkWatch, registry: Registry, history: History) -> None:
        self._watch, self._registry, self._history = watch, registry, history

    def gateways(self) -> list[dict[str, Any]]:
        """Return one row a gateway, the worst first, each with its last hour as `minutes`."""
        sums = sums_of(self._watch, self._registry)
        rows = gateway_rows(sums, self._registry)
        found = [told | {"minutes": minutes(sums, i)} for i, told in enumerate(rows)]
        return sorted(found, key=lambda told: (-told["badness"], told["gateway"]))

    def vendors(self) -> list[dict[str, Any]]:
        """Return one row a vendor, by name."""
        return vendor_rows(sums_of(self._watch, self._registry), self._registry)

    def lifts(self, gateway: str) -> list[dict[str, Any]]:
        """Return the clock of each lift of a gateway; an empty list for none that is known."""
        place = self._registry.gateway_index.get(gateway, -1)
        with self._watch.reading():
            offset = self._watch.clocks.offset_s()
            drift = self._watch.clocks.drift_s_day()
            since = self._watch.clocks.column("since").copy()
        rows = np.flatnonzero(self._registry.lift_gateway[: len(offset)] == place).tolist()
        found = []
        for row in rows:
            lift = self._registry.slots[row] if place >= 0 else None
            if lift is not None:
                known = not np.isnan(offset[row])
                found.append(
                    {
                        "lift": lift.reg_code,
                        "name": lift.name,
                        "place": lift.place,
                        "clock_offset_s": round(float(offset[row]), 3) if known else None,
                        "drift_s_day": None
                        if np.isnan(drift[row])
                        else round(float(drift[row]), 3),
                        "known_since_ms": int(since[row]) if known else None,
                    }
                )
        return found

    def days(
        self, first: date, last: date, gateway: str | None, vendor: str | None
    ) -> list[dict[str, Any]]:
        """Return the days of a span, added up over what fits, by day."""
        by_day: dict[date, list[LinkDay]] = {}
        for row in link_days.read(self._history, first, last, gateway, vendor):
            by_day.setdefault(row.day, []).append(row)
        return [{"day": day.isoformat(), **_sum(rows)} for day, rows in sorted(by_day.items())]


def _sum(rows: list[LinkDay]) -> dict[str, Any]:
    counts = np.array([sum(row.figures.get(name, 0) for row in rows) for name in COUNTED], np.int64)
    delays = np.zeros(BUCKETS, np.int64)
    refused: dict[str, int] = {}
    for row in rows:
        if len(row.delays) == BUCKETS:
            delays += row.delays
        for name, n in row.figures.get("refused", {}).items():
            refused[name] = refused.get(name, 0) + n
    clocks = [row.figures.get("clock_offset_s") for row in rows]
    told = figures(counts, np.zeros(len(REASON), np.int64), delays)
    told |= {
        "gateways": len(rows),
        "refused": refused,
        "wrong_clocks": sum(row.figures.get("wrong_clocks", 0) for row in rows),
        "gaps": sum(row.figures.get("gaps", 0) for row in rows),
        "clock_offset_s": max((c for c in clocks if c is not None), key=abs, default=None),
    }
    return told | {"badness": badness(told)}
