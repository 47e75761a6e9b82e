"""Signing in and out."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from monitor.web import visitor as visitors
from monitor.web.auth import User
from monitor.web.console.render import Pages
from monitor.web.problems import Problem
from monitor.web.sessions import COOKIE, new_session
from monitor.web.visitor import check_forgery, identify, web_of

router = APIRouter(include_in_schema=False)


def safe_target(target: str, home: str = "/alerts") -> str:
    """Return a path of ours to go on to, `home` for none; never somebody else's address."""
    fine = target.startswith("/") and not target.startswith(("//", "/\\"))
    return target if fine and target.isprintable() else home


def home_of(user: User) -> str:
    """Return where somebody's work is: a unit's desk, or the list of all alerts."""
    return "/alerts" if user.scope is None else "/firm"


@router.get("/")
def root(request: Request) -> Response:
    """The front page is where one's work is."""
    visitor = identify(request)
    return RedirectResponse("/sign-in" if visitor is None else home_of(visitor.user), 303)


@router.get("/sign-in")
def ask(request: Request, next: str = "") -> Response:
    """The form; those who are signed in go on at once."""
    if "lang" not in request.query_params and (visitor := identify(request)) is not None:
        return RedirectResponse(safe_target(next, home_of(visitor.user)), 303)
    return _form(request, next, "", "")


def _form(request: Request, target: str, name: str, refusal: str, status: int = 200) -> Response:
    pages: Pages = web_of(request).pages
    return pages.render(
        request, "sign_in.html", None, status=status, next=target, name=name, refusal=refusal
    )


@router.post("/sign-in")
async def sign_in(
    request: Request,
    name: Annotated[str, Form(max_length=64)] = "",
    password: Annotated[str, Form(max_length=1024)] = "",
    next: Annotated[str, Form(max_length=500)] = "",
) -> Response:
    """Check name and password; wrong ones get the form again, with no hint which was wrong."""
    web = web_of(request)
    words = web.pages.words(request)
    _ = words.catalogue.gettext
    try:
        await check_forgery(request, web.sessions.read(request))
        user = await run_in_threadpool(visitors.sign_in, web, request, name, password)
    except Problem as problem:
        response = _form(request, next, name, problem.text.of(words.lang), problem.status)
        response.headers.update(problem.headers or {})
        return response
    if user is None:
        return _form(request, next, name, _("Name or password is wrong."), 401)
    response = RedirectResponse(safe_target(next, home_of(user)), 303)
    web.sessions.write(response, new_session(user.name, user.mark))
    return response


@router.post("/sign-out")
async def sign_out(request: Request) -> Response:
    """End the session of this browser."""
    await check_forgery(request, web_of(request).sessions.read(request))
    response = RedirectResponse("/sign-in", 303)
    response.delete_cookie(COOKIE, path="/")
    return response
