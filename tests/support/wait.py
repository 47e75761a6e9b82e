"""Wait for a condition, never for luck."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


def until(
    cond: Callable[[], T], timeout_s: float = 10.0, what: str = "", poll_s: float = 0.02
) -> T:
    """Call `cond` until what it returns is true, and return that.

    An exception of `cond` counts as "not yet" (a server may not be up); the last one stands in the
    AssertionError that is raised after `timeout_s`.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        value, trouble = _ask(cond)
        if trouble is None and value:
            return value
        if time.monotonic() >= deadline:
            raise _gave_up(cond, what, timeout_s, value, trouble)
        time.sleep(poll_s)


async def until_async(
    cond: Callable[[], T | Awaitable[T]],
    timeout_s: float = 10.0,
    what: str = "",
    poll_s: float = 0.02,
) -> T:
    """`until` for asyncio; `cond` may be a plain function or a coroutine function."""
    deadline = time.monotonic() + timeout_s
    while True:
        value: T | None = None
        trouble: Exception | None = None
        try:
            answer = cond()
            value = await answer if inspect.isawaitable(answer) else answer
        except Exception as error:  # noqa: BLE001 - told when we give up
            trouble = error
        if trouble is None and value:
            return value
        if time.monotonic() >= deadline:
            raise _gave_up(cond, what, timeout_s, value, trouble)
        await asyncio.sleep(poll_s)


def _ask(cond: Callable[[], T]) -> tuple[T | None, Exception | None]:
    try:
        return cond(), None
    except Exception as error:  # noqa: BLE001 - told when we give up
        return None, error


def _gave_up(
    cond: object, what: str, timeout_s: float, value: object, trouble: Exception | None
) -> AssertionError:
    name = what or getattr(cond, "__qualname__", repr(cond))
    last = f"raised {trouble!r}" if trouble is not None else f"last value {value!r}"
    return AssertionError(f"waited {timeout_s:g} s for: {name}; {last}")
