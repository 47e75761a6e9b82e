"""The quality of alarms as a page of tables."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from alerts.quality.report import parse_verdict
from devices.registry import place_and_name
from monitor.web import terms
from monitor.web.api.quality import DAY_MS, period_of, quality_of
from monitor.web.visitor import DeskVisitor, web_of
from monitor.web.words import Words, opening

router = APIRouter(include_in_schema=False)


@router.get("/quality")
def page(
    request: Request,
    visitor: DeskVisitor,
    from_: Annotated[date | None, Query(alias="from")] = None,
    to: date | None = None,
    positions: Annotated[int, Query(ge=1, le=100)] = 1,
) -> Response:
    """The figures of the last seven days, or of whole days as the address says."""
    web = web_of(request)
    words, now_ms = web.pages.words(request), web.port.now_ms()
    last = to or datetime.fromtimestamp(now_ms / 1000, words.tz).date()
    first = from_ or last - timedelta(days=6)
    period = period_of(_midnight(words, first), _midnight(words, last + timedelta(days=1)), now_ms)
    found = quality_of(web.port, period, positions)
    query = f"from_ms={period.from_ms}&to_ms={period.to_ms}&positions={positions}"
    return web.pages.render(
        request,
        "quality.html",
        visitor,
        first=first.isoformat(),
        last=last.isoformat(),
        positions=positions,
        json=f"/api/v1/quality?{query}",
        q=quality_view(words, found),
        whole_days=-(-(period.to_ms - period.from_ms) // DAY_MS),
    )


def _midnight(words: Words, day: date) -> int:
    return round(datetime.combine(day, time(), words.tz).timestamp() * 1000)


def percent(share: float | None) -> str:
    """Return `12.3 %`, or a dash where there is nothing to divide."""
    return "–" if share is None else f"{100 * share:.1f} %"


def quality_view(words: Words, found: dict[str, Any]) -> dict[str, Any]:
    """Return the report in words."""
    severity = terms.severities(words.catalogue)
    seen = found["acknowledged"]
    return {
        "alarms": found["alarms"],
        "left_out": found["left_out"],
        "verdicts": [
            {
                "text": opening(words.text(one["text"])),
                "value": parse_verdict(one),
                "limit": "≤ " + parse_verdict({**one, "value": one["limit"]}),
                "ok": one["ok"],
            }
            for one in found["verdicts"]
        ],
        "priority": [
            {
                "word": severity[one["severity"]],
                "alarms": one["alarms"],
                "share": percent(one["share"]),
                "recommended": percent(one["recommended"]),
                "seen": _seen(words, seen["by_severity"][one["severity"]]),
            }
            for one in found["priority"]
        ],
        "seen": _seen(words, seen),
        "actors": [
            _alarm(words, one) | {"share": percent(one["share"])}
            for one in found["bad_actors"]["alarms"]
        ],
        "chattering": [_alarm(words, one) for one in found["chattering"]["alarms"]],
        "stale": [
            _alarm(words, one) | {"id": one["id"], "since": f"{words.day(one['raised_ms'])}"}
            for one in found["stale"]["alarms"]
        ],
        "rules": [
            {
                "rule": one["rule"],
                "text": opening(words.text(one["text"])),
                "alarms": one["alarms"],
                "judged": one["judged"],
                "false": one["false"],
                "share": percent(one["false_share"]),
            }
            for one in found["rules"]
        ],
        "days": found["days"],
    }


def _seen(words: Words, one: dict[str, Any]) -> dict[str, str]:
    return {
        "share": percent(one["share"]),
        "median": "–" if one["median_ms"] is None else words.duration(one["median_ms"]),
        "p90": "–" if one["p90_ms"] is None else words.duration(one["p90_ms"]),
    }


def _alarm(words: Words, one: dict[str, Any]) -> dict[str, Any]:
    lift = one["subject_kind"] == "lift"
    return {
        "where": place_and_name(str(one["place"]), str(one["name"] or one["subject"])),
        "href": f"/lifts/{one['subject']}" if lift else None,
        "rule": opening(words.text(one["text"])),
        "onsets": one.get("onsets"),
        "alerts": one.get("alerts"),
        "bursts": one.get("bursts"),
    }
