"""A database with many open alerts, raised by the real desk; nobody is still to be called."""

from __future__ import annotations

import time
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import Engine, update

from alerts.chains.chains_file import load_chains
from alerts.database.access import writing
from alerts.database.tables import outbox, timer
from alerts.desk.alert_desk import AlertDesk
from alerts.directory.directory_file import load_directory
from alerts.directory.subjects import Subjects
from alerts.model import Evidence, Transition
from alerts.pages.links import Links
from alerts.pages.page import Pages, plain_words
from benchmarks._city import rules
from benchmarks._district import reg_code, say
from devices.registry import load_registry

RULES = ("12", "13", "15", "17", "20", "26")
TRAPPED = 40
AT_ONCE = 2_000
LATER_MS = 3_600_000


def raise_all(engine: Engine, site: Path, count: int) -> None:
    """Raise `count` alerts, one a lift: people in the first 40 cars, six rules for the others.

    What they called is written down as delivered, and their deadlines are put off by one to two
    hours: a service that starts with them must have nothing else to do than to show them.
    """
    now_ms = time.time_ns() // 1_000_000
    pages = Pages(
        Links("secret", "http://127.0.0.1", prefix="/p/"), plain_words, ZoneInfo("Asia/Shanghai")
    )
    desk = AlertDesk(
        engine,
        rules(),
        load_chains(),
        load_directory(site / "directory.toml"),
        Subjects(load_registry(site)),
        pages,
    )
    for i in range(0, count, AT_ONCE):
        some = [_one(k, now_ms) for k in range(i, min(i + AT_ONCE, count))]
        desk.apply(now_ms, some)
        say(f"{i + len(some)} alerts")
    with writing(engine) as conn:
        conn.execute(update(outbox).values(state="delivered", delivered_ms=now_ms))
        later = timer.c.due_ms + LATER_MS + timer.c.alert_id % 60 * 60_000
        conn.execute(update(timer).where(timer.c.state == "pending").values(due_ms=later))


def _one(k: int, now_ms: int) -> Transition:
    inside = k < TRAPPED
    rule = "1" if inside else RULES[k % len(RULES)]
    since = now_ms - 1000 * (k % 3600)
    seen = (Evidence("speed", 0.0, since), Evidence("door_zone", 0.0, since))
    return Transition(
        "lift", reg_code(k), rule, True, now_ms, since, inside, 3 if inside else None, seen
    )
