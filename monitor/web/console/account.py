"""One's own account: password, sessions, tokens of programs, language and theme."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from alerts.model import Role
from config.text import Text
from monitor.web import auth, i18n, tokens
from monitor.web.api import tokens as api
from monitor.web.api.admin.people import accounts_of
from monitor.web.api.tags import TAGS
from monitor.web.console.admin.rules import stamp
from monitor.web.console.render import THEMES, flash
from monitor.web.i18n import Catalogue
from monitor.web.problems import Problem
from monitor.web.sessions import new_session
from monitor.web.tokens import Token
from monitor.web.visitor import PersonVisitor, Visitor, web_of
from monitor.web.words import Words

router = APIRouter(prefix="/account", include_in_schema=False)
LIVES = (1, 7, 30, 90, 180, 365)
"""Days offered; as many of them as web.token_days allows."""
_YEAR_S = 365 * 86400
_SHOWN = 200
Word = Annotated[str, Form(max_length=1024)]


@router.get("")
def account(request: Request, visitor: PersonVisitor) -> Response:
    """All of it on one page."""
    return _page(request, visitor)


def _page(
    request: Request,
    visitor: Visitor,
    *,
    refusal: Problem | None = None,
    made: tuple[Token, str] | None = None,
    typed: dict[str, Any] | None = None,
) -> Response:
    web = web_of(request)
    words, port, user = web.pages.words(request), web.port, visitor.user
    now_ms, longest = port.now_ms(), port.settings.web.token_days
    everybody = user.role is Role.ADMIN
    owner = None if everybody else user.name
    found = tokens.tokens(port.engine, owner, limit=_SHOWN, good_at_ms=now_ms)
    names = scope_words(words.catalogue)
    rows = [_row(words, names, one, now_ms) for one in found]
    ends_ms = None
    if visitor.session is not None:
        ends_ms = now_ms + round((web.sessions.max_age_s - visitor.session.age_s) * 1000)
    lives = [days for days in LIVES if days <= longest] or [longest]
    first = typed or {"name": "", "scope": [], "days": 90 if 90 in lives else lives[-1]}
    return web.pages.render(
        request,
        "account.html",
        visitor,
        status=refusal.status if refusal else 200,
        error=refusal.text.of(words.lang) if refusal else "",
        where=refusal.field if refusal else "",
        unit=_unit(request, words, user.unit),
        rows=rows,
        everybody=everybody,
        made=made and {"name": made[0].name, "text": made[1]},
        ends=stamp(words, ends_ms),
        lives=lives,
        may_act=user.role is not Role.VIEWER,
        parts={name: text.of(words.lang) for name, text in TAGS.items()} if everybody else {},
        typed=first,
        themes={"auto": _theme(words, "auto"), **{t: _theme(words, t) for t in THEMES[1:]}},
        tongues={i18n.HTML_LANG[lang]: (lang, word) for lang, word in i18n.LANGUAGES.items()},
    )


def _unit(request: Request, words: Words, unit: str | None) -> str:
    known = web_of(request).port.directory.units.get(unit or "")
    return words.text(known.name) if known else unit or ""


def _theme(words: Words, theme: str) -> str:
    _ = words.catalogue.gettext
    return {"auto": _("As the device"), "light": _("Light"), "dark": _("Dark")}[theme]


def scope_words(catalogue: Catalogue) -> dict[str, str]:
    """Return a word for each word of a scope."""
    _ = catalogue.gettext
    return {tokens.READ: _("may read"), tokens.ACT: _("may act"), tokens.ADMIN: _("may administer")}


def _row(words: Words, names: dict[str, str], one: Token, now_ms: int) -> dict[str, Any]:
    _ = words.catalogue.gettext
    state = one.state(now_ms)
    told = {"good": _("good"), "expired": _("expired"), "revoked": _("revoked")}
    scope = []
    for word in tokens.in_order(one.scope):
        kind, _colon, part = word.partition(":")
        scope.append(f"{names[kind]}: {part}" if part else names[kind])
    return {
        "id": one.id,
        "name": one.name,
        "owner": one.owner,
        "prefix": f"{tokens.PREFIX}{one.number}…",
        "scope": scope,
        "state": state,
        "state_word": told[state],
        "soon": state == "good" and one.expires_ms - now_ms < 7 * tokens.DAY_MS,
        "created": stamp(words, one.created_ms),
        "expires": stamp(words, one.expires_ms),
        "used": stamp(words, one.used_ms),
        "used_from": one.used_from or "",
    }


@router.post("/password")
def password(
    request: Request, visitor: PersonVisitor, current: Word = "", new: Word = "", again: Word = ""
) -> Response:
    """Set another password; this browser stays signed in, all others do not."""
    try:
        if new != again:
            text = Text("两次输入的新口令不同", "the new password was typed differently twice")
            raise Problem(422, "invalid", text, field="again")
        api.change_password(request, visitor, current, new)
    except Problem as problem:
        return _page(request, visitor, refusal=problem)
    text = Text("口令已更改，其他登录已结束", "password changed; other sessions have ended")
    return _stay(request, visitor, text)


@router.post("/sessions")
def end_sessions(request: Request, visitor: PersonVisitor) -> Response:
    """End all sessions of this account but this one."""
    accounts_of(web_of(request).port).end_sessions(visitor.user.name, visitor.user.actor)
    return _stay(request, visitor, Text("其他登录已结束", "all other sessions have ended"))


def _stay(request: Request, visitor: Visitor, text: Text) -> Response:
    """Go back to the page, signed in by what now holds."""
    web = web_of(request)
    response = flash(RedirectResponse("/account", 303), text, True)
    user = auth.find_user(web.port.engine, visitor.user.name)
    if visitor.session is not None and user is not None:
        web.sessions.write(response, new_session(user.name, user.mark))
    return response


@router.post("/tokens")
def make(
    request: Request,
    visitor: PersonVisitor,
    name: Word = "",
    scope: Annotated[list[str], Form()] = [],  # noqa: B006 — FastAPI copies it
    days: Annotated[int, Form()] = 0,
) -> Response:
    """Make a token; this answer is the only one that ever shows it."""
    try:
        made = api.new_token(request, visitor, name.strip(), scope[:40], days)
    except Problem as problem:
        typed = {"name": name, "scope": scope, "days": days}
        return _page(request, visitor, refusal=problem, typed=typed)
    return _page(request, visitor, made=made)


@router.post("/tokens/{token_id}/revoke")
def revoke(request: Request, visitor: PersonVisitor, token_id: int) -> Response:
    """End a token."""
    port, found = web_of(request).port, api.find(request, visitor, token_id)
    tokens.revoke(port.engine, found, visitor.user.actor, port.now_ms())
    text = Text(f"令牌“{found.name}”已吊销", f"the token {found.name!r} is revoked")
    return flash(RedirectResponse("/account", 303), text, True)


@router.post("/looks")
def looks(
    request: Request,
    visitor: PersonVisitor,
    lang: Annotated[Literal["zh_CN", "en"], Form()] = "zh_CN",
    theme: Annotated[Literal["auto", "light", "dark"], Form()] = "auto",
) -> Response:
    """Remember language and theme in this browser."""
    response = RedirectResponse("/account", 303)
    for key, value in ((i18n.COOKIE, lang), ("theme", theme)):
        response.set_cookie(key, value, max_age=_YEAR_S, samesite="lax", path="/")
    return response
