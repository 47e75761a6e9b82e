"""Units and rosters: who is on duty, where nobody is, and stand-ins."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from alerts.directory.calendar_file import calendar_of
from alerts.directory.units import Unit
from config.errors import ConfigError
from monitor.admin.rosters import RosterDesk, on_duty, span_of
from monitor.web import problems
from monitor.web.api import examples
from monitor.web.api import examples_admin as told
from monitor.web.ports import ServicePort
from monitor.web.visitor import AdminVisitor, web_of

router = APIRouter(tags=["administration"])
Month = Annotated[str, Query(pattern=r"^(\d{4}-\d{2})?$", examples=["2026-03"])]
AHEAD_MS = 30 * 86_400_000
EXPORT_MS = 92 * 86_400_000


class SwapBody(BaseModel):
    """Who stands in for whom, from when to when (local time)."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    kind: Literal["swap", "illness", "leave", "other"] = "swap"
    line: str = Field("", max_length=64)
    out: str = Field(max_length=128)
    stand_in: str = Field("", max_length=128, description="empty: nobody stands in")
    from_at: datetime
    to_at: datetime


def unit_of(port: ServicePort, ident: str) -> Unit:
    """Return a unit. Raises Problem 404."""
    if ident not in port.directory.units:
        raise problems.not_found("unit", ident)
    return port.directory.units[ident]


def month_of(port: ServicePort, said: str) -> date:
    """Return the first day of a month; of the present one where none was said. Raises Problem."""
    zone = ZoneInfo(port.settings.site.timezone)
    if not said:
        return datetime.fromtimestamp(port.now_ms() / 1000, zone).date().replace(day=1)
    try:
        return date.fromisoformat(f"{said}-01")
    except ValueError:
        raise problems.not_found("month", said) from None


def units_json(port: ServicePort) -> list[dict[str, Any]]:
    """Return all units: contacts, who is on duty now, gaps of the next 30 days."""
    book, now_ms = port.directory, port.now_ms()
    found = []
    for unit in book.units.values():
        people = book.of_unit(unit.id)
        roster = book.rosters.get(unit.id)
        on = roster.on("member", None, now_ms) if roster and roster.lines else None
        gaps = on_duty(book, unit.id, now_ms, now_ms + AHEAD_MS)[1]
        found.append(
            {
                "id": unit.id,
                "kind": unit.kind,
                "name": unit.name.as_json(),
                "contacts": [one.id for one in people],
                "roster": bool(roster and roster.lines),
                "on_duty": list(on) if on is not None else None,
                "gaps": [{"from_ms": lo, "to_ms": hi} for lo, hi in gaps],
            }
        )
    return found


def desk_of(port: ServicePort) -> RosterDesk:
    """Return what writes swaps."""
    return RosterDesk(port.engine, port.settings, port.now_ms, port.registrar.take_up)


def row_of(port: ServicePort, unit: str, body: SwapBody) -> dict[str, Any]:
    """Return a [[swap]] row; times are local to the site."""
    zone = ZoneInfo(port.settings.site.timezone)
    begin, end = (
        at.astimezone(zone).replace(tzinfo=None) if at.tzinfo else at
        for at in (body.from_at, body.to_at)
    )
    return {
        "unit": unit, "line": body.line, "kind": body.kind, "out": body.out,
        "in": body.stand_in, "from": begin, "to": end,
    }  # fmt: skip


@router.get("/units", responses=told.UNITS)
def units(request: Request, visitor: AdminVisitor) -> dict[str, Any]:
    """Return units, who is on duty now, and the gaps of the next 30 days."""
    return {"units": units_json(web_of(request).port)}


@router.get("/units/{ident}/roster", responses=told.ROSTER)
def roster(
    request: Request, visitor: AdminVisitor, ident: str, month: Month = ""
) -> dict[str, Any]:
    """Return the shifts of a month, and the stretches in which nobody is on duty."""
    port = web_of(request).port
    unit_of(port, ident)
    zone = ZoneInfo(port.settings.site.timezone)
    first, _, lo, hi = span_of(month_of(port, month), zone)
    found, gaps = on_duty(port.directory, ident, lo, hi)
    return {
        "month": first.strftime("%Y-%m"),
        "shifts": [
            {"line": one.line, "from_ms": one.from_ms, "to_ms": one.to_ms,
             "contacts": list(one.contacts)}
            for one in found
        ],
        "gaps": [{"from_ms": a, "to_ms": b} for a, b in gaps],
    }  # fmt: skip


@router.get(
    "/units/{ident}/roster.ics",
    responses=examples.answer("BEGIN:VCALENDAR\r\n…", kind="text/calendar"),
    response_class=Response,
)
def calendar(request: Request, visitor: AdminVisitor, ident: str) -> Response:
    """Return the shifts of the next 92 days as an iCalendar file."""
    port = web_of(request).port
    unit, now_ms = unit_of(port, ident), port.now_ms()
    found, _ = on_duty(port.directory, ident, now_ms, now_ms + EXPORT_MS)
    raw = calendar_of(unit, found, port.directory.contacts, now_ms)
    headers = {"Content-Disposition": f'attachment; filename="roster-{_plain(ident)}.ics"'}
    return Response(raw, media_type="text/calendar; charset=utf-8", headers=headers)


def _plain(name: str) -> str:
    return "".join(sign for sign in name if sign.isascii() and (sign.isalnum() or sign in "-_"))


@router.post("/units/{ident}/swaps", responses=examples.answer({"ok": True}))
def swap(request: Request, visitor: AdminVisitor, ident: str, body: SwapBody) -> dict[str, Any]:
    """Enter a swap or a stand-in; it is written into directory.toml and counts at once."""
    port = web_of(request).port
    unit_of(port, ident)
    try:
        desk_of(port).swap(row_of(port, ident, body), visitor.user.actor)
    except ConfigError as error:
        raise problems.refused(error) from None
    return {"ok": True}
