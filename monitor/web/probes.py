"""For machines: is it alive, is it ready, and its figures."""

from __future__ import annotations

import ipaddress

from fastapi import APIRouter, Request
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import JSONResponse, PlainTextResponse, Response

from alerts.model import Role
from monitor.web import problems
from monitor.web.visitor import address_of, identify, web_of

router = APIRouter(include_in_schema=False)
_FORWARDED = ("x-forwarded-for", "forwarded", "x-real-ip")


@router.get("/healthz")
async def healthz() -> Response:
    """200 while the process answers."""
    return PlainTextResponse("ok\n")


@router.get("/readyz")
def readyz(request: Request) -> Response:
    """200 when alerts are certain to come, else 503 with the reasons in both languages."""
    found = web_of(request).port.readiness()
    body = {"ready": found["ready"], "reasons": [dict(reason) for reason in found["reasons"]]}
    return JSONResponse(body, 200 if found["ready"] else 503)


@router.get("/metrics")
def metrics(request: Request) -> Response:
    """Prometheus figures: for this machine itself, or an administrator (HTTP Basic).

    A request that a proxy on this machine passes on is not from this machine.
    """
    if not _from_here(request):
        visitor = identify(request)
        if visitor is None:
            raise problems.not_signed_in()
        if visitor.user.role is not Role.ADMIN:
            raise problems.forbidden()
    body = generate_latest(web_of(request).port.metrics)
    return Response(body, media_type=CONTENT_TYPE_LATEST)


def _from_here(request: Request) -> bool:
    if any(name in request.headers for name in _FORWARDED):
        return False
    try:
        return ipaddress.ip_address(address_of(request)).is_loopback
    except ValueError:
        return False
