"""docs/join.md walked through as a new maker would: its own commands, a real broker and service."""

from __future__ import annotations

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
import pytest

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


def test_the_page_alone_is_enough(mosquitto: TestBroker, tmp_path: Path, spawn: Spawn) -> None:
    maker = Maker(tmp_path / "acme", mosquitto)
    maker.run(block("message"))
    maker.run(block("map"))
    told = maker.run("COLUMNS=200\n" + block("look"))
    for word in ("1.75", "m/s", "units[*].v.spd", "fw", "32", "% rated"):
        assert word in told, told
    write_small_site(tmp_path / "site")
    env = {"LIFTWATCH_INGEST__MAPS": f'["{maker.folder / "acme.toml"}"]'}
    service = ServiceProcess(spawn, tmp_path, mosquitto.url, env).start()
    try:
        until(lambda: metric(service, "broker_connected"), what="the service at the broker")
        maker.run(block("publish"))
        until(lambda: metric(service, "samples_total") == 1, what="the sample")
        maker.run(block("publish"))  # the same bytes again
        maker.run(block("alarm"))
        until(lambda: metric(service, "samples_total") == 2, what="the second sample")
        wanted = ("2", reg_code(3), "critical", "unacknowledged")
        until(lambda: wanted in _alerts(service), what="the alert for trapped passengers")
    finally:
        service.stop()
    db = duckdb.connect(str(service.history), read_only=True)
    rows = db.execute(
        "SELECT reg_code, speed, car_position, door_zone, load FROM sample JOIN lift ON slot = lift"
    ).fetchall()
    assert rows == [(reg_code(3), 1.75, 7, 0, 32.0)] * 2


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
    lines = f"code;time;door;zone;speed;load;temp\n000003;{local};0;1;1,5;25;31\n"
    flat = (
        f'{{"TY": "Monitor", "time": "{local}", "direction": 1, "floor_status": 0, "speed": "1.5",'
        ' "door_status": 0, "has_people": 1, "power_status": 0, "now_floor": 3, "fault_type": 0}'
    )
    whole = f'{{"sent": {now_ms}, "lifts": [{{"id": "{reg_code(3)}", "v": {{"speed": 1.5}}}}]}}'
    return {
        "nested-json": ("building/gw-0/lifts", nested),
        "collector-csv": ("collector/gw-0/csv", lines),
        "terminal": (f"terminal/gw-0/{reg_code(3)}/monitor", flat),
        "commented": ("my-platform/gw-0/up", whole),
    }


@pytest.mark.parametrize("dialects", [["gbt24476-chongqing"]])
def test_every_shipped_map_reaches_history(
    mosquitto: TestBroker, tmp_path: Path, spawn: Spawn, dialects: list[str]
) -> None:
    maker = Maker(tmp_path / "maker", mosquitto)
    write_small_site(tmp_path / "site")
    files = []
    for name in shipped():
        text = (FOLDER / f"{name}.toml").read_text("utf-8")
        file = tmp_path / "site" / f"{name}.toml"
        file.write_text(text.replace("31105001992014000001", reg_code(3)), "utf-8")
        files.append(f'"{file}"')
    env = {
        "LIFTWATCH_INGEST__MAPS": f"[{', '.join(files)}]",
        "LIFTWATCH_INGEST__DIALECTS": '["' + '", "'.join(dialects) + '"]',
    }
    service = ServiceProcess(spawn, tmp_path, mosquitto.url, env).start()
    now_ms = int(time.time()) * 1000 - 8000
    sent = {}
    try:
        until(lambda: metric(service, "broker_connected"), what="the service at the broker")
        assert set(_examples(0)) == set(shipped())
        for i, name in enumerate(shipped()):
            sent[name] = now_ms + 1000 * i
            maker.publish(*_examples(sent[name])[name])
        moment = datetime.fromtimestamp(now_ms / 1000 + 7, ZoneInfo("Asia/Shanghai"))
        row = f'[{{"Registration_Code": "{reg_code(3)}", "Time_Stamps": "{moment:%F %T}", "Car_Position": 3}}]'
        maker.publish("gbt24476/chongqing/gw-0/status", row)
        until(lambda: metric(service, "samples_total") == len(sent) + 1, what="every sample")
        assert not re.search(
            r"^liftwatch_refused_total\{.*\} [1-9]", service.get("/metrics")[1], re.M
        )
    finally:
        service.stop()
    db = duckdb.connect(str(service.history), read_only=True)
    rows = dict(db.execute("SELECT ts_ms, speed FROM sample").fetchall())
    assert rows == {ts: 1.5 for ts in sent.values()} | {now_ms + 7000: None}
