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
from monitor.web import find, problems, terms, views
from monitor.web.api.alerts import Filters
from monitor.web.order import place_of, sort_key
from monitor.web.visitor import AnyVisitor, Visitor, Web, web_of
from monitor.web.words import Words, opening

router = APIRouter(include_in_schema=False)
PAGE = 100
"""Rows of a first view, and of each further one."""


class ListPage(Filters):
    """The console's address: the API's filters, and the row to go on behind."""

    model_config = ConfigDict(extra="ignore")  # ?lang= is everywhere

    after: str = Field("", max_length=48, pattern=r"^[0-9]*$")


class RowsQuery(ListPage):
    """Rows the live list asks for: these, or the next page behind `after`."""

    ids: str = Field("", max_length=2000, pattern=r"^([0-9]{1,18}(,[0-9]{1,18})*)?$")
    glance: bool = Field(False, description="with the tiles and the number of all that fit")


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
        found, behind = _page(conn, web, query, asked.after)
        total = _total(conn, web, query)
        glance = summary(conn, web, words, visitor.scope)
    chosen = asked.model_dump(include=set(Filters.model_fields), exclude_defaults=True)
    address = {name: _told(value) for name, value in chosen.items()}
    return web.pages.render(
        request,
        "alerts.html",
        visitor,
        rows=_rows(web, words, found, visitor, query),
        cursor=cursor,
        query=urlencode(address),
        chosen=asked,
        filtered=bool(set(chosen) - {"state"}),
        narrowed=len(set(chosen) - {"state", "severity", "q"}),
        states=_states(words, asked.state, address),
        severities=terms.severities(words.catalogue),
        choices=choices(web, words, visitor, asked),
        behind=behind,
        older="?" + urlencode(address | {"after": behind}) if behind else None,
        first=not asked.after,
        total=total,
        summary=glance,
        shelf_hours=terms.hours(words.catalogue, views.SHELF_HOURS),
    )


@router.get("/alerts/rows")
def alert_rows(
    request: Request, visitor: AnyVisitor, asked: Annotated[RowsQuery, Query()]
) -> Response:
    """Rows as HTML: those of the asked ids that fit the filters, or the page behind `after`."""
    web = web_of(request)
    words, port = web.pages.words(request), web.port
    ids = [int(ident) for ident in asked.ids.split(",") if ident]
    with reading(port.engine) as conn:
        query = asked.query(visitor.scope)
        if ids:
            found = find.find(conn, query, chains=port.desk.chains, limit=len(ids), ids=ids)
            behind = None
        else:
            found, behind = _page(conn, web, query, asked.after)
        # Not with every few rows of a flood: these two read all open alerts.
        total = _total(conn, web, query) if asked.glance else ""
        glance = summary(conn, web, words, visitor.scope) if asked.glance else None
    rows = _rows(web, words, found, visitor, query)
    context: dict[str, Any] = {"rows": rows, "summary": glance, "behind": behind, "total": total}
    return HTMLResponse(web.pages.fragment(request, "rows.html", visitor, **context))


def _page(
    conn: Connection, web: Web, query: find.Query, after: str
) -> tuple[list[dict[str, Any]], str | None]:
    """Return one page of alerts, and the key to go on behind, None at the end."""
    if after and place_of(after, query.by_urgency) is None:
        raise problems.invalid("after", after, "the key of a row")
    chains = web.port.desk.chains
    found = web.known_lists.of(
        conn,
        ("page", query, after, id(chains)),
        lambda: find.find(conn, query, chains=chains, limit=PAGE + 1, after=after or None),
    )
    more = len(found) > PAGE
    found = found[:PAGE]
    return found, sort_key(found[-1], query.by_urgency) if more else None


def _total(conn: Connection, web: Web, query: find.Query) -> int:
    return web.known_lists.of(conn, ("count", query), lambda: find.count(conn, query))


def _told(value: object) -> str:
    return "true" if value is True else str(value)


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
        {
            "state": state,
            "word": word,
            "on": state == chosen,
            "href": "?" + urlencode({**address, "state": state}),
        }
        for state, word in names.items()
    ]


def choices(web: Web, words: Words, visitor: Visitor, asked: Filters) -> list[dict[str, Any]]:
    """Return the filters that are a choice of one: name, label, the word for all, the options.

    How many alerts each would leave comes later, by /api/v1/alerts/counts: nobody waits for it.
    """
    _ = words.catalogue.gettext
    rules = {r.id: opening(words.text(r.text)) for r in web.port.desk.rules.values()}
    found = [
        ("rule", _("Rule"), _("Every rule"), rules),
        ("owner", _("Owner"), _("Every owner"), {find.NOBODY: _("Nobody yet")}),
    ]
    if visitor.desk:
        found += [
            ("street_office", _("Street office"), _("Every street office"),
             _units(web, words, "street_office")),
            ("maintenance", _("Firm"), _("Every firm"), _units(web, words, "maintenance")),
        ]  # fmt: skip
    customers = _units(web, words, "use_unit")
    if not visitor.desk:  # a firm's own customers alone
        lifts = web.port.registry.lifts
        mine = {lift.use_unit for lift in lifts if lift.maintenance == visitor.scope}
        customers = {ident: name for ident, name in customers.items() if ident in mine}
    found.append(("use_unit", _("Use unit"), _("Every use unit"), customers))
    told = []
    for name, label, every, options in found:
        value = str(getattr(asked, name))
        # An owner by name, or a unit that has left, stands in no list of ours.
        named = {**options, value: value} if value and value not in options else options
        told.append(
            {"name": name, "label": label, "every": every, "options": named, "value": value}
        )
    return told


def _units(web: Web, words: Words, kind: str) -> dict[str, str]:
    return {unit.id: unit.name.of(words.lang) for unit in web.port.directory.of_kind(kind)}


def summary(conn: Connection, web: Web, words: Words, scope: str | None) -> dict[str, Any]:
    """Return the tiles above the list: people held, alerts by severity, the next deadline."""
    seen = web.known_lists.of(conn, ("glance", scope), lambda: find.glance(conn, scope))
    due = web.known_lists.of(conn, ("due", scope), lambda: find.next_due_ms(conn, scope))
    n = seen["people"]
    people = words.catalogue.ngettext("%(n)d person", "%(n)d people", n) % {"n": n} if n else ""
    severity_words = terms.severities(words.catalogue)
    return {
        "cars": seen["cars"],
        "people_word": people,
        "due_ms": due,
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
