"""The registry for the duty desk: what is not as registered, first; what to do, one tap away."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Query, Request
from starlette.responses import RedirectResponse, Response

from alerts.model import Role
from config.errors import ConfigError
from config.text import Text
from devices.registry import place_and_name
from monitor.registry.entries import GATEWAY, LIFT
from monitor.registry.states import ORDER, STATES, counts
from monitor.web.api.registry import Kind, find
from monitor.web.console.render import flash
from monitor.web.ports import ServicePort
from monitor.web.visitor import AdminVisitor, DeskVisitor, web_of
from monitor.web.words import Words

router = APIRouter(include_in_schema=False)
PAGE = 100
QUIET = ("ok", "empty", "retired")  # shown when asked for
Act = Literal["move", "keep", "fresh", "retire", "dismiss", "register", "restore"]
DONE = Text("已完成", "done")


@router.get("/registry")
def registry(
    request: Request,
    visitor: DeskVisitor,
    kind: Kind = "lift",
    state: Annotated[str, Query(max_length=32)] = "",
    q: Annotated[str, Query(max_length=100)] = "",
    after: Annotated[str, Query(max_length=100)] = "",
) -> Response:
    """Lifts or gateways by state."""
    web = web_of(request)
    words = web.pages.words(request)
    now_ms = web.port.now_ms()
    rows = web.port.book().rows(kind)
    found = find(rows, state if state in STATES else "", q)
    if not state and not q:
        found = [row for row in found if row["state"] not in QUIET]
    found.sort(key=lambda row: (ORDER[row["state"]], row["id"]))
    place = next((i + 1 for i, row in enumerate(found) if row["id"] == after), 0)
    page = found[place : place + PAGE]
    more = None
    if place + PAGE < len(found):
        more = "?" + urlencode({"kind": kind, "state": state, "q": q, "after": page[-1]["id"]})
    numbers = counts(rows)
    given = _credentials(web.port, words, now_ms) if kind == GATEWAY else {}
    return web.pages.render(
        request,
        "registry.html",
        visitor,
        kind=kind,
        state=state,
        q=q,
        more=more,
        total=len(found),
        tabs=[
            {"state": name, "count": count, "word": words.text(STATES[name][0].as_json())}
            for name, count in numbers.items()
        ],
        default=words.text(STATES[state][1].as_json()) if state in STATES else "",
        rows=[_view(words, row, now_ms) | {"given": given.get(row["id"], [])} for row in page],
        may=visitor.user.role is Role.ADMIN,
    )


def _credentials(port: ServicePort, words: Words, now_ms: int) -> dict[str, list[dict[str, Any]]]:
    """Return what each gateway was given and is good, or ran out with nothing after it."""
    _ = words.catalogue.gettext
    kinds = {"password": _("password"), "certificate": _("certificate")}
    soon = {one.username for one in port.issuer.warnings()}
    found: dict[str, list[dict[str, Any]]] = {}
    for one in port.issuer.credentials():
        if one.good(now_ms) or one.username in soon:
            ends = one.last_ms
            found.setdefault(one.gateway, []).append(
                {
                    "username": one.username,
                    "kind": kinds[one.kind],
                    "until": _("until %(day)s") % {"day": words.day(ends)} if ends else "",
                    "tone": "bad" if one.username in soon else "good",
                }
            )
    return found


def _view(words: Words, row: dict[str, Any], now_ms: int) -> dict[str, Any]:
    def ago(at_ms: int | None) -> str:
        _ = words.catalogue.gettext
        return _("%(time)s ago") % {"time": words.duration(now_ms - at_ms)} if at_ms else "–"

    tone = {"ok": "good", "retired": "", "empty": "", "never_seen": ""}.get(row["state"], "bad")
    return {
        "id": row["id"],
        "kind": row["kind"],
        "state": row["state"],
        "word": words.text(row["state_text"]),
        "default": words.text(row["default"]),
        "tone": tone,
        "where": place_and_name(row.get("place") or "", row.get("name") or ""),
        "gateway": row.get("gateway") or row.get("vendor") or "",
        "since": ago(_since(row)),
        "last": ago(row.get("last_ms")),
        "missing": ", ".join(row.get("missing") or ()),
        "moved_from": row["moved_from"] or "",
        "retired": row["retired_ms"] is not None,
        "question": row["question"] is not None,
        "others": [
            one | {"first": ago(one["first_ms"]), "last": ago(one["last_ms"])}
            for one in row["seen_by"]
        ],
    }


def _since(row: dict[str, Any]) -> int | None:
    """Since when it is in its state, as far as that is known."""
    if row["seen_by"]:
        return int(min(one["first_ms"] for one in row["seen_by"]))
    known = row["retired_ms"] or row["moved_ms"] or row["registered_ms"]
    return int(known) if known else None


@router.post("/registry/{kind}/{ident}/{act}")
def take(
    request: Request,
    visitor: AdminVisitor,
    kind: Kind,
    ident: str,
    act: Act,
    gateway: Annotated[str, Form(max_length=64)] = "",
) -> Response:
    """One decision by a plain form."""
    registrar, actor = web_of(request).port.registrar, visitor.user.actor
    text, ok = DONE, True
    try:
        if act == "move":
            registrar.move([ident], gateway, actor)
        elif act in ("keep", "fresh"):
            registrar.answer(ident, "keep" if act == "keep" else "fresh", actor)
        elif act == "retire":
            registrar.retire(kind, ident, actor)
        elif act == "dismiss":
            registrar.dismiss(kind, ident, actor)
        elif kind == GATEWAY:
            registrar.register_gateway(ident, actor)
        else:
            registrar.register_lift({"reg_code": ident}, actor)
    except ConfigError as error:
        named = f"{error.key} = {error.value}"
        text, ok = Text(f"{named}：{error.way_out.zh}", f"{named}: {error.way_out.en}"), False
    other = "" if kind == LIFT else f"?kind={kind}"
    return flash(RedirectResponse(f"/registry{other}", 303), text, ok)
