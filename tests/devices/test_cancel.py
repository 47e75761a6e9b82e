"""Tasks end though a library loses the first cancellation."""

from __future__ import annotations

import asyncio

from devices.cancel import cancel_all


async def test_a_cancellation_that_is_lost_is_said_again() -> None:
    lost = asyncio.Event()

    async def poll() -> None:
        while True:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                if lost.is_set():
                    raise
                lost.set()

    async def fails() -> None:
        raise ValueError("its own affair")

    tasks = [asyncio.create_task(poll()), asyncio.create_task(fails())]
    await asyncio.sleep(0)  # both have begun
    await asyncio.wait_for(cancel_all(tasks, again_s=0.01), 20)
    assert lost.is_set() and tasks[0].cancelled()
    assert isinstance(tasks[1].exception(), ValueError)
