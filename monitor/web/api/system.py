"""Health."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request

from monitor.web.api import examples
from monitor.web.visitor import DeskVisitor, web_of

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
