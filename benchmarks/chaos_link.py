"""A line as bad as they come, between the SDK and the broker: every sample exactly once.

A tenth of all MQTT packets lost, others doubled, overtaken, two seconds late; connections cut in
the middle of a packet and now and then altogether; the gateway's clock jumping by an hour to and
fro. Behind it the real service and a real broker; its history is counted.

    python -m benchmarks chaos_link [--seconds 60] [--gateways 4] [--lifts 40]
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks._broker import Broker, broker_of
from benchmarks._district import reg_code, say, write_site
from benchmarks._service import service
from benchmarks.outage import counted
from devices.gateway import Gateway
from devices.vocabulary import load_vocabulary
from monitor.broker import GATEWAY_USER
from monitor.store.history import History
from tests.support.chaos import ChaosProxy, Weather

BAD = Weather(lost=0.1, doubled=0.05, overtaken=0.1, cut=0.004)
CUT_EVERY_S = 12.0
JUMP_EVERY_S = 7.0


class Line:
    """One gateway behind a bad line, with a clock that somebody keeps setting."""

    def __init__(
        self, args: argparse.Namespace, number: int, url: str, password: str, folder: Path
    ) -> None:
        broker = urlsplit(url)
        self.proxy = ChaosProxy(
            broker.hostname or "",
            broker.port or 1883,
            replace(BAD, delay_s=args.delay),
            seed=number,
        )
        self.codes = [reg_code(i) for i in range(number, args.lifts, args.gateways)]
        self.jump_s = 0.0
        self.refused = 0
        self.gateway = Gateway(
            f"gw-{number:02d}",
            store=folder / f"gw-{number:02d}.db",
            url=self.proxy.url,
            username=GATEWAY_USER,
            password=password,
            reconnect_s=2.0,
            resend_s=2.0 + 2 * args.delay,
            clock=lambda: time.time() + self.jump_s,
            on_refused=self._refused,
        ).start()
        self.samples = 0

    def _refused(self, *_why: object) -> None:
        self.refused += 1

    def publish(self, ts_ms: int) -> None:
        """One sample of each lift. Their times are the controllers', not the jumping clock's."""
        columns = {"speed": [0.0] * len(self.codes), "load": [ts_ms // 100 % 50] * len(self.codes)}
        self.gateway.publish_columns(ts_ms, self.codes, columns)
        self.samples += len(self.codes)


def storm(lines: list[Line], seconds: float) -> None:
    """Publish through the bad weather, five times a second."""
    rng = random.Random(3)
    begun = time.monotonic()
    cut_at, jump_at = begun + CUT_EVERY_S / 2, begun + JUMP_EVERY_S / 2
    ts_ms = int(time.time() * 1000)
    while (now := time.monotonic()) < begun + seconds:
        ts_ms = max(ts_ms + 1, int(time.time() * 1000))
        for line in lines:
            line.publish(ts_ms)
        if now >= cut_at:
            cut_at = now + CUT_EVERY_S
            rng.choice(lines).proxy.cut()
        if now >= jump_at:
            jump_at = now + JUMP_EVERY_S
            rng.choice(lines).jump_s = rng.choice((-3600.0, 0.0, 3600.0))
        time.sleep(0.2)


def chaos(args: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """The whole story."""
    broker = broker_of("any", folder / "broker")
    write_site(folder / "site", args.lifts, args.gateways)
    broker.start()
    try:
        with service(folder, broker.url, broker.credentials.service):
            found = through(args, broker, folder)
    finally:
        broker.stop()
    return counted(folder, args.lifts, found["samples"]) | holes(folder) | found


def through(args: argparse.Namespace, broker: Broker, folder: Path) -> dict[str, Any]:
    """Gateways over bad lines, until all they have is confirmed."""
    lines: list[Line] = []
    try:
        password = broker.credentials.gateway
        lines = [Line(args, n, broker.url, password, folder) for n in range(args.gateways)]
        storm(lines, args.seconds)
        say("the storm is over; the line stays bad until everything is through")
        begun = time.monotonic()
        durable = all([line.gateway.flush(args.patience) for line in lines])
        through_s = time.monotonic() - begun
        found = {
            "gateways": len(lines),
            "samples": sum(line.samples for line in lines),
            "durable": durable,
            "pending": sum(line.gateway.pending for line in lines),
            "through_s": round(through_s, 1),
            "refused": sum(line.refused for line in lines),
        }
        for name in ("published", "resent", "renumbered"):
            found[name] = sum(getattr(line.gateway.counters, name) for line in lines)
        for name in ("lost", "doubled", "overtaken", "cut", "cuts"):
            found[f"packets_{name}"] = sum(line.proxy.counts[name] for line in lines)
        found["delay_s"] = args.delay
        say(json.dumps(found))
        return found
    finally:
        for line in lines:
            line.gateway.close()
            line.proxy.close()


def holes(folder: Path) -> dict[str, Any]:
    """The service's ledger: each boot's numbers are one range without a hole."""
    history = History(folder / "var" / "history", load_vocabulary())
    try:
        ranges = [text.split(";")[1] for _, _, text in history.ledger()]
    finally:
        history.close()
    return {"boots": len(ranges), "holes": sum(text.count(",") for text in ranges)}


def run(argv: list[str]) -> dict[str, Any]:
    """Measure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks chaos_link", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--gateways", type=int, default=4)
    parser.add_argument("--lifts", type=int, default=40)
    parser.add_argument("--delay", type=float, default=2.0, help="seconds, each way")
    parser.add_argument("--patience", type=float, default=240.0)
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as name:
        return chaos(args, Path(name))
