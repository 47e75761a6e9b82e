"""The page of one alert: what happened, what to do, who was called, until when, and before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form, Query, Request
from sqlalchemy import Connection
from starlette.responses import RedirectResponse, Response

from alerts.database.access import reading
from alerts.desk.noting import DESK, LONGEST
from alerts.model import Step
from alerts.replies.photos import photos_of
from monitor.web import find, problems, related, replay, views
from monitor.web.console.deadlines import deadline_line, next_call
from monitor.web.console.papers import photo_views
from monitor.web.console.render import flash
from monitor.web.console.side import delivery_views, place_facts, timeline_views
from monitor.web.console.steps import KEYS, keys_view, refused_steps
from monitor.web.visitor import AnyVisitor, Visitor, Web, web_of
from monitor.web.words import Words, opening

router = APIRouter(include_in_schema=False)
Shown = Literal["all", "people", "calls", "signals"]


@router.get("/alerts/{alert_id}")
def alert_page(
    request: Request,
    visitor: AnyVisitor,
    alert_id: int,
    lines: Annotated[Shown, Query()] = "all",
) -> Response:
    """Everything about one alert, and the steps that are possible now."""
    web = web_of(request)
    words, port = web.pages.words(request), web.port
    now_ms = port.now_ms()
    with reading(port.engine) as conn:
        cursor = web.hub.newest()
        found = find.read_alert(conn, alert_id, visitor.scope, port.desk.chains)
        if found is None:
            raise problems.not_found("alert", alert_id)
        shown = photos_of(conn, [alert_id])
        line = deadline_line(conn, port, words, found, now_ms)
        around = _around(conn, web, words, visitor, found, now_ms)
    zone = ZoneInfo(port.settings.site.timezone)
    timeline = timeline_views(port, words, found, now_ms)
    return web.pages.render(
        request,
        "alert.html",
        visitor,
        a=views.page_view(words, found, now_ms, visitor.user.role),
        keys={str(step): key for step, key in KEYS.items()},
        key_list=keys_view(words),
        refused=refused_steps(words, found, visitor.user.role, zone),
        note=_note(words, visitor, found, now_ms),
        span=_first_span(web, found, now_ms),
        cursor=cursor,
        line=line,
        next_call=next_call(port, words, found),
        timeline=[one for one in timeline if lines in ("all", one["group"])],
        filters=_filters(words, lines),
        deliveries=delivery_views(port, words, found, now_ms),
        facts=place_facts(port, words, found, visitor.scope),
        photos=photo_views(words, shown, f"/alerts/{alert_id}/photos", now_ms),
        printed=words.clock(now_ms),
        **around,
    )


def _first_span(web: Web, alert: Mapping[str, Any], now_ms: int) -> str:
    """Return which minutes are shown first: the present while the alert is fresh or the lift
    talks, else the moment itself."""
    if alert.get("closed_ms") is not None:
        return "moment"
    young = now_ms - int(alert["raised_ms"]) < replay.LONG_HOLD_MS
    return "now" if young or replay.live(web.port, alert, now_ms)["live"] else "moment"


def _note(
    words: Words, visitor: Visitor, alert: Mapping[str, Any], now_ms: int
) -> dict[str, Any]:  # fmt: skip
    note = alert["note"]
    return {
        "text": note["text"] if note else "",
        "version": note["version"] if note else 0,
        "who": note["name"] if note else "",
        "clock": words.clock(note["at_ms"], now_ms) if note else "",
        "edited": bool(note) and note["version"] > 1,
        "may_write": visitor.user.role in DESK,
        "longest": LONGEST,
    }


def _filters(words: Words, chosen: str) -> list[dict[str, Any]]:
    _ = words.catalogue.gettext
    names = {
        "all": _("All"),
        "people": _("People"),
        "calls": _("Calls"),
        "signals": _("Signals"),
    }
    return [{"value": v, "word": word, "on": v == chosen} for v, word in names.items()]


def _around(
    conn: Connection,
    web: Web,
    words: Words,
    visitor: Visitor,
    found: Mapping[str, Any],
    now_ms: int,
) -> dict[str, Any]:
    """What else belongs to it: the incident's members, the site now, this lift before."""
    port, scope, role = web.port, visitor.scope, visitor.user.role
    count, members = related.members(conn, found, scope, port.desk.chains)
    site = related.same_site(conn, found, scope, port.desk.chains)
    before = related.same_lift(conn, found, scope, port.causes, now_ms)
    return {
        "member_count": count,
        "members": [views.row_view(words, one, now_ms, role) for one in members],
        "site_now": [views.row_view(words, one, now_ms, role) for one in site],
        "before": _before(words, before, now_ms),
    }


def _before(words: Words, told: Mapping[str, Any], now_ms: int) -> dict[str, Any]:
    _, ngettext = words.catalogue.gettext, words.catalogue.ngettext
    verdicts = {"true": (_("real"), ""), "false": (_("false alarm"), "warn"), "unknown": ("", "")}
    total, false = told["total"], told["false"]
    summary = ngettext("%(n)d time in 12 months", "%(n)d times in 12 months", total) % {"n": total}
    if false:
        summary += " · " + ngettext("%(n)d false", "%(n)d false", false) % {"n": false}
    rows = [
        {
            "id": one["id"],
            "day": words.day(one["raised_ms"]),
            "clock": words.clock(one["raised_ms"])[-8:-3],
            "rule": opening(words.text(one["rule_text"])),
            "cause": views.cause_word(words, one["cause"]),
            "lasted": "" if one["lasted_ms"] is None else words.duration(one["lasted_ms"]),
            "verdict": verdicts[one["verdict"]],
            "people": words.people(one),
        }
        for one in told["alerts"]
    ]
    return {"total": total, "summary": summary, "rows": rows}


@router.post("/alerts/{alert_id}/note")
def write_note(
    request: Request,
    visitor: AnyVisitor,
    alert_id: int,
    text: Annotated[str, Form(max_length=4000)] = "",
    version: Annotated[int | None, Form(ge=0)] = None,
) -> Response:
    """The hand-over note by a plain form; an empty one takes it off."""
    port = web_of(request).port
    with reading(port.engine) as conn:
        if find.read_alert(conn, alert_id, visitor.scope, None) is None:
            raise problems.not_found("alert", alert_id)
    result = port.desk.note(alert_id, text, visitor.user.actor, port.now_ms(), version)
    return flash(RedirectResponse(f"/alerts/{alert_id}", 303), result.text, result.ok)


@router.post("/alerts/{alert_id}/{step}")
def alert_step(
    request: Request,
    visitor: AnyVisitor,
    alert_id: int,
    step: Step,
    comment: Annotated[str, Form(max_length=500)] = "",
    cause: Annotated[str, Form(max_length=100)] = "",
    cause_more: Annotated[str, Form(max_length=500)] = "",
    hours: Annotated[float | None, Form(gt=0, le=10_000)] = None,
    back: Annotated[str, Form(max_length=10)] = "",
) -> Response:
    """One step by a plain form, for browsers without JavaScript."""
    port = web_of(request).port
    with reading(port.engine) as conn:
        if find.read_alert(conn, alert_id, visitor.scope, None) is None:
            raise problems.not_found("alert", alert_id)
    told = ": ".join(part for part in (cause, cause_more.strip()) if part)
    now_ms = port.now_ms()
    result = port.desk.act(
        alert_id,
        step,
        visitor.user.actor,
        now_ms,
        comment=comment.strip() or None,
        cause=told or None,
        until_ms=None if hours is None else now_ms + round(hours * 3_600_000),
    )
    target = "/alerts" if back == "list" else f"/alerts/{alert_id}"
    return flash(RedirectResponse(target, 303), result.text, result.ok)
