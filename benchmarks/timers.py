"""A million open timers, ten thousand due within a second: how late they fire, what idling costs.

    python -m benchmarks timers [--open 1000000] [--due 10000]

`lateness_p99_s`: from the moment a step was due to the commit of its page. `idle_tick_us`: a tick
that finds nothing due among all of them, beside `select_us`, the cheapest question one can ask the
same database.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import numpy as np
from sqlalchemy import Connection, func, select, text

from alerts.database.access import reading, writing
from alerts.database.bulk import insert_rows
from alerts.database.tables import alert, outbox, timer
from alerts.desk.alert_desk import AlertDesk
from alerts.model import Transition
from benchmarks._city import city, desk, people
from benchmarks._district import reg_code, say

NOW_MS: Final = 1_790_000_000_000
RULE, STEP, STEP_MS = "17", "manager", 900_000  # 15 min unacknowledged: the firm's manager
AT_ONCE: Final = 2_000
EACH: Final = 4  # open timers of an alert, as chains have them


def _fill(mine: AlertDesk, due: int, pending: int) -> None:
    """`due` alerts whose second step falls due within one second; `pending` others for later."""
    for i in range(0, due, AT_ONCE):
        at = [NOW_MS + (k * 1000) // due for k in range(i, min(i + AT_ONCE, due))]
        some = [Transition("lift", reg_code(i + k), RULE, True, ms, ms) for k, ms in enumerate(at)]
        mine.apply(NOW_MS + 1000, some)
        say(f"{i + len(some)} alerts")
    with writing(mine.engine) as conn:
        first = conn.execute(select(func.count()).where(timer.c.state == "pending")).scalar() or 0
        step = max(0, pending - first)
        _others(conn, due, -(-step // EACH))
        for i in range(0, step, 50_000):
            rows = [
                {
                    "alert_id": due + 1 + k // EACH, "step": f"later-{k % EACH}", "round": 0,
                    "priority": 2, "due_ms": NOW_MS + 10**9 + k, "state": "pending",
                }
                for k in range(i, min(i + 50_000, step))
            ]  # fmt: skip
            insert_rows(conn, timer, rows)
            say(f"{first + i + len(rows)} timers")


def _others(conn: Connection, like: int, alerts: int) -> None:
    """Open alerts for the other timers, copies of the one with the id `like`."""
    row = dict(conn.execute(select(alert).where(alert.c.id == like)).mappings().one())
    for i in range(1, alerts + 1, 10_000):
        some = range(i, min(i + 10_000, alerts + 1))
        insert_rows(conn, alert, [row | {"id": like + k, "subject": f"other-{k}"} for k in some])


def _fire(mine: AlertDesk, due: int) -> dict[str, Any]:
    """Tick as the service does, with the time that passes, until all have fired."""
    begun = time.monotonic()
    start_ms = NOW_MS + STEP_MS
    ticks: list[tuple[int, int]] = []  # the time a tick was told, and when it had committed
    fired = 0
    while fired < due:
        now_ms = start_ms + round((time.monotonic() - begun) * 1000)
        fired += sum(e.kind == "paged" and e.data["step"] == STEP for e in mine.tick(now_ms))
        ticks.append((now_ms, start_ms + round((time.monotonic() - begun) * 1000)))
    seconds = time.monotonic() - begun
    late: list[float] = []
    with reading(mine.engine) as conn:
        for now_ms, done_ms in dict(ticks).items():
            ended = select(timer.c.due_ms).where(timer.c.ended_ms == now_ms, timer.c.step == STEP)
            late += [(done_ms - due_ms) / 1000 for due_ms in conn.execute(ended).scalars()]
    p50, p99 = np.percentile(late, [50, 99]) if late else (0.0, 0.0)
    return {"fired": len(late), "seconds": round(seconds, 2),
            "fired_per_s": round(len(late) / seconds),
            "lateness_p50_s": round(float(p50), 3),
            "lateness_p99_s": round(float(p99), 3)}  # fmt: skip


def _idle(mine: AlertDesk, now_ms: int, times: int = 300) -> dict[str, float]:
    begun = time.perf_counter()
    for _ in range(times):
        mine.tick(now_ms)
    tick_us = (time.perf_counter() - begun) / times * 1e6
    begun = time.perf_counter()
    for _ in range(times):
        with reading(mine.engine) as conn:
            conn.execute(text("SELECT 1")).scalar()
    select_us = (time.perf_counter() - begun) / times * 1e6
    return {"idle_tick_us": round(tick_us), "select_us": round(select_us),
            "ratio_select": round(tick_us / select_us, 1)}  # fmt: skip


def run(argv: list[str]) -> dict[str, Any]:
    """Fill a database, let the due ones fire; return the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks timers", description=__doc__)
    parser.add_argument("--open", type=int, default=1_000_000)
    parser.add_argument("--due", type=int, default=10_000)
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        mine = desk(Path(folder), city(args.due), people())
        _fill(mine, args.due, args.open)
        idle = _idle(mine, NOW_MS + 2000)
        found = _fire(mine, args.due)
        with reading(mine.engine) as conn:
            pages = conn.execute(select(func.count()).where(outbox.c.step == STEP)).scalar()
            journal_twice = conn.execute(
                select(func.count()).select_from(
                    select(outbox.c.key).group_by(outbox.c.key).having(func.count() > 1).subquery()
                )
            ).scalar()
        mine.engine.dispose()
    return {"open": args.open, "due": args.due, **found, **idle, "pages": pages,
            "twice": journal_twice}  # fmt: skip
