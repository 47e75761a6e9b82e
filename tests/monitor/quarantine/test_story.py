"""From the broker to history by way of the quarantine: refused, mended, replayed, killed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import duckdb
import pytest

from alerts.database.access import open_engine
from alerts.model import Actor, Role
from monitor.quarantine import runs
from monitor.quarantine.choice import Choice
from monitor.secret import load_secret
from monitor.web import local
from tests.support.brokers import TestBroker
from tests.support.process import Spawn
from tests.support.site import ServiceProcess, reg_code, write_small_site
from tests.support.wait import until

STRANGER = reg_code(77)
MESSAGES = 1500


def liftwatch(service: ServiceProcess, *arguments: str) -> Any:
    command = [sys.executable, "-m", "monitor", "quarantine", *arguments]
    done = subprocess.run(
        [*command, "--config", str(service.config)],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    if "--json" not in arguments:
        return done.stdout
    return [json.loads(line) for line in done.stdout.splitlines()]


def ask(service: ServiceProcess, path: str) -> Any:
    token = local.make(load_secret(service.folder / "var"), "test", time.time())
    return service.json(f"/api/v1/{path}", f"Bearer {token}")


def publish(broker: TestBroker, topic: str, payloads: list[dict[str, Any]]) -> None:
    lines = "\n".join(json.dumps(one) for one in payloads) + "\n"
    command = ["mosquitto_pub", "-h", broker.host, "-p", str(broker.port), "-q", "1", "-t", topic]
    subprocess.run([*command, "-l"], input=lines, text=True, check=True, timeout=60)


def sample(seq: int, lift: str, ts_ms: int, **values: float) -> dict[str, Any]:
    said = {"v": 1, "boot": 9, "seq": seq, "lift": lift, "ts": ts_ms}
    return said | {"values": values or {"speed": 0.5}}


def register(service: ServiceProcess, lift: str, gateway: str) -> None:
    site = service.folder / "site"
    with (site / "lifts.csv").open("a", encoding="utf-8") as file:
        file.write(f"{lift},9,新梯,梧桐苑,so-1,uu-1,firm-1,{gateway},residential,1.75,1000,-1,18,")
        file.write("f,3600,29,106\n")
    names = (site / "gateways.csv").read_text("utf-8")
    if f"\n{gateway}," not in names:
        (site / "gateways.csv").write_text(names + f"{gateway},acme,机房\n", "utf-8")
    assert service.program is not None
    os.kill(service.program.pid, 1)
    until(lambda: service.output.count("site.reloaded"), what="the new lift")


def history(service: ServiceProcess, sql: str) -> list[tuple[Any, ...]]:
    db = duckdb.connect(str(service.history), read_only=True)
    found = db.execute(sql).fetchall()
    db.close()
    return found


@pytest.fixture
def service(tmp_path: Path, spawn: Spawn, mosquitto: TestBroker) -> ServiceProcess:
    write_small_site(tmp_path / "site")
    return ServiceProcess(spawn, tmp_path, mosquitto.url).start()


def test_refused_registered_replayed(service: ServiceProcess, mosquitto: TestBroker) -> None:
    now_ms = int(time.time() * 1000)
    known, strange = "lift/v1/gw-0/telemetry", "lift/v1/gw-new/telemetry"
    publish(mosquitto, known, [sample(1, STRANGER, now_ms), sample(2, reg_code(0), now_ms)])
    publish(mosquitto, "lift/v1/gw-0/message", [
        {"v": 1, "boot": 9, "seq": 3, "lift": reg_code(0), "ts": now_ms, "code": 4711,
         "state": "once"},
    ])  # fmt: skip
    publish(mosquitto, strange, [sample(1, reg_code(78), now_ms)])
    reasons = ["unknown_code", "unknown_gateway", "unknown_lift"]

    def listed() -> list[str]:
        found = liftwatch(service, "list", "--json")
        return sorted(one["reason"] for one in found if "rows" in one)

    until(lambda: listed() == reasons, what="the refusals")
    (shown,) = liftwatch(service, "show", "1", "--json")
    start, end = shown["refusals"][0]["at"]
    assert bytes.fromhex(shown["payload"])[start:end].decode() == f'"{STRANGER}"'
    register(service, STRANGER, "gw-0")
    (tried,) = liftwatch(service, "replay", "--all", "--dry-run", "--json")
    assert tried["counts"]["samples"] == 1
    assert tried["counts"]["refused_unknown_gateway"] == 1
    (done,) = liftwatch(service, "replay", "--reason", "unknown_lift", "--json")
    assert (done["state"], done["counts"]["samples"]) == ("done", 1)
    assert (done["counts"]["replayed"], done["total"]) == (1, 1)
    assert "nothing" in liftwatch(service, "replay", "--reason", "unknown_lift")
    (code,) = [one for one in liftwatch(service, "list", "--json") if one.get("refusals")
               and one["refusals"][0]["reason"] == "unknown_code"]  # fmt: skip
    assert "dropped 1" in liftwatch(service, "drop", str(code["id"]), "--why", "a test device")
    assert service.stop() == 0
    # nobody runs now: the files are read, and a wish is kept for the next start
    assert listed() == ["unknown_gateway"]
    assert liftwatch(service, "show", str(code["id"]), "--json")[0]["why"] == "a test device"
    assert history(service, "SELECT count(*) FROM sample") == [(2,)]
    late = "SELECT late, reg_code FROM sample JOIN lift ON slot = lift ORDER BY 2"
    assert history(service, late) == [(False, reg_code(0)), (True, STRANGER)]


def test_killed_in_the_middle(service: ServiceProcess, mosquitto: TestBroker) -> None:
    now_ms = int(time.time() * 1000) - MESSAGES
    payloads = [sample(i + 1, STRANGER, now_ms + i) for i in range(MESSAGES)]
    publish(mosquitto, "lift/v1/gw-new/telemetry", payloads)

    def kept() -> int:
        found = ask(service, "quarantine/reasons")["reasons"]
        return sum(one["rows"] for one in found)

    until(lambda: kept() == MESSAGES, 60, "all to be in quarantine")
    register(service, STRANGER, "gw-new")
    engine = open_engine(f"sqlite:///{service.database}")
    number = runs.ask(engine, "replay", Choice(), Actor("刘洋", Role.ADMIN), now_ms)
    engine.dispose()
    until(lambda: 0 < kept() < MESSAGES, 60, "the middle of the replay", poll_s=0.001)
    service.kill()
    left = MESSAGES - history(service, "SELECT count(*) FROM sample")[0][0]
    assert left > 0, "it was not killed in the middle"
    service.start()
    publish(mosquitto, "lift/v1/gw-new/telemetry", payloads[:50])  # and the gateway resends
    until(lambda: not kept(), 60, "the rest")
    done = until(
        lambda: (
            (run := ask(service, f"quarantine/runs/{number}")["run"])["state"] == "done" and run
        ),
        what="the end of the run",
    )
    assert (done["counts"]["rows"], done["counts"]["samples"]) == (MESSAGES, MESSAGES)
    assert service.stop() == 0
    assert history(service, "SELECT count(*), count(DISTINCT ts_ms) FROM sample") == [
        (MESSAGES, MESSAGES)
    ]
