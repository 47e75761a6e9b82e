"""JSON schemas drawn from examples: what is told by example is what a reader may count on.

Every member of an example is there in every answer, and of the same kind; a value may be null
where nothing is known, and there may be more members than shown. Answers of the running service
are held to these schemas by the tests.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Schema = dict[str, Any]
TEXT: Schema = {
    "type": "object",
    "description": "A text in both languages.",
    "properties": {"zh": {"type": "string"}, "en": {"type": "string"}},
    "required": ["zh", "en"],
}
PROBLEM: Schema = {
    "type": "object",
    "description": "Why a request was refused (RFC 9457). `field` names what was wrong, `value` "
    "what it was, `limit` what is allowed; `detail` says it in the language of Accept-Language "
    "with the way out, `text` in both.",
    "properties": {
        "type": {"type": "string", "pattern": "^urn:liftwatch:problem:[a-z_]+$"},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string"},
        "text": {"$ref": "#/components/schemas/Text"},
        "field": {"type": "string"},
        "value": {"type": ["string", "null"]},
        "limit": {"type": "string"},
        "instance": {"type": "string", "description": "path of the request"},
    },
    "required": ["type", "title", "status", "detail", "text", "field", "instance"],
}
_CURSOR: Schema = {
    "type": ["string", "null"],
    "description": "give it back as `cursor`; null on the last page",
}
_NEXT: Schema = {
    "type": ["string", "null"],
    "description": "address of the next page, as in the Link header; null on the last page",
}


def schema_of(
    example: object, name: str = "", *, maps: Sequence[str] = (), optional: Sequence[str] = ()
) -> Schema:
    """Return the schema of everything that looks like an example.

    `name` is the member's: ids, texts and what is called `…_ms` have kinds of their own. Members
    in `maps` have data for their members' names; those in `optional` may be left out.
    """
    if isinstance(example, dict):
        return _object(example, name, maps, optional)
    if isinstance(example, list):
        items = schema_of(example[0], maps=maps, optional=optional) if example else {}
        return {"type": ["array", "null"], "items": items}
    if isinstance(example, bool):
        return {"type": ["boolean", "null"]}
    if name.endswith("_ms") and not isinstance(example, float):
        return {"type": ["integer", "null"], "description": "epoch ms"}
    if example is None:
        return {}
    if name == "id":
        return {"type": "integer" if isinstance(example, int) else "string"}
    if isinstance(example, str):
        return {"type": ["string", "null"]}
    return {"type": ["number", "null"]}


def _object(
    example: dict[str, Any], name: str, maps: Sequence[str], optional: Sequence[str]
) -> Schema:
    if set(example) == {"zh", "en"}:
        return {"$ref": "#/components/schemas/Text"}
    if not example:
        return {"type": "object"}
    if name in maps:
        kinds = [schema_of(value, maps=maps, optional=optional) for value in example.values()]
        alike = all(kind == kinds[0] for kind in kinds)
        return {"type": "object", "additionalProperties": kinds[0] if alike else True}
    properties = {
        key: schema_of(value, key, maps=maps, optional=optional) for key, value in example.items()
    }
    # An object may be absent, too: null in its place.
    for key, value in example.items():
        if isinstance(value, dict):
            properties[key] = {"anyOf": [properties[key], {"type": "null"}]}
    if "next_cursor" in example:
        properties |= {"next_cursor": _CURSOR, "next": _NEXT}
    needed = sorted(set(properties) - set(optional))
    return {"type": "object", "properties": properties, "required": needed}
