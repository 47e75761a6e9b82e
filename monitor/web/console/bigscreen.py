"""The big screen: no bar, large type, dark; figures, then wall and map in turn."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from alerts.database.access import reading
from alerts.model import SEVERITIES
from monitor.web import find, terms
from monitor.web.console.fleet import state_words
from monitor.web.fleet import overview
from monitor.web.fleet.deadlines import next_dues
from monitor.web.fleet.fleet import Moment, fleet_of
from monitor.web.visitor import AnyVisitor, web_of
from monitor.web.words import Words

router = APIRouter(include_in_schema=False)
MOST_DUE = 4


@router.get("/wall")
def big_screen(request: Request, visitor: AnyVisitor) -> Response:
    """What a room looks at; signed in with the role `viewer` it can be left alone."""
    web, fleet = web_of(request), fleet_of(request)
    words, port, moment = web.pages.words(request), web.port, fleet.now()
    with reading(port.engine) as conn:
        cursor = web.hub.newest()
        seen = find.glance(conn, visitor.scope)
        due = next_dues(conn, visitor.scope, port.desk.chains, MOST_DUE)
    named = terms.severities(words.catalogue)
    return web.pages.render(
        request,
        "wall.html",
        visitor,
        cursor=cursor,
        cars=seen["cars"],
        people=seen["people"],
        tiles=[
            {"severity": name, "word": named[name], "open": seen["severities"][name][0],
             "needs": seen["severities"][name][1]}
            for name in SEVERITIES[:3]
        ],
        deadlines=[_due(words, moment, one) for one in due],
        totals=overview.totals(moment, moment.roster.seen_by(visitor.scope)),
        state_words=state_words(words),
    )  # fmt: skip


def _due(words: Words, moment: Moment, one: dict[str, Any]) -> dict[str, Any]:
    place = moment.roster.at.get(one["subject"])
    lift = None if place is None else moment.roster.lifts[place]
    where = one["place"] if lift is None else words.where(asdict(lift) | {"subject": lift.reg_code})
    what = words.text(one["due_text"]) or words.text(one["rule_text"])
    return {"severity": one["severity"], "due_ms": one["due_ms"], "where": where, "what": what}
