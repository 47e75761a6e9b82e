"""Two hundred consoles on one service while alerts arrive: when they hear, and whether all do.

    python -m benchmarks feed [--consoles 200] [--rate 50] [--seconds 20] [--break-s 5]

Real gateways' messages through a real broker (somebody pushes the alarm button, code 93, each time
in another lift), the real service, one real connection a console in a process of its own. Every
console is cut off in the middle again and again and goes on by Last-Event-ID.

`p99_s`: from an alert to its event at a console. The alert's time is that of its journal line,
taken before the commit, so the figure is not flattered. `lost` and `doubled` count journal lines
over all consoles, each against every line from where it began to the last one it got. `service_*`:
from the publishing to the alert, beside it. `kib_a_console`: growth of the service's memory as
they connect. `*_cpu_share`: of one core, over `wall_s`: the ringing and the settling.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from sqlalchemy import func, select

from alerts.database.access import reading
from alerts.database.tables import alert, journal
from alerts.desk import queries
from benchmarks._desk_service import Desk, load, prepare, running
from benchmarks._district import python, reg_code, rss_mb, say, wait_until
from benchmarks.pipeline import cpu_s
from monitor.broker import GATEWAY_USER, HOST
from monitor.web.sessions import COOKIE

GATEWAYS = 20
SETTLE_S = 60.0
BUTTON = 93


class Bells:
    """Gateways that report an alarm button, at a rate."""

    def __init__(self, desk: Desk) -> None:
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="bells")
        self.client.username_pw_set(GATEWAY_USER, desk.broker.credentials.gateway)
        ready = threading.Event()
        self.client.on_connect = lambda *_: ready.set()
        port = int(desk.broker.url.rsplit(":", 1)[1])
        self.client.connect(HOST, port)
        self.client.loop_start()
        if not ready.wait(30):
            raise TimeoutError("no broker")
        self.boot, self.rung = time.time_ns() // 1_000_000, dict[str, int]()

    def ring(self, rate: float, seconds: float) -> None:
        """Ring `rate` bells a second, each in a lift of its own."""
        begun = time.monotonic()
        for k in range(round(rate * seconds)):
            time.sleep(max(0.0, begun + k / rate - time.monotonic()))
            now_ms = time.time_ns() // 1_000_000
            lift, gateway = len(self.rung), len(self.rung) % GATEWAYS
            said = {
                "v": 1, "boot": self.boot, "seq": lift // GATEWAYS + 1, "first": 1,
                "lift": reg_code(lift), "ts": now_ms, "code": BUTTON, "state": "on",
            }  # fmt: skip
            self.rung[reg_code(lift)] = now_ms
            self.client.publish(f"lift/v1/gw-{gateway:02d}/message", orjson.dumps(said), 1)

    def stop(self) -> None:
        """Disconnect."""
        self.client.disconnect()
        self.client.loop_stop()


def alerts_of(desk: Desk) -> int:
    """Return how many alerts there are."""
    with reading(desk.engine) as conn:
        return conn.execute(select(func.count()).select_from(alert)).scalar_one()


def judged(desk: Desk, file: Path, start: int, rung: dict[str, int]) -> dict[str, Any]:
    """Hold what the consoles got against the journal."""
    got = np.load(file)
    with reading(desk.engine) as conn:
        rows = conn.execute(select(journal.c.id, journal.c.at_ms, journal.c.kind)).all()
        of_alert = select(alert.c.subject, journal.c.at_ms).join(
            journal, journal.c.alert_id == alert.c.id
        )
        raised = conn.execute(of_alert.where(journal.c.kind == "raised")).all()
    at_ms = np.zeros(max(row[0] for row in rows) + 1, np.int64)
    alarm = np.zeros(len(at_ms), bool)
    for number, when, kind in rows:
        at_ms[number], alarm[number] = when, kind == "raised"
    lost = doubled = 0
    for ids, last in zip(
        np.split(got["ids"], np.cumsum(got["lengths"])[:-1]), got["last"], strict=True
    ):
        doubled += len(ids) - len(np.unique(ids))
        lost += int(last) - start - len(np.unique(ids))
    delay = (got["at_ms"] - at_ms[got["ids"]]) / 1000
    of_alerts = delay[alarm[got["ids"]]]
    way = [(ms - rung[code]) / 1000 for code, ms in raised if code in rung]
    return {
        "p50_s": round(float(np.percentile(of_alerts, 50)), 3),
        "p99_s": round(float(np.percentile(of_alerts, 99)), 3),
        "worst_s": round(float(of_alerts.max()), 3),
        "p99_of_all_lines_s": round(float(np.percentile(delay, 99)), 3),
        "lost": lost, "doubled": doubled, "events": len(delay), "alert_events": len(of_alerts),
        "service_p50_s": round(float(np.percentile(way, 50)), 3),
        "service_p99_s": round(float(np.percentile(way, 99)), 3),
    }  # fmt: skip


def measured(desk: Desk, args: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Connect the consoles, ring, let all arrive, cut them off."""
    cookie = f"{COOKIE}={desk.cookies()[COOKIE]}"
    with reading(desk.engine) as conn:
        start = queries.newest_line(conn)
    before = rss_mb(desk.process.pid)
    out = folder / "consoles.npz"
    consoles = python(
        "-m", "benchmarks._consoles", desk.url, cookie, "--consoles", str(args.consoles),
        "--after", str(start), "--break-s", str(args.break_s), "--out", str(out),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert consoles.stdout is not None
    if consoles.stdout.readline().strip() != "ready":
        raise RuntimeError("the consoles did not connect")
    grown = (rss_mb(desk.process.pid) - before) * 1024 / args.consoles
    bells = Bells(desk)
    cpu, begun = [cpu_s(desk.process.pid), cpu_s(consoles.pid)], time.monotonic()
    try:
        say("ringing")
        bells.ring(args.rate, args.seconds)
        wait_until(lambda: alerts_of(desk) >= len(bells.rung), SETTLE_S, "all alerts")
        time.sleep(2 + 2 * args.break_s)  # who is cut off comes back once more
        wall_s = time.monotonic() - begun
        cpu = [cpu_s(desk.process.pid) - cpu[0], cpu_s(consoles.pid) - cpu[1]]
    finally:
        bells.stop()
        told, _ = consoles.communicate()
    found = judged(desk, out, start, bells.rung)
    return found | json.loads(told) | {
        "kib_a_console": round(grown), "alerts": alerts_of(desk),
        "wall_s": round(wall_s, 1), "service_cpu_s": round(cpu[0], 1),
        "service_cpu_share": round(cpu[0] / wall_s, 2),
        "consoles_cpu_share": round(cpu[1] / wall_s, 2),
        "service_rss_mb": round(rss_mb(desk.process.pid)),
    }  # fmt: skip


def run(argv: list[str]) -> dict[str, Any]:
    """Start everything, measure, stop everything; return the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks feed", description=__doc__)
    parser.add_argument("--consoles", type=int, default=200)
    parser.add_argument("--rate", type=float, default=50)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--break-s", type=float, default=5.0)
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        engine = prepare(folder, round(args.rate * args.seconds) + GATEWAYS)
        with running(folder, engine) as desk:
            load_before = load()
            found = measured(desk, args, folder)
        engine.dispose()
    asked = {"consoles": args.consoles, "rate": args.rate, "seconds": args.seconds}
    return asked | found | {"load_before": load_before, "load_after": load()}
