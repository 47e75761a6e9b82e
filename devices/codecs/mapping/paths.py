"""Paths into a JSON payload: `data[*].v.speed`, `lifts.{lift}.speed`, `[*][0]`.

`.` leads into an object, `[*]` takes each element of an array, `{lift}` each entry of an object
whose keys are lifts, `[0]` one element. A key with other letters stands in quotes: `a."b c"`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

EACH, KEYED = "[*]", "{lift}"
DEEPEST = 3  # wildcards in one path
_STEP = re.compile(r'\[\*\]|\{lift\}|\[(\d{1,4})\]|"([^"]+)"|([^\s.\[\]{}"]+)')


@dataclass(frozen=True, slots=True)
class Wild:
    """A step that stands for many: `[*]` or `{lift}`."""

    kind: str


Step = str | int | Wild
Path = tuple[Step, ...]
EACH_STEP, KEYED_STEP = Wild(EACH), Wild(KEYED)


def parse_path(text: str) -> Path:
    """Return the steps of a path. Raises ValueError that says where it stopped."""
    steps: list[Step] = []
    at = 0
    while at < len(text):
        if text[at] == "." and steps:
            at += 1
        match = _STEP.match(text, at)
        if match is None:
            raise ValueError(f"{text[:at]}▸{text[at:]}")
        if match[0] == EACH:
            steps.append(EACH_STEP)
        elif match[0] == KEYED:
            steps.append(KEYED_STEP)
        elif match[1] is not None:
            steps.append(int(match[1]))
        else:
            steps.append(match[2] or match[3])
        at = match.end()
    if not steps or depth(tuple(steps)) > DEEPEST:
        raise ValueError(f"{text}▸")
    return tuple(steps)


def depth(path: Path) -> int:
    """Return how many wildcards a path has."""
    return sum(isinstance(step, Wild) for step in path)


def shown(path: Path, place: tuple[int | str, ...] = ()) -> str:
    """Return a path as text, its wildcards filled in from `place` as far as that goes."""
    text, left = "", list(place)
    for step in path:
        if isinstance(step, Wild):
            fill = left.pop(0) if left else None
            if step is EACH_STEP:
                text += EACH if fill is None else f"[{fill}]"
            else:
                text += f".{KEYED if fill is None else fill}"
        elif isinstance(step, int):
            text += f"[{step}]"
        else:
            text += f".{step}"
    return text.removeprefix(".")


def axis(path: Path) -> Path:
    """Return a path up to and with its last wildcard: the rows that it runs over."""
    last = max((i for i, step in enumerate(path) if isinstance(step, Wild)), default=-1)
    return path[: last + 1]
