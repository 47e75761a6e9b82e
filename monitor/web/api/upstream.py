"""The platforms above: how far each has been told, and the proofs of delivery."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request

from monitor.web.api import examples
from monitor.web.problems import not_found
from monitor.web.visitor import DeskVisitor, web_of

router = APIRouter(tags=["service"])


_TIER = {
    "name": "city",
    "platform": "chongqing",
    "wants": ["alarms", "status"],
    "behind": {"alarms": 0, "status": 12},
    "trouble": None,
    "unsaid": {},
    "unspeakable_codes": [1001],
}


@router.get("/upstream", responses=examples.answer({"items": [_TIER]}))
def tiers(request: Request, visitor: DeskVisitor) -> dict[str, Any]:
    """Return each platform: what it wants, positions not proven yet, trouble, what it cannot say.

    Positions are batches (status, events), journal lines (alarms) or days (statistics).
    """
    return {"items": web_of(request).port.upstream.report()}


@router.get("/upstream/{name}/deliveries", responses=examples.answer({"items": []}))
def deliveries(
    request: Request,
    visitor: DeskVisitor,
    name: Annotated[str, Path(max_length=64)],
    stream: Literal["status", "events", "alarms", "statistics"] | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> dict[str, Any]:
    """Return the newest deliveries of a platform with their proofs, newest first."""
    try:
        return {"items": web_of(request).port.upstream.deliveries(name, limit, stream)}
    except KeyError:
        raise not_found("tier", name) from None
