"""The page of one lift: drawn as it is now, its values, and its past in parts that load alone."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from alerts.database.access import reading
from devices.registry import Lift
from monitor.web import find, lifts, problems
from monitor.web.console import lift_parts
from monitor.web.console.asides import aside_view
from monitor.web.console.lift_parts import Asked
from monitor.web.console.side import Fact, map_link, unit_facts
from monitor.web.ports import ServicePort, fresh_ms
from monitor.web.visitor import AnyVisitor, Visitor, Web, web_of
from monitor.web.words import Words, opening

router = APIRouter(include_in_schema=False)
TONES = {"silent": "", "alert": "bad", "out": "warn", "moving": "good", "standing": "good"}
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
    request: Request, visitor: AnyVisitor, reg_code: str, asked: Annotated[Asked, Query()]
) -> Response:
    """One lift: drawn as it is now, its values, and one part of its past."""
    web = web_of(request)
    words, port = web.pages.words(request), web.port
    row, lift = _find(port, reg_code, visitor)
    live = _live(web, words, visitor, row, lift)
    with reading(port.engine) as conn:
        aside = aside_view(conn, words, visitor, reg_code, port.now_ms())
    return web.pages.render(
        request,
        "lift.html",
        visitor,
        lift=lift,
        live=live,
        shaft=shaft(lift, live["position"]),
        channels=[
            {"name": name, "word": opening(words.channel(name)), **told}
            for name, told in live["words"].items()
        ],
        facts=_facts(port, words, lift),
        aside=aside,
        tabs=lift_parts.tabs(words, reg_code, asked.tab),
        tab=asked.tab,
        part=lift_parts.part(port, words, visitor, row, lift, asked),
    )


@router.get("/lifts/{reg_code}/part")
def lift_part(
    request: Request, visitor: AnyVisitor, reg_code: str, asked: Annotated[Asked, Query()]
) -> Response:
    """One part of a lift's past alone, for a page that is open."""
    web = web_of(request)
    words, port = web.pages.words(request), web.port
    row, lift = _find(port, reg_code, visitor)
    told = lift_parts.part(port, words, visitor, row, lift, asked)
    text = web.pages.fragment(
        request, f"lift_parts/{asked.tab}.html", visitor, lift=lift, part=told, tab=asked.tab
    )
    return HTMLResponse(text)


@router.get("/lifts/{reg_code}/export")
def lift_export(
    request: Request,
    visitor: AnyVisitor,
    reg_code: str,
    asked: Annotated[Asked, Query()],
    form: Literal["csv", "parquet"] = "csv",
    key: Annotated[str, Query(max_length=64)] = "",
) -> Response:
    """What the form of the export asks for, as the API has it."""
    web = web_of(request)
    _find(web.port, reg_code, visitor)
    begin, end = asked.span(web.pages.words(request), web.port.now_ms(), "24h")
    told = {"from_ms": begin, "to_ms": end, "form": form, "key": key}
    if asked.channel:
        told["channels"] = ",".join(asked.channel)
    return RedirectResponse(f"/api/v1/lifts/{reg_code}/export?{urlencode(told)}", 303)


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
    _ = words.catalogue.gettext
    if now["state"] == "silent" and now["last_ms"] is not None:
        word = _("silent for %(time)s") % {"time": words.duration(now_ms - now["last_ms"])}
    limit_ms = fresh_ms(port, lift.reg_code)
    readings = port.live(row)
    told = {
        name: _told(words, name, readings[name], now_ms, limit_ms)
        for name in port.vocab.by_name
        if name in readings and not math.isnan(readings[name][0])
    }
    known = {name: value for name, (value, _) in readings.items() if not math.isnan(value)}
    return now | {
        "now_ms": now_ms,
        "state_word": word,
        "state_tone": TONES[now["state"]],
        "words": told,
        "load": round(known["load"]) if "load" in known else None,
        "level": round(known["level_offset"]) if "level_offset" in known else None,
        "level_word": told["level_offset"]["value"] if "level_offset" in told else "",
        "power": int(known.get("power", 0)),
        "battery": round(known["battery"]) if "battery" in known else None,
        "mode": int(known.get("service_mode", 1)),
        "mode_word": told["service_mode"]["value"] if "service_mode" in told else "",
        "power_word": told["power"]["value"] if "power" in told else "",
        "alerts": ",".join(f"{alert['id']}.{alert['version']}" for alert in newest),
    }


def _told(
    words: Words, name: str, reading: tuple[float, int], now_ms: int, limit_ms: int
) -> dict[str, Any]:
    """Return a value in words with its age, and whether it is no longer fresh."""
    value, age_ms = words.value(name, float(reading[0])), now_ms - reading[1]
    slow = name in SLOW or words.vocab.by_name[name].group == "statistics"
    old = age_ms > (max(limit_ms, _SLOW_MS) if slow else limit_ms)
    ago = words.catalogue.gettext("%(time)s ago") % {"time": words.duration(max(0, age_ms))}
    return {"value": value, "ago": ago, "old": old}


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
