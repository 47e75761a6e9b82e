"""Errors as answers: problem documents for programs, pages for people."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from config.text import Text
from monitor.web import problems
from monitor.web.problems import Problem
from monitor.web.visitor import SAFE, Visitor, identify, web_of

_BARE = (
    "/healthz",
    "/readyz",
    "/metrics",
    "/texts/",
    "/static/",
    "/replies/",
    "/receipts/",
    "/cap/",
)
_PARTS = ("/rows", "/live")


def install(app: FastAPI) -> None:
    """Answer all errors of an app in our own words."""
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)


def _for_program(request: Request) -> bool:
    path = request.url.path
    return path.startswith(("/api/", *_BARE)) or path.endswith(_PARTS)


async def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return await run_in_threadpool(answer, request, error)


def answer(request: Request, error: Problem) -> Response:
    """Return a problem as what the asker can read."""
    if _for_program(request):
        response = error.response(request)
        # Browsers would ask for a password in a window of their own; only programs get this.
        if error.status == 401 and "sec-fetch-mode" not in request.headers:
            response.headers["WWW-Authenticate"] = 'Basic realm="liftwatch", charset="UTF-8"'
        return response
    if error.status == 401:
        target = request.url.path if request.method in SAFE else "/alerts"
        if request.method in SAFE and request.url.query:
            target += f"?{request.url.query}"
        return RedirectResponse(f"/sign-in?next={quote(target, safe='')}", 303)
    return _page(request, error)


def _page(request: Request, error: Problem) -> Response:
    web = web_of(request)
    words = web.pages.words(request)
    _ = words.catalogue.gettext
    titles = {
        403: _("Not allowed"),
        404: _("Not found"),
        405: _("Not found"),
        422: _("That cannot be"),
        500: _("Something broke"),
    }
    return web.pages.render(
        request,
        "message.html",
        _who(request),
        status=error.status,
        title=titles.get(error.status, _("Something broke")),
        text=error.text.of(words.lang),
        href="/alerts",
        action=_("To the alerts"),
    )


def _who(request: Request) -> Visitor | None:
    """The visitor, for the bar at the top; an error page never fails over who asks."""
    try:
        return identify(request)
    except Problem:
        return None


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return await run_in_threadpool(answer, request, invalid(error.errors()[0]))


def invalid(first: dict[str, Any]) -> Problem:
    """Return the first thing wrong with a request, by the name its sender used."""
    place = [str(part) for part in first["loc"]]
    where = place[1:] if place[0] in ("query", "path", "body", "header") else place
    name = ".".join(where) or place[0]
    value, what = first.get("input"), str(first["msg"])
    if first["type"] == "extra_forbidden":
        text = Text(
            f"没有参数 {name}，请核对拼写", f"there is no parameter {name}: check its spelling"
        )
        return Problem(422, "unknown_parameter", text, field=name, value=value)
    text = Text(f"{name} 有误：{value!r}（{what}）", f"{name}: {value!r}: {what}")
    return Problem(422, "invalid", text, field=name, value=value, limit=what)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        return await run_in_threadpool(
            answer, request, problems.not_found("page", request.url.path)
        )
    text = Text(f"请求无法处理：{error.detail}", f"the request cannot be served: {error.detail}")
    problem = Problem(error.status_code, "http", text)
    return await run_in_threadpool(answer, request, problem)
