"""The wall of lifts, and the signals of a lift around an alert."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from starlette.responses import JSONResponse, Response

from alerts.database.access import reading
from devices.registry import Lift, short_name
from monitor.web import find, lifts, problems
from monitor.web.console import charts
from monitor.web.ports import ServicePort
from monitor.web.visitor import AnyVisitor, Visitor, web_of
from monitor.web.words import Words

router = APIRouter(include_in_schema=False)
MOST_ON_WALL = 2000
RANGES = {"1h": 1, "6h": 6, "24h": 24, "7d": 168}
_AROUND_MS = (6 * 60_000, 4 * 60_000)


def state_words(words: Words) -> dict[str, str]:
    """Return the states of a lift in words."""
    _ = words.catalogue.gettext
    return {
        "alert": _("alert"),
        "moving": _("moving"),
        "standing": _("standing"),
        "out": _("not in normal service"),
        "silent": _("silent: nothing is known"),
    }


@router.get("/lifts")
def wall(
    request: Request, visitor: AnyVisitor, q: Annotated[str, Query(max_length=100)] = ""
) -> Response:
    """All lifts a visitor may see, by street office, each as one small field."""
    web = web_of(request)
    words, port = web.pages.words(request), web.port
    found = list(lifts.search(port, visitor.scope, q))
    with reading(port.engine) as conn:
        severities = lifts.open_severities(conn)
    offices: dict[str, dict[str, Any]] = {}
    for lift in found[:MOST_ON_WALL]:
        unit = port.directory.units.get(lift.street_office)
        word = unit.name.of(words.lang) if unit else lift.street_office
        office = offices.setdefault(
            lift.street_office, {"word": word, "lifts": 0, "places": {}, "alarms": 0, "stale": 0}
        )
        cell = _cell(port, words, lift, severities.get(lift.reg_code))
        office["lifts"] += 1
        short = _street(lift.place, (unit.name.zh, unit.name.en) if unit else (word,))
        office["places"].setdefault(short, []).append(cell)
        office["alarms"] += cell["state"] == "alert"
        office["stale"] += cell["state"] == "silent"
    ordered = sorted(offices.values(), key=lambda office: str(office["word"]))
    return web.pages.render(
        request,
        "lifts.html",
        visitor,
        offices=ordered,
        q=q,
        legend=state_words(words),
        more=max(0, len(found) - MOST_ON_WALL),
    )


def _cell(port: ServicePort, words: Words, lift: Lift, severity: str | None) -> dict[str, Any]:
    row = port.registry.row_of[lift.reg_code]
    now = lifts.picture(port, row, lift, severity, port.now_ms())
    fresh, position = now["fresh"], now["position"]
    arrow = {"up": "↑", "down": "↓"}.get(now["direction"], "") if now["state"] == "moving" else ""
    word = state_words(words)[now["state"]]
    return {
        "reg_code": lift.reg_code,
        "state": now["state"],
        "severity": severity if now["state"] == "alert" else "",
        "mark": f"{position}{arrow}".replace("-", "−") if fresh and position is not None else "?",
        "label": short_name(lift.place, lift.name),
        "title": f"{words.where(asdict(lift) | {'subject': lift.reg_code})}: {word}",
    }


def _street(place: str, office: tuple[str, ...]) -> str:
    """Return a place without the name of the street office it stands under."""
    found = next((name for name in office if place.startswith(name)), "")
    return place.removeprefix(found).strip() or place


def _find(port: ServicePort, reg_code: str, visitor: Visitor) -> tuple[int, Lift]:
    found = lifts.find_lift(port, reg_code, visitor.scope)
    if found is None:
        raise problems.not_found("lift", reg_code)
    return found


@router.get("/lifts/{reg_code}/chart")
def lift_chart(
    request: Request,
    visitor: AnyVisitor,
    reg_code: str,
    span: Annotated[Literal["1h", "6h", "24h", "7d"], Query(alias="range")] = "1h",
    alert: Annotated[int | None, Query()] = None,
    theme: Annotated[Literal["light", "dark"], Query()] = "light",
) -> Response:
    """The signals of a lift as a Bokeh item: the last hours, or around an alert."""
    web = web_of(request)
    words, port = web.pages.words(request), web.port
    if alert is None:
        row, _ = _find(port, reg_code, visitor)
        to_ms = port.now_ms()
        times = (to_ms - RANGES[span] * 3_600_000, to_ms)
        return JSONResponse(charts.signals(port, words, row, charts.LIFT_CHANNELS, times, theme))
    # A unit that was called to an alert sees its signals even if the lift is not in its care.
    with reading(port.engine) as conn:
        found = find.read_alert(conn, alert, visitor.scope, None)
    known = port.registry.row_of.get(reg_code)
    if found is None or found["subject"] != reg_code or known is None:
        raise problems.not_found("alert", alert)
    moment = charts.Moment(int(found["since_ms"]), int(found["raised_ms"]))
    times = (moment.since_ms - _AROUND_MS[0], moment.raised_ms + _AROUND_MS[1])
    names = [str(row["name"]) for row in found["evidence"]]
    item = charts.signals(port, words, known, [*charts.ALWAYS, *names], times, theme, moment)
    return JSONResponse(item)
