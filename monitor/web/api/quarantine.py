"""What was refused: a look, and a second try."""

from __future__ import annotations

import base64
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from alerts.model import Role
from config.text import Text
from monitor.quarantine.choice import MOST_IDS, OPEN, Choice
from monitor.quarantine.view import look
from monitor.web.api import examples_desk as told
from monitor.web.api import paging
from monitor.web.ports import QuarantinePort
from monitor.web.problems import Problem, forbidden, not_found
from monitor.web.visitor import DeskVisitor, Visitor, web_of

router = APIRouter(tags=["quarantine"])
State = Literal["open", "replayed", "dropped", "all"]
Reason = Annotated[str | None, Query(max_length=64)]
GatewayId = Annotated[str | None, Query(max_length=64)]
Since = Annotated[int | None, Query(ge=0, description="epoch ms")]


class RunBody(BaseModel):
    """What to do with which rows. Without ids and filters: all that are open."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["replay", "try", "drop"] = Field(description="try: only tell what replay takes")
    ids: list[int] = Field(default=[], max_length=MOST_IDS)
    reason: str | None = Field(None, max_length=64, examples=["unknown_lift"])
    gateway: str | None = Field(None, max_length=64)
    since_ms: int | None = Field(None, ge=0)
    why: str | None = Field(None, max_length=500, description="needed to drop")


def choice_of(
    reason: str | None, gateway: str | None, since_ms: int | None, state: str = OPEN
) -> Choice:
    """Return the filter of an address."""
    return Choice((), reason or None, gateway or None, since_ms, None if state == "all" else state)


def ask_of(
    port: QuarantinePort, visitor: Visitor, kind: Any, choice: Choice, why: str | None, now_ms: int
) -> int:
    """Ask for a run as this visitor. Raises Problem where the role or the reason is missing."""
    if kind != "try" and visitor.user.role is not Role.ADMIN:
        raise forbidden()
    if kind == "drop" and not (why or "").strip():
        text = Text("请写明放弃的理由", "say why it is given up")
        raise Problem(422, "invalid", text, field="why", value=why, limit="1..500")
    return port.ask(kind, choice, visitor.user.actor, now_ms, (why or "").strip() or None)


@router.get("/quarantine", responses=told.REFUSED)
def refused(
    request: Request,
    visitor: DeskVisitor,
    cursor: Annotated[paging.Cursor, Query()] = None,
    gateway: GatewayId = None,
    reason: Reason = None,
    since_ms: Since = None,
    state: State = "all",
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> dict[str, Any]:
    """Return what was refused, newest first, with the bytes as base64. For operators and admins.

    `limit` counts messages; refusals of one message share its id.
    """
    port = web_of(request).port.quarantine
    before = paging.number_after("quarantine", cursor)
    rows = port.recent(limit, before, choice_of(reason, gateway, since_ms, state))
    told = [dict(row) | {"payload": base64.b64encode(row["payload"]).decode()} for row in rows]
    full = len({row["id"] for row in rows}) >= limit
    last = rows[-1]["id"] if full else None
    return {"refused": told, "next_cursor": paging.cursor_of("quarantine", last)}


@router.get("/quarantine/reasons", responses=told.REASONS)
def reasons(
    request: Request,
    visitor: DeskVisitor,
    gateway: GatewayId = None,
    since_ms: Since = None,
    state: State = "open",
) -> dict[str, Any]:
    """Return how many messages stand under each reason, since when, from which gateways."""
    port = web_of(request).port.quarantine
    found = port.groups(choice_of(None, gateway, since_ms, state))
    return {
        "reasons": [
            {
                "reason": one.reason,
                "rows": one.rows,
                "bytes": one.bytes,
                "first_ms": one.first_ms,
                "last_ms": one.last_ms,
                "gateways": one.gateways,
                "gateway_count": one.gateway_count,
            }
            for one in found
        ]
    }


@router.post("/quarantine/runs", responses=told.RUN)
def ask(request: Request, visitor: DeskVisitor, body: RunBody) -> dict[str, Any]:
    """Ask for a second try, for a look at what one would take, or for an end without one.

    It is done beside the live samples; read how far it is at runs/{number}. All but a look are
    for admins, and stand in the journal with who asked and what came of it.
    """
    port = web_of(request).port
    choice = Choice(
        tuple(body.ids), body.reason or None, body.gateway or None, body.since_ms, OPEN
    )  # fmt: skip
    number = ask_of(port.quarantine, visitor, body.kind, choice, body.why, port.now_ms())
    run = port.quarantine.run(number)
    return {"run": run.as_json() if run else {"id": number}}


@router.get("/quarantine/runs", responses=told.RUNS)
def asked(
    request: Request,
    visitor: DeskVisitor,
    cursor: Annotated[paging.Cursor, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> dict[str, Any]:
    """Return what was asked for, newest first."""
    found = web_of(request).port.quarantine.runs(limit, paging.number_after("runs", cursor))
    last = found[-1].id if len(found) == limit else None
    told = [run.as_json() for run in found]
    return {"runs": told, "next_cursor": paging.cursor_of("runs", last)}


@router.get("/quarantine/runs/{number}", responses=told.RUN)
def run(request: Request, visitor: DeskVisitor, number: int) -> dict[str, Any]:
    """Return how far a run is, or what came of it."""
    found = web_of(request).port.quarantine.run(number)
    if found is None:
        raise not_found("run", number)
    return {"run": found.as_json()}


@router.get("/quarantine/{number}", responses=told.MESSAGE)
def message(request: Request, visitor: DeskVisitor, number: int) -> dict[str, Any]:
    """Return a message with its bytes (base64), each refusal with where in the bytes it lies
    (`at`: [start, end) or null), and what today's configuration would take of it."""
    port = web_of(request).port.quarantine
    kept = port.one(number)
    if kept is None:
        raise not_found("message", number)
    payload = base64.b64encode(kept.payload).decode()
    return look(kept) | {"payload": payload, "today": port.today(kept)}
