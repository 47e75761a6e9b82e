"""Two people tap the same button at the same time: one winner, and a friendly word."""

from __future__ import annotations

import multiprocessing
import queue
import threading
from collections import defaultdict
from pathlib import Path
from typing import Any

from alerts.database.access import reading
from alerts.journal import audit
from tests.alerts.conftest import CAR, House, raised
from tests.alerts.desk.tapping import tap_all

COUNT = 12
RULES = ("1", "3", "11", "4", "9", "16")


def alerts(house: House) -> None:
    """As many alerts as will be tapped, half of them rescues; each a car of its own."""
    for number in range(COUNT):
        code = f"{CAR[:-4]}{number + 10:04d}"
        people = 2 if number % 2 else None
        house.raise_(raised(RULES[number % len(RULES)], code, people=people))
    with house.engine.begin() as conn:  # unknown cars have no units: these two have to do with all
        for number in range(1, COUNT + 1):
            for unit in ("anda", "haoting"):
                conn.exec_driver_sql(
                    "INSERT OR IGNORE INTO alert_unit (alert_id, unit, part)"
                    " VALUES (?, ?, 'paged')",
                    (number, unit),
                )


def judge(house: House, answers: list[tuple[str, int, bool, bool, str]]) -> None:
    by_alert: dict[int, list[tuple[str, bool, str]]] = defaultdict(list)
    for who, number, ok, changed, words in answers:
        assert ok, words
        by_alert[number].append((who, changed, words))
    assert len(by_alert) == COUNT
    names = {"zhang": "张伟", "pm1": "王芳"}
    for number, taps in by_alert.items():
        (winner,) = [who for who, changed, _ in taps if changed]
        (lost,) = [words for _, changed, words in taps if not changed]
        found = house.alert(number)
        assert found["owner"] == names[winner]
        assert lost == f"{names[winner]} 已于 08:00 接单"
        assert house.kinds(number).count("accepted") == 1
    with reading(house.engine) as conn:
        assert list(audit.check(conn)) == []


def test_two_threads(house: House, tmp_path: Path) -> None:
    alerts(house)
    start, answers = threading.Barrier(2), queue.SimpleQueue[Any]()
    threads = [
        threading.Thread(target=tap_all, args=(house.url, str(tmp_path), w, COUNT, start, answers))
        for w in ("zhang", "pm1")
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join(60)
    judge(house, [answers.get(timeout=5) for _ in range(2 * COUNT)])


def test_two_processes(house: House, tmp_path: Path) -> None:
    alerts(house)
    fresh = multiprocessing.get_context("forkserver")
    fresh.set_forkserver_preload(["tests.alerts.desk.tapping"])
    start, answers = fresh.Barrier(2), fresh.Queue()
    processes = [
        fresh.Process(target=tap_all, args=(house.url, str(tmp_path), w, COUNT, start, answers))
        for w in ("zhang", "pm1")
    ]
    for one in processes:
        one.start()
    judge(house, [answers.get(timeout=60) for _ in range(2 * COUNT)])
    for one in processes:
        one.join(30)
        assert one.exitcode == 0
