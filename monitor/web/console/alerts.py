"""The alert list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from pydantic import ConfigDict, Field
from sqlalchemy import Connection
from starlette.responses import HTMLResponse, Response

from alerts.database.access import reading
from alerts.model import SEVERITIES
from monitor.web import find, terms, views
from monitor.web.api.alerts import Filters
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
