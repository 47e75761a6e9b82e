"""Raw samples taken away: CSV or Parquet, and how far it is."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request
from pydantic import Field
from starlette.responses import StreamingResponse

from monitor.web import lift_past, problems
from monitor.web.api import examples_past as examples
from monitor.web.api.lift_past import SpanQuery, own
from monitor.web.export import Progress, Wanted, stream
from monitor.web.visitor import AnyVisitor, web_of

router = APIRouter(tags=["lifts"], prefix="/lifts/{reg_code}")
KEY = r"^[A-Za-z0-9_-]{1,64}$"
TYPES = {"csv": "text/csv; charset=utf-8", "parquet": "application/vnd.apache.parquet"}


class ExportQuery(SpanQuery):
    """What to take away; by default every channel of the last day."""

    channels: str = Field("", max_length=2000, description="names, by comma; none: every channel")
    form: Literal["csv", "parquet"] = "csv"
    key: str = Field("", max_length=64, description="a name to ask for its progress by")


@router.get(
    "/export",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "The file",
            "content": {
                TYPES["csv"]: {"example": examples.CSV},
                TYPES["parquet"]: {"example": "PAR1"},
            },
        }
    },
)
def export(
    request: Request, visitor: AnyVisitor, reg_code: str, asked: Annotated[ExportQuery, Query()]
) -> StreamingResponse:
    """Return every sample of a time, streamed, without a limit of rows.

    Columns: ts_ms (epoch ms), time (in the site's zone), the channels with their unit in
    brackets; empty where a sample does not tell one.
    """
    port, row, lift = own(request, visitor, reg_code)
    names = lift_past.channels(port, asked.channels, list(port.vocab.by_name))
    begin, end = lift_past.span(
        asked.from_ms, asked.to_ms, port.now_ms(), lift_past.DAY_MS
    )  # fmt: skip
    zone = port.settings.site.timezone
    wanted = Wanted(lift, row, [port.vocab.by_name[name] for name in names], begin, end, zone)
    progress = Progress(visitor.user.name, reg_code, begin, end, begin)
    if asked.key:
        web_of(request).exports.begin(asked.key, progress)
    headers = {
        "Content-Disposition": f'attachment; filename="{reg_code}-{begin}-{end}.{asked.form}"'
    }
    if asked.form == "parquet":
        headers["Content-Encoding"] = "identity"  # it is compressed already
    body = stream(port.past, wanted, asked.form, progress)
    return StreamingResponse(body, media_type=TYPES[asked.form], headers=headers)


@router.get("/export/{key}", responses=examples.EXPORT)
def export_progress(
    request: Request,
    visitor: AnyVisitor,
    reg_code: str,
    key: Annotated[str, Path(pattern=KEY)],
) -> dict[str, Any]:
    """Return how far an export of one's own is: share 0..1, rows, bytes, state."""
    own(request, visitor, reg_code)
    found = web_of(request).exports.find(visitor.user.name, key)
    if found is None or found.reg_code != reg_code:
        raise problems.not_found("export", key)
    return found.as_json()
