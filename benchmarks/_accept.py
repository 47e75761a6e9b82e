"""A process with the desk and its outbox worker: batches of lifts in by a line, "ok" out.

python -m benchmarks._accept FOLDER WEBHOOK_URL LIFTS
"""

from __future__ import annotations

import asyncio
import json
import sys
import threading
import time
from pathlib import Path

from alerts.model import Evidence, Transition
from alerts.notify.outbox import OutboxWorker
from alerts.notify.queue import RetryPolicy
from alerts.notify.webhook import WebhookChannel
from benchmarks._city import city, desk, people


def clock_ms() -> int:
    """Wall time."""
    return time.time_ns() // 1_000_000


async def main(folder: Path, url: str, lifts: int) -> None:
    """Serve until standard input ends."""
    mine = desk(folder, city(lifts), people("webhook", url))
    # A page that was on its way at the kill comes again when its lease is over: here after 2 s.
    channel, policy = WebhookChannel(timeout_s=1.0), RetryPolicy(lease_s=2.0)
    worker = OutboxWorker(mine.engine, {"webhook": channel}, clock_ms, policy)
    mine.sender = worker
    mine.rehearse(clock_ms())  # as the service does at its start
    stop, loop = asyncio.Event(), asyncio.get_running_loop()

    def read() -> None:
        print("ready", flush=True)
        for line in sys.stdin:
            now = clock_ms()
            seen = (Evidence("final_limit", 1.0, now),)
            mine.apply(
                now,
                [Transition("lift", lift, "4", True, now, now, evidence=seen)
                 for lift in json.loads(line)],
                committed=worker.wake,
            )  # fmt: skip
            print("ok", flush=True)
        loop.call_soon_threadsafe(stop.set)

    threading.Thread(target=read, daemon=True).start()
    await worker.run(stop)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
