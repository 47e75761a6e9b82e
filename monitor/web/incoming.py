"""What other systems tell us by HTTP: answers of units, and gateways' call-backs."""

from __future__ import annotations

from typing import Any

import orjson
from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, PlainTextResponse, Response

from alerts.notify import answer
from alerts.notify.signing import SIGNATURE_V2, TIMESTAMP
from config.text import Text
from monitor.web import problems
from monitor.web.i18n import language
from monitor.web.problems import Problem
from monitor.web.visitor import web_of

router = APIRouter(include_in_schema=False)
LONGEST = 64 * 1024
_STATUS = {"not_proven": 403, "not_understood": 422, "refused": 409}


async def _body(request: Request) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > LONGEST:
            text = Text(f"请求体上限 {LONGEST} 字节", f"a body has at most {LONGEST} bytes")
            raise Problem(413, "too_large", text, limit=str(LONGEST))
        parts.append(part)
    return b"".join(parts)


@router.post("/replies/{unit}")
async def reply(request: Request, unit: str) -> Response:
    """An answer that a unit has signed acts like a tap; the same `key` again changes nothing."""
    body = await _body(request)
    return await run_in_threadpool(_reply, request, unit, body)


def _reply(request: Request, unit: str, body: bytes) -> Response:
    port = web_of(request).port
    now_ms, headers = port.now_ms(), request.headers
    wrong = port.incoming.signed(
        unit, body, headers.get(TIMESTAMP), headers.get(SIGNATURE_V2), now_ms
    )
    if wrong is not None:
        raise Problem(401, "not_signed", wrong, field=SIGNATURE_V2)
    told = port.incoming.reply(unit, _object(body), now_ms)
    if not told.ok:
        raise Problem(_STATUS[told.code], told.code, told.text)
    return JSONResponse(told.as_json() | {"message": told.text.of(language(request))})


def _object(body: bytes) -> dict[str, Any]:
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError:
        data = None
    if not isinstance(data, dict):
        text = Text(
            '应为 JSON 对象，例如 {"key": "r-1", "page": "7:maintenance:zhang:webhook", '
            '"step": "accept"}',
            'a JSON object such as {"key": "r-1", "page": "7:maintenance:zhang:webhook", '
            '"step": "accept"}',
        )
        raise Problem(422, "invalid", text, field="body")
    known = ("key", "page", "token", "step", "text", "cause", "comment")
    for name, value in data.items():
        if name not in known:
            text = Text(f"没有 {name}；应为 {', '.join(known)}", f"no {name}; one of {known}")
            raise Problem(422, "unknown_parameter", text, field=name, value=value)
        if value is not None and (not isinstance(value, str) or len(value) > 500):
            text = Text(f"{name} 应为不超过 500 字的文字", f"{name} is a text of at most 500")
            raise Problem(422, "invalid", text, field=name, value=value, limit="500")
    return data


@router.api_route("/receipts/{channel}/{token}", methods=["GET", "POST"])
async def receipt(request: Request, channel: str, token: str) -> Response:
    """A gateway tells what became of a page; what it may tell is in the site's channels.toml."""
    body = await _body(request)
    kind = request.headers.get("content-type", "")
    data = answer.parsed(body, kind, request.url.query)
    port = web_of(request).port
    say = await run_in_threadpool(port.incoming.called_back, channel, token, data, port.now_ms())
    if say is None:
        raise problems.not_found("page", channel)
    return PlainTextResponse(say)
