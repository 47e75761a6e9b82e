"""Signing in and out."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from monitor.web import visitor as visitors
from monitor.web.console.render import Pages
from monitor.web.problems import Problem
from monitor.web.sessions import COOKIE, new_session
from monitor.web.visitor import check_forgery, identify, web_of

router = APIRouter(include_in_schema=False)


def safe_target(target: str) -> str:
    """Return a path of ours to go on to; never somebody else's address."""
    fine = target.startswith("/") and not target.startswith(("//", "/\\"))
    return target if fine and target.isprintable() else "/alerts"


@router.get("/")
def root() -> Response:
    """The list is the front page."""
    return RedirectResponse("/alerts", 303)


@router.get("/sign-in")
def ask(request: Request, next: str = "/alerts") -> Response:
    """The form; those who are signed in go on at once."""
    if "lang" not in request.query_params and identify(request) is not None:
        return RedirectResponse(safe_target(next), 303)
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
    next: Annotated[str, Form(max_length=500)] = "/alerts",
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
    response = RedirectResponse(safe_target(next), 303)
    web.sessions.write(response, new_session(user.name, user.mark))
    return response


@router.post("/sign-out")
async def sign_out(request: Request) -> Response:
    """End the session of this browser."""
    await check_forgery(request, web_of(request).sessions.read(request))
    response = RedirectResponse("/sign-in", 303)
    response.delete_cookie(COOKIE, path="/")
    return response
