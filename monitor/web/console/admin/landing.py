"""The first page of administration: what there is, as cards."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from monitor.web.visitor import DeskVisitor, web_of

router = APIRouter(prefix="/admin", include_in_schema=False)


@router.get("")
def landing(request: Request, visitor: DeskVisitor) -> Response:
    """Cards of all that the visitor may open."""
    return web_of(request).pages.render(request, "admin/landing.html", visitor)
