"""Quarantine and health, for the duty desk."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from monitor.web.ports import HealthReport, QuarantineRow
from monitor.web.visitor import DeskVisitor, web_of
from monitor.web.words import Words

router = APIRouter(include_in_schema=False)
PAGE = 100
_SHOWN = 4096


@router.get("/quarantine")
def quarantine(
    request: Request,
    visitor: DeskVisitor,
    gateway: Annotated[str, Query(max_length=64)] = "",
    before: Annotated[int | None, Query(ge=1)] = None,
) -> Response:
    """What was refused and why, newest first."""
    web = web_of(request)
    words = web.pages.words(request)
    rows = web.port.quarantine.recent(PAGE, before_id=before, gateway=gateway.strip() or None)
    now_ms = web.port.now_ms()
    older = None
    if len(rows) >= PAGE:
        older = "?" + urlencode({"gateway": gateway, "before": rows[-1]["id"]})
    return web.pages.render(
        request,
        "quarantine.html",
        visitor,
        rows=[_refused(words, row, now_ms) for row in rows],
        gateway=gateway,
        older=older,
    )


def reason_words(words: Words) -> dict[str, str]:
    """Return the reasons of the wire contract in words."""
    _ = words.catalogue.gettext
    return {
        "not_json": _("not JSON"),
        "wrong_version": _("wrong version"),
        "missing_field": _("missing field"),
        "wrong_type": _("wrong type"),
        "not_finite": _("not a finite number"),
        "out_of_range": _("out of range"),
        "unknown_lift": _("unknown lift"),
        "unknown_channel": _("unknown channel"),
        "unknown_code": _("unknown code"),
        "clock_ahead": _("clock ahead"),
        "too_old": _("too old"),
        "seq_out_of_range": _("sequence out of range"),
        "too_large": _("too large"),
        "too_many_samples": _("too many samples"),
        "wrong_gateway": _("another gateway's lift"),
        "unknown_gateway": _("unknown gateway"),
        "length_mismatch": _("lengths differ"),
        "empty": _("empty"),
        "boot_back": _("boot went back"),
        "seq_back": _("sequence went back"),
    }


def _refused(words: Words, row: QuarantineRow, now_ms: int) -> dict[str, Any]:
    _ = words.catalogue.gettext
    told = " = ".join(part for part in (row["field"], row["value"]) if part is not None)
    if row["limit"]:
        told = _("%(what)s, allowed: %(limit)s") % {"what": told or "?", "limit": row["limit"]}
    facts = [
        (_("Topic"), row["topic"]),
        (_("Lift"), row["lift"] or "–"),
        (_("Bytes"), str(row["size"])),
    ]
    return {
        "clock": words.clock(row["at_ms"], now_ms),
        "gateway": row["gateway"],
        "reason": reason_words(words).get(row["reason"], row["reason"]),
        "sentence": told,
        "way_out": words.text(row["way_out"]),
        "facts": facts,
        "payload": row["payload"][:_SHOWN].decode("utf-8", "backslashreplace"),
    }


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
