"""A lift's past as JSON: what API and page both tell."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Connection, func, select

from alerts.database.tables import alert, journal, suppression
from alerts.model import Aside
from config.text import Text
from devices.registry import Lift
from monitor.detector.trip_list import COLUMNS, MEASURED
from monitor.store.curves import Curves
from monitor.store.lift_log import Message, Place
from monitor.web import find
from monitor.web.find import visible
from monitor.web.ports import ServicePort
from monitor.web.problems import Problem

DAY_MS = 86_400_000
MOST_MS = 3660 * DAY_MS
TRIPS_MOST_MS = 7 * DAY_MS
MOST_CHANNELS = 16
MOST_ALERTS = 200


def span(
    from_ms: int | None, to_ms: int | None, now_ms: int, default_ms: int, most_ms: int = MOST_MS
) -> tuple[int, int]:
    """Return the times asked for, or the last `default_ms`. Raises Problem 422."""
    end = now_ms if to_ms is None else to_ms
    begin = end - default_ms if from_ms is None else from_ms
    if not 0 < end - begin <= most_ms:
        days = most_ms // DAY_MS
        text = Text(
            f"应早于 to_ms，且不超过 {days} 天", f"must be before to_ms, by at most {days} days"
        )
        raise Problem(422, "invalid", text, field="from_ms", value=begin, limit=f"{days} d")
    return begin, end


def channels(
    port: ServicePort, asked: str, default: Sequence[str], most: int | None = None
) -> list[str]:
    """Return the channels of a comma-separated list. Raises Problem 422 for an unknown one, and
    for more than `most`."""
    names = [name.strip() for name in asked.split(",") if name.strip()] or list(default)
    names = list(dict.fromkeys(names))
    for name in names:
        if name not in port.vocab.by_name:
            text = Text(
                "没有这个通道，见 docs/wire.md", "there is no such channel, see docs/wire.md"
            )
            raise Problem(422, "unknown_channel", text, field="channels", value=name)
    if most is not None and len(names) > most:
        text = Text(
            f"一次最多 {most} 个通道，请分次读取",
            f"at most {most} channels at once: ask several times",
        )
        raise Problem(
            422, "too_many_channels", text, field="channels", value=len(names), limit=str(most)
        )
    return names


def numbers(values: NDArray[Any], digits: int = 4) -> list[float | None]:
    """Return values as JSON has them: NaN as null."""
    told = np.round(values.astype(np.float64), digits).tolist()
    return [None if math.isnan(value) else value for value in told]


def curves_json(
    port: ServicePort, row: int, lift: Lift, names: Sequence[str], times: tuple[int, int], n: int
) -> dict[str, Any]:
    """Return least, greatest and last value of each channel a bucket, and the gaps."""
    found = port.past.curves(row, names, *times, n)
    told = {
        name: {
            "unit": port.vocab.by_name[name].unit,
            "lo": numbers(curve.lo),
            "hi": numbers(curve.hi),
            "last": numbers(curve.last),
        }
        for name, curve in found.channels.items()
    }
    return {
        "reg_code": lift.reg_code,
        "from_ms": found.from_ms,
        "to_ms": found.to_ms,
        "width_ms": found.width_ms,
        "ts_ms": found.ts_ms.tolist(),
        "samples": found.n.tolist(),
        "late": found.late.tolist(),
        "channels": told,
        "gaps": [asdict(gap) for gap in port.past.gaps(row, found)],
    }


def marks_json(
    port: ServicePort, conn: Connection, scope: str | None, row: int, lift: Lift,
    times: tuple[int, int],
) -> dict[str, Any]:  # fmt: skip
    """Return what happened in a span: alerts, visits, power cuts."""
    query = find.Query(
        scope=scope, state="all", subject=lift.reg_code, raised_from_ms=times[0],
        raised_to_ms=times[1],
    )  # fmt: skip
    found = find.find(conn, query, chains=None, limit=MOST_ALERTS)
    names = ("id", "rule", "rule_text", "severity", "raised_ms", "since_ms", "closed_ms")
    hours = port.past.by_hours(row, *times)
    return {
        "reg_code": lift.reg_code,
        "alerts": [{name: one[name] for name in names} for one in found],
        "visits": visits(port, conn, scope, row, lift, times, hours),
        "power_cuts": [asdict(one) for one in port.past.on_other_power(row, *times, hours)],
    }


def visits(
    port: ServicePort, conn: Connection, scope: str | None, row: int, lift: Lift,
    times: tuple[int, int], hours: Curves | None = None,
) -> list[dict[str, Any]]:  # fmt: skip
    """Return visits, the newest first: seen by inspection mode, ordered beforehand, for rescue."""
    seen = [
        {"kind": "inspection_mode", "from_ms": one.from_ms, "to_ms": one.to_ms}
        for one in port.past.inspections(row, *times, hours)
    ]
    ended = func.coalesce(suppression.c.ended_ms, suppression.c.until_ms)
    ordered = conn.execute(
        select(
            suppression.c.from_ms, ended, suppression.c.begun_by, suppression.c.reason
        ).where(
            suppression.c.subject == lift.reg_code,
            suppression.c.kind == Aside.SUPPRESSED.value,
            suppression.c.from_ms < times[1],
            ended >= times[0],
        )
    )  # fmt: skip
    told: list[dict[str, Any]] = [
        {"kind": "ordered", "from_ms": a, "to_ms": b, "by": by, "reason": why}
        for a, b, by, why in ordered
    ]
    found = seen + told + _rescues(conn, scope, lift, times)
    return sorted(found, key=lambda one: -one["from_ms"])


def _rescues(
    conn: Connection, scope: str | None, lift: Lift, times: tuple[int, int]
) -> list[dict[str, Any]]:
    """Return from the arrival of helpers to the end of their work, an alert each."""
    where: list[ColumnElement[bool]] = [
        alert.c.subject == lift.reg_code,
        journal.c.kind.in_(("arrived", "freed", "cause_filed", "verified")),
        journal.c.at_ms >= times[0],
        journal.c.at_ms < times[1],
        *visible(scope),
    ]
    rows = conn.execute(
        select(journal.c.alert_id, journal.c.at_ms, journal.c.kind, journal.c.actor)
        .join(alert, alert.c.id == journal.c.alert_id)
        .where(*where)
        .order_by(journal.c.id)
    ).all()
    found: dict[int, dict[str, Any]] = {}
    for number, at_ms, kind, actor in rows:
        if kind == "arrived":
            first = {"kind": "rescue", "from_ms": at_ms, "to_ms": None, "by": actor}
            found.setdefault(number, first | {"alert_id": number})
        elif number in found:
            found[number]["to_ms"] = at_ms
    return list(found.values())


def trips_json(port: ServicePort, row: int, lift: Lift, times: tuple[int, int]) -> dict[str, Any]:
    """Return every trip of a span, in columns, in order of time."""
    found = port.past.trips(row, *times)
    return {
        "reg_code": lift.reg_code,
        "from_ms": times[0],
        "to_ms": times[1],
        "set_off_ms": found.set_off.tolist(),
        "arrived_ms": found.arrived.tolist(),
        "columns": {name: numbers(found.columns[name], 3) for name in COLUMNS},
    }


def drift_json(port: ServicePort, row: int, lift: Lift, times: tuple[int, int]) -> dict[str, Any]:
    """Return the normal of each feature, and past trips beside it: value, normal, sigma."""
    trips = port.past.trips(row, *times)
    judged = port.past.judged(row, trips)
    features = port.past.normal(row)
    places = {one["name"]: i for i, one in enumerate(features)}
    for feature in MEASURED:
        i = places[feature.name]
        features[i]["trip"] = {
            "value": numbers(judged.value[i]),
            "normal": numbers(judged.normal[i]),
            "spread": numbers(judged.sigma[i]),
        }
    return {
        "reg_code": lift.reg_code,
        "from_ms": times[0],
        "to_ms": times[1],
        "arrived_ms": trips.arrived.tolist(),
        "features": features,
    }


def messages_json(
    port: ServicePort, row: int, lift: Lift, times: tuple[int, int], limit: int,
    code: int | None = None, after: Place | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Return what the controller reported, the newest first, and how often each code came.

    `next_cursor`: the place of the last one, to be read by `place_of`.
    """
    found = port.past.messages(row, *times, limit + 1, code, after)
    texts = port.vocab.messages

    def text(number: int) -> dict[str, str] | None:
        return texts[number].text.as_json() if number in texts else None

    return {
        "reg_code": lift.reg_code,
        "from_ms": times[0],
        "to_ms": times[1],
        "codes": [
            {"code": number, "text": text(number), "times": n, "last_ms": last}
            for number, n, last in port.past.codes(row, *times)
        ],
        "messages": [
            asdict(one) | {"text": text(one.code), "state": ("off", "on", "once")[one.state]}
            for one in found[:limit]
        ],
        "next_cursor": _place_text(found[limit - 1]) if len(found) > limit else None,
    }


def _place_text(one: Message) -> str:
    return f"{one.ts_ms}.{one.code}.{one.state}"


def place_of(text: str) -> Place | None:
    """Return the place a text names: ts_ms, code, state; None where it names none."""
    parts = text.split(".")
    if len(parts) != 3 or not all(p.isascii() and p.isdigit() and len(p) < 19 for p in parts):
        return None
    return int(parts[0]), int(parts[1]), int(parts[2])


def quality_json(
    port: ServicePort, scope: str | None, row: int, lift: Lift, times: tuple[int, int]
) -> dict[str, Any]:
    """Return what came of a lift by the day, where it was silent, what was refused, its sensors.

    expected: samples of a day by the lift's period; a lift that reports by change has no such
    number, and more than one a period. The delays of the gateway are the desk's: None for a firm.
    """
    points = max(1, (times[1] - times[0]) // 300_000)
    found = port.past.curves(row, [], *times, points)
    offset = _midnight(port, times[0])
    day = (found.ts_ms + offset) // DAY_MS
    days = []
    for number in range((times[0] + offset) // DAY_MS, (times[1] - 1 + offset) // DAY_MS + 1):
        mine = day == number
        begin = number * DAY_MS - offset
        whole = min(begin + DAY_MS, times[1]) - max(begin, times[0])
        n, buckets = int(found.n[mine].sum()), int(mine.sum())
        days.append(
            {
                "from_ms": begin,
                "samples": n,
                "expected": round(whole / 1000 / lift.period_s) if lift.period_s else None,
                "late": int(found.late[mine].sum()),
                "heard_share": round(min(1.0, buckets * found.width_ms / max(1, whole)), 4),
            }
        )
    gaps = [asdict(gap) for gap in port.past.gaps(row, found)]
    names = {name: value for name, value, _ in port.past.flags(row)}
    return {
        "reg_code": lift.reg_code,
        "from_ms": times[0],
        "to_ms": times[1],
        "days": days,
        "gaps": gaps,
        "given_up": port.past.given_up(lift.gateway, *times) if scope is None else None,
        "refused": port.past.refusals(lift.reg_code, *times),
        "sensors": names,
        "gateway": lift.gateway if scope is None else None,
    }


def _midnight(port: ServicePort, at_ms: int) -> int:
    """Return what is added to epoch ms to have days of the site's zone."""
    offset = datetime.fromtimestamp(at_ms / 1000, port.desk.pages.tz).utcoffset()
    return round(offset.total_seconds() * 1000) if offset else 0


def documents_json(port: ServicePort, row: int, lift: Lift) -> dict[str, Any]:
    """Return days and papers: inspection, visits, tests, contract."""
    kept = port.past.upkeep(row)
    return {
        "reg_code": lift.reg_code,
        "inspection_due": lift.inspection_due.isoformat() if lift.inspection_due else None,
        "last_visit": lift.last_visit.isoformat() if lift.last_visit else None,
        "planned_visit": lift.planned_visit.isoformat() if lift.planned_visit else None,
        "maintenance": lift.maintenance,
        "use_unit": lift.use_unit,
        "street_office": lift.street_office,
        **{
            name: None if value is None or math.isnan(value) else round(value, 2)
            for name, value in kept.items()
        },
    }


def alerts_json(
    conn: Connection, scope: str | None, lift: Lift, limit: int, before_id: int | None
) -> dict[str, Any]:
    """Return all alerts there ever were of a lift, the newest first."""
    query = find.Query(scope=scope, state="all", subject=lift.reg_code)
    found = find.find(
        conn, query, chains=None, limit=limit + 1, before_id=before_id, newest=True
    )  # fmt: skip
    more = len(found) > limit
    return {
        "reg_code": lift.reg_code,
        "alerts": found[:limit],
        "next_cursor": str(found[limit - 1]["id"]) if more else None,
    }
