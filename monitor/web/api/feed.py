"""The live feed over HTTP."""

from __future__ import annotations

import logging
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from config.text import Text
from monitor.web.api import examples
from monitor.web.feed import MOST_READERS, Sight
from monitor.web.problems import Problem
from monitor.web.visitor import AnyVisitor, identify, web_of

router = APIRouter(tags=["feed"])
log = logging.getLogger(__name__)
LINE = examples.LINE | {"alert": examples.ALERT}
EVENTS: dict[str, tuple[str, dict[str, Any]]] = {
    "journal": (
        "A line of the journal, with its alert as it stands (null for lines of no alert). Its id "
        "is the line's.",
        LINE,
    ),
    "beat": (
        "Each second. `now_ms` is the service's clock, `behind_ms` how long ago the pipeline last "
        "finished a turn: beyond 3,000 what you see may be stale. Its id moves your place past "
        "lines that are not yours.",
        {"now_ms": 1790000060000, "behind_ms": 120},
    ),
    "reset": ("Your id is not of this journal: load everything anew, then go on from here.", {}),
}
"""Events of the feed: what each means, and an example of its data."""

_EXAMPLE = (
    'id: 88\nevent: journal\ndata: {"id":88,"alert_id":17,"kind":"accepted","alert":{"id":17}}\n\n'
    'id: 88\nevent: beat\ndata: {"now_ms":1790000060000,"behind_ms":120}\n\n'
)


@router.get(
    "/feed",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "Server-sent events",
            "content": {"text/event-stream": {"example": _EXAMPLE}},
        }
    },
)
async def feed(
    request: Request,
    visitor: AnyVisitor,
    after: Annotated[int | None, Query(ge=0, description="journal id to go on after")] = None,
    lean: Annotated[
        bool, Query(description="only id, at_ms, alert_id and kind, without the alert")
    ] = False,
    last_event_id: Annotated[str | None, Header()] = None,
) -> StreamingResponse:
    """Stream the journal: each line with its alert as it stands, under the line's id.

    Send the last id you saw as Last-Event-ID (or `after`) and nothing is lost or doubled; without
    one you start from now. A `beat` comes each second; `reset` means: load everything anew. A firm
    gets its own alerts; what administrators do is told to administrators alone. Each reader reads
    the journal at its own pace: a slow one falls behind and loses nothing. The stream ends when
    your session, token or account does. A token goes into the Authorization header; where that
    cannot be set (EventSource), use the session.
    """
    hub = web_of(request).hub
    if hub.readers >= MOST_READERS or hub.closed:
        text = Text("实时连接已满，请稍后再试", "too many live connections: try again later")
        raise Problem(503, "feed_full", text, limit=str(MOST_READERS), headers={"Retry-After": "5"})
    if last_event_id is not None and last_event_id.isascii() and last_event_id.isdigit():
        after = int(last_event_id)
    user = visitor.user

    async def allowed() -> bool:
        """The same person, with the same rights, still has access."""
        try:
            again = await run_in_threadpool(identify, request)
        except Problem:
            return False  # a token that has ended, say; to come back is to be told why
        except SQLAlchemyError:
            log.exception(
                "a reader of the feed could not be checked; asked again at the next check"
            )
            return True
        return again is not None and again.user == user

    return StreamingResponse(
        hub.stream(after, Sight(visitor.scope, user.role), allowed, lean),
        media_type="text/event-stream",
        headers={"X-Accel-Buffering": "no"},
    )
