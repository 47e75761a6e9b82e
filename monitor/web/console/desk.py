"""The duty desk around its list: many alerts at once, what happened meanwhile, the service's own
health in one line."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from alerts.database.access import reading
from config.text import Text
from monitor.web import views
from monitor.web.api.desk import MOST, BulkBody, BulkStep, take
from monitor.web.away import KINDS, away
from monitor.web.console.render import flash
from monitor.web.console.system import health_view
from monitor.web.visitor import AnyVisitor, DeskVisitor, web_of

router = APIRouter(include_in_schema=False)


@router.get("/alerts/health")
def health_strip(request: Request, visitor: DeskVisitor) -> Response:
    """The parts of the service in one line, as HTML."""
    web = web_of(request)
    known = web.known_health.of(web.port)
    report = health_view(web.pages.words(request), known, web.port.now_ms())
    return HTMLResponse(web.pages.fragment(request, "parts/health.html", visitor, report=report))


@router.get("/alerts/away")
def while_away(
    request: Request, visitor: AnyVisitor, after: Annotated[int, Query(ge=0)]
) -> Response:
    """What was raised, escalated and closed after a journal line, as HTML; empty for nothing."""
    web = web_of(request)
    words, port = web.pages.words(request), web.port
    with reading(port.engine) as conn:
        found = away(conn, after, visitor.scope, port.desk.chains)
    if not any(found.counts.values()):
        return HTMLResponse("")
    _ = words.catalogue.gettext
    names = {"raised": _("raised"), "escalated": _("escalated"), "closed": _("closed")}
    now_ms, role = port.now_ms(), visitor.user.role
    groups: list[dict[str, Any]] = [
        {
            "kind": kind,
            "word": names[kind],
            "count": found.counts[kind],
            "rows": [views.row_view(words, one, now_ms, role) for one in found.alerts[kind]],
        }
        for kind in KINDS
        if found.counts[kind]
    ]
    since = words.clock(found.since_ms, now_ms)
    return HTMLResponse(
        web.pages.fragment(request, "parts/away.html", visitor, groups=groups, since=since)
    )


@router.post("/alerts/bulk")
def bulk(
    request: Request,
    visitor: AnyVisitor,
    ids: Annotated[list[int], Form(max_length=MOST)] = [],  # noqa: B006  pydantic copies it
    step: Annotated[BulkStep, Form()] = "acknowledge",
    comment: Annotated[str, Form(max_length=500)] = "",
    hours: Annotated[float | None, Form(gt=0, le=10_000)] = None,
) -> Response:
    """One step on all ticked rows by a plain form, for browsers without JavaScript."""
    back = RedirectResponse("/alerts", 303)
    if not ids:
        return flash(back, Text("请先勾选警情", "tick some alerts first"), False)
    body = BulkBody(step=step, ids=ids, comment=comment.strip() or None, hours=hours)
    results = take(web_of(request), visitor, body)
    done = sum(outcome == "done" for _, outcome, _ in results)
    refused = [text for _, outcome, text in results if outcome in ("refused", "not_found")]
    told = Text(f"已处理 {done} 条", f"done for {done}")
    if refused:
        n = len(refused)
        told = Text(
            f"{told.zh}；{n} 条未成：{refused[0].zh}", f"{told.en}; not for {n}: {refused[0].en}"
        )
    return flash(back, told, not refused)
