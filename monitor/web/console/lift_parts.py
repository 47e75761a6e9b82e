"""The parts of a lift's page that load when they are opened: what each of them shows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Literal
from urllib.parse import urlencode

from pydantic import BaseModel, Field

from alerts.database.access import reading
from config.text import Text
from devices.registry import Lift
from monitor.web import lift_past, problems, views
from monitor.web.api import paging
from monitor.web.console import lift_tables, sheet
from monitor.web.lift_past import DAY_MS
from monitor.web.ports import ServicePort
from monitor.web.problems import Problem
from monitor.web.visitor import Visitor
from monitor.web.words import UNITS, Words, opening

RANGES = {
    "1h": 3_600_000, "6h": 6 * 3_600_000, "24h": DAY_MS, "7d": 7 * DAY_MS, "30d": 30 * DAY_MS,
    "1y": 365 * DAY_MS,
}  # fmt: skip
Tab = Literal[
    "charts", "trips", "drift", "messages", "visits", "quality", "alerts", "documents", "export"
]
POINTS = 600
LEAST_MS = 60_000
DEFAULT = (
    "car_position", "speed", "door_state", "people", "load", "acc_rms", "motor_current",
    "door_current", "motor_temp",
)  # fmt: skip
__all__ = ["Asked", "part", "tabs"]


class Asked(BaseModel):
    """What of a lift's past is asked for; all of it stands in the page's address."""

    tab: Tab = "charts"
    range: Literal["1h", "6h", "24h", "7d", "30d", "1y"] | None = None
    from_: str = Field("", max_length=30, alias="from")
    to: str = Field("", max_length=30)
    channel: list[str] = Field([], max_length=100)
    code: int | None = Field(None, ge=0)
    cursor: int | None = Field(None, ge=0, le=paging.LARGEST)
    after: str = Field("", max_length=60)

    def span(self, words: Words, now_ms: int, default: str) -> tuple[int, int]:
        """Return the times asked for. Raises Problem 422."""
        if self.range or not (self.from_ or self.to):
            return now_ms - RANGES[self.range or default], now_ms
        to_ms = _moment(words, "to", self.to) if self.to else now_ms
        from_ms = _moment(words, "from", self.from_) if self.from_ else to_ms - RANGES[default]
        if not LEAST_MS <= to_ms - from_ms <= lift_past.MOST_MS:
            text = Text(
                "from 应早于 to，至少 1 分钟，至多 10 年",
                "from must be before to, by a minute at least and ten years at most",
            )
            raise Problem(422, "invalid", text, field="from", value=self.from_, limit="1 min..10 y")
        return from_ms, to_ms


def _moment(words: Words, field: str, told: str) -> int:
    """Read a local time of the site, or epoch ms."""
    try:
        if told.isdigit():
            return int(told)
        at = datetime.fromisoformat(told)
        return round((at if at.tzinfo else at.replace(tzinfo=words.tz)).timestamp() * 1000)
    except (ValueError, OverflowError):
        text = Text("应为 2026-03-01T08:00 这样的时间", "must be a time like 2026-03-01T08:00")
        raise Problem(422, "invalid", text, field=field, value=told) from None


def tabs(words: Words, reg_code: str, on: str) -> list[dict[str, Any]]:
    """Return the parts with their addresses."""
    _ = words.catalogue.gettext
    named = {
        "charts": _("Charts"), "trips": _("Trips"), "drift": _("Drift"),
        "messages": _("Controller"), "visits": _("Visits"), "quality": _("Data quality"),
        "alerts": _("Alert history"),
        "documents": _("Documents"), "export": _("Export"),
    }  # fmt: skip
    return [
        {"tab": tab, "word": word, "on": tab == on, "href": f"/lifts/{reg_code}?tab={tab}"}
        for tab, word in named.items()
    ]


def part(
    port: ServicePort, words: Words, visitor: Visitor, row: int, lift: Lift, asked: Asked
) -> dict[str, Any]:
    """Return what the template of a part needs."""
    return _PARTS[asked.tab](port, words, visitor, row, lift, asked)


def _local(words: Words, at_ms: int) -> str:
    """Return a time as a field of a form has it."""
    return datetime.fromtimestamp(at_ms / 1000, words.tz).strftime("%Y-%m-%dT%H:%M:%S")


def _ranges(words: Words, asked: Asked, default: str) -> list[dict[str, Any]]:
    _ = words.catalogue.gettext
    named = {
        "1h": _("1 h"), "6h": _("6 h"), "24h": _("1 day"), "7d": _("7 days"), "30d": _("30 days"),
        "1y": _("1 year"),
    }  # fmt: skip
    own = asked.from_ or asked.to
    on = asked.range or ("" if own else default)
    return [
        {"value": value, "word": word, "on": value == on, "href": _href(asked, range=value)}
        for value, word in named.items()
    ]


def _href(asked: Asked, **changed: Any) -> str:
    kept: list[tuple[str, Any]] = [("tab", asked.tab), *changed.items()]
    return "?" + urlencode(kept + [("channel", name) for name in asked.channel])


def _charts(
    port: ServicePort, words: Words, visitor: Visitor, row: int, lift: Lift, asked: Asked
) -> dict[str, Any]:
    now_ms = port.now_ms()
    begin, end = asked.span(words, now_ms, "1h")
    names = [name for name in asked.channel if name in port.vocab.by_name][
        : lift_past.MOST_CHANNELS
    ]
    chosen = names or list(DEFAULT)
    found = port.past.curves(row, chosen, begin, end, POINTS)
    with reading(port.engine) as conn:
        marks = lift_past.marks_json(port, conn, visitor.scope, row, lift, (begin, end))
        alerts = lift_past.alerts_json(conn, visitor.scope, lift, 20, None)["alerts"]
    drawn = sheet.sheet(words, found, port.past.gaps(row, found), marks)
    whole = end - begin
    near = min(whole // 4, (whole - LEAST_MS) // 2)
    moved = {
        "earlier": (begin - whole // 2, end - whole // 2),
        "later": (begin + whole // 2, end + whole // 2),
        "closer": (begin + near, end - near),
        "wider": (begin - whole // 2, end + whole // 2),
    }
    return {
        "sheet": drawn,
        "ranges": _ranges(words, asked, "1h"),
        "follows": end == now_ms and whole <= RANGES["24h"],
        "from": _local(words, begin),
        "to": _local(words, end),
        "said": " – ".join(_local(words, at).replace("T", " ") for at in (begin, end)),
        "moves": {
            name: _href(asked, **{"from": _local(words, a), "to": _local(words, b)})
            for name, (a, b) in moved.items()
        },
        "picked": [
            {"name": c.name, "word": opening(c.text.of(words.lang)), "on": c.name in chosen}
            for c in port.vocab.channels
        ],
        "rows": [views.row_view(words, one, now_ms, visitor.user.role) for one in alerts],
    }


def _trips(
    port: ServicePort, words: Words, visitor: Visitor, row: int, lift: Lift, asked: Asked
) -> dict[str, Any]:
    begin, end = asked.span(words, port.now_ms(), "24h")
    begin = max(begin, end - lift_past.TRIPS_MOST_MS)
    found = port.past.trips(row, begin, end)
    return lift_tables.trips(words, found, begin, end) | {
        "ranges": _ranges(words, asked, "24h")[:4],
        "earlier": _href(
            asked, **{"from": _local(words, 2 * begin - end), "to": _local(words, begin)}
        ),
        "said": f"{words.clock(begin, end)} – {words.clock(end, end)}",
    }


def _drift(
    port: ServicePort, words: Words, visitor: Visitor, row: int, lift: Lift, asked: Asked
) -> dict[str, Any]:
    begin, end = asked.span(words, port.now_ms(), "24h")
    begin = max(begin, end - lift_past.TRIPS_MOST_MS)
    told = lift_past.drift_json(port, row, lift, (begin, end))
    return lift_tables.drift(words, told) | {"ranges": _ranges(words, asked, "24h")[:4]}


def _messages(
    port: ServicePort, words: Words, visitor: Visitor, row: int, lift: Lift, asked: Asked
) -> dict[str, Any]:
    now_ms = port.now_ms()
    times = asked.span(words, now_ms, "30d")
    after = lift_past.place_of(asked.after)
    if asked.after and after is None:
        raise problems.invalid("after", asked.after, "ts_ms.code.state")
    told = lift_past.messages_json(port, row, lift, times, 100, asked.code, after)
    return lift_tables.messages(words, told, now_ms) | {
        "ranges": _ranges(words, asked, "30d"),
        "more": _href(asked, range=asked.range or "30d", after=told["next_cursor"])
        if told["next_cursor"]
        else None,
    }


def _visits(
    port: ServicePort, words: Words, visitor: Visitor, row: int, lift: Lift, asked: Asked
) -> dict[str, Any]:
    now_ms = port.now_ms()
    times = asked.span(words, now_ms, "1y")
    with reading(port.engine) as conn:
        found = lift_past.visits(port, conn, visitor.scope, row, lift, times)
    return {
        "visits": lift_tables.visits(words, found, now_ms),
        "ranges": _ranges(words, asked, "1y")[3:],
    }


def _quality(
    port: ServicePort, words: Words, visitor: Visitor, row: int, lift: Lift, asked: Asked
) -> dict[str, Any]:
    now_ms = port.now_ms()
    begin, end = asked.span(words, now_ms, "30d")
    begin = max(begin, end - 400 * DAY_MS)
    told = lift_past.quality_json(port, visitor.scope, row, lift, (begin, end))
    return lift_tables.quality(words, told, now_ms) | {"ranges": _ranges(words, asked, "30d")[2:]}


def _alerts(
    port: ServicePort, words: Words, visitor: Visitor, row: int, lift: Lift, asked: Asked
) -> dict[str, Any]:
    with reading(port.engine) as conn:
        told = lift_past.alerts_json(conn, visitor.scope, lift, 50, asked.cursor)
    now_ms = port.now_ms()
    return {
        "rows": [views.row_view(words, one, now_ms, visitor.user.role) for one in told["alerts"]],
        "more": _href(asked, cursor=told["next_cursor"]) if told["next_cursor"] else None,
    }


def _documents(
    port: ServicePort, words: Words, visitor: Visitor, row: int, lift: Lift, asked: Asked
) -> dict[str, Any]:
    return lift_tables.documents(words, lift_past.documents_json(port, row, lift), lift, port)


def _export(
    port: ServicePort, words: Words, visitor: Visitor, row: int, lift: Lift, asked: Asked
) -> dict[str, Any]:
    begin, end = asked.span(words, port.now_ms(), "24h")
    return {
        "from": _local(words, begin),
        "to": _local(words, end),
        "zone": port.settings.site.timezone,
        "picked": [
            {"name": c.name, "word": opening(c.text.of(words.lang)), "on": c.name in DEFAULT,
             "unit": UNITS.get(c.unit, c.unit)}
            for c in port.vocab.channels
        ],
    }  # fmt: skip


_PARTS: dict[
    str, Callable[[ServicePort, Words, Visitor, int, Lift, Asked], dict[str, Any]]
] = {
    "charts": _charts, "trips": _trips, "drift": _drift, "messages": _messages, "visits": _visits,
    "quality": _quality, "alerts": _alerts, "documents": _documents, "export": _export,
}  # fmt: skip
