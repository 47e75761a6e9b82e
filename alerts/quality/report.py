"""The figures of a period, put together and held against what the standard recommends."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, tzinfo
from typing import Any

from sqlalchemy import Connection

from alerts.lifecycle.causes import Causes
from alerts.quality import rows
from alerts.quality.rows import WINDOW_MS, Json, Period
from config.text import Text

VERSION = 1
TOP = 20
FLOOD_BEGINS, FLOOD_ENDS = 10, 5
HOUR_LIMIT = 30
RECOMMENDED: Mapping[str, float] = {"critical": 0.05, "major": 0.15, "minor": 0.80}
"""The spread over three priorities that ISA-18.2 and IEC 62682 recommend."""


def report(
    conn: Connection, period: Period, causes: Causes, tz: tzinfo, positions: int = 1
) -> Json:
    """Return the quality of alarms of a period, JSON-ready.

    Args:
        conn: a read transaction, so that all figures belong to one moment.
        period: from and to.
        causes: tells which causes mean that the lift was well.
        tz: the site's zone, for the days.
        positions: operator positions that share the alarms; rates and limits are per position.

    Shares are 0 to 1, None where there is nothing to divide by; times are ms.
    """
    counted = rows.windows(conn, period)
    alarms, spread = sum(counted.values()), rows.severities(conn, period)
    onsets, actors = rows.bad_actors(conn, period, TOP)
    stale_count, stale = rows.stale(conn, period)
    chatter_count, chatter = rows.chattering(conn, period)
    found: Json = {
        "v": VERSION,
        "from_ms": period.from_ms,
        "to_ms": period.to_ms,
        "positions": positions,
        "alarms": alarms,
        "left_out": rows.left_out(conn, period),
        "rate": rate(counted, period, positions),
        "flood": flood(counted, period, positions),
        "chattering": {
            "count": chatter_count,
            "alarms": [rows.told(one) for one in chatter],
        },
        "stale": {"count": stale_count, "alarms": [rows.told(one) for one in stale]},
        "priority": priority(spread),
        "bad_actors": {
            "onsets": onsets,
            "top10_share": _share(sum(one["onsets"] for one in actors[:10]), onsets),
            "alarms": [rows.told(one) | {"share": _share(one["onsets"], onsets)} for one in actors],
        },
        "acknowledged": acknowledged(rows.acknowledged(conn, period), spread),
        "rules": [_judged(one) for one in rows.by_rule(conn, period, _false_groups(causes))],
        "days": days(counted, period, tz, positions),
    }
    return found | {"verdicts": verdicts(found)}


def _false_groups(causes: Causes) -> list[str]:
    return [group.id for group in causes.groups.values() if group.false]


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def _judged(row: Json) -> Json:
    judged, false = int(row["judged"]), int(row["false"])
    return rows.told(row) | {
        "judged": judged, "false": false, "false_share": _share(false, judged),
    }  # fmt: skip


def rate(counted: Mapping[int, int], period: Period, positions: int) -> Json:
    """Return alarms per position: each hour, each 10 minutes, the worst window, hours over 30."""
    alarms, span_ms = sum(counted.values()), period.to_ms - period.from_ms
    worst = min(counted, key=lambda number: (-counted[number], number), default=None)
    hours: dict[int, int] = {}
    for number, n in counted.items():
        hours[number // 6] = hours.get(number // 6, 0) + n
    busy = sum(n > HOUR_LIMIT * positions for n in hours.values())
    return {
        "per_hour": _share(alarms * 3_600_000, span_ms * positions),
        "per_10min": _share(alarms * WINDOW_MS, span_ms * positions),
        "peak_10min": counted[worst] / positions if worst is not None else 0.0,
        "peak_at_ms": None if worst is None else period.from_ms + worst * WINDOW_MS,
        "hours_over_30_share": _share(busy, -(-period.windows // 6)),
    }


def flood(counted: Mapping[int, int], period: Period, positions: int) -> Json:
    """Return windows over 10 alarms, and the floods: from above 10 until below 5 in 10 minutes."""
    over = sum(n > FLOOD_BEGINS * positions for n in counted.values())
    floods: list[Json] = []
    inside, flooded = False, 0
    for number in range(period.windows):
        n = counted.get(number, 0)
        if not inside and n > FLOOD_BEGINS * positions:
            inside = True
            floods.append({"from_ms": period.from_ms + number * WINDOW_MS, "alarms": 0})
        elif inside and n < FLOOD_ENDS * positions:
            inside = False
        if inside:
            flooded += 1
            floods[-1]["alarms"] += n
            end_ms = period.from_ms + (number + 1) * WINDOW_MS
            floods[-1]["to_ms"] = min(end_ms, period.to_ms)
    return {
        "windows": period.windows,
        "over": over,
        "share": _share(over, period.windows),
        "time_share": _share(flooded, period.windows),
        "count": len(floods),
        "floods": sorted(floods, key=lambda one: (-one["alarms"], one["from_ms"]))[: rows.LISTED],
    }


def priority(counted: Mapping[str, int]) -> list[Json]:
    """Return each severity's alarms and share beside the recommended one."""
    total = sum(counted.values())
    return [
        {
            "severity": name,
            "alarms": counted.get(name, 0),
            "share": _share(counted.get(name, 0), total),
            "recommended": recommended,
        }
        for name, recommended in RECOMMENDED.items()
    ]


def acknowledged(took: Mapping[str, list[int]], alarms: Mapping[str, int]) -> Json:
    """Return how many were acknowledged, and how soon: all together and by severity."""
    by_severity = {name: _seen(alarms.get(name, 0), took.get(name, [])) for name in RECOMMENDED}
    whole = _seen(sum(alarms.values()), [ms for some in took.values() for ms in some])
    return whole | {"by_severity": by_severity}


def _seen(alarms: int, took: list[int]) -> Json:
    return {
        "alarms": alarms,
        "acknowledged": len(took),
        "share": _share(len(took), alarms),
        "median_ms": _rank(took, 50),
        "p90_ms": _rank(took, 90),
    }


def _rank(values: list[int], percent: int) -> int | None:
    """The percentile by nearest rank: the smallest value that so many are not above."""
    if not values:
        return None
    return sorted(values)[-(-len(values) * percent // 100) - 1]


def days(counted: Mapping[int, int], period: Period, tz: tzinfo, positions: int) -> list[Json]:
    """Return each local day that begins a window: alarms, worst window, windows over 10."""
    found: dict[str, Json] = {}
    for number in range(period.windows):
        start_s = (period.from_ms + number * WINDOW_MS) / 1000
        day = datetime.fromtimestamp(start_s, tz).date().isoformat()
        row = found.setdefault(day, {"day": day, "alarms": 0, "peak_10min": 0.0, "over": 0})
        n = counted.get(number, 0)
        row["alarms"] += n
        row["peak_10min"] = max(row["peak_10min"], n / positions)
        row["over"] += n > FLOOD_BEGINS * positions
    return list(found.values())


def verdicts(found: Json) -> list[Json]:
    """Return the figures the standard gives a limit for: value, limit, kept or not."""
    spread = {one["severity"]: one["share"] for one in found["priority"]}
    top10 = found["bad_actors"]["top10_share"]
    rows_ = (
        ("per_hour", Text("每岗位每小时", "alarms an hour and position"),
         found["rate"]["per_hour"], 12.0),
        ("per_10min", Text("每岗位每 10 分钟", "alarms each 10 min and position"),
         found["rate"]["per_10min"], 2.0),
        ("peak_10min", Text("10 分钟最多", "most in 10 min"),
         found["rate"]["peak_10min"], 10.0),
        ("hours_over_30", Text("超过 30 条的小时占比", "share of hours over 30 alarms"),
         found["rate"]["hours_over_30_share"], 0.01),
        ("windows_over", Text("超过 10 条的 10 分钟占比", "share of 10 min over 10 alarms"),
         found["flood"]["share"], 0.01),
        ("flood_time", Text("报警洪水时间占比", "share of time in flood"),
         found["flood"]["time_share"], 0.01),
        ("chattering", Text("抖动报警", "chattering alarms"), found["chattering"]["count"], 0),
        ("stale", Text("陈旧报警（超过 24 小时）", "stale alarms (over 24 h)"),
         found["stale"]["count"], 4),
        ("top10", Text("前十位占比", "share of the ten most frequent"), top10, 0.05),
        ("critical", Text("紧急占比", "share of critical"), spread["critical"], 0.05),
    )  # fmt: skip
    return [
        {
            "id": ident,
            "text": text.as_json(),
            "value": value,
            "limit": limit,
            "ok": None if value is None else value <= limit,
        }
        for ident, text, value, limit in rows_
    ]


def parse_verdict(one: Mapping[str, Any]) -> str:
    """Return a verdict's value as people write it: shares in percent, counts as they are."""
    value, limit = one["value"], one["limit"]
    if value is None:
        return "–"
    share = isinstance(limit, float) and limit < 1
    return (
        f"{100 * value:.1f} %" if share else f"{value:g}" if value == int(value) else f"{value:.2f}"
    )
