"""Who is asking: the state of the web, and the visitor behind a request."""

from __future__ import annotations

import base64
import binascii
import logging
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Security
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from alerts.model import Role
from monitor.admin.journal_view import Checker
from monitor.web import auth, local, problems, tokens
from monitor.web.auth import Remembered, User
from monitor.web.export import Exports
from monitor.web.i18n import Catalogue
from monitor.web.known_health import KnownHealth
from monitor.web.known_lists import KnownLists
from monitor.web.ports import ServicePort
from monitor.web.schemes import BASIC, BEARER, SESSION
from monitor.web.sessions import CSRF_FIELD, CSRF_HEADER, Session, Sessions
from monitor.web.throttle import Throttle
from monitor.web.tokens import Token

if TYPE_CHECKING:
    from monitor.web.console.render import Pages
    from monitor.web.feed import Hub

SAFE = {"GET", "HEAD", "OPTIONS"}
_TOKENS = "\0token"  # no account can be called so: the throttle counts wrong tokens apart
log = logging.getLogger(__name__)


@dataclass
class Web:
    """What all routes share; one for each app."""

    port: ServicePort
    sessions: Sessions
    catalogues: dict[str, Catalogue]
    pages: Pages
    hub: Hub
    throttle: Throttle = field(default_factory=Throttle)
    remembered: Remembered = field(default_factory=Remembered)
    exports: Exports = field(default_factory=Exports)
    known_health: KnownHealth = field(default_factory=KnownHealth)
    known_lists: KnownLists = field(default_factory=KnownLists)
    checker: Checker = field(default_factory=Checker)


def web_of(request: Request) -> Web:
    """Return the shared state of the app a request came to."""
    web: Web = request.app.state.web
    return web


def address_of(request: Request) -> str:
    """Return the address a request came from, as uvicorn tells it."""
    return request.client.host if request.client else "?"


@dataclass(frozen=True)
class Visitor:
    """Somebody who may see something."""

    user: User
    session: Session | None
    """None when the request carried Basic credentials or a token instead."""
    token: Token | None = None
    """The token that speaks for the account; `user` then has the rights of both together."""

    @property
    def scope(self) -> str | None:
        """The unit whose things this visitor may see; None = everything."""
        return self.user.scope

    @property
    def desk(self) -> bool:
        """True for those who see the whole site."""
        return self.user.role in (Role.OPERATOR, Role.ADMIN)


def _basic(request: Request) -> tuple[str, str] | None:
    scheme, _, raw = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, colon, password = base64.b64decode(raw, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return (name, password) if colon else None


def sign_in(web: Web, request: Request, name: str, password: str) -> User | None:
    """Check a name and password under the throttle. Raises Problem 429 when it is closed."""
    now_s, address = time.monotonic(), address_of(request)
    wait_s = web.throttle.wait_s(name, address, now_s)
    if wait_s > 0:
        raise problems.too_many(wait_s)
    user = auth.check_password(web.port.engine, name, password)
    if user is None:
        web.throttle.failed(name, address, now_s)
    else:
        web.throttle.succeeded(name, address)
        auth.note_sign_in(web.port.engine, user, web.port.now_ms())
    return user


def _by_basic(web: Web, request: Request, name: str, password: str) -> User | None:
    # A browser that remembers Basic credentials sends them along with a foreign page's forms.
    if request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        return None
    now_s = time.monotonic()
    known = auth.find_user(web.port.engine, name)
    if known and not known.locked and web.remembered.knows(known, password, now_s):
        return known
    user = sign_in(web, request, name, password)
    if user:
        web.remembered.remember(user, password, now_s)
    return user


def part_of(request: Request) -> str:
    """Return which part of the API a request is for: the first tag of its route, or nothing."""
    tags = getattr(request.scope.get("route"), "tags", None) or [""]
    return str(tags[0])


def _by_token(web: Web, request: Request, text: str) -> Visitor | None:
    # Wrong ones are slowed down like wrong passwords; a right one is never kept waiting, so a
    # stranger can lock no program out. Ended ones are no guesses: they fit.
    if name := local.read(web.port.secret, text, time.time()):
        return Visitor(User(name, Role.ADMIN, None, ""), None)
    found = tokens.check(web.port.engine, text)
    if found is None:
        now_s, address = time.monotonic(), f"token {address_of(request)}"
        wait_s = web.throttle.wait_s(_TOKENS, address, now_s)
        if wait_s > 0:
            raise problems.too_many(wait_s)
        web.throttle.failed(_TOKENS, address, now_s)
        return None
    now_ms = web.port.now_ms()
    if (state := found.state(now_ms)) != "good":
        raise problems.token_ended(found.name, state)
    user = auth.find_user(web.port.engine, found.owner)
    if user is None or user.locked:
        return None
    if user.role is Role.ADMIN and not found.may_admin(part_of(request)):
        user = replace(user, role=Role.OPERATOR)
    try:
        tokens.used(web.port.engine, found, address_of(request), now_ms)
    except SQLAlchemyError:
        log.exception("the use of token %s could not be noted", found.number)
    return Visitor(replace(user, via=found.name), None, found)


def identify(request: Request) -> Visitor | None:
    """Return who is asking: by session, by HTTP Basic, or by a token.

    Raises Problem 401 for a token that has ended, 429 after too many wrong ones.
    """
    web = web_of(request)
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return _by_token(web, request, token.strip())
    if credentials := _basic(request):
        user = _by_basic(web, request, *credentials)
        return Visitor(user, None) if user else None
    session = web.sessions.read(request)
    if session.user is None:
        return None
    user = auth.find_user(web.port.engine, session.user)
    if user is None or user.locked or user.mark != session.mark:
        return None
    return Visitor(user, session)


async def check_forgery(request: Request, session: Session) -> None:
    """Raise Problem 403 unless an unsafe request carries the token of its session."""
    if request.method in SAFE:
        return
    token = request.headers.get(CSRF_HEADER)
    if token is None:
        form = await request.form()
        token = str(form.get(CSRF_FIELD, ""))
    if not web_of(request).sessions.csrf_ok(session, token):
        raise problems.forged()


async def signed_in(
    request: Request,
    _bearer: Annotated[None, Security(BEARER)] = None,
    _basic: Annotated[None, Security(BASIC)] = None,
    _session: Annotated[None, Security(SESSION)] = None,
) -> Visitor:
    """Dependency: somebody who has signed in.

    Raises Problem 401, or 403 for a forged form and for a token that may only read.
    """
    visitor = await run_in_threadpool(identify, request)
    if visitor is None:
        raise problems.not_signed_in()
    if visitor.user.role is Role.VIEWER and request.method not in SAFE:
        raise problems.forbidden()  # before any route: a screen on a wall can be touched by anybody
    if visitor.session is not None:
        await check_forgery(request, visitor.session)
    if visitor.token is not None and request.method not in SAFE:
        part = part_of(request)
        if not visitor.token.may_act(part):
            raise problems.out_of_scope(tokens.in_order(visitor.token.scope), part)
    return visitor


def in_person(visitor: Annotated[Visitor, Depends(signed_in)]) -> Visitor:
    """Dependency: somebody with their password, not a program with a token. Raises Problem 403."""
    if visitor.token is not None:
        raise problems.in_person_only()
    return visitor


def at_desk(visitor: Annotated[Visitor, Depends(signed_in)]) -> Visitor:
    """Dependency: an operator or admin. Raises Problem 403 for a firm."""
    if not visitor.desk:
        raise problems.forbidden()
    return visitor


def admin(visitor: Annotated[Visitor, Depends(signed_in)]) -> Visitor:
    """Dependency: an administrator. Raises Problem 403 for anybody else."""
    if visitor.user.role is not Role.ADMIN:
        raise problems.admins_only(visitor.user.role.value)
    return visitor


def admin_in_person(visitor: Annotated[Visitor, Depends(in_person)]) -> Visitor:
    """Dependency: an administrator with their password. Raises Problem 403: a token that made an
    account would outlive its own end."""
    return admin(visitor)


# The scopes name the roles in the OpenAPI document; the dependencies check them.
PersonVisitor = Annotated[Visitor, Security(in_person, scopes=["in person"])]
AnyVisitor = Annotated[Visitor, Depends(signed_in)]
DeskVisitor = Annotated[Visitor, Security(at_desk, scopes=["desk"])]
AdminVisitor = Annotated[Visitor, Security(admin, scopes=["admin"])]
AdminPersonVisitor = Annotated[Visitor, Security(admin_in_person, scopes=["admin in person"])]
