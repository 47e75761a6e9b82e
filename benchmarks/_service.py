"""The real service over a site in a folder, at a broker that runs already."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

from benchmarks._district import python, wait_until
from monitor.broker import HOST, SERVICE_USER, free_port

READY_S = 180.0


@dataclass(frozen=True, slots=True)
class Service:
    """A service that is ready; `ready_s` after its start."""

    process: subprocess.Popen[str]
    web: int
    ready_s: float


@contextmanager
def service(folder: Path, broker_url: str, password: str) -> Iterator[Service]:
    """Start it over folder/site and folder/var, wait until it is ready, end it."""
    web = free_port(0)
    config = folder / "liftwatch.toml"
    config.write_text(
        f'data_dir = "var"\n[site]\nfolder = "site"\n[web]\nport = {web}\n'
        f'[mqtt]\nurl = "{broker_url}"\nusername = "{SERVICE_USER}"\n',
        "utf-8",
    )
    started = time.monotonic()
    process = python(
        "-m", "monitor", "run", "--config", str(config), env={"LIFTWATCH_MQTT__PASSWORD": password}
    )
    try:
        wait_until(lambda: ready(web), READY_S, "the service to be ready")
        yield Service(process, web, time.monotonic() - started)
    finally:
        process.terminate()
        process.wait(60)


def ready(port: int) -> bool:
    """True once the service says that it is."""
    try:
        with urlopen(f"http://{HOST}:{port}/readyz", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
