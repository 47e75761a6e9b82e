"""The page of one lift, and its charts."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from starlette.responses import JSONResponse, Response

from alerts.database.access import reading
from devices.registry import Lift
from monitor.web import find, lifts, problems, views
from monitor.web.console import charts
from monitor.web.console.asides import aside_view
from monitor.web.console.side import Fact, map_link, unit_facts
from monitor.web.ports import ServicePort, fresh_ms
from monitor.web.visitor import AnyVisitor, Visitor, Web, web_of
from monitor.web.words import Words

router = APIRouter(include_in_schema=False)
RANGES = {"1h": 1, "6h": 6, "24h": 24, "7d": 168}
TONES = {"silent": "", "alert": "bad", "out": "warn", "moving": "good", "standing": "good"}
_AROUND_MS = (6 * 60_000, 4 * 60_000)
SLOW = ("battery", "motor_temp", "room_temp", "humidity")
"""Gateways send these, and the statistics, about once a minute."""
_SLOW_MS = 3 * 60_000


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


def _find(port: ServicePort, reg_code: str, visitor: Visitor) -> tuple[int, Lift]:
    found = lifts.find_lift(port, reg_code, visitor.scope)
    if found is None:
        raise problems.not_found("lift", reg_code)
    return found


@router.get("/lifts/{reg_code}")
def lift_page(
    request: Request,
    visitor: AnyVisitor,
    reg_code: str,
    span: Annotated[Literal["1h", "6h", "24h", "7d"], Query(alias="range")] = "1h",
) -> Response:
    """One lift: drawn as it is now, its values, its charts, its alerts."""
    web = web_of(request)
    words, port = web.pages.words(request), web.port
    row, lift = _find(port, reg_code, visitor)
    live = _live(web, words, visitor, row, lift)
    with reading(port.engine) as conn:
        query = find.Query(scope=visitor.scope, state="all", subject=reg_code)
        found = find.find(conn, query, chains=port.desk.chains, limit=20)
        now_ms = port.now_ms()
        aside = aside_view(conn, words, visitor, reg_code, now_ms)
    return web.pages.render(
        request,
        "lift.html",
        visitor,
        charts=True,
        lift=lift,
        live=live,
        shaft=shaft(lift, live["position"]),
        channels=[
            {"name": name, "word": words.channel(name), **told}
            for name, told in live["words"].items()
        ],
        rows=[views.row_view(words, alert, now_ms, visitor.user.role) for alert in found],
        facts=_facts(port, words, lift),
        aside=aside,
        ranges=[{"value": r, "word": _span(words, r), "on": r == span} for r in RANGES],
        range=span,
        bokeh=charts.BOKEH_SCRIPT,
    )


def _span(words: Words, span: str) -> str:
    _ = words.catalogue.gettext
    if span == "7d":
        return _("7 days")
    return words.catalogue.ngettext("%(n)d hour", "%(n)d hours", RANGES[span]) % {"n": RANGES[span]}


@router.get("/lifts/{reg_code}/live")
def lift_live(request: Request, visitor: AnyVisitor, reg_code: str) -> Response:
    """What the page of a lift asks for each second: the picture and the values in words."""
    web = web_of(request)
    row, lift = _find(web.port, reg_code, visitor)
    return JSONResponse(_live(web, web.pages.words(request), visitor, row, lift))


def _live(web: Web, words: Words, visitor: Visitor, row: int, lift: Lift) -> dict[str, Any]:
    port, now_ms = web.port, web.port.now_ms()
    with reading(port.engine) as conn:
        severity = lifts.open_severities(conn).get(lift.reg_code)
        query = find.Query(scope=visitor.scope, state="all", subject=lift.reg_code)
        newest = find.find(conn, query, chains=None, limit=20)
    now = lifts.picture(port, row, lift, severity, now_ms)
    word = state_words(words)[now["state"]]
    if now["state"] == "silent" and now["last_ms"] is not None:
        _ = words.catalogue.gettext
        word = _("silent for %(time)s") % {"time": words.duration(now_ms - now["last_ms"])}
    limit_ms = fresh_ms(port, lift.reg_code)
    readings = port.live(row)
    told = {
        name: _told(words, name, readings[name], now_ms, limit_ms)
        for name in port.vocab.by_name
        if name in readings and not math.isnan(readings[name][0])
    }
    return now | {
        "now_ms": now_ms,
        "state_word": word,
        "state_tone": TONES[now["state"]],
        "words": told,
        "alerts": ",".join(f"{alert['id']}.{alert['version']}" for alert in newest),
    }


def _told(
    words: Words, name: str, reading: tuple[float, int], now_ms: int, limit_ms: int
) -> dict[str, Any]:
    """Return a value in words; one that is no longer fresh with its age."""
    value, age_ms = words.value(name, float(reading[0])), now_ms - reading[1]
    slow = name in SLOW or words.vocab.by_name[name].group == "statistics"
    if age_ms <= (max(limit_ms, _SLOW_MS) if slow else limit_ms):
        return {"value": value, "old": False}
    ago = words.catalogue.gettext("%(time)s ago") % {"time": words.duration(age_ms)}
    return {"value": f"{value} · {ago}", "old": True}


def _facts(port: ServicePort, words: Words, lift: Lift) -> list[Fact]:
    _ = words.catalogue.gettext
    found: list[Fact] = [
        (_("Place"), lift.place, map_link(lift, port.settings.web.map_url)),
        (_("Kind"), words.lift_type(lift.type), None),
        (_("Rescue code"), lift.rescue_code or "–", None),
        (_("Registration code"), lift.reg_code, None),
        (_("Rated speed"), f"{lift.rated_speed:g} m/s", None),
        (_("Rated load"), f"{lift.rated_load_kg:g} kg", None),
        (_("Floors"), f"{lift.floor_lo} – {lift.floor_hi}".replace("-", "−"), None),
        (_("Gateway"), lift.gateway, None),
    ]
    return found + unit_facts(port, words, lifts.facts(port, lift))


def shaft(lift: Lift, position: int | None) -> dict[str, Any]:
    """Return the measures of the drawn shaft, in SVG units."""
    count = lift.floor_hi - lift.floor_lo + 1
    step = max(8.0, min(46.0, 640.0 / count))
    car, top = min(42.0, max(22.0, step - 6)), 48.0
    every = max(1, -(-count // 22))
    floors = [
        {
            "y": round(top + (lift.floor_hi - floor) * step + car, 1),
            "word": str(floor).replace("-", "−") if (floor - lift.floor_lo) % every == 0 else "",
        }
        for floor in range(lift.floor_lo, lift.floor_hi + 1)
    ]
    at = min(lift.floor_hi, max(lift.floor_lo, position if position is not None else lift.floor_lo))
    return {
        "lo": lift.floor_lo,
        "hi": lift.floor_hi,
        "top": top,
        "step": step,
        "car": car,
        "floors": floors,
        "y": round(top + (lift.floor_hi - at) * step, 1),
        "height": round(2 * top + (count - 1) * step + car, 1),
    }


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
