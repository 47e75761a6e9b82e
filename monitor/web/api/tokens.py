"""Your account and its tokens."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from alerts.model import Role
from config.errors import ConfigError
from config.text import Text
from monitor.web import problems, tokens
from monitor.web import visitor as visitors
from monitor.web.api import answers, examples, paging
from monitor.web.api import examples_account as told
from monitor.web.api.admin.people import accounts_of
from monitor.web.api.tags import TAGS
from monitor.web.i18n import language
from monitor.web.problems import Problem
from monitor.web.tokens import Token
from monitor.web.visitor import AnyVisitor, PersonVisitor, Visitor, web_of

router = APIRouter(tags=["account"])


class TokenQuery(BaseModel):
    """Filters and place in the list."""

    model_config = ConfigDict(extra="forbid")

    owner: str = Field("", max_length=64, description="of this account; admins only")
    cursor: paging.Cursor = None
    limit: int = Field(100, ge=1, le=500)


class TokenBody(BaseModel):
    """A token to be made. It never reaches further than your own role and unit."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(max_length=64, examples=["monthly report"])
    scope: list[str] = Field(
        ["read"], max_length=32, description="read, act, admin, or admin:PART (a tag)",
        examples=[["read", "act"]],
    )  # fmt: skip
    days: int = Field(ge=1, description="how long it is good", examples=[90])


class PasswordBody(BaseModel):
    """The password you have and the one you want, of at least 10 characters."""

    model_config = ConfigDict(extra="forbid")

    current: str = Field(max_length=1024, examples=["the one you have"])
    new: str = Field(max_length=1024, examples=["a longer one than before"])


@router.get("/me", responses=examples.answer(told.ME))
def me(request: Request, visitor: AnyVisitor) -> dict[str, Any]:
    """Return who you are to the service, and the token you came with, if any."""
    user, now_ms = visitor.user, web_of(request).port.now_ms()
    token = visitor.token.as_json(now_ms) if visitor.token else None
    return {"name": user.name, "role": user.role, "unit": user.unit, "token": token}


@router.post("/me/password", responses=examples.answer(told.PASSWORD_DONE))
def password(request: Request, visitor: PersonVisitor, body: PasswordBody) -> dict[str, Any]:
    """Set another password; ends all your sessions, tokens stay. A token cannot do this."""
    change_password(request, visitor, body.current, body.new)
    text = Text("口令已更改，其他登录已结束", "the password is changed, and other sessions ended")
    return {"ok": True, "message": text.of(language(request)), "text": text.as_json()}


def change_password(request: Request, visitor: Visitor, current: str, new: str) -> None:
    """Check the present password under the throttle and set another.

    Raises Problem 403 for a wrong one, 422 for a new one that is too short, 429.
    """
    web, user = web_of(request), visitor.user
    if visitors.sign_in(web, request, user.name, current) is None:
        text = Text("现口令不对", "the present password is wrong")
        raise Problem(403, "wrong_password", text, field="current")
    try:
        accounts_of(web.port).set_password(user.name, new, user.actor)
    except ConfigError as error:
        text = Text(f"新{error.way_out.zh}", f"the new password {error.way_out.en}")
        raise Problem(422, "invalid", text, field="new", limit="≥ 10 characters") from None


@router.get("/tokens", responses=examples.answer({"tokens": [told.TOKEN], "next_cursor": None}))
def list_tokens(
    request: Request, visitor: AnyVisitor, asked: Annotated[TokenQuery, Query()]
) -> dict[str, Any]:
    """List your tokens, the newest first; an administrator gets everybody's. Never a secret."""
    port = web_of(request).port
    owner = asked.owner or None
    if visitor.user.role is not Role.ADMIN:
        if owner not in (None, visitor.user.name):
            raise problems.forbidden()
        owner = visitor.user.name
    before = paging.number_after("tokens", asked.cursor)
    found = tokens.tokens(port.engine, owner, before, asked.limit + 1)
    last = found[asked.limit - 1].id if len(found) > asked.limit else None
    now_ms = port.now_ms()
    return {
        "tokens": [one.as_json(now_ms) for one in found[: asked.limit]],
        "next_cursor": paging.cursor_of("tokens", last),
    }


def find(request: Request, visitor: Visitor, ident: int) -> Token:
    """Return a token this visitor may see; 404 for another's."""
    owner = None if visitor.user.role is Role.ADMIN else visitor.user.name
    found = tokens.find(web_of(request).port.engine, ident, owner)
    if found is None:
        raise problems.not_found("token", ident)
    return found


@router.get("/tokens/{token_id}", responses=examples.answer(told.TOKEN))
def get_token(request: Request, visitor: AnyVisitor, token_id: int) -> dict[str, Any]:
    """Return one token: its scope, its end, when and from where it was used last."""
    return find(request, visitor, token_id).as_json(web_of(request).port.now_ms())


@router.post("/tokens", responses=examples.answer(told.TOKEN_MADE))
def make_token(request: Request, visitor: PersonVisitor, body: TokenBody) -> dict[str, Any]:
    """Make a token for yourself; `token` is told this once. A token cannot make another."""
    made, text = new_token(request, visitor, body.name, body.scope, body.days)
    return made.as_json(web_of(request).port.now_ms()) | {"token": text}


def new_token(
    request: Request, visitor: Visitor, name: str, scope: list[str], days: int
) -> tuple[Token, str]:
    """Make a token for this visitor. Raises Problem 422 naming the field."""
    port, user = web_of(request).port, visitor.user
    try:
        return tokens.make(
            port.engine, user.name, name, scope, days, user.actor, port.now_ms(),
            longest=port.settings.web.token_days, parts=list(TAGS),
        )  # fmt: skip
    except ConfigError as error:
        raise Problem(
            422, "invalid", error.way_out, field=error.key, value=error.value,
            limit=error.way_out.en,
        ) from None  # fmt: skip


@router.post("/tokens/{token_id}/revoke", responses=examples.answer(told.TOKEN_REVOKED))
def revoke_token(request: Request, visitor: PersonVisitor, token_id: int) -> dict[str, Any]:
    """End a token at once: your own, or as an administrator anybody's.

    `changed` is false when it had been revoked before. With If-Match (the ETag of
    GET /tokens/{token_id}) only while it is as you saw it; else 412.
    """
    port, found = web_of(request).port, find(request, visitor, token_id)
    answers.must_match(request, found.as_json(port.now_ms()))
    changed = tokens.revoke(port.engine, found, visitor.user.actor, port.now_ms())
    after = find(request, visitor, token_id).as_json(port.now_ms())
    return {"ok": True, "changed": changed, "token": after}
