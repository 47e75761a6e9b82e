"""The story of an alert and the accident report's draft, as JSON and as PDF."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from alerts.database.access import reading
from alerts.story import Teller, build_draft, build_story, draft_pdf, story_pdf
from alerts.story.sheet import Sheet, fonts
from monitor.web import problems
from monitor.web.api import examples
from monitor.web.console.papers import photos_folder
from monitor.web.i18n import language
from monitor.web.ports import ServicePort
from monitor.web.visitor import AnyVisitor, web_of

router = APIRouter(tags=["alerts"])
Lang = Annotated[
    Literal["", "zh", "en"], Query(description="language of the paper; else Accept-Language")
]
_PDF: dict[int | str, dict[str, Any]] = {
    200: {"description": "The paper", "content": {"application/pdf": {"example": "%PDF-1.4 …"}}}
}


def teller_of(port: ServicePort) -> Teller:
    """Return what says an incident in words, made of the service's own parts."""
    desk = port.desk
    return Teller(desk.chains, port.directory, desk.pages, port.causes)


def _story(request: Request, alert_id: int, unit: str | None) -> dict[str, Any]:
    port = web_of(request).port
    with reading(port.engine) as conn:
        story = build_story(conn, teller_of(port), alert_id, port.now_ms(), unit)
    if story is None:
        raise problems.not_found("alert", alert_id)
    return story


def _sheet(request: Request, lang: str) -> Sheet:
    port = web_of(request).port
    return Sheet(lang or language(request), port.desk.pages.tz, fonts(port.settings.site.pdf_font))


def _paper(body: bytes, name: str) -> Response:
    headers = {"Content-Disposition": f'inline; filename="{name}"'}
    return Response(body, media_type="application/pdf", headers=headers)


@router.get("/alerts/{alert_id}/story", responses=examples.answer(examples.STORY))
def story(request: Request, visitor: AnyVisitor, alert_id: int) -> dict[str, Any]:
    """Return the story of an alert's incident: timeline, calls, deadlines met or missed."""
    return _story(request, alert_id, visitor.scope)


@router.get("/alerts/{alert_id}/story.pdf", responses=_PDF, response_class=Response)
def story_on_paper(
    request: Request, visitor: AnyVisitor, alert_id: int, lang: Lang = ""
) -> Response:
    """Return the story as a PDF with room to sign."""
    told = _story(request, alert_id, visitor.scope)
    folder = photos_folder(web_of(request).port)
    return _paper(story_pdf(told, _sheet(request, lang), folder), f"alert-{alert_id}-story.pdf")


@router.get("/alerts/{alert_id}/accident", responses=examples.answer(examples.DRAFT))
def draft(request: Request, visitor: AnyVisitor, alert_id: int) -> dict[str, Any]:
    """Return the accident report's draft; a field whose `value` is null is still missing."""
    tz = web_of(request).port.desk.pages.tz
    return build_draft(_story(request, alert_id, visitor.scope), tz)


@router.get("/alerts/{alert_id}/accident.pdf", responses=_PDF, response_class=Response)
def draft_on_paper(
    request: Request, visitor: AnyVisitor, alert_id: int, lang: Lang = ""
) -> Response:
    """Return the accident report's draft as a PDF; what is missing is marked."""
    tz = web_of(request).port.desk.pages.tz
    made = build_draft(_story(request, alert_id, visitor.scope), tz)
    return _paper(draft_pdf(made, _sheet(request, lang)), f"alert-{alert_id}-accident-draft.pdf")
