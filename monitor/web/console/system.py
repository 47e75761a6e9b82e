"""Health, for the duty desk."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from monitor.web.ports import HealthReport
from monitor.web.visitor import DeskVisitor, web_of
from monitor.web.words import Words

router = APIRouter(include_in_schema=False)


@router.get("/health")
def health(request: Request, visitor: DeskVisitor) -> Response:
    """How the service and its gateways are."""
    web = web_of(request)
    words = web.pages.words(request)
    report = health_view(words, web.port.health(), web.port.now_ms())
    return web.pages.render(request, "health.html", visitor, report=report)


def health_view(words: Words, report: HealthReport, now_ms: int) -> dict[str, Any]:
    """Return the report in words; trouble stands first."""
    _ = words.catalogue.gettext
    states = {
        "online": (_("online"), "good"),
        "offline": (_("offline"), "bad"),
        "unknown": (_("never heard"), ""),
    }
    gateways = []
    order = {"offline": 0, "unknown": 1, "online": 2}
    for gateway in sorted(report["gateways"], key=lambda g: (order.get(g["state"], 1), g["id"])):
        word, tone = states.get(gateway["state"], (gateway["state"], ""))
        last = gateway["last_ms"]
        ago = _("%(time)s ago") % {"time": words.duration(now_ms - last)} if last else "–"
        gateways.append({**gateway, "state": word, "tone": tone, "last": ago})
    return {
        "ready": report["ready"],
        "reasons": [words.text(reason) for reason in report["reasons"]],
        "parts": [
            {"ok": p["ok"], "text": words.text(p["text"]), "detail": words.text(p["detail"])}
            for p in sorted(report["parts"], key=lambda part: part["ok"])
        ],
        "figures": [
            {"text": words.text(f["text"]), "value": f"{_number(f['value'])} {f['unit']}".rstrip()}
            for f in report["figures"]
        ],
        "gateways": gateways,
    }


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) else f"{value:,.3g}"
