"""The CAP 1.2 feed: an Atom index and the documents, under a path that holds the site's token."""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from sqlalchemy import Connection, or_, select
from starlette.responses import Response

from alerts.database.access import reading
from alerts.database.tables import alert
from alerts.desk import queries
from alerts.notify.cap import DEFAULT_CAP, CapFeed, Document, documents, load_cap
from config.text import Text
from monitor.own import own_or
from monitor.web import problems
from monitor.web.ports import ServicePort
from monitor.web.visitor import web_of

router = APIRouter(include_in_schema=False)
AT_MOST = 500
OVER_MS = 24 * 3_600_000
"""How long a closed alert's Cancel stays in the index."""
_NAME = re.compile(r"lw-([0-9]{1,15})-([0-9]{1,15})\.xml")


def _feed(request: Request, token: str) -> tuple[ServicePort, CapFeed]:
    port = web_of(request).port
    right = port.settings.notify.cap.token
    if right is None or not hmac.compare_digest(right.get_secret_value().encode(), token.encode()):
        raise problems.not_found("page", "cap")
    site = port.settings.site
    feed = CapFeed(
        load_cap(own_or(site.folder, "cap.toml", DEFAULT_CAP)),
        port.settings.notify.cap.sender,
        Text(site.name_zh, site.name_en),
        port.settings.public_url,
        ZoneInfo(site.timezone),
    )
    return port, feed


@router.get("/cap/{token}/index.atom")
def index(request: Request, token: str) -> Response:
    """Open critical alerts and those that ended within a day: the newest document of each."""
    port, feed = _feed(request, token)
    found: list[tuple[Document, Mapping[str, Any]]] = []
    with reading(port.engine) as conn:
        for alert_id in _critical(conn, port.now_ms()):
            one = queries.get_alert(conn, alert_id)
            made = documents(alert_id, one["timeline"]) if one else []
            if one and made:
                found.append((made[-1], one))
    found.sort(key=lambda pair: (pair[0].at_ms, pair[0].line_id), reverse=True)
    body = feed.atom(found, f"{port.settings.public_url}/cap/{token}")
    return Response(body, media_type="application/atom+xml")


def _critical(conn: Connection, now_ms: int) -> list[int]:
    recent = or_(alert.c.closed_ms.is_(None), alert.c.closed_ms > now_ms - OVER_MS)
    query = select(alert.c.id).where(
        alert.c.severity == "critical", recent, alert.c.late.is_(False)
    )
    return list(conn.execute(query.order_by(alert.c.id.desc()).limit(AT_MOST)).scalars())


@router.get("/cap/{token}/{name}")
def document(request: Request, token: str, name: str) -> Response:
    """One document; the same bytes for ever."""
    port, feed = _feed(request, token)
    asked = _NAME.fullmatch(name)
    if asked is None:
        raise problems.not_found("page", name)
    with reading(port.engine) as conn:
        found = queries.get_alert(conn, int(asked[1]))
    made = documents(found["id"], found["timeline"]) if found else []
    one = next((one for one in made if one.line_id == int(asked[2])), None)
    if one is None or found is None or found["severity"] != "critical":
        raise problems.not_found("page", name)
    subject = port.desk.subjects.of(found["subject_kind"], found["subject"])
    return Response(feed.xml(one, found, subject), media_type="application/cap+xml")
