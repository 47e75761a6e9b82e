"""The quality of alarms by brute force, over plain lists; the twin of alerts/quality."""

from __future__ import annotations

import math
from datetime import datetime, tzinfo
from typing import Any

Json = dict[str, Any]
TEN_MIN, MINUTE, DAY = 600_000, 60_000, 86_400_000


def counts(alert: Json) -> bool:
    return not alert["exercise"] and not alert["late"] and alert["severity"] != "info"


def quality(
    alerts: list[Json], onsets: list[Json], start: int, end: int, false_groups: set[str],
    tz: tzinfo, positions: int,
) -> Json:  # fmt: skip
    """`onsets`: {alert (its row), at_ms, since_ms}. Returns the figures that are compared."""
    inside = [a for a in alerts if start <= a["raised_ms"] < end]
    alarms = [a for a in inside if counts(a)]
    slots = math.ceil((end - start) / TEN_MIN)
    per_slot = [
        sum(start + k * TEN_MIN <= a["raised_ms"] < start + (k + 1) * TEN_MIN for a in alarms)
        for k in range(slots)
    ]
    per_hour = [sum(per_slot[k : k + 6]) for k in range(0, slots, 6)]

    flooded, in_flood, floods = 0, False, 0
    for n in per_slot:
        if not in_flood and n > 10 * positions:
            in_flood, floods = True, floods + 1
        elif in_flood and n < 5 * positions:
            in_flood = False
        flooded += in_flood

    real = [o for o in onsets if counts(o["alert"]) and start <= o["at_ms"] < end]
    pairs: dict[tuple[str, str], list[int]] = {}
    for onset in real:
        key = (onset["alert"]["subject"], onset["alert"]["rule"])
        pairs.setdefault(key, []).append(onset["at_ms"])
    chatter = {}
    for key, times in pairs.items():
        times.sort()
        bursts = sum(times[i] - times[i - 2] <= MINUTE for i in range(2, len(times)))
        if bursts:
            chatter[key] = (bursts, len(times))
    actors = sorted(pairs, key=lambda key: (-len(pairs[key]), key))[:20]

    stale = [
        a["id"]
        for a in alerts
        if counts(a)
        and a["raised_ms"] < end
        and (a["closed_ms"] is None or a["closed_ms"] > start)
        and min(a["closed_ms"] if a["closed_ms"] is not None else end, end) - a["raised_ms"] > DAY
    ]

    def seen(some: list[Json]) -> tuple[int, int | None, int | None]:
        took = sorted(
            a["acknowledged_ms"] - a["last_raised_ms"]
            for a in some
            if a["acknowledged_ms"] is not None
        )
        if not took:
            return 0, None, None
        half, ninth = (took[math.ceil(len(took) * s / 100) - 1] for s in (50, 90))
        return len(took), half, ninth

    rules: dict[str, list[int]] = {}
    for a in alarms:
        group = (a["cause"] or "").split(":")[0].split(".")[0]
        false = a["cancelled_ms"] is not None or group in false_groups
        judged = (
            a["cancelled_ms"] is not None or a["verified_ms"] is not None or a["cause"] is not None
        )
        row = rules.setdefault(a["rule"], [0, 0, 0])
        row[0], row[1], row[2] = row[0] + 1, row[1] + judged, row[2] + false

    days: dict[str, int] = {}
    for k, n in enumerate(per_slot):
        day = datetime.fromtimestamp((start + k * TEN_MIN) / 1000, tz).date().isoformat()
        days[day] = days.get(day, 0) + n
    return {
        "alarms": len(alarms),
        "left_out": {
            "exercises": sum(a["exercise"] for a in inside),
            "late": sum(a["late"] and not a["exercise"] for a in inside),
            "notices": sum(
                a["severity"] == "info" and not a["late"] and not a["exercise"] for a in inside
            ),
        },
        "per_hour": len(alarms) / ((end - start) / 3_600_000) / positions,
        "peak_10min": max(per_slot) / positions,
        "busy_hours": sum(n > 30 * positions for n in per_hour) / len(per_hour),
        "over": sum(n > 10 * positions for n in per_slot),
        "flooded": flooded / slots,
        "floods": floods,
        "chatter": chatter,
        "stale": sorted(stale),
        "severities": {s: sum(a["severity"] == s for a in alarms) for s in
                       ("critical", "major", "minor")},
        "actors": {key: len(pairs[key]) for key in actors},
        "seen": seen(alarms),
        "seen_critical": seen([a for a in alarms if a["severity"] == "critical"]),
        "rules": {rule: tuple(row) for rule, row in rules.items()},
        "days": days,
    }  # fmt: skip
