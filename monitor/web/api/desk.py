"""What a duty desk asks of many alerts at once: steps, counts, what happened meanwhile, a sheet."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import Field
from starlette.responses import StreamingResponse

from alerts.database.access import reading
from alerts.model import ActResult, Step
from config.text import Text
from monitor.web import facets, sheet
from monitor.web.api import examples
from monitor.web.api.alerts import Filters, ShelfBody
from monitor.web.away import away
from monitor.web.find import Query as Chosen
from monitor.web.find import find
from monitor.web.i18n import language
from monitor.web.visitor import AnyVisitor, Visitor, Web, web_of

router = APIRouter(tags=["alerts"])
MOST = 500
NOT_THERE = Text("没有这条警情", "there is no such alert")
BulkStep = Literal["acknowledge", "shelve", "unshelve"]


class BulkBody(ShelfBody):
    """One step on many alerts. `comment` goes with each; a shelf needs it, and its end."""

    step: BulkStep = Field(examples=["acknowledge"])
    ids: list[int] = Field(min_length=1, max_length=MOST, examples=[[17, 18]])
    comment: str | None = Field(None, max_length=500, examples=["power cut, known to all"])


@router.post("/alerts/bulk", responses=examples.answer(examples.BULK_DONE))
def take_many(request: Request, visitor: AnyVisitor, body: BulkBody) -> dict[str, Any]:
    """Take one step on many alerts; a result for each, in the order asked, each id once.

    `outcome`: `done`; `already` (somebody was faster, `message` names them); `refused` (and why);
    `not_found`. Each alert stands for itself: one refusal stops no other. To repeat the call
    changes nothing.
    """
    results = take(web_of(request), visitor, body)
    lang = language(request)
    told = [
        {"id": ident, "outcome": outcome, "message": text.of(lang), "text": text.as_json()}
        for ident, outcome, text in results
    ]
    return {"done": sum(one["outcome"] == "done" for one in told), "results": told}


def take(web: Web, visitor: Visitor, body: BulkBody) -> list[tuple[int, str, Text]]:
    """Take the step; return (alert, outcome, words) for each id."""
    port, asked = web.port, list(dict.fromkeys(body.ids))
    with reading(port.engine) as conn:
        mine = Chosen(scope=visitor.scope, state="all")
        seen = {row["id"] for row in find(conn, mine, chains=None, limit=MOST, ids=asked)}
    now_ms = port.now_ms()
    known = [ident for ident in asked if ident in seen]
    results = port.desk.act_all(
        known, Step(body.step), visitor.user.actor, now_ms, body.comment, body.end_ms(now_ms)
    )
    by_id = dict(zip(known, results, strict=True))
    return [(ident, *_outcome(by_id.get(ident))) for ident in asked]


def _outcome(result: ActResult | None) -> tuple[str, Text]:
    if result is None:
        return "not_found", NOT_THERE
    if not result.ok:
        return "refused", result.text
    return ("done" if result.changed else "already"), result.text


@router.get(
    "/alerts/counts",
    responses=examples.answer({"counts": examples.COUNTS}, maps=list(examples.COUNTS)),
)
def counts(
    request: Request, visitor: AnyVisitor, asked: Annotated[Filters, Query()]
) -> dict[str, Any]:
    """Count alerts by each choice of each filter, the other filters standing as asked."""
    web, query = web_of(request), asked.query(visitor.scope)
    with reading(web.port.engine) as conn:
        found = web.known_lists.of(conn, ("facets", query), lambda: facets.counts(conn, query))
    return {"counts": found}


@router.get("/alerts/since", responses=examples.answer(examples.AWAY))
def since(
    request: Request,
    visitor: AnyVisitor,
    after: Annotated[int, Query(ge=0, description="journal id last seen")],
) -> dict[str, Any]:
    """Tell what was raised, escalated and closed after a journal id: counts and the gravest."""
    port = web_of(request).port
    with reading(port.engine) as conn:
        return away(conn, after, visitor.scope, port.desk.chains).as_json()


@router.get(
    "/alerts.csv",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "All alerts that fit, newest first, streamed; no limit of rows",
            "content": {"text/csv": {"example": "id,raised,severity\r\n17,2026-03-02 03:12:45"}},
        }
    },
)
def export(
    request: Request, visitor: AnyVisitor, asked: Annotated[Filters, Query()]
) -> StreamingResponse:
    """Export the filtered list as CSV (UTF-8 with BOM, times in the site's zone)."""
    web = web_of(request)
    words, port = web.pages.words(request), web.port
    day = datetime.fromtimestamp(port.now_ms() / 1000, words.tz).strftime("%Y%m%d-%H%M")
    return StreamingResponse(
        sheet.lines(port.engine, asked.query(visitor.scope), port.desk.chains, words),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="alerts-{day}.csv"'},
    )
