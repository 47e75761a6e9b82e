"""Where in the bytes a refusal lies, for people who look: as far as the bytes are JSON or text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

_CHAR = re.compile(r"\(char (\d+)\)")
_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")
_BLANK = re.compile(r"[ \t\n\r]*")
_decoder = json.JSONDecoder()
# Where a field of the wire contract may stand: at the top, or in what holds values.
HOLDERS = ("values", "columns", "axes")


@dataclass(frozen=True, slots=True)
class Mark:
    """Bytes [start, end) that a refusal is about."""

    start: int
    end: int


def locate(payload: bytes, refusal: Mapping[str, Any]) -> Mark | None:
    """Return where the fault of a refusal lies in the bytes, None where that cannot be said."""
    try:
        text = payload.decode("utf-8")
    except UnicodeDecodeError as error:
        return Mark(error.start, error.end) if refusal.get("reason") == "not_json" else None
    span = _span(text, refusal)
    if span is None:
        return None
    start = len(text[: span[0]].encode())
    return Mark(start, start + len(text[span[0] : span[1]].encode()))


def _span(text: str, refusal: Mapping[str, Any]) -> tuple[int, int] | None:
    field, value = refusal.get("field"), refusal.get("value")
    if refusal.get("reason") == "not_json":
        found = _CHAR.search(str(value or ""))
        at = int(found[1]) if found else -1
        return (min(at, len(text) - 1), min(at, len(text) - 1) + 1) if found and text else None
    if not field or field in ("payload", "topic"):
        return None
    try:
        for path in _paths(str(field)):
            span = _walk(text, path)
            if span is not None:
                return span
        return _key(text, str(field).split(".")[-1])
    except (ValueError, StopIteration, IndexError, RecursionError):
        return _key(text, str(field).split(".")[-1])


def _paths(field: str) -> Iterator[list[str | int]]:
    """The path as told, then with the tables that the wire contract puts values into."""
    steps = [name or int(number) for name, number in _STEP.findall(field)]
    yield steps
    last = next((i for i in range(len(steps) - 1, -1, -1) if isinstance(steps[i], str)), 0)
    for holder in HOLDERS:
        yield [*steps[:last], holder, *steps[last:]]


def _walk(text: str, path: list[str | int]) -> tuple[int, int] | None:
    at = _skip(text, 0)
    for step in path:
        members = _members(text, at) if isinstance(step, str) else _items(text, at)
        places = [place for key, place in members if key == step]
        if not places:
            return None
        at = places[-1]  # a key that stands twice: the second one is the fault
    return at, _end(text, at)


def _members(text: str, at: int) -> Iterator[tuple[str, int]]:
    if text[at] != "{":
        return
    at = _skip(text, at + 1)
    while text[at] != "}":
        key, at = _decoder.raw_decode(text, at)
        at = _skip(text, _skip(text, at) + 1)  # the colon
        yield key, at
        at = _skip(text, _end(text, at))
        if text[at] == ",":
            at = _skip(text, at + 1)


def _items(text: str, at: int) -> Iterator[tuple[int, int]]:
    if text[at] != "[":
        return
    at, number = _skip(text, at + 1), 0
    while text[at] != "]":
        yield number, at
        number, at = number + 1, _skip(text, _end(text, at))
        if text[at] == ",":
            at = _skip(text, at + 1)


def _end(text: str, at: int) -> int:
    return _decoder.raw_decode(text, at)[1]


def _skip(text: str, at: int) -> int:
    found = _BLANK.match(text, at)
    return found.end() if found else at


def _key(text: str, name: str) -> tuple[int, int] | None:
    """A key of this name, wherever; its value cannot be told."""
    found = re.search(rf'"{re.escape(name)}"(?=\s*:)', text)
    return found.span() if found else None


def hex_lines(payload: bytes, marks: list[Mark], most: int = 4096) -> list[dict[str, Any]]:
    """Return the bytes sixteen a line: offset, cells of hex, text, and which are marked."""
    lines = []
    for start in range(0, min(len(payload), most), 16):
        part = payload[start : start + 16]
        bad = [any(m.start <= start + i < m.end for m in marks) for i in range(len(part))]
        text = "".join(chr(b) if 32 <= b < 127 else "·" for b in part)
        lines.append({"offset": start, "hex": [f"{b:02x}" for b in part], "text": text, "bad": bad})
    return lines


def text_pieces(payload: bytes, marks: list[Mark], most: int = 4096) -> list[tuple[str, bool]]:
    """Return the bytes as text, cut where a mark begins or ends: (piece, marked)."""
    shown = payload[:most]
    cuts = sorted({0, len(shown), *(min(x, len(shown)) for m in marks for x in (m.start, m.end))})
    pieces = []
    for start, end in pairwise(cuts):
        bad = any(m.start <= start < m.end for m in marks)
        pieces.append((shown[start:end].decode("utf-8", "backslashreplace"), bad))
    return pieces
