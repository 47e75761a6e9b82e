"""Accounts: who may sign in, as what."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from config.errors import ConfigError
from monitor.admin.accounts import Accounts
from monitor.web import problems
from monitor.web.api import examples
from monitor.web.api import examples_admin as told
from monitor.web.auth import ROLES
from monitor.web.ports import ServicePort
from monitor.web.visitor import AdminPersonVisitor, AdminVisitor, web_of

router = APIRouter(tags=["administration"])


class RoleBody(BaseModel):
    """A role; `unit` is needed for a firm, and only there."""

    model_config = ConfigDict(extra="forbid")

    role: str = Field(max_length=16, json_schema_extra={"enum": [role.value for role in ROLES]})
    unit: str | None = Field(None, max_length=64)


class InviteBody(RoleBody):
    """Who is invited."""

    name: str = Field(min_length=1, max_length=64, examples=["li.wei"])


def accounts_of(port: ServicePort) -> Accounts:
    """Return the accounts of the service."""
    firms = frozenset(unit.id for unit in port.directory.of_kind("maintenance"))
    return Accounts(port.engine, port.now_ms, firms, port.push.refresh)


def link(port: ServicePort, token: str) -> str:
    """Return the address by which a person sets a password."""
    return f"{port.settings.public_url}/invitation/{token}"


def _done(act: Callable[[], Any]) -> Any:
    try:
        return act()
    except ConfigError as error:
        raise problems.refused(error) from None


@router.get("/accounts", responses=told.ACCOUNTS)
def listed(request: Request, visitor: AdminVisitor) -> dict[str, Any]:
    """Return all accounts by name."""
    return {"accounts": accounts_of(web_of(request).port).listed()}


@router.post("/accounts", responses=examples.answer({"link": "https://…/invitation/…"}))
def invite(request: Request, visitor: AdminPersonVisitor, body: InviteBody) -> dict[str, Any]:
    """Make an account; the link by which its owner sets a password is told here, once."""
    port = web_of(request).port
    accounts, actor = accounts_of(port), visitor.user.actor
    token = _done(lambda: accounts.invite(body.name, body.role, body.unit, actor))
    return {"link": link(port, token)}


@router.put("/accounts/{name}/role", responses=examples.answer({"ok": True}))
def role(
    request: Request, visitor: AdminPersonVisitor, name: str, body: RoleBody
) -> dict[str, Any]:
    """Give an account another role; its sessions end."""
    accounts, actor = accounts_of(web_of(request).port), visitor.user.actor
    _done(lambda: accounts.set_role(name, body.role, body.unit, actor))
    return {"ok": True}


@router.post("/accounts/{name}/{act}", responses=examples.answer({"ok": True}))
def act(
    request: Request,
    visitor: AdminPersonVisitor,
    name: str,
    act: Literal["lock", "unlock", "reset", "end-sessions", "remove"],
) -> dict[str, Any]:
    """Lock or unlock, reset the password (answers with a link), end sessions, remove."""
    port = web_of(request).port
    token = _done(lambda: perform(accounts_of(port), name, act, visitor.user.actor))
    return {"ok": True} | ({"link": link(port, token)} if token else {})


def perform(accounts: Accounts, name: str, act: str, actor: Any) -> str | None:
    """Do one of the acts; return the token of a reset. Raises ConfigError."""
    if act in ("lock", "unlock"):
        accounts.lock(name, act == "lock", actor)
    elif act == "reset":
        return accounts.reset(name, actor)
    elif act == "end-sessions":
        accounts.end_sessions(name, actor)
    else:
        accounts.remove(name, actor)
    return None
