"""The alert list and the page of one alert."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Query, Request
from pydantic import ConfigDict, Field
from sqlalchemy import Connection
from starlette.responses import HTMLResponse, RedirectResponse, Response

from alerts.database.access import reading
from alerts.model import SEVERITIES, Step
from alerts.replies.photos import photos_of
from monitor.web import find, problems, terms, views
from monitor.web.api.alerts import Filters
from monitor.web.console.charts import BOKEH_SCRIPT
from monitor.web.console.papers import photo_views
from monitor.web.console.render import flash
from monitor.web.console.side import deadline_line, delivery_views, place_facts, timeline_views
from monitor.web.visitor import AnyVisitor, Visitor, Web, web_of
from monitor.web.words import Words

router = APIRouter(include_in_schema=False)
PAGE = 300


class ListPage(Filters):
    """The console's address: the API's filters, and a page number."""

    model_config = ConfigDict(extra="ignore")  # ?lang= is everywhere

    page: int = Field(1, ge=1, le=1000)


class RowsQuery(Filters):
    """Rows the live list asks for."""

    model_config = ConfigDict(extra="ignore")

    ids: str = Field(max_length=2000, pattern=r"^[0-9]{1,18}(,[0-9]{1,18})*$")


@router.get("/alerts")
def alert_list(
    request: Request, visitor: AnyVisitor, asked: Annotated[ListPage, Query()]
) -> Response:
    """The list, as the address filters it."""
    web = web_of(request)
    words, port = web.pages.words(request), web.port
    with reading(port.engine) as conn:
        # The cursor first: what is committed after it comes by the feed, at worst twice.
        cursor = web.hub.newest()
        query = asked.query(visitor.scope)
        offset = (asked.page - 1) * PAGE
        found = find.find(conn, query, chains=port.desk.chains, limit=PAGE + 1, offset=offset)
        glance = summary(conn, words, visitor.scope, found)
    chosen = asked.model_dump(include=set(Filters.model_fields), exclude_defaults=True)
    address = {name: _told(value) for name, value in chosen.items()}
    return web.pages.render(
        request,
        "alerts.html",
        visitor,
        rows=_rows(web, words, found[:PAGE], visitor, query),
        cursor=cursor,
        query=urlencode(address),
        chosen=asked,
        filtered=bool(set(chosen) - {"state"}),
        states=_states(words, asked.state, address),
        severities=terms.severities(words.catalogue),
        offices=_offices(web, words) if visitor.desk else {},
        older="?" + urlencode(address | {"page": asked.page + 1}) if len(found) > PAGE else None,
        summary=glance,
    )


@router.get("/alerts/rows")
def alert_rows(
    request: Request, visitor: AnyVisitor, asked: Annotated[RowsQuery, Query()]
) -> Response:
    """Those of the asked rows that fit the filters, and the summary, as HTML."""
    web = web_of(request)
    words, port = web.pages.words(request), web.port
    ids = [int(ident) for ident in asked.ids.split(",")]
    with reading(port.engine) as conn:
        query = asked.query(visitor.scope)
        found = find.find(conn, query, chains=port.desk.chains, limit=PAGE, ids=ids)
        glance = summary(conn, words, visitor.scope, None)
    rows = _rows(web, words, found, visitor, query)
    return HTMLResponse(
        web.pages.fragment(request, "rows.html", visitor, rows=rows, summary=glance)
    )


def _told(value: object) -> str:
    return "yes" if value is True else str(value)


def _rows(
    web: Web, words: Words, found: list[dict[str, Any]], visitor: Visitor, query: find.Query
) -> list[dict[str, Any]]:
    now_ms, role = web.port.now_ms(), visitor.user.role
    return [views.row_view(words, alert, now_ms, role, query.by_urgency) for alert in found]


def _states(words: Words, chosen: str, address: Mapping[str, str]) -> list[dict[str, Any]]:
    _ = words.catalogue.gettext
    names = {
        "open": _("Open"),
        "unacknowledged": _("Unacknowledged"),
        "aside": _("Set aside"),
        "closed": _("Closed"),
        "all": _("All"),
    }
    return [
        {"word": word, "on": state == chosen, "href": "?" + urlencode({**address, "state": state})}
        for state, word in names.items()
    ]


def _offices(web: Web, words: Words) -> dict[str, str]:
    units = web.port.directory.of_kind("street_office")
    return {unit.id: unit.name.of(words.lang) for unit in units}


def summary(
    conn: Connection, words: Words, scope: str | None, shown: list[dict[str, Any]] | None
) -> dict[str, Any]:
    """Return the tiles above the list: people held, alerts by severity, the next deadline."""
    seen = find.glance(conn, scope)
    n = seen["people"]
    people = words.catalogue.ngettext("%(n)d person", "%(n)d people", n) % {"n": n} if n else ""
    severity_words = terms.severities(words.catalogue)
    return {
        "cars": seen["cars"],
        "people_word": people,
        "due_ms": find.next_due_ms(conn, scope),
        "tiles": [
            {
                "severity": name,
                "word": severity_words[name],
                "open": seen["severities"][name][0],
                "needs": seen["severities"][name][1],
            }
            for name in SEVERITIES[:3]
        ],
    }


@router.get("/alerts/{alert_id}")
def alert_page(request: Request, visitor: AnyVisitor, alert_id: int) -> Response:
    """Everything about one alert, and the steps that are possible now."""
    web = web_of(request)
    words, port = web.pages.words(request), web.port
    with reading(port.engine) as conn:
        cursor = web.hub.newest()
        found = find.read_alert(conn, alert_id, visitor.scope, port.desk.chains)
        shown = photos_of(conn, [alert_id])
    if found is None:
        raise problems.not_found("alert", alert_id)
    now_ms = port.now_ms()
    return web.pages.render(
        request,
        "alert.html",
        visitor,
        charts=True,
        a=views.page_view(words, found, now_ms, visitor.user.role),
        cursor=cursor,
        line=deadline_line(words, found, now_ms),
        timeline=timeline_views(port, words, found, now_ms),
        deliveries=delivery_views(port, words, found, now_ms),
        facts=place_facts(port, words, found, visitor.scope),
        photos=photo_views(words, shown, f"/alerts/{alert_id}/photos", now_ms),
        bokeh=BOKEH_SCRIPT,
    )


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
