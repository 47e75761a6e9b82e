"""What kind of body a route takes."""

from __future__ import annotations

from typing import Any

from fastapi import params
from starlette.requests import Request

from monitor.web import problems


async def json_only(request: Request) -> None:
    """Dependency: refuse a body that is not JSON where JSON is meant. Raises Problem 415.

    Without a Content-Type a body is refused, too: a foreign page can send that without asking.
    """
    field: Any = getattr(request.scope.get("route"), "body_field", None)
    if field is None or isinstance(field.field_info, params.Form):
        return
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json")):
        return
    if kind or await request.body():
        raise problems.not_json(kind)
