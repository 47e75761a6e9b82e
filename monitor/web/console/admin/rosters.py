"""Units and rosters on the console: a month of a unit, its gaps, and the form for a stand-in."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from alerts.directory.roster import SWAP_KINDS
from config.errors import ConfigError
from config.text import Text
from monitor.admin.rosters import midnight_ms, on_duty, span_of
from monitor.web import problems
from monitor.web.api.admin.rosters import (
    Month,
    SwapBody,
    desk_of,
    month_of,
    row_of,
    unit_of,
    units_json,
)
from monitor.web.console.admin.rules import stamp
from monitor.web.console.render import flash
from monitor.web.visitor import AdminVisitor, Visitor, web_of
from monitor.web.words import Words

router = APIRouter(prefix="/admin", include_in_schema=False)
DAY = timedelta(days=1)


def kinds(words: Words) -> dict[str, str]:
    """Return kinds of units in words."""
    _ = words.catalogue.gettext
    return {
        "operator": _("duty desk"), "use_unit": _("use unit"), "maintenance": _("firm"),
        "rescue_station": _("rescue station"), "public_rescue": _("public rescue"),
        "bureau": _("bureau"), "street_office": _("street office"), "town": _("town"),
    }  # fmt: skip


@router.get("/units")
def units(request: Request, visitor: AdminVisitor) -> Response:
    """All units, those with a gap first."""
    web = web_of(request)
    words, port = web.pages.words(request), web.port
    names, people = kinds(words), port.directory.contacts
    rows = [
        {
            **one,
            "name": words.text(one["name"]),
            "kind_word": names.get(one["kind"], one["kind"]),
            "people": len(one["contacts"]),
            "now": None if one["on_duty"] is None else [people[who].name for who in one["on_duty"]],
            "first_gap": stamp(words, one["gaps"][0]["from_ms"]) if one["gaps"] else "",
        }
        for one in units_json(port)
    ]
    rows.sort(key=lambda one: (not one["gaps"], not one["roster"]))
    return web.pages.render(request, "admin/units.html", visitor, rows=rows)


@router.get("/units/{ident}")
def unit(request: Request, visitor: AdminVisitor, ident: str, month: Month = "") -> Response:
    """The month of one unit."""
    return _month(request, visitor, ident, month)


def _month(
    request: Request, visitor: Visitor, ident: str, month: str, refusal: str = ""
) -> Response:
    web = web_of(request)
    words, port = web.pages.words(request), web.port
    book, zone = port.directory, ZoneInfo(port.settings.site.timezone)
    found = unit_of(port, ident)
    first, after, lo, hi = span_of(month_of(port, month), zone)
    shifts, gaps = on_duty(book, ident, lo, hi)
    today = datetime.fromtimestamp(port.now_ms() / 1000, zone).date()
    roster = book.rosters.get(ident)
    days = []
    for offset in range((after - first).days):
        day = first + offset * DAY
        begin, end = midnight_ms(day, zone), midnight_ms(day + DAY, zone)
        days.append(
            {
                "date": day,
                "number": day.day,
                "today": day == today,
                "column": day.weekday() + 1,
                "shifts": [
                    {"line": one.line, "from": _hour(words, one.from_ms, begin, end, goes_on=True),
                     "names": "、".join(book.contacts[who].name for who in one.contacts)}
                    for one in shifts
                    if one.from_ms < end and one.to_ms > begin
                ],
                "gaps": [
                    f"{_hour(words, a, begin, end)}–{_hour(words, b, begin, end, last=True)}"
                    for a, b in gaps
                    if a < end and b > begin
                ],
            }
        )  # fmt: skip
    return web.pages.render(
        request,
        "admin/roster.html",
        visitor,
        status=422 if refusal else 200,
        unit=found.id,
        name=words.text(found.name),
        month=first.strftime("%Y-%m"),
        before=(first - DAY).strftime("%Y-%m"),
        after=after.strftime("%Y-%m"),
        weekdays=_weekdays(words),
        days=days,
        gap_count=len(gaps),
        lines=[line.line for line in roster.lines] if roster else [],
        people=[{"id": one.id, "name": one.name, "post": one.post} for one in book.of_unit(ident)],
        swaps=_swaps(words, port, ident),
        kinds=_swap_kinds(words),
        refusal=refusal,
    )


def _swaps(words: Words, port: Any, ident: str) -> list[dict[str, str]]:
    roster, people = port.directory.rosters.get(ident), port.directory.contacts
    names = _swap_kinds(words)
    return [
        {
            "kind": names.get(one.kind, one.kind),
            "out": people[one.out].name,
            "in": people[one.stand_in].name if one.stand_in else "–",
            "from": stamp(words, one.from_ms),
            "to": stamp(words, one.to_ms),
        }
        for one in (roster.swaps if roster else ())
        if one.to_ms > port.now_ms()
    ]


def _swap_kinds(words: Words) -> dict[str, str]:
    _ = words.catalogue.gettext
    told = {"swap": _("swap"), "illness": _("illness"), "leave": _("leave"), "other": _("other")}
    return {kind: told[kind] for kind in SWAP_KINDS}


def _weekdays(words: Words) -> list[str]:
    _ = words.catalogue.gettext
    return [_("Mon"), _("Tue"), _("Wed"), _("Thu"), _("Fri"), _("Sat"), _("Sun")]


def _hour(
    words: Words, at_ms: int, begin: int, end: int, last: bool = False, goes_on: bool = False
) -> str:
    """Return a time of day within one day; its ends where it lies outside."""
    if at_ms <= begin:
        return "…" if goes_on and at_ms < begin else "00:00"
    return "24:00" if last and at_ms >= end else words.clock(at_ms, at_ms)[:5]


@router.post("/units/{ident}/swaps")
def swap(
    request: Request,
    visitor: AdminVisitor,
    ident: str,
    out: Annotated[str, Form(max_length=128)],
    begin: Annotated[str, Form(max_length=20)],
    end: Annotated[str, Form(max_length=20)],
    kind: Annotated[str, Form(max_length=16)] = "swap",
    line: Annotated[str, Form(max_length=64)] = "",
    stand_in: Annotated[str, Form(max_length=128)] = "",
) -> Response:
    """Enter a swap or a stand-in."""
    web = web_of(request)
    port, words = web.port, web.pages.words(request)
    unit_of(port, ident)
    try:
        body = SwapBody(
            kind=kind, line=line, out=out, stand_in=stand_in,
            from_at=datetime.fromisoformat(begin), to_at=datetime.fromisoformat(end),
        )  # fmt: skip
        desk_of(port).swap(row_of(port, ident, body), visitor.user.actor)
    except ConfigError as error:
        told = problems.refused(error).text
        return _month(request, visitor, ident, "", told.of(words.lang))
    except ValueError:
        missing = Text("请填写开始与结束", "say from when to when")
        return _month(request, visitor, ident, "", missing.of(words.lang))
    month = date.fromisoformat(begin[:10]).strftime("%Y-%m")
    text = Text(
        "已写入 directory.toml，立即生效", "written to directory.toml; it counts from now on"
    )
    return flash(RedirectResponse(f"/admin/units/{ident}?month={month}", 303), text, True)
