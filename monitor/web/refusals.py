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
from monitor.web.security import add_headers
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
# Pieces that scripts put into a page: a sign-in page has no place in them. /health is a whole page.
_PARTS = ("/rows", "/live", "/part", "/alerts/health", "/alerts/away")


def install(app: FastAPI) -> None:
    """Answer all errors of an app in our own words."""
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _broken)


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
            response.headers["WWW-Authenticate"] = (
                'Bearer realm="liftwatch", Basic realm="liftwatch", charset="UTF-8"'
            )
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
    if first["type"] == "json_invalid":
        error = first.get("ctx", {}).get("error", "")
        text = Text(
            f"请求体不是 JSON（第 {name} 个字符：{error}）",
            f"the body is not JSON (character {name}: {error})",
        )
        return Problem(422, "invalid", text, field="body", value=error, limit="JSON")
    value = first.get("input")
    if first["type"] == "extra_forbidden":
        text = Text(
            f"没有参数 {name}，请核对拼写", f"there is no parameter {name}: check its spelling"
        )
        return Problem(422, "unknown_parameter", text, field=name, value=value)
    if first["type"] == "missing":
        text = Text(f"缺少 {name}", f"{name} is missing: it is needed")
        return Problem(422, "invalid", text, field=name, limit=name)
    limit, what = _limit(first)
    text = Text(f"{name} 有误：{value!r}；{what.zh}", f"{name}: {value!r}: {what.en}")
    return Problem(422, "invalid", text, field=name, value=value, limit=limit)


_KINDS = {
    "int": ("整数", "a whole number"),
    "float": ("数字", "a number"),
    "bool": ("true 或 false", "true or false"),
    "string": ("文本", "text"),
    "list": ("列表", "a list"),
    "dict": ("对象", "an object"),
    "model_attributes": ("对象", "an object"),
    "date": ("日期 YYYY-MM-DD", "a date YYYY-MM-DD"),
}
_BOUNDS = {
    "greater_than_equal": ("ge", "≥ {}"),
    "greater_than": ("gt", "> {}"),
    "less_than_equal": ("le", "≤ {}"),
    "less_than": ("lt", "< {}"),
}
_LENGTHS = {
    "string_too_long": ("max_length", "≤", "个字符", "characters"),
    "string_too_short": ("min_length", "≥", "个字符", "characters"),
    "too_long": ("max_length", "≤", "项", "items"),
    "too_short": ("min_length", "≥", "项", "items"),
}


def _limit(first: dict[str, Any]) -> tuple[str, Text]:
    """Return the limit that was missed, for programs and in words."""
    kind, more = str(first["type"]), first.get("ctx") or {}
    if kind in _BOUNDS:
        key, shape = _BOUNDS[kind]
        limit = shape.format(more[key])
        return limit, Text(f"应{limit}", f"should be {limit}")
    if kind in _LENGTHS:
        key, sign, zh, en = _LENGTHS[kind]
        limit = f"{sign} {more[key]}"
        return f"{limit} {en}", Text(f"应{limit} {zh}", f"should have {limit} {en}")
    if kind in ("literal_error", "enum"):
        limit = str(more["expected"]).replace("'", "").replace(" or ", ", ").replace(", ", " | ")
        return limit, Text(f"应为 {limit} 之一", f"should be one of {limit}")
    for start, (zh, en) in _KINDS.items():
        if kind.startswith(start):
            return en, Text(f"应为{zh}", f"should be {en}")
    return str(first["msg"]), Text(f"{first['msg']}", str(first["msg"]))


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return await run_in_threadpool(answer, request, _of_http(request, error))


def _of_http(request: Request, error: HTTPException) -> Problem:
    status, headers = error.status_code, dict(error.headers or {})
    if status == 404:
        return problems.not_found("page", request.url.path)
    if status == 405:
        allowed = headers.get("Allow") or headers.get("allow") or ""
        text = Text(
            f"此地址不支持 {request.method}，可用：{allowed}",
            f"{request.method} is not for this address: use {allowed}",
        )
        return Problem(
            405, "method_not_allowed", text, field="method", value=request.method, limit=allowed,
            headers=headers,
        )  # fmt: skip
    if status == 413:
        text = Text(
            f"请求体过大：最多 {problems.MOST_BYTES} 字节，请分次发送",
            f"the body is too large: {problems.MOST_BYTES} bytes at most; send it in parts",
        )
        value = request.headers.get("content-length")
        limit = f"{problems.MOST_BYTES} bytes"
        return Problem(413, "too_large", text, field="body", value=value, limit=limit)
    text = Text(f"请求无法处理：{error.detail}", f"the request cannot be served: {error.detail}")
    return Problem(status, "http", text, field="request", headers=headers)


async def _broken(request: Request, error: Exception) -> Response:
    """What nobody has thought of; the server writes the traceback to its log by itself."""
    response = await run_in_threadpool(answer, request, problems.broken())
    add_headers(response.headers)  # this answer goes out above the middleware that adds them
    return response
