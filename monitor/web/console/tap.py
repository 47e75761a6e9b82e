"""The page behind the one link of a call: four big buttons, no account.

Opening it changes nothing, since mail scanners and previews open links; each step is a POST. The
token in the address is the right to act, so the page is not cached and tells nobody its address.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from alerts.links import LinkClaim
from alerts.model import Actor, Step
from alerts.notify.receipts import page_opened
from alerts.tables import reading
from config.text import Text
from monitor.web import find, views
from monitor.web.console.render import flash
from monitor.web.console.side import done_steps, map_link
from monitor.web.visitor import web_of
from monitor.web.words import Words

router = APIRouter(include_in_schema=False)
FOUR = (Step.ACCEPT, Step.ARRIVE, Step.FREE, Step.FILE_CAUSE)
TWO = (Step.ACCEPT, Step.FILE_CAUSE)
"""Where nobody has to be freed, nobody has to say so."""


def _claim(request: Request, token: str) -> tuple[LinkClaim, Actor] | Text:
    port = web_of(request).port
    claim = port.desk.pages.links.read(token, port.now_ms())
    if isinstance(claim, Text):
        return claim
    actor = port.desk.actor(claim)
    if actor is None:
        return Text(
            "您已不在通讯录中，请联系值班台", "you are no longer in the directory: call the desk"
        )
    return claim, actor


def _private(response: Response) -> Response:
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response


def _refused(request: Request, why: Text) -> Response:
    web = web_of(request)
    words = web.pages.words(request)
    _ = words.catalogue.gettext
    response = web.pages.render(
        request,
        "message.html",
        None,
        status=403,
        title=_("This link does not work any more"),
        text=why.of(words.lang),
        href="/sign-in",
        action=_("Sign in"),
    )
    return _private(response)


@router.get("/p/{token}")
def page(request: Request, token: str) -> Response:
    """What a mechanic needs to know, what was done so far, and what to press next."""
    web = web_of(request)
    port, words = web.port, web.pages.words(request)
    claimed = _claim(request, token)
    if isinstance(claimed, Text):
        return _refused(request, claimed)
    claim, actor = claimed
    with reading(port.engine) as conn:
        alert = find.read_alert(conn, claim.alert_id, None, port.desk.chains)
    if alert is None:
        return _refused(request, Text("没有这条警情", "there is no such alert"))
    now_ms = port.now_ms()
    page_opened(port.engine, claim.alert_id, claim.contact, now_ms)
    view = views.page_view(words, alert, now_ms, actor.role)
    response = web.pages.render(
        request,
        "tap.html",
        None,
        a=view,
        token=token,
        who=actor.name,
        rescue_code=alert.get("rescue_code"),
        map=map_link(port.registry.find(str(alert["subject"]))),
        done=done_steps(words, alert, now_ms),
        buttons=buttons(words, view, alert),
    )
    return _private(response)


def buttons(words: Words, view: dict[str, Any], alert: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the big buttons: one stands out, done ones are ticked, impossible ones are off."""
    _ = words.catalogue.gettext
    names = {
        Step.ACCEPT: _("Accept"),
        Step.ARRIVE: _("On site"),
        Step.FREE: _("All freed"),
        Step.FILE_CAUSE: _("Cause"),
    }
    legal = {step["step"] for step in view["legal"]}
    shown = TWO if alert["rescue_state"] == "none" else FOUR
    first = next((step for step in shown if step.value in legal), None)
    return [
        {
            "step": step.value,
            "word": names[step],
            "done": step.value in alert["done"],
            "off": step.value not in legal,
            "first": step is first,
        }
        for step in shown
    ]


@router.post("/p/{token}/{step}")
def tap(
    request: Request,
    token: str,
    step: Step,
    cause: Annotated[str, Form(max_length=500)] = "",
    comment: Annotated[str, Form(max_length=500)] = "",
) -> Response:
    """Take a step; a second tap is answered with who was first."""
    port = web_of(request).port
    claimed = _claim(request, token)
    if isinstance(claimed, Text):
        return _refused(request, claimed)
    claim, actor = claimed
    result = port.desk.act(
        claim.alert_id,
        step,
        actor,
        port.now_ms(),
        comment=comment.strip() or None,
        cause=cause.strip() or None,
    )
    return _private(flash(RedirectResponse(f"/p/{token}", 303), result.text, result.ok))
