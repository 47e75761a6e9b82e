"""Reading what a gateway sends: one value out of its JSON, form or query, by a dotted path."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import orjson


def parsed(body: bytes, content_type: str = "", query: str = "") -> Any:
    """Return what was sent as data: JSON, else the fields of a form; {} for anything else.

    Fields of the query stand beside those of a body that is an object, and do not replace them.
    """
    fields: dict[str, Any] = dict(parse_qsl(query))
    if "form-urlencoded" in content_type:
        return fields | dict(parse_qsl(body.decode("utf-8", "replace")))
    try:
        data = orjson.loads(body) if body.strip() else {}
    except orjson.JSONDecodeError:
        data = {}
    return fields | data if isinstance(data, dict) else data


def at(data: Any, path: str | None) -> str | None:
    """Return the value at a path as text, None where there is none. `data.0.id` goes into lists;
    true, false and null are told as JSON writes them."""
    if path is None:
        return None
    for part in path.split("."):
        if isinstance(data, Mapping) and part in data:
            data = data[part]
        elif isinstance(data, list) and part.isdigit() and int(part) < len(data):
            data = data[int(part)]
        else:
            return None
    if isinstance(data, str):
        return data
    if isinstance(data, Mapping | list):
        return None
    return orjson.dumps(data).decode()
