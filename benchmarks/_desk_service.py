"""A real service with a real broker and a real database, for what is measured at a desk."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from sqlalchemy import Engine

from alerts.database.access import open_engine
from alerts.migrations import migrate
from alerts.model import SYSTEM
from benchmarks._broker import Broker, broker_of
from benchmarks._district import write_site
from benchmarks._service import service
from monitor.admin.accounts import Accounts
from monitor.broker import HOST
from monitor.clock import wall_ms

USER, ADMIN, PASSWORD = "bench", "bench-admin", "a long enough one"


@dataclass
class Desk:
    """A running service, its broker and its database."""

    url: str
    broker: Broker
    engine: Engine
    process: subprocess.Popen[str]
    site: Path

    def cookies(self, name: str = USER) -> dict[str, str]:
        """Sign in, as an operator by default, as a browser does; return its cookies."""
        with httpx.Client(base_url=self.url, timeout=60) as client:
            form = client.get("/sign-in").text
            token = form.split('name="csrf" value="', 1)[1].split('"', 1)[0]
            said = {"csrf": token, "name": name, "password": PASSWORD}
            answer = client.post("/sign-in", data=said)
            if answer.status_code >= 400:
                raise RuntimeError(f"not signed in: {answer.status_code}")
            return dict(client.cookies)


def prepare(folder: Path, lifts: int) -> Engine:
    """Write a site and an empty database with an operator and an administrator."""
    write_site(folder / "site", lifts)
    url = f"sqlite:///{folder / 'var' / 'liftwatch.db'}"
    (folder / "var").mkdir()
    migrate(url)
    engine = open_engine(url)
    accounts = Accounts(engine, wall_ms, frozenset())
    accounts.add(USER, PASSWORD, "operator", None, SYSTEM)
    accounts.add(ADMIN, PASSWORD, "admin", None, SYSTEM)
    return engine


@contextmanager
def running(folder: Path, engine: Engine) -> Iterator[Desk]:
    """Start broker and service over a prepared folder; end both."""
    broker = broker_of("any", folder / "broker")
    broker.start()
    try:
        with service(folder, broker.url, broker.credentials.service) as one:
            yield Desk(f"http://{HOST}:{one.web}", broker, engine, one.process, folder / "site")
    finally:
        broker.stop()


def load() -> float:
    """Return the machine's load average of the last minute."""
    return round(os.getloadavg()[0], 1)
