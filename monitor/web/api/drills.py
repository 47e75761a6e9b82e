"""Exercises: their list with their times; begun and stopped by administrators."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from alerts.database.access import reading
from alerts.drills import running
from alerts.drills.times import list_drills
from monitor.web.api import examples, paging
from monitor.web.i18n import language
from monitor.web.problems import Problem
from monitor.web.visitor import AdminVisitor, DeskVisitor, web_of

router = APIRouter(tags=["drills"])


class DrillBody(BaseModel):
    """What is exercised. `lift` is a registration code, `rule` a rule's id."""

    model_config = ConfigDict(extra="forbid")

    lift: str = Field(max_length=128, examples=["31105001082012000001"])
    rule: str = Field("1", max_length=32)
    people: int = Field(2, ge=1, le=running.MOST_PEOPLE)
    minutes: int = Field(running.MINUTES, ge=1, le=running.LONGEST_MINUTES)


@router.get("/drills", responses=examples.answer({"drills": [examples.DRILL], "next_cursor": None}))
def get_drills(
    request: Request,
    visitor: DeskVisitor,
    cursor: Annotated[paging.Cursor, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> dict[str, Any]:
    """List exercises, the newest first, with the times they yielded."""
    with reading(web_of(request).port.engine) as conn:
        rows = list_drills(conn, limit + 1, paging.number_after("drills", cursor))
    last = rows[limit - 1]["id"] if len(rows) > limit else None
    return {"drills": rows[:limit], "next_cursor": paging.cursor_of("drills", last)}


@router.post("/drills", responses=examples.answer(examples.STEP_DONE))
def start(request: Request, visitor: AdminVisitor, body: DrillBody) -> dict[str, Any]:
    """Begin an exercise: the true chain, real pages, marked as an exercise. For admins."""
    port = web_of(request).port
    result = port.desk.drill(
        port.now_ms(), body.lift, visitor.user.actor, body.rule, body.people, body.minutes
    )
    return _told(request, result.ok, result.changed, result.text, result.alert)


@router.post("/drills/{alert_id}/stop", responses=examples.answer(examples.STEP_DONE))
def stop(request: Request, visitor: AdminVisitor, alert_id: int) -> dict[str, Any]:
    """End an exercise before its time. For admins; nothing real can be stopped this way."""
    port = web_of(request).port
    result = port.desk.stop_drill(alert_id, visitor.user.actor, port.now_ms())
    return _told(request, result.ok, result.changed, result.text, result.alert)


def _told(request: Request, ok: bool, changed: bool, text: Any, alert: Any) -> dict[str, Any]:
    if not ok:
        raise Problem(409, "not_possible", text, field="drill")
    return {
        "ok": True,
        "changed": changed,
        "message": text.of(language(request)),
        "text": text.as_json(),
        "alert": alert,
    }
