"""People and roles on the console, and the page on which an invited person sets a password."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Form, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from config.errors import ConfigError
from config.text import Text
from monitor.web import problems, terms
from monitor.web.api.admin.people import accounts_of, link, perform
from monitor.web.auth import ROLES
from monitor.web.console.admin.rules import stamp
from monitor.web.console.render import flash
from monitor.web.visitor import AdminPersonVisitor, AdminVisitor, Visitor, check_forgery, web_of

router = APIRouter(prefix="/admin", include_in_schema=False)
open_router = APIRouter(include_in_schema=False)
DONE = Text("已完成", "done")


@router.get("/people")
def people(request: Request, visitor: AdminVisitor) -> Response:
    """All accounts, and the form that invites one."""
    return _page(request, visitor)


def _page(
    request: Request, visitor: Visitor, error: ConfigError | None = None, made: str = "",
    name: str = "",
) -> Response:  # fmt: skip
    web = web_of(request)
    words, port = web.pages.words(request), web.port
    roles = terms.roles(words.catalogue)
    units = {unit.id: words.text(unit.name) for unit in port.directory.of_kind("maintenance")}
    rows = [
        {
            **row,
            "role_word": roles[row["role"]],
            "unit_name": units.get(row["unit"] or "", row["unit"] or ""),
            "last": stamp(words, row["signed_in_ms"]),
            "created": stamp(words, row["created_ms"]),
            "invited": stamp(words, row["invited_until_ms"]),
            "me": row["name"] == visitor.user.name,
        }
        for row in accounts_of(port).listed()
    ]
    return web.pages.render(
        request,
        "admin/people.html",
        visitor,
        status=422 if error else 200,
        rows=rows,
        roles={role.value: roles[role.value] for role in ROLES},
        units=units,
        error=f"{error.key} = {error.value}: {words.text(error.way_out)}" if error else "",
        link=made,
        link_name=name,
    )


@router.post("/people")
def invite(
    request: Request,
    visitor: AdminPersonVisitor,
    name: Annotated[str, Form(max_length=64)] = "",
    role: Annotated[str, Form(max_length=16)] = "operator",
    unit: Annotated[str, Form(max_length=64)] = "",
) -> Response:
    """Invite somebody; the link is shown once, on the page that answers."""
    port = web_of(request).port
    firm = unit if role == "firm" else None
    try:
        token = accounts_of(port).invite(name.strip(), role, firm, visitor.user.actor)
    except ConfigError as error:
        return _page(request, visitor, error)
    return _page(request, visitor, made=link(port, token), name=name.strip())


@router.post("/people/{name}/role")
def role(
    request: Request,
    visitor: AdminPersonVisitor,
    name: str,
    role: Annotated[str, Form(max_length=16)],
    unit: Annotated[str, Form(max_length=64)] = "",
) -> Response:
    """Give an account another role."""
    firm = unit if role == "firm" else None
    try:
        accounts_of(web_of(request).port).set_role(name, role, firm, visitor.user.actor)
    except ConfigError as error:
        return _page(request, visitor, error)
    return flash(RedirectResponse("/admin/people", 303), DONE, True)


@router.post("/people/{name}/{act}")
def act(
    request: Request,
    visitor: AdminPersonVisitor,
    name: str,
    act: Literal["lock", "unlock", "reset", "end-sessions", "remove"],
) -> Response:
    """One of the buttons of a row."""
    port = web_of(request).port
    try:
        token = perform(accounts_of(port), name, act, visitor.user.actor)
    except ConfigError as error:
        return _page(request, visitor, error)
    if token:
        return _page(request, visitor, made=link(port, token), name=name)
    return flash(RedirectResponse("/admin/people", 303), DONE, True)


@open_router.get("/invitation/{token}")
def invitation(request: Request, token: str) -> Response:
    """The form of an invited person; who has the link may use it once."""
    return _welcome(request, token)


def _welcome(request: Request, token: str, refusal: str = "", status: int = 200) -> Response:
    web = web_of(request)
    name = accounts_of(web.port).invited(token)
    if name is None:
        raise problems.Problem(
            404,
            "invitation",
            Text("链接已用过或过期：请让管理员再发一个",
                 "the link was used or is too old: ask an administrator for another"),
        )  # fmt: skip
    return web.pages.render(
        request, "admin/invitation.html", None, status=status, name=name, token=token,
        refusal=refusal,
    )  # fmt: skip


@open_router.post("/invitation/{token}")
async def accept(
    request: Request,
    token: str,
    password: Annotated[str, Form(max_length=1024)] = "",
    again: Annotated[str, Form(max_length=1024)] = "",
) -> Response:
    """Set the password."""
    web = web_of(request)
    await check_forgery(request, web.sessions.read(request))
    words = web.pages.words(request)
    if password != again:
        differ = words.catalogue.gettext("The two passwords differ.")
        return await run_in_threadpool(_welcome, request, token, differ, 422)
    try:
        await run_in_threadpool(accounts_of(web.port).accept, token, password)
    except ConfigError as error:
        return await run_in_threadpool(_welcome, request, token, words.text(error.way_out), 422)
    text = Text("口令已设置，请登录", "your password is set: sign in")
    return flash(RedirectResponse("/sign-in", 303), text, True)
