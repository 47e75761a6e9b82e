"""Many consoles in one process: real connections to the feed, some of them broken all the time.

    python -m benchmarks._consoles URL COOKIE --consoles 200 --after 17 --break-s 5

Reads the feed as a browser does: goes on by Last-Event-ID after a break. Prints `ready` when all
are connected, ends when its standard input ends, and then prints one JSON line and writes what
every console has got (journal id, epoch ms of its arrival) to --out as an .npz.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import random
import re
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np

_EVENT = re.compile(rb"id: (\d+)\nevent: (\w+)\n")
AGAIN_S = 0.2


@dataclass
class Console:
    """One reader: the last id it knows, and all journal lines it has got."""

    last: int
    ids: list[int] = field(default_factory=list)
    at_ms: list[int] = field(default_factory=list)
    breaks: int = 0
    resets: int = 0
    heard: asyncio.Event = field(default_factory=asyncio.Event)

    def take(self, whole: bytes) -> None:
        """Note the events of a piece of the stream that ends with an event."""
        now_ms = time.time_ns() // 1_000_000
        for number, kind in _EVENT.findall(whole):
            self.last = int(number)
            if kind == b"journal":
                self.ids.append(self.last)
                self.at_ms.append(now_ms)
            elif kind == b"reset":
                self.resets += 1

    async def read(self, host: str, port: int, cookie: str, until_s: float) -> None:
        """Read one connection until it ends or the time is over, then cut it in the middle."""
        reader, writer = await asyncio.open_connection(host, port, limit=2**20)
        try:
            writer.write(
                b"GET /api/v1/feed?lean=true HTTP/1.1\r\nHost: %s:%d\r\nCookie: %s\r\n"
                b"Last-Event-ID: %d\r\nAccept: text/event-stream\r\n\r\n"
                % (host.encode(), port, cookie.encode(), self.last)
            )
            rest = b""
            while (left := until_s - time.monotonic()) > 0:
                async with asyncio.timeout(left):
                    piece = await reader.read(2**18)
                if not piece:
                    return
                whole, mark, rest = (rest + piece).rpartition(b"\n\n")
                self.take(whole + mark)
                self.heard.set()
        except TimeoutError:
            return
        finally:
            writer.transport.abort()


async def live(one: Console, args: argparse.Namespace, rng: random.Random) -> None:
    """Read for good, over breaks."""
    url = urlsplit(args.url)
    while True:
        until_s = time.monotonic() + (rng.uniform(0.5, 1.5) * args.break_s or 1e9)
        with contextlib.suppress(OSError):  # the service may be away; so may a browser's
            await one.read(url.hostname or "", url.port or 80, args.cookie, until_s)
        one.breaks += 1
        await asyncio.sleep(AGAIN_S)


async def run(args: argparse.Namespace) -> list[Console]:
    """Connect all, wait for the end of standard input, stop all."""
    rng = random.Random(1)
    consoles = [Console(args.after) for _ in range(args.consoles)]
    tasks = [asyncio.create_task(live(one, args, rng)) for one in consoles]
    for one in consoles:
        await one.heard.wait()
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return consoles


def main() -> None:
    """Run, then tell what came."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("cookie")
    parser.add_argument("--consoles", type=int, default=200)
    parser.add_argument("--after", type=int, default=0)
    parser.add_argument("--break-s", type=float, default=5.0, help="mean time between breaks")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    consoles = asyncio.run(run(args))
    lengths = np.array([len(one.ids) for one in consoles])
    np.savez(
        args.out,
        lengths=lengths,
        last=np.array([one.last for one in consoles]),
        ids=np.concatenate([np.array(one.ids, np.int64) for one in consoles]),
        at_ms=np.concatenate([np.array(one.at_ms, np.int64) for one in consoles]),
    )
    told = {
        "breaks": sum(one.breaks for one in consoles),
        "resets": sum(one.resets for one in consoles),
    }
    print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
