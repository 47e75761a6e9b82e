"""Photos of an alert: where they are, how a page shows them, who may see them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import FileResponse, Response

from alerts.database.access import reading
from alerts.replies import photos
from monitor.web import find, problems
from monitor.web.ports import ServicePort
from monitor.web.visitor import AnyVisitor, web_of
from monitor.web.words import Words

router = APIRouter(include_in_schema=False)


def photos_folder(port: ServicePort) -> Path:
    """Return where the site keeps photos."""
    return port.settings.data_dir / "photos"


def photo_views(
    words: Words, rows: Sequence[Mapping[str, Any]], below: str, now_ms: int
) -> list[dict[str, Any]]:
    """Return photos for a page: address, measures, who took it when."""
    return [
        {
            "href": f"{below}/{row['hash']}.jpg",
            "width": row["width"],
            "height": row["height"],
            "who": row["name"],
            "clock": words.clock(row["at_ms"], now_ms),
        }
        for row in rows
    ]


def photo_response(port: ServicePort, alert_id: int, digest: str) -> Response:
    """Return a photo if the alert has it. Raises Problem 404, also where the file is gone."""
    with reading(port.engine) as conn:
        known = photos.has_photo(conn, alert_id, digest)
    file = photos.path_of(photos_folder(port), digest)
    if not known or not file.is_file():
        raise problems.not_found("photo", digest)
    headers = {"Cache-Control": "private, max-age=3600"}
    return FileResponse(file, media_type="image/jpeg", headers=headers)


@router.get("/alerts/{alert_id}/photos/{digest}.jpg")
def photo(request: Request, visitor: AnyVisitor, alert_id: int, digest: str) -> Response:
    """A photo, for those who may see its alert."""
    port = web_of(request).port
    with reading(port.engine) as conn:
        if find.read_alert(conn, alert_id, visitor.scope, None) is None:
            raise problems.not_found("alert", alert_id)
    return photo_response(port, alert_id, digest)
