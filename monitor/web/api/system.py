"""Health, quarantine, and who one is."""

from __future__ import annotations

import base64
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from monitor.web.api import examples
from monitor.web.visitor import AnyVisitor, DeskVisitor, web_of

router = APIRouter(tags=["service"])


@router.get(
    "/health",
    responses=examples.answer(
        {"ready": True, "reasons": [], "parts": [], "figures": [], "gateways": []}
    ),
)
def health(request: Request, visitor: DeskVisitor) -> dict[str, Any]:
    """Return how the parts of the service and the gateways are. For operators and admins."""
    return dict(web_of(request).port.health())


@router.get("/quarantine", responses=examples.answer({"refused": [], "next_cursor": None}))
def quarantine(
    request: Request,
    visitor: DeskVisitor,
    cursor: Annotated[int | None, Query(ge=1)] = None,
    gateway: Annotated[str | None, Query(max_length=64)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> dict[str, Any]:
    """Return what was refused, newest first, with the bytes as base64. For operators and admins."""
    rows = web_of(request).port.quarantine.recent(limit, before_id=cursor, gateway=gateway)
    told = [dict(row) | {"payload": base64.b64encode(row["payload"]).decode()} for row in rows]
    return {"refused": told, "next_cursor": rows[-1]["id"] if len(rows) >= limit else None}


@router.get("/me", responses=examples.answer({"name": "wang", "role": "firm", "unit": "firm-a"}))
def me(visitor: AnyVisitor) -> dict[str, Any]:
    """Return who you are to the service."""
    return {"name": visitor.user.name, "role": visitor.user.role, "unit": visitor.user.unit}
