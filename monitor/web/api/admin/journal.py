"""The journal: who did what when; whether it still is what was written."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import StreamingResponse

from alerts.database.access import reading
from monitor.admin import journal_view
from monitor.admin.journal_view import Wanted
from monitor.web.api import examples, paging
from monitor.web.api import examples_admin as told
from monitor.web.visitor import AdminVisitor, web_of

router = APIRouter(tags=["administration"])
Ms = Annotated[int | None, Query(ge=0, description="epoch ms")]


def asked(
    who: Annotated[str, Query(max_length=100, description="part of a name")] = "",
    kind: Annotated[str, Query(max_length=64, examples=["rule_edited"])] = "",
    alert: Annotated[int | None, Query(ge=1)] = None,
    from_ms: Ms = None,
    to_ms: Ms = None,
) -> Wanted:
    """Return which lines are asked for."""
    return Wanted(who, kind, alert, from_ms, to_ms)


Asked = Annotated[Wanted, Depends(asked)]


@router.get("/journal", responses=told.JOURNAL)
def lines(
    request: Request,
    visitor: AdminVisitor,
    wanted: Asked,
    cursor: Annotated[paging.Cursor, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> dict[str, Any]:
    """Return journal lines, newest first, with their hashes."""
    with reading(web_of(request).port.engine) as conn:
        found = journal_view.lines(conn, wanted, limit, paging.number_after("journal", cursor))
    last = found[-1]["id"] if len(found) == limit else None
    return {"lines": found, "next_cursor": paging.cursor_of("journal", last)}


LINES = '{"id":1,"at_ms":1790000000000,"kind":"raised","prev_hash":"…","hash":"…"}\n'


@router.get(
    "/journal/export",
    responses=examples.answer(LINES, kind="application/jsonl"),
    response_class=StreamingResponse,
)
def export(request: Request, visitor: AdminVisitor, wanted: Asked) -> StreamingResponse:
    """Return all lines that fit as JSON lines, oldest first: id, hashes and all."""
    headers = {"Content-Disposition": 'attachment; filename="journal.jsonl"'}
    body = journal_view.export(web_of(request).port.engine, wanted)
    return StreamingResponse(body, media_type="application/jsonl", headers=headers)


@router.post("/journal/verify", responses=examples.answer({"check": {"state": "running"}}))
def verify(request: Request, visitor: AdminVisitor) -> dict[str, Any]:
    """Begin a check of the chain of hashes; read how far it is by GET."""
    web = web_of(request)
    check = web.checker.begin(web.port.engine, visitor.user.name, web.port.now_ms())
    return {"check": check.as_json()}


@router.get("/journal/verify", responses=told.CHECK)
def verified(request: Request, visitor: AdminVisitor) -> dict[str, Any]:
    """Return the newest check, or how far it is."""
    return {"check": web_of(request).checker.last.as_json()}
