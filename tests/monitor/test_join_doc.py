"""docs/join.md walked through as a new maker would: its own commands, a real broker and service."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb

from devices.codecs.mapping import shipped
from devices.codecs.mapping.load import FOLDER
from tests.support.brokers import TestBroker
from tests.support.process import Spawn
from tests.support.site import ServiceProcess, reg_code, write_small_site
from tests.support.wait import until

ROOT = Path(__file__).parents[2]
DOC = (ROOT / "docs" / "join.md").read_text("utf-8")


def block(name: str) -> str:
    found = re.search(rf"<!-- try: {name} -->\n```sh\n(.*?)```", DOC, re.S)
    assert found, f"docs/join.md has no block {name!r}"
    return found[1]


def metric(service: ServiceProcess, name: str) -> float:
    found = re.search(rf"^liftwatch_{re.escape(name)} (\S+)$", service.get("/metrics")[1], re.M)
    return float(found[1]) if found else 0.0


class Maker:
    """A folder, a shell, `liftwatch` and `mosquitto_pub`: what the page asks for."""

    def __init__(self, folder: Path, broker: TestBroker) -> None:
        self.folder = folder
        tools = folder / "bin"
        tools.mkdir(parents=True)
        command = tools / "liftwatch"
        command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m monitor "$@"\n', "utf-8")
        command.chmod(0o755)
        self.env = os.environ | {
            "PATH": f"{tools}:/usr/sbin:/usr/bin:/bin:/opt/homebrew/bin:/usr/local/bin",
            "PYTHONPATH": str(ROOT),
            "BROKER_HOST": broker.host,
            "BROKER_PORT": str(broker.port),
            "MQTT_USER": "nobody",
            "MQTT_PASSWORD": "x",
            "LIFT": reg_code(3),
            "GATEWAY": "gw-0",
        }

    def run(self, script: str) -> str:
        done = subprocess.run(
            ["bash", "-eu", "-c", script], cwd=self.folder, env=self.env, capture_output=True,
            text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def publish(self, topic: str, text: str) -> None:
        (self.folder / "one").write_text(text, "utf-8")
        host, port = self.env["BROKER_HOST"], self.env["BROKER_PORT"]
        self.run(f"mosquitto_pub -h {host} -p {port} -q 1 -t {topic} -f one")


def test_the_page_alone_is_enough_and_every_shipped_map_reaches_history(
    mosquitto: TestBroker, tmp_path: Path, spawn: Spawn
) -> None:
    maker = Maker(tmp_path / "acme", mosquitto)
    maker.run(block("message"))
    maker.run(block("map"))
    told = maker.run(block("look"))
    for word in ("1.75", "m/s", "units[*].v.spd", "fw", "32", "% rated"):
        assert word in told, told
    write_small_site(tmp_path / "site")
    files = [maker.folder / "acme.toml", *_shipped(tmp_path / "site")]
    env = {
        "LIFTWATCH_INGEST__MAPS": json.dumps(list(map(str, files))),
        "LIFTWATCH_INGEST__DIALECTS": '["gbt24476-chongqing"]',
    }
    service = ServiceProcess(spawn, tmp_path, mosquitto.url, env).start()
    try:
        until(lambda: metric(service, "broker_connected"), what="the service at the broker")
        maker.run(block("publish"))
        until(lambda: metric(service, "samples_total") == 1, what="the sample")
        same = (maker.folder / "message.json").read_text("utf-8")
        maker.publish("acme/gw-0/up", same)  # the same bytes again
        sent = _publish_all(maker, service)
        maker.run(block("alarm"))
        wanted = ("2", reg_code(3), "critical", "unacknowledged")
        # an alert follows the commit of its batch, and so of all before it
        until(lambda: wanted in _alerts(service), what="the alert for trapped passengers")
    finally:
        service.stop()
    db = duckdb.connect(str(service.history), read_only=True)
    rows = db.execute(
        "SELECT reg_code, speed, car_position, door_zone, load FROM sample JOIN lift ON slot = lift"
        " WHERE speed = 1.75"
    ).fetchall()
    assert rows == [(reg_code(3), 1.75, 7, 0, 32.0)] * 2
    found = dict(db.execute("SELECT ts_ms, car_position FROM sample WHERE lift = 5").fetchall())
    assert found == sent


def _alerts(service: ServiceProcess) -> list[tuple[str, str, str, str]]:
    db = sqlite3.connect(service.database)
    found = db.execute("SELECT rule, subject, severity, alarm_state FROM alert").fetchall()
    db.close()
    return found


def _examples(now_ms: int) -> dict[str, tuple[str, str]]:
    """Example map → topic and payload for lifts of the small site, as a sender writes them."""
    moment = datetime.fromtimestamp(now_ms / 1000, ZoneInfo("Asia/Shanghai"))
    local = f"{moment:%Y-%m-%d %H:%M:%S}"
    v = f'{{"t": {now_ms}, "v": {{"speed": 1500, "floor": 3, "dir": "UP", "load": 250}}}}'
    nested = f'{{"lifts": [{{"id": "A-1", "samples": [{v}], "faults": []}}]}}'
    lines = f"code;time;door;zone;speed;load;temp\n000005;{local};0;1;1,5;25;31\n"
    flat = (
        f'{{"TY": "Monitor", "time": "{local}", "direction": 1, "floor_status": 0, "speed": "1.5",'
        ' "door_status": 0, "has_people": 1, "power_status": 0, "now_floor": 3, "fault_type": 0}'
    )
    whole = f'{{"sent": {now_ms}, "lifts": [{{"id": "{reg_code(5)}", "v": {{"speed": 1.5}}}}]}}'
    return {
        "nested-json": ("building/gw-2/lifts", nested),
        "collector-csv": ("collector/gw-2/csv", lines),
        "terminal": (f"terminal/gw-2/{reg_code(5)}/monitor", flat),
        "commented": ("my-platform/gw-2/up", whole),
    }


def _shipped(site: Path) -> list[Path]:
    """Put the shipped maps into the site, for a lift of its own."""
    files = []
    for name in shipped():
        text = (FOLDER / f"{name}.toml").read_text("utf-8")
        files.append(site / f"{name}.toml")
        files[-1].write_text(text.replace("31105001992014000001", reg_code(5)), "utf-8")
    return files


def _publish_all(maker: Maker, service: ServiceProcess) -> dict[int, int | None]:
    """Publish by every shipped map and a dialect; return ts → floor of what was said."""
    now_ms = int(time.time()) * 1000 - 8000
    before = metric(service, "samples_total")
    assert set(_examples(0)) == set(shipped())
    sent: dict[int, int | None] = {}
    for i, name in enumerate(shipped()):
        ts_ms = now_ms + 1000 * i
        topic, text = _examples(ts_ms)[name]
        sent[ts_ms] = 3 if "floor" in text.replace("floor_status", "") else None
        maker.publish(topic, text)
    stamp = f"{datetime.fromtimestamp(now_ms / 1000 + 7, ZoneInfo('Asia/Shanghai')):%F %T}"
    row = {"Registration_Code": reg_code(5), "Time_Stamps": stamp, "Car_Position": 3}
    maker.publish("gbt24476/chongqing/gw-2/status", json.dumps([row]))
    sent[now_ms + 7000] = 3
    until(lambda: metric(service, "samples_total") == before + len(sent), what="every sample")
    told = service.get("/metrics")[1]
    assert not re.search(r"^liftwatch_refused_total\{.*\} [1-9]", told, re.M)
    return sent
