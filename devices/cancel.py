"""Cancel asyncio tasks until they have ended."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Any

AGAIN_S = 2.0
"""A connection may take that long to be closed in order."""


async def cancel_all(tasks: Collection[asyncio.Task[Any]], again_s: float = AGAIN_S) -> None:
    """Cancel tasks, again every `again_s` seconds, until all have ended; what they raise is theirs.

    Once is not enough: a cancellation that comes together with an answer is lost inside
    asyncio.wait_for before Python 3.12 (python/cpython#86296), and libraries wait by it.
    """
    still = set(tasks)
    while still:
        for task in still:
            task.cancel()
        _, still = await asyncio.wait(still, timeout=again_s)
