"""A broker for a benchmark: mosquitto where it is installed, else the one that ships with us."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Protocol

from monitor.broker import HOST, Credentials, EmbeddedBroker, free_port


class Broker(Protocol):
    """What a benchmark needs of one."""

    url: str
    credentials: Credentials

    def start(self) -> None: ...

    def stop(self) -> None: ...


class Mosquitto:
    """mosquitto on a loopback port, everybody let in."""

    def __init__(self, program: str, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        port = free_port(0)
        self.url = f"mqtt://{HOST}:{port}"
        self.credentials = Credentials("any", "any")
        self._program, self._config = program, folder / "mosquitto.conf"
        user = "user root\n" if os.geteuid() == 0 else ""
        self._config.write_text(
            f"listener {port} {HOST}\nallow_anonymous true\nmax_queued_messages 0\n"
            f"log_type error\nlog_type warning\n{user}",
            "utf-8",
        )

    def start(self) -> None:
        """Start it; connections are accepted a moment later."""
        self._process = subprocess.Popen([self._program, "-c", str(self._config)])

    def stop(self) -> None:
        """End it, if it runs."""
        process = getattr(self, "_process", None)
        if process is not None:
            process.terminate()
            process.wait(20)


def broker_of(kind: str, folder: Path) -> Broker:
    """Return a broker that is not started: `mosquitto`, `embedded`, or `any`."""
    places = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
    program = shutil.which("mosquitto", path=places)
    if kind == "embedded" or (kind == "any" and program is None):
        return EmbeddedBroker(folder, free_port(0))
    if program is None:
        raise SystemExit("mosquitto is not installed")
    return Mosquitto(program, folder)
