"""One's own account: on which devices pages are pushed, and switching that off."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Form, Path, Request
from starlette.responses import RedirectResponse, Response

from config.text import Text
from monitor.web.api.push import MOST, push_json
from monitor.web.console.render import flash
from monitor.web.console.signin import safe_target
from monitor.web.visitor import AnyVisitor, web_of
from monitor.web.words import Words

router = APIRouter(include_in_schema=False)


@router.get("/push")
def devices(request: Request, visitor: AnyVisitor) -> Response:
    """Who one is here, and where one's pages are pushed to."""
    web = web_of(request)
    words, port = web.pages.words(request), web.port
    unit = port.directory.units.get(visitor.user.unit or "")
    return web.pages.render(
        request,
        "devices.html",
        visitor,
        unit_word=unit.name.of(words.lang) if unit else "",
        push=push_view(words, push_json(port, visitor), port.now_ms(), "/push"),
    )


def push_view(words: Words, told: dict[str, Any], now_ms: int, back: str) -> dict[str, Any]:
    """Return what the part of a page about push shows."""
    names = {one["id"]: one["name"] for one in told["contacts"]}
    return {
        "key": told["public_key"],
        "contacts": told["contacts"],
        "back": back,
        "devices": [
            {
                "id": one["id"],
                "device": one["device"],
                "who": names.get(one["contact"], one["contact"]),
                "since": f"{words.day(one['created_ms'])} {words.clock(one['created_ms'])}",
            }
            for one in told["subscriptions"]
        ],
    }


@router.post("/push/{number}/end")
def end(
    request: Request,
    visitor: AnyVisitor,
    number: Annotated[int, Path(ge=1, le=MOST)],
    back: Annotated[str, Form(max_length=200)] = "/push",
) -> Response:
    """Switch push off for one of one's devices, by a plain form."""
    port = web_of(request).port
    ended = port.push.end(number, "by hand", port.now_ms(), visitor.user.actor)
    text = (
        Text("已关闭这台设备的推送", "push is off for that device")
        if ended
        else Text("这台设备的推送早已关闭", "push was off for that device already")
    )
    return flash(RedirectResponse(safe_target(back), 303), text, ended)
