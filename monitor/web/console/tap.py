"""The page behind the one link of a call: four big buttons, no account.

Opening it changes nothing, since mail scanners and previews open links; each step is a POST. The
token in the address is the right to act, so the page is not cached and tells nobody its address.
It is small and whole without JavaScript: it is read in basements.
"""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Form, Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.responses import RedirectResponse, Response

from alerts.database.access import reading
from alerts.model import Actor, Step
from alerts.notify.receipts import page_opened
from alerts.pages.links import LinkClaim
from alerts.replies import photos
from config.text import Text
from devices.registry import Lift, place_and_name
from monitor.web import find, views
from monitor.web.console.papers import photo_response, photo_views, photos_folder
from monitor.web.console.render import flash
from monitor.web.console.side import done_steps, map_link
from monitor.web.ports import ServicePort
from monitor.web.visitor import web_of
from monitor.web.words import Words, opening

router = APIRouter(include_in_schema=False)
FOUR = (Step.ACCEPT, Step.ARRIVE, Step.FREE, Step.FILE_CAUSE)
TWO = (Step.ACCEPT, Step.FILE_CAUSE)
"""Where nobody has to be freed, nobody has to say so."""
PAST_ALERTS = 5
ACCEPTED = "image/jpeg,image/png,image/webp"
FORM_EXTRA = 64 * 1024
"""What a form adds around a photo: its boundaries and headers."""


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
        past = find.past_alerts(conn, alert, PAST_ALERTS) if alert else []
        shown = photos.photos_of(conn, [claim.alert_id])
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
        place=place_view(port, words, alert),
        arrival=arrival_view(words, alert, now_ms),
        done=done_steps(words, alert, now_ms),
        buttons=buttons(words, view, alert),
        causes=words.causes.groups.values(),
        past=past_views(words, past, now_ms),
        photos=photo_views(words, shown, f"/p/{token}/photos", now_ms),
        accepted=ACCEPTED,
        photo_mb=f"{port.settings.web.photo_mb:g}",
    )
    return _private(response)


def place_view(port: ServicePort, words: Words, alert: dict[str, Any]) -> dict[str, Any]:
    """Return how to get there and whom to ring: map, the telephone's own navigation, the unit."""
    lift = port.registry.find(str(alert["subject"]))
    unit = port.directory.units.get(str(alert.get("use_unit") or ""))
    return {
        "rescue_code": alert.get("rescue_code") or "–",
        "map": map_link(lift, port.settings.web.map_url),
        "geo": geo_link(lift),
        "unit": words.text(unit.name) if unit else "",
        "phone": unit.phone if unit else "",
    }


def geo_link(lift: Lift | None) -> str | None:
    """Return a geo: address (RFC 5870), which a telephone opens in the app of its owner."""
    if lift is None or not (lift.lat or lift.lon):
        return None
    at = f"{lift.lat:.6f},{lift.lon:.6f}"
    return f"geo:{at}?q={at}({quote(place_and_name(lift.place, lift.name), safe='')})"


def arrival_view(words: Words, alert: dict[str, Any], now_ms: int) -> dict[str, Any] | None:
    """Return the arrival limit while it runs: as a time, and as what is left."""
    due_ms = alert.get("arrival_due_ms")
    there = alert.get("arrived_ms") or alert.get("freed_ms") or alert.get("closed_ms")
    if due_ms is None or there:
        return None
    return {
        "due_ms": due_ms,
        "clock": words.clock(due_ms, now_ms),
        "left": words.duration(abs(due_ms - now_ms)),
        "over": now_ms > due_ms,
    }


def past_views(words: Words, past: list[dict[str, Any]], now_ms: int) -> list[dict[str, str]]:
    """Return what this lift had before: when, what, and the cause somebody filed."""
    return [
        {
            "day": words.day(one["raised_ms"]),
            "ago": words.duration(now_ms - one["raised_ms"]),
            "rule": opening(words.text(one["rule_text"])),
            "cause": views.cause_word(words, one["cause"]),
        }
        for one in past
    ]


def buttons(words: Words, view: dict[str, Any], alert: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the big buttons: one stands out, done ones are ticked, impossible ones are off.

    Once the job is accepted its button says "on my way": five steps fit on four buttons.
    """
    _ = words.catalogue.gettext
    names = {
        Step.ACCEPT: _("Accept"),
        Step.DEPART: _("On my way"),
        Step.ARRIVE: _("On site"),
        Step.FREE: _("All freed"),
        Step.FILE_CAUSE: _("Cause"),
    }
    legal = {step["step"] for step in view["legal"]}
    shown = list(TWO if alert["rescue_state"] == "none" else FOUR)
    if Step.ACCEPT.value not in legal and Step.DEPART.value in legal | set(alert["done"]):
        shown[0] = Step.DEPART
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


@router.get("/p/{token}/photos/{digest}.jpg")
def photo(request: Request, token: str, digest: str) -> Response:
    """A photo of this link's alert."""
    claimed = _claim(request, token)
    if isinstance(claimed, Text):
        return _refused(request, claimed)
    return _private(photo_response(web_of(request).port, claimed[0].alert_id, digest))


@router.post("/p/{token}/photo")
async def add_photo(request: Request, token: str) -> Response:
    """Take a photo. The size is looked at before the body is read."""
    port = web_of(request).port
    claimed = _claim(request, token)
    if isinstance(claimed, Text):
        return await run_in_threadpool(_refused, request, claimed)
    claim, actor = claimed
    limit_mb = port.settings.web.photo_mb
    back = RedirectResponse(f"/p/{token}", 303)
    try:
        raw = await _photo_of(request, limit_mb)
        text = await run_in_threadpool(
            photos.add_photo,
            port.engine,
            photos_folder(port),
            claim.alert_id,
            actor,
            port.now_ms(),
            raw,
        )
        return _private(flash(back, text, True))
    except photos.PhotoRefused as refused:
        return _private(flash(back, refused.text, False))


async def _photo_of(request: Request, limit_mb: float) -> bytes:
    """Return the photo of a form. Raises PhotoRefused for none, or one over the limit."""
    told = request.headers.get("content-length", "")
    size, limit = int(told) if told.isdigit() else -1, int(limit_mb * 1_000_000)
    if size < 0:
        text = Text("请求未注明大小", "the request does not tell its size (Content-Length)")
        raise photos.PhotoRefused(text)
    if size > limit + FORM_EXTRA:
        raise photos.too_large(size, limit_mb)
    async with request.form(max_files=1, max_fields=4) as form:
        file = form.get("photo")
        raw = await file.read() if isinstance(file, UploadFile) else b""
    if not raw:
        raise photos.PhotoRefused(Text("请先选择照片 photo", "choose a photo first"))
    if len(raw) > limit:
        raise photos.too_large(len(raw), limit_mb)
    return raw


@router.post("/p/{token}/{step}")
def tap(
    request: Request,
    token: str,
    step: Step,
    cause: Annotated[str, Form(max_length=100)] = "",
    more: Annotated[str, Form(max_length=400)] = "",
    comment: Annotated[str, Form(max_length=500)] = "",
) -> Response:
    """Take a step; a second tap is answered with who was first."""
    port = web_of(request).port
    claimed = _claim(request, token)
    if isinstance(claimed, Text):
        return _refused(request, claimed)
    claim, actor = claimed
    told = ": ".join(part for part in (cause.strip(), more.strip()) if part)
    result = port.desk.act(
        claim.alert_id,
        step,
        actor,
        port.now_ms(),
        comment=comment.strip() or None,
        cause=told or None,
    )
    return _private(flash(RedirectResponse(f"/p/{token}", 303), result.text, result.ok))
