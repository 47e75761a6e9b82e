"""Exercises on the console: their times, and for administrators starting and stopping them."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from alerts.database.access import reading
from alerts.drills import running
from alerts.drills.times import list_drills
from alerts.model import Role
from devices.registry import place_and_name
from monitor.web import terms
from monitor.web.console.render import flash
from monitor.web.visitor import AdminVisitor, DeskVisitor, web_of
from monitor.web.words import Words, opening

router = APIRouter(include_in_schema=False)


@router.get("/drills")
def page(request: Request, visitor: DeskVisitor, lift: str = "") -> Response:
    """The exercises so far, and the form that begins one."""
    web = web_of(request)
    words, port = web.pages.words(request), web.port
    with reading(port.engine) as conn:
        rows = list_drills(conn)
    now_ms = port.now_ms()
    bells = {
        rule.id: opening(words.text(rule.text))
        for rule in port.desk.rules.values()
        if running.drillable(rule)
    }
    return web.pages.render(
        request,
        "drills.html",
        visitor,
        rows=[drill_view(words, row, now_ms) for row in rows],
        may=visitor.user.role is Role.ADMIN,
        lift=lift[:128],
        rules=bells,
        minutes=running.MINUTES,
        longest=running.LONGEST_MINUTES,
        most=running.MOST_PEOPLE,
    )


def drill_view(words: Words, row: dict[str, Any], now_ms: int) -> dict[str, Any]:
    """Return a drill in words: its times, and whether arrival was within the limit."""
    _ = words.catalogue.gettext
    spans = {name: "–" if ms is None else words.duration(ms) for name, ms in row["ms"].items()}
    on_time = {True: _("on time"), False: _("too late"), None: ""}[row["on_time"]]
    return {
        "id": row["id"],
        "clock": f"{words.day(row['raised_ms'])} {words.clock(row['raised_ms'])}",
        "where": place_and_name(row["place"], row["name"]),
        "rule": opening(words.text(row["text"])),
        "state": terms.rescue_states(words.catalogue)[row["rescue_state"]],
        "owner": row["owner"] or "–",
        "spans": spans,
        "on_time": on_time,
        "tone": "good" if row["on_time"] else "bad",
        "open": row["closed_ms"] is None,
    }


@router.post("/drills")
def start(
    request: Request,
    visitor: AdminVisitor,
    lift: Annotated[str, Form(max_length=128)],
    rule: Annotated[str, Form(max_length=32)] = "1",
    people: Annotated[int, Form()] = 2,
    minutes: Annotated[int, Form()] = running.MINUTES,
) -> Response:
    """Begin an exercise by a plain form; what is wrong is said above it."""
    port = web_of(request).port
    actor = visitor.user.actor
    result = port.desk.drill(port.now_ms(), lift.strip(), actor, rule, people, minutes)
    target = f"/alerts/{result.alert['id']}" if result.alert else "/drills"
    return flash(RedirectResponse(target, 303), result.text, result.ok)


@router.post("/drills/{alert_id}/stop")
def stop(request: Request, visitor: AdminVisitor, alert_id: int) -> Response:
    """End an exercise."""
    port = web_of(request).port
    result = port.desk.stop_drill(alert_id, visitor.user.actor, port.now_ms())
    return flash(RedirectResponse("/drills", 303), result.text, result.ok)
