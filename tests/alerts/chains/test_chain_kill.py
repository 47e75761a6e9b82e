"""SIGKILL at every step of the rescue chain, at three moments each: the chain goes on."""

from __future__ import annotations

import multiprocessing
import signal
from collections import Counter
from pathlib import Path

import orjson
from sqlalchemy import select

from alerts.chains.chains_file import load_chains
from alerts.database.access import open_engine, reading
from alerts.database.tables import outbox, timer
from alerts.journal import audit
from tests.alerts.chains import crashing
from tests.alerts.chains.crashing import FIRED, FIRING, SENT
from tests.alerts.conftest import directory_toml


def test_killed_at_every_step(tmp_path: Path) -> None:
    """One rescue nobody takes up, lived by 32 processes; each but the last is killed."""
    (tmp_path / "directory.toml").write_text(directory_toml(lambda _: "mqtt = true"), "utf-8")
    url = f"sqlite:///{tmp_path / 'alerts.db'}"
    fresh = multiprocessing.get_context("forkserver")  # a clean process, with the imports done
    fresh.set_forkserver_preload(["tests.alerts.chains.crashing"])

    def live(step: str, moment: str) -> int | None:
        process = fresh.Process(target=crashing.live, args=(url, str(tmp_path), step, moment))
        process.start()
        process.join(60)
        return process.exitcode

    together: dict[int, list[str]] = {}  # what is due at one time fires in one transaction
    for one in load_chains().of("R").steps:
        together.setdefault(one.due_ms(0, 900), []).append(one.id)
    for _, due in sorted(together.items()):
        plan = [(step, FIRING) for step in due] + [(due[0], FIRED)] + [(s, SENT) for s in due]
        for step, moment in plan:
            assert live(step, moment) == -signal.SIGKILL, f"{step}: {moment}"
    assert live("", "") == 0

    steps = [step for due in together.values() for step in due]
    engine = open_engine(url)
    with reading(engine) as conn:
        timers = conn.execute(select(timer.c.step, timer.c.state, timer.c.ended_ms)).all()
        pages = conn.execute(select(outbox.c.key, outbox.c.state)).all()
        assert list(audit.check(conn)) == []
    engine.dispose()
    assert sorted((step, state) for step, state, _ in timers) == sorted((s, "fired") for s in steps)
    assert {state for _, state in pages} == {"delivered"}
    sent = Counter(map(orjson.loads, (tmp_path / "sent.jsonl").read_bytes().splitlines()))
    assert set(sent) == {key for key, _ in pages}, "all pages, and no other"
    # Killed between sending and its receipt, a page is sent again under its key; no other is.
    assert sum(count - 1 for count in sent.values()) <= len(steps)
    assert {key.split(":")[1] for key in sent} == set(steps)
