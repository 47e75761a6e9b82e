"""How far the back-fill is, told on standard error; and whether the service stayed ready."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

from benchmarks._district import rss_mb, say
from monitor.broker import HOST

EVERY_S = 1.0
SAY_EVERY_S = 15.0


def metric(port: int, name: str) -> float:
    """Return a figure of the service's own."""
    with urlopen(f"http://{HOST}:{port}/metrics", timeout=60) as answer:
        lines = answer.read().decode().splitlines()
    return float(next(line for line in lines if line.startswith(f"{name} ")).split()[-1])


def disk_mb(folder: Path) -> float:
    """Return what the files below a folder take, in MB; those that vanish meanwhile are passed."""
    size = 0
    for file in folder.rglob("*"):
        try:
            size += file.stat().st_size if file.is_file() else 0
        except OSError:
            continue
    return size / 1e6


class Progress(threading.Thread):
    """Asks /readyz once a second and notes what it says; tells how far it is now and then."""

    def __init__(self, port: int, pid: int, folder: Path, samples: int) -> None:
        """`samples`: how many the gateways hold."""
        super().__init__(daemon=True)
        self._port, self._pid, self._folder, self._samples = port, pid, folder, samples
        self.stopping = threading.Event()
        self._asked = self._unready = 0
        self._longest_s = self._rss_mb = self._disk_mb = 0.0
        self._reasons: set[str] = set()

    def run(self) -> None:
        """Until `stopping`."""
        begun, said_at, unready_at = time.monotonic(), time.monotonic(), 0.0
        before = self._count()
        while not self.stopping.wait(EVERY_S):
            now = time.monotonic()
            self._asked += 1
            if self._ready():
                unready_at = 0.0
            else:
                self._unready += 1
                unready_at = unready_at or now
                self._longest_s = max(self._longest_s, time.monotonic() - unready_at)
            self._rss_mb = max(self._rss_mb, rss_mb(self._pid))
            if now - said_at >= SAY_EVERY_S:
                taken = self._count()
                self._say(now - begun, taken, (taken - before) / (now - said_at))
                said_at, before = now, taken

    def _count(self) -> float:
        try:
            return metric(self._port, "liftwatch_samples_total")
        except OSError:
            return 0.0

    def _ready(self) -> bool:
        try:
            with urlopen(f"http://{HOST}:{self._port}/readyz", timeout=10) as answer:
                return bool(answer.status == 200)
        except HTTPError as refused:
            self._reasons.add(refused.read().decode(errors="replace")[:200])
        except OSError as error:
            self._reasons.add(str(error))
        return False

    def _say(self, seconds: float, taken: float, per_s: float) -> None:
        self._disk_mb = max(self._disk_mb, disk_mb(self._folder))
        left = max(0.0, self._samples - taken) / per_s / 60 if per_s > 0 else float("inf")
        try:
            behind = metric(self._port, "liftwatch_late_batches_behind")
        except OSError:
            behind = float("nan")
        say(
            f"{seconds:6.0f} s: {taken / 1e6:.2f} of {self._samples / 1e6:.2f} M samples taken, "
            f"{per_s:,.0f}/s, about {left:.0f} min left; {behind:.0f} batches to judge; service "
            f"{self._rss_mb:.0f} MB, disk {self._disk_mb:.0f} MB, not ready {self._unready} times"
        )

    def figures(self) -> dict[str, Any]:
        """What was found."""
        return {
            "ready_asked": self._asked,
            "ready_refused": self._unready,
            "unready_longest_s": round(self._longest_s, 1),
            "unready_reasons": sorted(self._reasons),
            "rss_peak_mb": round(self._rss_mb),
            "disk_peak_mb": round(self._disk_mb),
        }
