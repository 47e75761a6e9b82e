"""The same alerts into prometheus-alertmanager and into us, to one web-hook receiver.

    python -m benchmarks alertmanager [--alerts 5000] [--batch 100]

Both get the alerts in the same batches, one after the other, over a connection that stays open:
Alertmanager by its API (POST /api/v2/alerts), we as transitions over a pipe into a process with
the desk and its outbox worker, driven as the service's pipeline drives them.

What "accepted" means: both answer when the alerts are taken over and nothing about them has to be
done yet. Alertmanager then holds them in memory; grouping, routing and notifying come after, and a
crash loses what was not notified. We answer when they are committed to disk (fsync) as rows of the
desk's inbox, the most urgent few already opened; a crash loses none. Opening the alert, its chain's
deadlines, its journal lines and its pages comes after, slice by slice.

`accepted_per_s`: alerts by the time until the last batch was accepted; `ratio_accept`: ours by
theirs. `worked_off_per_s` (ours alone; Alertmanager does not tell): alerts by the time until all
their effects are committed. `delivered_per_s`: alerts by the time until the receiver had the last;
`ratio_delivered`: ours by theirs. `ratio_first_page`: their time to the first page by ours.
Then each is killed (SIGKILL) right after it accepted a new lot, started again, and what still
reaches the receiver is counted.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import IO, Any, Final

import httpx
import orjson

from benchmarks._district import python, reg_code, say
from monitor.broker import free_port

PROGRAM: Final = "prometheus-alertmanager"
QUIET_S: Final = 10.0  # nothing more for so long: it will not come any more
CONFIG: Final = """\
route:
  receiver: hook
  group_by: ['...']
  group_wait: 0s
  group_interval: 1s
  repeat_interval: 4h
receivers:
  - name: hook
    webhook_configs:
      - url: {url}
        send_resolved: false
"""


class _Server(ThreadingHTTPServer):
    request_queue_size = 1000

    def handle_error(self, *_: Any) -> None:
        """A sender that was killed leaves torn connections behind; that is meant."""


class Receiver:
    """One web-hook receiver for both: which alerts have come, and when the first did."""

    def __init__(self) -> None:
        self.seen: set[str] = set()
        self.pages = 0
        self.first = self.last = 0.0
        self._lock = threading.Lock()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                receiver.take(orjson.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = _Server(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/"

    def take(self, said: dict[str, Any]) -> None:
        """Count a page of either sender."""
        if "alerts" in said:
            names = [one["labels"]["lift"] for one in said["alerts"]]
        else:
            names = [said["page"]["where"]["subject"]]
        with self._lock:
            self.last = time.monotonic()
            self.first = self.first or self.last
            self.pages += 1
            self.seen.update(names)

    def begin(self) -> float:
        """Forget all; return the present moment."""
        with self._lock:
            self.seen, self.pages, self.first = set(), 0, 0.0
            self.last = time.monotonic()
        return self.last

    def wait(self, wanted: int) -> int:
        """Wait until all have come or nothing more comes; return how many different ones did."""
        while len(self.seen) < wanted and time.monotonic() - self.last < QUIET_S:
            time.sleep(0.05)
        return len(self.seen)


def batches(first: int, alerts: int, size: int) -> Iterator[list[str]]:
    """Yield lifts in batches."""
    for i in range(first, first + alerts, size):
        yield [reg_code(k) for k in range(i, min(i + size, first + alerts))]


class Theirs:
    """Alertmanager as a process, with its storage in a folder."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.port = folder, free_port(0)
        folder.mkdir()
        (folder / "alertmanager.yml").write_text(CONFIG.format(url=url))
        self.base = f"http://127.0.0.1:{self.port}"
        self.client = httpx.Client(base_url=self.base, timeout=30)
        self.start()

    def start(self) -> None:
        """Start it and wait until it is ready."""
        with (self.folder / "log").open("a") as log:
            self.process = subprocess.Popen(
                [
                    PROGRAM, f"--config.file={self.folder / 'alertmanager.yml'}",
                    f"--storage.path={self.folder / 'data'}", "--cluster.listen-address=",
                    f"--web.listen-address=127.0.0.1:{self.port}",
                ],
                stdout=log, stderr=log,
            )  # fmt: skip
        while True:
            try:
                if self.client.get("/-/ready").status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.05)

    def send(self, lifts: list[str]) -> None:
        """Hand over a batch; returns when it is accepted."""
        now = datetime.now(UTC)
        end = (now + timedelta(hours=1)).isoformat()
        alerts = [
            {
                "labels": {"alertname": "overtravel", "lift": lift, "severity": "critical"},
                "annotations": {"summary": "car beyond its limit"},
                "startsAt": now.isoformat(),
                "endsAt": end,
            }
            for lift in lifts
        ]
        self.client.post("/api/v2/alerts", json=alerts).raise_for_status()


class Ours:
    """The desk and its outbox worker as a process: benchmarks/_accept.py."""

    def __init__(self, folder: Path, url: str, lifts: int) -> None:
        self.args = ["-m", "benchmarks._accept", str(folder), url, str(lifts)]
        folder.mkdir()
        self.start()

    def start(self) -> None:
        """Start it and wait until it is ready."""
        self.process = python(*self.args, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._answer("ready")

    def work_off(self) -> None:
        """Return when all that was accepted is worked off: every effect is committed."""
        self._say("")
        self._answer("done")

    def _say(self, line: str) -> None:
        pipe = _pipe(self.process.stdin)
        pipe.write(line + "\n")
        pipe.flush()

    def _answer(self, wanted: str) -> None:
        said = _pipe(self.process.stdout).readline().strip()
        if said != wanted:
            raise RuntimeError(f"expected {wanted!r}, got {said!r}")

    def send(self, lifts: list[str]) -> None:
        """Hand over a batch; returns when it is accepted: committed to the inbox."""
        self._say(json.dumps(lifts))
        self._answer("ok")


def _pipe(pipe: IO[str] | None) -> IO[str]:
    if pipe is None:
        raise RuntimeError("no pipe")
    return pipe


def _measure(
    name: str, one: Theirs | Ours, hook: Receiver, alerts: int, size: int
) -> dict[str, Any]:
    begun = hook.begin()
    for lifts in batches(0, alerts, size):
        one.send(lifts)
    accepted_s = time.monotonic() - begun
    say(f"{name}: {alerts} accepted in {accepted_s:.2f} s")
    found: dict[str, Any] = {"accepted_per_s": round(alerts / accepted_s)}
    if isinstance(one, Ours):
        one.work_off()
        found["worked_off_per_s"] = round(alerts / (time.monotonic() - begun))
    delivered = hook.wait(alerts)
    found |= {
        "delivered_per_s": round(delivered / (hook.last - begun)),
        "first_page_s": round(hook.first - begun, 4),
        "delivered": delivered, "pages": hook.pages, "all_pages_s": round(hook.last - begun, 2),
    }  # fmt: skip
    hook.begin()
    for lifts in batches(alerts, alerts, size):
        one.send(lifts)
    one.process.send_signal(signal.SIGKILL)
    one.process.wait()
    say(f"{name}: killed, {len(hook.seen)} of {alerts} had been delivered")
    found["delivered_before_kill"] = len(hook.seen)
    one.start()
    hook.last = time.monotonic()
    found["delivered_after_kill"] = hook.wait(alerts)
    one.process.kill()
    one.process.wait()
    return found


def run(argv: list[str]) -> dict[str, Any]:
    """Run both; return the figures. Raises SystemExit where Alertmanager is not installed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks alertmanager", description=__doc__)
    parser.add_argument("--alerts", type=int, default=5000)
    parser.add_argument("--batch", type=int, default=100)
    args = parser.parse_args(argv)
    if shutil.which(PROGRAM) is None:
        raise SystemExit(f"{PROGRAM} is not here: bash scripts/system.sh {PROGRAM}")
    hook = Receiver()
    with tempfile.TemporaryDirectory() as folder:
        theirs = Theirs(Path(folder, "theirs"), hook.url)
        their = _measure("alertmanager", theirs, hook, args.alerts, args.batch)
        ours = Ours(Path(folder, "ours"), hook.url, 2 * args.alerts)
        our = _measure("liftwatch", ours, hook, args.alerts, args.batch)
    return {
        "alerts": args.alerts, "batch": args.batch,
        "ratio_accept": round(our["accepted_per_s"] / their["accepted_per_s"], 3),
        "ratio_first_page": round(their["first_page_s"] / our["first_page_s"], 2),
        "ratio_delivered": round(our["delivered_per_s"] / their["delivered_per_s"], 3),
        "ours": our, "theirs": their, "load": round(os.getloadavg()[0], 2),
    }  # fmt: skip
