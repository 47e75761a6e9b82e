"""Places in lists, as the API gives them out: opaque, and good for the list they came from.

A cursor holds the key of the last row of a page, so what comes in meanwhile moves no page.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Annotated, Any

from pydantic import Field

from config.text import Text
from monitor.web.problems import Problem

Cursor = Annotated[
    str | None,
    Field(max_length=256, description="`next_cursor` of the page before; opaque"),
]
"""The type of a list's `cursor` parameter."""
LARGEST = 2**63 - 1
"""What a column of the database holds at most."""


def cursor_of(listing: str, key: str | int | None) -> str | None:
    """Return the cursor of a place in a list; None stays None: there is no next page."""
    if key is None:
        return None
    raw = json.dumps([listing, key], ensure_ascii=False, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _read(listing: str, cursor: str | None, kind: type) -> Any:
    if not cursor:
        return None
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        found = json.loads(raw)
        if isinstance(found, list) and len(found) == 2 and found[0] == listing:
            key = found[1]
            if type(key) is kind and isinstance(key, int | str) and _is_place(key):
                return key
    except (binascii.Error, ValueError):
        pass
    raise wrong(cursor)


def _is_place(key: str | int) -> bool:
    """Whether a database can look for it at all."""
    if isinstance(key, int):
        return 0 <= key <= LARGEST
    return "\0" not in key and key.encode("utf-8", "replace").decode() == key


def wrong(cursor: str | None) -> Problem:
    """Return the refusal of a cursor that is none of this list's."""
    text = Text(
        "cursor 应为同一列表上一页的 next_cursor；从头读请不带 cursor",
        "cursor is the next_cursor of the page before of this list; leave it out to begin anew",
    )
    return Problem(422, "invalid", text, field="cursor", value=cursor, limit="next_cursor")


def number_after(listing: str, cursor: str | None) -> int | None:
    """Return the number a cursor holds. Raises Problem 422 for one that is not of this list."""
    key: int | None = _read(listing, cursor, int)
    return key


def text_after(listing: str, cursor: str | None) -> str | None:
    """Return the text a cursor holds. Raises Problem 422 for one that is not of this list."""
    key: str | None = _read(listing, cursor, str)
    return key
