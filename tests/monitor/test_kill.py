"""SIGKILL ten times while gateways publish and alerts escalate: nothing lost, nothing doubled."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections import Counter
from pathlib import Path

import duckdb

from devices.gateway import Gateway
from tests.support.brokers import TestBroker
from tests.support.process import Spawn
from tests.support.site import ServiceProcess, reg_code, write_small_site
from tests.support.wait import until
from tests.support.webhook import Webhook

GATEWAYS = 3
KILLS = int(os.environ.get("LIFTWATCH_KILLS", "10"))
LIFTS = max(30, 2 * KILLS + GATEWAYS)

# The rescue chain with seconds for minutes, so that it climbs while the service is being killed.
CHAINS = """
version = 1
[profile.urban]
arrival_s = 60
[chain.F]
name_zh = "故障"
name_en = "fault"
[chain.A]
name_zh = "行政"
name_en = "administrative"
[chain.U]
name_zh = "使用单位"
name_en = "use unit"
[chain.O]
name_zh = "值班"
name_en = "duty"
[chain.R]
rescue = true
name_zh = "救援"
name_en = "rescue"
"""
STEPS = {"maintenance": 0, "use_unit": 1, "rescue_station": 3, "bureau": 6, "street_office": 9}


class Publishers:
    """One SDK gateway a thread, publishing until told to stop."""

    def __init__(self, folder: Path, url: str) -> None:
        self.stopping = threading.Event()
        self.gateways = [
            Gateway(f"gw-{k}", store=folder / f"gw-{k}.db", url=url) for k in range(GATEWAYS)
        ]
        self.published: list[Counter[str]] = [Counter() for _ in self.gateways]
        self.trapped: list[str] = []
        self.threads = [
            threading.Thread(target=self.run, args=(k,), daemon=True) for k in range(GATEWAYS)
        ]

    def start(self) -> None:
        for gateway in self.gateways:
            gateway.start()
        for thread in self.threads:
            thread.start()

    def run(self, k: int) -> None:
        lifts = [reg_code(i) for i in range(k, LIFTS, GATEWAYS)]
        last = 0
        while not self.stopping.wait(0.05):
            last = max(last + 1, int(time.time() * 1000))
            columns = {"speed": [0.0] * len(lifts), "door_closed": [True] * len(lifts)}
            self.gateways[k].publish_columns(last, lifts, columns)
            self.published[k].update(lifts)

    def trap(self, lift: int) -> None:
        gateway = self.gateways[lift % GATEWAYS]
        gateway.publish_message(reg_code(lift), int(time.time() * 1000), 93, "on")
        self.trapped.append(reg_code(lift))

    def finish(self) -> Counter[str]:
        self.stopping.set()
        for thread in self.threads:
            thread.join()
        for gateway in self.gateways:
            assert gateway.flush(120), "not everything was confirmed"
            gateway.close()
        return sum(self.published, Counter())


def chains_file() -> str:
    steps = [
        f'[[chain.{chain}.step]]\nid = "{role}"\nafter_s = {after_s}\nto = ["{role}"]\n'
        f'until = ["acknowledged"]\nname_zh = "{role}"\nname_en = "{role}"\n'
        for chain in "RFAOU"
        for role, after_s in (STEPS.items() if chain == "R" else [("operator", 0)])
    ]
    return CHAINS + "".join(steps)


def test_ten_kills(tmp_path: Path, spawn: Spawn, webhook: Webhook, mosquitto: TestBroker) -> None:
    write_small_site(tmp_path / "site", LIFTS, GATEWAYS, webhook.url)
    (tmp_path / "site" / "chains.toml").write_text(chains_file(), "utf-8")
    service = ServiceProcess(spawn, tmp_path, mosquitto.url).start()
    publishers = Publishers(tmp_path, mosquitto.url)
    publishers.start()
    for kill in range(KILLS):
        publishers.trap(2 * kill)
        before = len(webhook.accepted)
        if kill % 2:  # half of the kills fall into a page being sent, half into plain traffic
            until(lambda n=before: len(webhook.accepted) > n, 60, "a page on its way")
        else:
            time.sleep(0.3 + 0.07 * kill)  # not waited for: any moment will do
        service.kill()
        service.start(wait_ready=kill % 3 == 0)
    service.wait_ready()
    published = publishers.finish()
    expected = {(lift, role) for lift in publishers.trapped for role in STEPS}
    until(lambda: pages(webhook) >= expected, 120, "every step of every chain to be paged")
    assert service.stop() == 0

    assert in_history(service.history) == published, "every sample exactly once"
    assert alerts(service.database) == sorted(publishers.trapped), "every alert exactly once"
    sent = Counter(r.headers["idempotency-key"] for r in webhook.accepted)
    keys = outbox_keys(service.database)
    assert set(sent) == keys, "no page but those of the outbox, and all of them"
    by_page = {
        r.headers["idempotency-key"]: (r.json["page"]["where"]["subject"], r.json["page"]["step"])
        for r in webhook.accepted
    }
    assert len(set(by_page.values())) == len(by_page), "one key for one page"


def pages(webhook: Webhook) -> set[tuple[str, str]]:
    return {(r.json["page"]["where"]["subject"], r.json["page"]["step"]) for r in webhook.accepted}


def in_history(file: Path) -> Counter[str]:
    db = duckdb.connect(str(file), read_only=True)
    rows = db.execute(
        "SELECT reg_code, count(*), count(DISTINCT ts_ms) FROM sample JOIN lift ON slot = lift"
        " GROUP BY reg_code"
    ).fetchall()
    db.close()
    assert all(count == distinct for _, count, distinct in rows), "a sample stands twice"
    return Counter({code: count for code, count, _ in rows})


def alerts(file: Path) -> list[str]:
    db = sqlite3.connect(file)
    rows = db.execute("SELECT subject FROM alert WHERE rule = '2' ORDER BY subject").fetchall()
    db.close()
    return [row[0] for row in rows]


def outbox_keys(file: Path) -> set[str]:
    db = sqlite3.connect(file)
    rows = db.execute('SELECT "key" FROM outbox').fetchall()
    db.close()
    return {row[0] for row in rows}
