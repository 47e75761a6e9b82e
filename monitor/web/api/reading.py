"""The OpenAPI document taken apart for a page: one plain dict an operation."""

from __future__ import annotations

import json
from typing import Any

from monitor.web.api.document import operations
from monitor.web.api.tags import TAGS

Json = dict[str, Any]
OPEN, ANYBODY = "open", "anybody"


def groups(spec: Json) -> list[Json]:
    """Return `{tag, operations}` of each part in order; parts without operations are left out."""
    found: dict[str, list[Json]] = {tag: [] for tag in TAGS}
    for method, path, operation in operations(spec):
        found[operation["tags"][0]].append(_told(spec, method, path, operation))
    return [{"tag": tag, "operations": rows} for tag, rows in found.items() if rows]


def _told(spec: Json, method: str, path: str, operation: Json) -> Json:
    body = _body(spec, operation)
    answers = {k: v for k, v in operation["responses"].items() if k < "4"}
    contents: Json = answers["200"].get("content", {})
    kind = next(iter(contents), "")
    content: Json = contents.get(kind, {})
    return {
        "id": f"{method.lower()}-{path.removeprefix('/api/v1/')}".translate(_ANCHOR),
        "method": method,
        "path": path,
        "summary": operation["summary"],
        "description": [" ".join(p.split()) for p in operation["description"].split("\n\n")],
        "rights": rights(operation),
        "params": [
            {
                "name": one["name"],
                "in": one["in"],
                "required": one.get("required", False),
                "kind": kind_of(spec, one["schema"]),
                "text": one.get("description") or one["schema"].get("description", ""),
            }
            for one in operation.get("parameters", [])
        ],
        "fields": body["fields"],
        "curl": _curl(method, path, operation, body["example"]),
        "kind": kind,
        "answer": _pretty(content.get("example")),
        "errors": [
            {"status": status, "text": one["description"]}
            for status, one in operation["responses"].items()
            if status >= "4"
        ],
        "events": _events(spec, operation),
    }


_ANCHOR = str.maketrans({"/": "-", "{": None, "}": None, ".": "-"})


def rights(operation: Json) -> str:
    """Return who may: `open` (no sign-in), `anybody` who is signed in, or a role's word."""
    asked = operation.get("security")
    if not asked:
        return OPEN
    roles = next(iter(asked[0].values()))
    return str(roles[0]) if roles else ANYBODY


def _resolve(spec: Json, schema: Json) -> Json:
    if "$ref" in schema:
        found: Json = spec["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        return found
    return schema


def kind_of(spec: Json, schema: Json) -> str:
    """Return what a value may be, short: `integer 1…500`, `read | act`, `list of string`."""
    schema = _resolve(spec, schema)
    if "anyOf" in schema:
        kinds = [kind_of(spec, one) for one in schema["anyOf"]]
        return " | ".join(kind for kind in kinds if kind != "null")
    if "enum" in schema:
        return " | ".join(str(one) or "(empty)" for one in schema["enum"])
    if "const" in schema:
        return str(schema["const"]) or "(empty)"
    kind = str(schema.get("type", "any"))
    if kind == "array":
        return f"list of {kind_of(spec, schema.get('items', {}))}"
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    high = schema.get("maximum", schema.get("exclusiveMaximum"))
    if low is not None or high is not None:
        return f"{kind} {'' if low is None else low}…{'' if high is None else high}"
    if "maxLength" in schema:
        return f"{kind} ≤ {schema['maxLength']}"
    return kind


def _body(spec: Json, operation: Json) -> Json:
    content = operation.get("requestBody", {}).get("content", {})
    schema = content.get("application/json", {}).get("schema", {})
    for one in schema.get("anyOf", []):
        schema = one if "$ref" in one else schema
    schema = _resolve(spec, schema)
    needed = schema.get("required", [])
    fields, example = [], {}
    for name, one in schema.get("properties", {}).items():
        fields.append(
            {
                "name": name,
                "required": name in needed,
                "kind": kind_of(spec, one),
                "text": one.get("description", ""),
            }
        )
        if one.get("examples"):
            example[name] = one["examples"][0]
        elif name in needed:
            example[name] = _stand_in(_resolve(spec, one))
    return {"fields": fields, "example": example if fields else None}


def _stand_in(schema: Json) -> Any:
    if "enum" in schema:
        return schema["enum"][0]
    kinds: Json = {"integer": 1, "number": 1, "boolean": True, "array": [], "object": {}}
    return kinds.get(str(schema.get("type")), "…")


def _curl(method: str, path: str, operation: Json, body: Json | None) -> str:
    words = ["curl", '-H "Authorization: Bearer $TOKEN"']
    if not operation.get("security"):
        words.pop()
    if "text/event-stream" in operation["responses"]["200"].get("content", {}):
        words.append("-N")
    if body is not None:
        words.append(f"--json '{json.dumps(body, ensure_ascii=False)}'")
    if method != ("GET" if body is None else "POST"):
        words.append(f"-X {method}")
    return " ".join([*words, f'"$LIFTWATCH{path}"'])


def _pretty(example: object) -> str:
    if isinstance(example, str):
        return example.strip()
    return json.dumps(example, ensure_ascii=False, indent=2)


def _events(spec: Json, operation: Json) -> list[Json]:
    found = []
    for name, schema in operation.get("x-events", {}).items():
        told = _resolve(spec, schema)
        found.append(
            {"name": name, "text": told["description"], "example": _pretty(told["examples"][0])}
        )
    return found
