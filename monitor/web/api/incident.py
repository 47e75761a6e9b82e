"""What surrounds an alert: the replay of its minutes, its hand-over note, what is like it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from alerts.database.access import reading
from alerts.desk.noting import LONGEST
from config.text import Text
from monitor.web import find, problems, related, replay
from monitor.web.api import examples_incident as examples
from monitor.web.api.examples import answer
from monitor.web.i18n import language
from monitor.web.problems import Problem
from monitor.web.visitor import AnyVisitor, Visitor, web_of

router = APIRouter(tags=["alerts"])


class NoteBody(BaseModel):
    """The note; an empty text takes it off. `version` is the one you have read, 0 = none: a newer
    one is then not overwritten."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field("", max_length=4000, examples=["Gate code 4711; the key is with the guard"])
    version: int | None = Field(None, ge=0)


def _read(request: Request, visitor: Visitor, alert_id: int) -> dict[str, Any]:
    port = web_of(request).port
    with reading(port.engine) as conn:
        found = find.read_alert(conn, alert_id, visitor.scope, port.desk.chains)
    if found is None:
        raise problems.not_found("alert", alert_id)
    return found


@router.get("/alerts/{alert_id}/replay", responses=answer(examples.REPLAY))
def alert_replay(
    request: Request,
    visitor: AnyVisitor,
    alert_id: int,
    span: Annotated[Literal["moment", "hour", "now"], Query()] = "moment",
) -> dict[str, Any]:
    """Return what the lift said in the minutes around an alert; words as Accept-Language asks.

    `channels`: name → words, kind, `t` (ms after `from_ms`) and `v`; of states only the changes.
    `gaps`: no sample was kept from … to. Whoever was called sees it, also of a lift not theirs;
    of such a lift `now` is the end of the alert, once it is closed.
    """
    web = web_of(request)
    found = _read(request, visitor, alert_id)
    words, now_ms = web.pages.words(request), web.port.now_ms()
    return replay.replay(web.port, words, found, span, now_ms, visitor.scope)


@router.get("/alerts/{alert_id}/live", responses=answer(examples.LIVE))
def alert_live(request: Request, visitor: AnyVisitor, alert_id: int) -> dict[str, Any]:
    """Return the last values of the alert's lift, name → [value, epoch ms].

    Of a lift that is not theirs, whoever was called gets them until the alert is closed.
    """
    port = web_of(request).port
    with reading(port.engine) as conn:
        found = find.find_one(conn, alert_id, visitor.scope)
    if found is None:
        raise problems.not_found("alert", alert_id)
    return replay.live(port, found, port.now_ms(), visitor.scope)


@router.get("/alerts/{alert_id}/related", responses=answer(examples.RELATED))
def alert_related(request: Request, visitor: AnyVisitor, alert_id: int) -> dict[str, Any]:
    """Return the incident's other alerts (people first), what is open at the same site, and this
    lift's like alerts of the last 12 months with their causes and what they turned out to be."""
    port = web_of(request).port
    found = _read(request, visitor, alert_id)
    with reading(port.engine) as conn:
        count, members = related.members(conn, found, visitor.scope, port.desk.chains)
        site = related.same_site(conn, found, visitor.scope, port.desk.chains)
        before = related.same_lift(conn, found, visitor.scope, port.causes, port.now_ms())
    return {"member_count": count, "members": members, "same_site": site, "same_lift": before}


@router.get("/alerts/{alert_id}/note", responses=answer(examples.NOTE))
def get_note(request: Request, visitor: AnyVisitor, alert_id: int) -> dict[str, Any]:
    """Return the hand-over note (null = none) and what it said before, newest first."""
    return _note(_read(request, visitor, alert_id))


def _note(found: dict[str, Any]) -> dict[str, Any]:
    lines = [line for line in found["timeline"] if line["kind"] in ("note", "note_off")]
    history = [
        {"at_ms": one["at_ms"], "name": one["actor"], "text": one["data"].get("comment", "")}
        for one in reversed(lines)
    ]
    note = found["note"]
    return {"note": note if note and note["text"] else None, "history": history}


@router.put("/alerts/{alert_id}/note", responses=answer(examples.NOTE))
def put_note(
    request: Request, visitor: AnyVisitor, alert_id: int, body: NoteBody | None = None
) -> dict[str, Any]:
    """Write the hand-over note; the desk only. 409 where somebody has changed it meanwhile."""
    port = web_of(request).port
    _read(request, visitor, alert_id)
    if body is None:  # no slip of a program takes a note off
        text = Text('请求体缺失：请给出 {"text": …}', 'the body is missing: give {"text": …}')
        raise Problem(422, "invalid", text, field="text")
    result = port.desk.note(
        alert_id, body.text, visitor.user.actor, port.now_ms(), body.version
    )  # fmt: skip
    if not result.ok:
        told = "text" if len(body.text.strip()) > LONGEST else "version"
        raise Problem(409, "not_possible", result.text, field=told, limit=str(LONGEST))
    return _note(_read(request, visitor, alert_id)) | {
        "changed": result.changed,
        "message": result.text.of(language(request)),
    }
