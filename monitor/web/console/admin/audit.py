"""The journal on the console: filter, verify, export."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

import orjson
from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from alerts.database.access import reading
from monitor.admin import journal_view
from monitor.admin.journal_view import Check, Wanted
from monitor.web.console.admin.rules import stamp
from monitor.web.visitor import AdminVisitor, web_of
from monitor.web.words import Words

router = APIRouter(prefix="/admin", include_in_schema=False)
PAGE = 50
LONGEST = 400
KINDS = (
    "rule_edited", "account", "channel_tested", "roster", "registry", "provisioning", "raised",
    "cleared", "acknowledged", "accepted", "arrived", "freed", "cause_filed", "verified",
    "delivered", "undelivered",
)  # fmt: skip


@router.get("/audit")
def page(
    request: Request,
    visitor: AdminVisitor,
    who: str = "",
    kind: str = "",
    alert: str = "",
    since: str = "",
    until: str = "",
    before: int | None = None,
) -> Response:
    """Lines that fit, newest first."""
    web = web_of(request)
    words = web.pages.words(request)
    wanted = Wanted(
        who.strip()[:100],
        kind.strip()[:64],
        int(alert) if alert.strip().isdigit() else None,
        _midnight(words, since, 0),
        _midnight(words, until, 1),
    )
    with reading(web.port.engine) as conn:
        found = journal_view.lines(conn, wanted, PAGE, before)
    fields = {"who": who, "kind": kind, "alert": alert, "since": since, "until": until}
    query = {
        "who": wanted.who, "kind": wanted.kind, "alert": wanted.alert,
        "from_ms": wanted.from_ms, "to_ms": wanted.to_ms,
    }  # fmt: skip
    given = {key: value for key, value in query.items() if value not in ("", None)}
    older = urlencode({**fields, "before": found[-1]["id"]}) if len(found) == PAGE else None
    return web.pages.render(
        request,
        "admin/audit.html",
        visitor,
        rows=[_view(words, line) for line in found],
        fields=fields,
        kinds=KINDS,
        older=f"?{older}" if older else None,
        export=f"/api/v1/admin/journal/export?{urlencode(given)}",
        check=_check(words, web.checker.last),
    )


@router.post("/audit/verify")
def verify(request: Request, visitor: AdminVisitor) -> Response:
    """Begin a check of the chain."""
    web = web_of(request)
    web.checker.begin(web.port.engine, visitor.user.name, web.port.now_ms())
    return RedirectResponse("/admin/audit", 303)


def _midnight(words: Words, day: str, after: int) -> int | None:
    try:
        at = date.fromisoformat(day.strip()) + timedelta(days=after)
    except ValueError:
        return None
    return round(datetime.combine(at, time(), words.tz).timestamp() * 1000)


def _view(words: Words, line: dict[str, Any]) -> dict[str, Any]:
    data = line["data"]
    changes = data.get("changes") if line["kind"] == "rule_edited" else None
    return {
        "id": line["id"],
        "at": stamp(words, line["at_ms"]),
        "actor": line["actor"],
        "role": line["role"],
        "alert": line["alert_id"],
        "kind": line["kind"],
        "changes": [
            {"key": key, "before": _plain(one["before"]), "after": _plain(one["after"])}
            for key, one in (changes or {}).items()
        ],
        "data": _short({k: v for k, v in data.items() if not (changes and k == "changes")}),
        "hash": line["hash"],
    }


def _short(data: dict[str, Any]) -> str:
    """As JSON, not longer than a glance; the export has all of it."""
    told = orjson.dumps(data).decode() if data else ""
    return told if len(told) <= LONGEST else f"{told[:LONGEST]}…"


def _plain(value: Any) -> str:
    return (
        "–" if value is None else value if isinstance(value, str) else orjson.dumps(value).decode()
    )


def _check(words: Words, check: Check) -> dict[str, Any]:
    return {
        "state": check.state,
        "done": check.done,
        "total": check.total,
        "at": stamp(words, check.at_ms),
        "by": check.by,
        "head": check.head,
        "findings": [words.text(one["text"]) for one in check.findings],
        "more": check.more,
    }
