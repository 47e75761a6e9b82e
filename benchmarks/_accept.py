"""A process with the desk and its outbox worker, as the service's pipeline drives them.

python -m benchmarks._accept FOLDER WEBHOOK_URL LIFTS

A line with a batch of lifts is accepted and answered "ok" after the commit; an empty line is
answered "done" once all that was accepted is worked off. Between two lines it works off slices.
"""

from __future__ import annotations

import asyncio
import json
import sys
import threading
import time
from pathlib import Path
from queue import Empty, SimpleQueue

import structlog

from alerts.desk.alert_desk import AlertDesk
from alerts.model import Evidence, Transition
from alerts.notify.outbox import OutboxWorker
from alerts.notify.queue import RetryPolicy
from alerts.notify.webhook import WebhookChannel
from benchmarks._city import city, desk, people
from monitor.pipeline import GRACE_S, TICK_S, WORK_EVERY_S


def clock_ms() -> int:
    """Wall time."""
    return time.time_ns() // 1_000_000


def _transitions(lifts: list[str], now: int) -> list[Transition]:
    seen = (Evidence("final_limit", 1.0, now),)
    return [Transition("lift", lift, "4", True, now, now, evidence=seen) for lift in lifts]


def _loop(mine: AlertDesk, worker: OutboxWorker, lines: SimpleQueue[str | None]) -> None:
    """As monitor.pipeline: what comes in is accepted at once, slices are worked off between."""
    asked, worked = False, 0.0
    while True:
        try:
            line = lines.get(timeout=GRACE_S if mine.waiting else TICK_S)
        except Empty:
            line = ""
        else:
            if line is None:
                return
            asked = asked or not line
        if line:
            now = clock_ms()
            if mine.accept(now, _transitions(json.loads(line), now)):
                worker.wake()
            print("ok", flush=True)
        if mine.waiting and (not line or time.monotonic() >= worked + WORK_EVERY_S):
            if mine.work_off(clock_ms()):
                worker.wake()
            worked = time.monotonic()
        if asked and not mine.waiting:
            asked = False
            print("done", flush=True)


async def main(folder: Path, url: str, lifts: int) -> None:
    """Serve until standard input ends."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    mine = desk(folder, city(lifts), people("webhook", url))
    # A page that was on its way at the kill comes again when its lease is over: here after 2 s.
    channel, policy = WebhookChannel(timeout_s=1.0), RetryPolicy(lease_s=2.0)
    worker = OutboxWorker(mine.engine, {"webhook": channel}, clock_ms, policy)
    mine.sender = worker
    mine.rehearse(clock_ms())  # as the service does at its start
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    lines = SimpleQueue[str | None]()

    def read() -> None:
        print("ready", flush=True)
        for line in sys.stdin:
            lines.put(line.strip())
        lines.put(None)

    def drive() -> None:
        _loop(mine, worker, lines)
        loop.call_soon_threadsafe(stop.set)

    for each in (read, drive):
        threading.Thread(target=each, daemon=True).start()
    await worker.run(stop)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
