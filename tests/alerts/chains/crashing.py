"""A desk in a process of its own that kills itself at a given moment; see test_chain_kill.py."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import event, func, select

from alerts.database.access import reading
from alerts.database.tables import alert, journal
from alerts.directory.directory_file import load_directory
from alerts.notify import queue
from alerts.notify.channel import Receipt
from tests.alerts.conftest import T0, House, raised
from tests.support import by_hand

END_MS = T0 + 8_000_000
LEASE_MS = 1000
FIRING, FIRED, SENT = "while firing", "fired, nothing sent", "sent, no receipt yet"


def live(url: str, folder: str, step: str, moment: str) -> None:
    """Go on where the database stands until END_MS, or until SIGKILL at that moment of a step.

    Pages go to `sent.jsonl`, as a receiver that has them for good.
    """
    house = House(url, load_directory(Path(folder) / "directory.toml"))
    bomb = Bomb(step, moment)
    bomb.watch(house.engine)
    now = began(house)
    if now is None:
        now = T0
        house.raise_(raised("1"))
    while True:
        house.desk.tick(now)
        deliver(house, Path(folder) / "sent.jsonl", now, bomb.sent)
        again = [house.desk.next_due_ms(), queue.next_ms(house.engine)]
        coming = [at_ms for at_ms in again if at_ms is not None]
        if not coming or min(coming) > END_MS:
            return
        now = max(now, min(coming))


def began(house: House) -> int | None:
    """The time of the newest line, as a clock would show at least; None before the alert."""
    with reading(house.engine) as conn:
        if conn.execute(select(alert.c.id)).first() is None:
            return None
        found = conn.execute(select(func.max(journal.c.at_ms))).scalar()
    return int(found or T0)


def deliver(house: House, sent: Path, now: int, after: Callable[[str], None]) -> None:
    """Send what is due as a worker does: first the receiver has it, then the receipt is kept."""
    worker = f"w{os.getpid()}"
    while rows := by_hand.claim(house.engine, "mqtt", 3, now, worker, LEASE_MS):
        for row in rows:
            with sent.open("ab") as file:
                file.write(orjson.dumps(row["key"]) + b"\n")
            after(row["step"])
            assert by_hand.delivered(house.engine, row, worker, now, Receipt("ok"))


class Bomb:
    """Goes off at one moment of one step."""

    def __init__(self, step: str, moment: str) -> None:
        self.step, self.moment, self.written = step, moment, False

    def watch(self, engine: Any) -> None:
        event.listen(engine, "after_cursor_execute", self._wrote)
        event.listen(engine, "begin", self._begins)

    def _wrote(self, _conn: Any, _cursor: Any, statement: str, values: Any, *_more: Any) -> None:
        pages = statement.startswith("INSERT INTO outbox")
        if pages and any(f":{self.step}:" in str(value) for value in _flat(values)):
            self.written = True
            if self.moment == FIRING:
                die()

    def _begins(self, _conn: Any) -> None:
        """The next transaction begins: the one before is committed."""
        if self.written and self.moment == FIRED:
            die()

    def sent(self, step: str) -> None:
        if self.moment == SENT and step == self.step:
            die()


def _flat(values: Any) -> list[Any]:
    rows = values if isinstance(values, list) else [values]
    return [one for row in rows for one in (row.values() if isinstance(row, dict) else row)]


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
