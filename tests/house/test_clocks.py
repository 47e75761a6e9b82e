"""Rule 2 of the house: nothing under monitor/detector/ or alerts/ reads a clock."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("alerts", "monitor/detector")
_CLOCKS = {"datetime": {"now", "utcnow", "today"}, "date": {"today"}, "func": {"now"}}


def clock_reads(source: str) -> Iterator[str]:
    """What in `source` reads a clock: the `time` module, datetime.now(), SQL's now()."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names) if any(name.name == "time" for name in names):
                yield f"line {node.lineno}: import time"
            case ast.ImportFrom(module="time"):
                yield f"line {node.lineno}: from time import"
            case ast.Attribute(value=value, attr=attr):
                base = getattr(value, "id", "") or getattr(value, "attr", "")
                if attr in _CLOCKS.get(base, ()):
                    yield f"line {node.lineno}: {base}.{attr}"


@pytest.mark.parametrize("room", ROOMS)
def test_room_reads_no_clock(room: str) -> None:
    files = sorted((ROOT / room).rglob("*.py"))
    assert files, f"{room} is gone: look whether this test still looks in the right place"
    found = {
        str(path.relative_to(ROOT)): reads
        for path in files
        if (reads := list(clock_reads(path.read_text("utf-8"))))
    }
    assert found == {}


@pytest.mark.parametrize(
    "source",
    [
        "import time",
        "from time import monotonic",
        "datetime.now(UTC)",
        "datetime.datetime.utcnow()",
        "date.today()",
        "func.now()",
    ],
)
def test_each_clock_is_seen(source: str) -> None:
    assert len(list(clock_reads(source))) == 1


def test_time_as_an_argument_is_no_clock() -> None:
    source = "def f(now_ms: int): return datetime.fromtimestamp(now_ms / 1000, UTC)"
    assert list(clock_reads(source)) == []
