"""The API for people: a page made of the OpenAPI document, by nobody else's script."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from monitor.web.api import reading
from monitor.web.api.tags import TAGS
from monitor.web.i18n import Catalogue
from monitor.web.visitor import AnyVisitor, web_of

router = APIRouter(include_in_schema=False)


@router.get("/api")
def api(request: Request, visitor: AnyVisitor) -> Response:
    """Every operation with who may, what goes in, what comes out, and how it may fail."""
    web = web_of(request)
    words = web.pages.words(request)
    found = _groups(request)
    base = str(request.base_url).rstrip("/")
    return web.pages.render(
        request,
        "api.html",
        visitor,
        groups=[group | {"text": TAGS[group["tag"]].of(words.lang)} for group in found],
        who=who(words.catalogue),
        count=sum(len(group["operations"]) for group in found),
        base=web.port.settings.public_url or base,
    )


def _groups(request: Request) -> list[dict[str, Any]]:
    app = request.app
    if getattr(app.state, "api_groups", None) is None:
        app.state.api_groups = reading.groups(app.openapi())
    found: list[dict[str, Any]] = app.state.api_groups
    return found


def who(catalogue: Catalogue) -> dict[str, str]:
    """Return in words who may use an operation."""
    _ = catalogue.gettext
    return {
        reading.OPEN: _("without signing in"),
        reading.ANYBODY: _("everybody who is signed in, within their own"),
        "desk": _("duty desk and administrators"),
        "admin": _("administrators"),
        "in person": _("people with their password, not tokens"),
        "admin in person": _("administrators with their password, not tokens"),
    }
