"""The hand-over report of a shift: as data, as paper, and both officers' signatures."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from alerts.database.access import reading
from alerts.handover import Span, build_report, choices, signing
from alerts.handover.paper import handover_pdf
from alerts.handover.report import Reporter
from alerts.handover.shift import HOUR_MS, LONGEST_MS, officers
from alerts.model import ActResult
from alerts.story.sheet import Sheet, fonts
from config.text import Text
from monitor.web.api import desk_examples, examples
from monitor.web.api.push import MOST
from monitor.web.i18n import language
from monitor.web.ports import ServicePort
from monitor.web.problems import Problem, not_found
from monitor.web.visitor import DeskVisitor, web_of

router = APIRouter(tags=["handover"])
_PDF: dict[int | str, dict[str, Any]] = {
    200: {"description": "The paper", "content": {"application/pdf": {"example": "%PDF-1.4 …"}}}
}


class ShiftQuery(BaseModel):
    """Which shift; without times the one that stands now."""

    model_config = ConfigDict(extra="forbid")

    from_ms: int | None = Field(None, ge=0, description="epoch ms, inclusive")
    to_ms: int | None = Field(None, ge=0, description="epoch ms, exclusive")


class PaperQuery(ShiftQuery):
    """Likewise, in a language."""

    lang: Literal["", "zh", "en"] = Field("", description="of the paper; else Accept-Language")


class GiveBody(BaseModel):
    """What the leaving officer signs."""

    model_config = ConfigDict(extra="forbid")

    from_ms: int = Field(ge=0)
    to_ms: int = Field(ge=0)
    remark: str = Field("", max_length=signing.LONGEST)


class TakeBody(BaseModel):
    """What the coming officer has seen, and signs for."""

    model_config = ConfigDict(extra="forbid")

    digest: str = Field(pattern=r"^[0-9a-f]{64}$", description="of the report that was handed over")


def span_of(port: ServicePort, from_ms: int | None, to_ms: int | None) -> Span:
    """Return the shift asked for. Raises Problem 422 for one that cannot be."""
    now_ms, tz = port.now_ms(), port.desk.pages.tz
    if from_ms is None and to_ms is None:
        return choices(port.directory, now_ms, tz)[0]
    begin = now_ms - 12 * HOUR_MS if from_ms is None else from_ms
    end = begin + 12 * HOUR_MS if to_ms is None else to_ms
    if not 0 < end - begin <= LONGEST_MS:
        hours = LONGEST_MS // HOUR_MS
        text = Text(
            f"to_ms {end} 应晚于 from_ms {begin}，最多 {hours} 小时",
            f"to_ms {end} should be after from_ms {begin}, by {hours} h at most",
        )
        raise Problem(422, "invalid", text, field="to_ms", value=end, limit=f"{hours} h")
    if begin > now_ms:
        text = Text(
            f"from_ms {begin}：这一班还没有开始",
            f"from_ms {begin}: that shift has not begun yet",
        )
        raise Problem(422, "invalid", text, field="from_ms", value=begin, limit="≤ now")
    return Span(begin, end, officers(port.directory, begin))


def reporter(port: ServicePort) -> Reporter:
    """Return what says a shift in words."""
    reasons = [Text(one["zh"], one["en"]) for one in port.health()["reasons"]]
    return Reporter(port.desk.chains, port.directory, port.desk.subjects, port.causes, reasons)


def report_of(port: ServicePort, span: Span) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """Return a shift's report, and who signed: once signed, the report as it was then."""
    teller = reporter(port)
    with reading(port.engine) as conn:
        signed = signing.found(conn, span.from_ms, span.to_ms)
        if signed is not None:
            return signed["report"], signed
        return build_report(conn, teller, span, port.now_ms()), None


def signatures(signed: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return who signed, without the report itself."""
    if signed is None:
        return None
    names = ("id", "given_by", "given_ms", "remark", "taken_by", "taken_ms", "digest")
    return {name: signed[name] for name in names}


@router.get("/handover", responses=examples.answer(desk_examples.HANDOVER))
def handover(
    request: Request, visitor: DeskVisitor, asked: Annotated[ShiftQuery, Query()]
) -> dict[str, Any]:
    """Return the report of a shift. Once it is signed, the report as it was signed."""
    port = web_of(request).port
    report, signed = report_of(port, span_of(port, asked.from_ms, asked.to_ms))
    return {"report": report, "signed": signatures(signed)}


@router.get("/handover.pdf", responses=_PDF, response_class=Response)
def on_paper(
    request: Request, visitor: DeskVisitor, asked: Annotated[PaperQuery, Query()]
) -> Response:
    """Return the report as a PDF (A4) with room to sign."""
    port = web_of(request).port
    report, signed = report_of(port, span_of(port, asked.from_ms, asked.to_ms))
    lang = asked.lang or language(request)
    sheet = Sheet(lang, port.desk.pages.tz, fonts(port.settings.site.pdf_font))
    name = f"handover-{report['from_ms']}-{report['to_ms']}.pdf"
    headers = {"Content-Disposition": f'inline; filename="{name}"'}
    body = handover_pdf(report, signed, sheet)
    return Response(body, media_type="application/pdf", headers=headers)


@router.get("/handover/shifts", responses=examples.answer(desk_examples.SHIFTS))
def shifts(request: Request, visitor: DeskVisitor) -> dict[str, Any]:
    """Return the shifts of the last three days, and the newest hand-overs."""
    port = web_of(request).port
    spans = choices(port.directory, port.now_ms(), port.desk.pages.tz)
    with reading(port.engine) as conn:
        signed = signing.latest(conn)
    told = [
        {"from_ms": one.from_ms, "to_ms": one.to_ms, "officers": list(one.officers)}
        for one in spans
    ]
    return {"shifts": told, "signed": signed}


@router.post("/handover", responses=examples.answer(desk_examples.SIGNED))
def give(request: Request, visitor: DeskVisitor, body: GiveBody) -> dict[str, Any]:
    """Hand a shift over: the report is kept as it is now, for the other officer to sign."""
    port = web_of(request).port
    span = span_of(port, body.from_ms, body.to_ms)
    _refuse(give_shift(port, span, body.remark, visitor))
    return _signed(port, span)


def give_shift(port: ServicePort, span: Span, remark: str, visitor: DeskVisitor) -> ActResult:
    """Sign a shift over with the report of this moment."""
    now_ms, teller = port.now_ms(), reporter(port)
    with reading(port.engine) as conn:
        report = build_report(conn, teller, span, now_ms)
    return signing.give(port.engine, report, remark, visitor.user.actor, now_ms)


@router.post("/handover/{number}/take", responses=examples.answer(desk_examples.SIGNED))
def take(
    request: Request,
    visitor: DeskVisitor,
    number: Annotated[int, Path(ge=1, le=MOST)],
    body: TakeBody,
) -> dict[str, Any]:
    """Take a shift over: `digest` says which report you have seen."""
    port = web_of(request).port
    with reading(port.engine) as conn:
        known = signing.by_id(conn, number)
    if known is None:
        raise not_found("handover", number)
    _refuse(signing.take(port.engine, number, body.digest, visitor.user.actor, port.now_ms()))
    return _signed(port, Span(known["from_ms"], known["to_ms"]))


def _refuse(result: ActResult) -> None:
    if not result.ok:
        raise Problem(409, "not_possible", result.text)


def _signed(port: ServicePort, span: Span) -> dict[str, Any]:
    with reading(port.engine) as conn:
        return {"signed": signatures(signing.found(conn, span.from_ms, span.to_ms))}
