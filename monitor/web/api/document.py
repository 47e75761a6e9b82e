"""The OpenAPI document: what FastAPI knows of the routes, made fit to be read by strangers."""

from __future__ import annotations

import json
import re
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from monitor.web.api.feed import EVENTS
from monitor.web.api.schema import PROBLEM, TEXT, schema_of
from monitor.web.api.tags import TAGS

ABOUT = """Live lifts, alerts and the steps people take, in JSON.

Say who you are with a token (`Authorization: Bearer lw_…`), with HTTP Basic, or with the console's
session; with a session, unsafe requests carry its token in X-CSRF-Token. Times are epoch
milliseconds, UTC. Texts carry `zh` and `en`. Errors are application/problem+json (RFC 9457) in the
language of Accept-Language; they name the field, its value, the limit and the way out. A firm sees
only its own lifts and alerts: everything else answers 404.

Lists have one shape: `limit` and `cursor` go in, `next_cursor` and `next` come out, and the Link
header says the same. Answers to GET carry an ETag: send it as If-None-Match and get 304 while
nothing has changed. The guide is docs/api.md.
"""
VERSION = "1"
_METHODS = ("get", "post", "put", "patch", "delete")
_UNSAFE_ONLY = ("409", "412")
_BODY_ONLY = ("413", "415")


def document(app: FastAPI) -> dict[str, Any]:
    """Return the document; made once."""
    if app.openapi_schema is None:
        app.openapi_schema = _made(app)
    return app.openapi_schema


def operations(spec: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    """Return (METHOD, path, operation) in the order of the tags, each part by path."""
    order = list(TAGS)
    found = [
        (method.upper(), path, operation)
        for path, methods in spec["paths"].items()
        for method, operation in methods.items()
        if method in _METHODS
    ]
    return sorted(found, key=lambda one: (order.index(one[2]["tags"][0]), one[1], one[0]))


def _made(app: FastAPI) -> dict[str, Any]:
    spec = get_openapi(
        title=app.title,
        version=VERSION,
        openapi_version="3.1.0",
        summary="Live lifts, alerts and the steps people take",
        description=ABOUT,
        routes=app.routes,
        tags=[{"name": name, "description": text.en} for name, text in TAGS.items()],
        servers=[{"url": "/"}],
    )
    schemas = spec.setdefault("components", {}).setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    schemas |= {"Problem": PROBLEM, "Text": TEXT}
    for name, (words, example) in EVENTS.items():
        schemas[f"Feed{name.capitalize()}"] = schema_of(example) | {
            "description": words,
            "examples": [example],
        }
    for methods in spec["paths"].values():
        for method, operation in methods.items():
            _mend(method, operation)
    spec["paths"]["/api/v1/feed"]["get"]["x-events"] = {
        name: {"$ref": f"#/components/schemas/Feed{name.capitalize()}"} for name in EVENTS
    }
    return spec


def _mend(method: str, operation: dict[str, Any]) -> None:
    text = operation.get("description", "")
    operation["summary"] = first_sentence(text)
    responses = operation["responses"]
    for status in () if method != "get" else _UNSAFE_ONLY:
        responses.pop(status, None)
    for status in () if "requestBody" in operation else _BODY_ONLY:
        responses.pop(status, None)
    for status, response in responses.items():
        for kind, content in response.get("content", {}).items():
            if kind == "application/problem+json":
                content["schema"] = {"$ref": "#/components/schemas/Problem"}
            elif kind == "application/json" and "x-drawn" in content:
                content["example"], maps, optional = json.loads(content.pop("x-drawn"))
                content["schema"] = schema_of(content["example"], maps=maps, optional=optional)
                _show_next(operation, content)
                if method == "get" and status == "200":
                    response["headers"] = _headers(content["example"])
    if method == "get" and "application/json" in responses["200"].get("content", {}):
        responses["304"] = {"description": "As your If-None-Match says you have it already"}
        operation.setdefault("parameters", []).append(_IF_NONE_MATCH)
    if "If-Match" in text:
        operation.setdefault("parameters", []).append(_IF_MATCH)


_IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "description": "the ETag of the answer you have",
    "schema": {"type": "string"},
}
_IF_MATCH = _IF_NONE_MATCH | {
    "name": "If-Match",
    "description": "change it only while its ETag is this one; else 412",
}


def _show_next(operation: dict[str, Any], content: dict[str, Any]) -> None:
    example = content["example"]
    if isinstance(example, dict) and "next_cursor" in example:
        # The address the example's cursor would have; the service adds it by itself.
        cursor = example["next_cursor"]
        content["example"] = {**example, "next": None if cursor is None else f"…?cursor={cursor}"}


def _headers(example: object) -> dict[str, Any]:
    found: dict[str, Any] = {
        "ETag": {"description": "weak, of the content", "schema": {"type": "string"}}
    }
    if isinstance(example, dict) and "next_cursor" in example:
        words = 'the next page: <…>; rel="next"'
        found["Link"] = {"description": words, "schema": {"type": "string"}}
    return found


def first_sentence(text: str) -> str:
    """Return the first sentence of a description, on one line, without its full stop."""
    paragraph = " ".join(text.split("\n\n", maxsplit=1)[0].split())
    return re.split(r"(?<=[^.])[.:;] ", paragraph + " ", maxsplit=1)[0].rstrip(" .")
