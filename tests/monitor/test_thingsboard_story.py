"""A ThingsBoard gateway, unchanged, through a real broker into history and the quarantine."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path

import duckdb

from tests.support.brokers import Mosquitto
from tests.support.process import Spawn
from tests.support.site import ServiceProcess, reg_code, write_small_site
from tests.support.wait import until

SCRIPT = Path(__file__).parents[1] / "peers" / "thingsboard_gateway.py"
PYTHON = Path(sys.prefix) / "peers" / "thingsboard" / "bin" / "python"
NAMES = f"""
ignore = ["rssi"]
[devices]
"Lift B" = "{reg_code(3)}"
[channels]
velocity = "speed"
"""


def _metric(service: ServiceProcess, name: str) -> float:
    found = re.search(rf"^liftwatch_{name} (\S+)$", service.get("/metrics")[1], re.M)
    return float(found[1]) if found else 0.0


def test_their_client_their_topics_our_history(tmp_path: Path, spawn: Spawn) -> None:
    broker = Mosquitto(tmp_path / "broker", mount="tb/gw-0/")
    broker.start()
    write_small_site(tmp_path / "site")
    (tmp_path / "site" / "thingsboard.toml").write_text(NAMES, "utf-8")
    env = {"LIFTWATCH_INGEST__DIALECTS": '["thingsboard"]'}
    service = ServiceProcess(spawn, tmp_path, broker.url, env).start()
    ts_ms = int(time.time() * 1000) - 5000
    try:
        until(lambda: _metric(service, "broker_connected"), what="the service at the broker")
        command = [PYTHON, SCRIPT, "127.0.0.1", broker.mounted_port, reg_code(0), "Lift B", ts_ms]
        subprocess.run([str(part) for part in command], check=True, timeout=60)
        until(lambda: _metric(service, "samples_total") == 5, what="five samples")
        until(lambda: _metric(service, 'refused_total{reason="out_of_range"}'), what="a refusal")
        until(lambda: _metric(service, "lifts_connected") == 1, what="one of two still there")
    finally:
        service.stop()
        broker.end()
    db = duckdb.connect(str(service.history), read_only=True)
    rows = db.execute(
        "SELECT reg_code, ts_ms, speed, car_position, door_closed, people FROM sample"
        " JOIN lift ON slot = lift ORDER BY reg_code, ts_ms"
    ).fetchall()
    first = [(reg_code(0), ts_ms + 1000 * i, 0.5 * i, i, 1, None) for i in range(3)]
    assert rows[:3] == first
    assert (rows[3][0], *rows[3][2:]) == (reg_code(0), None, None, None, 3)
    assert (rows[4][0], *rows[4][2:]) == (reg_code(3), 1.25, None, None, None)
    assert rows[4][1] >= ts_ms + 5000, "without a time it is that of receipt"
    kept = db.execute("SELECT gateway, topic, reason FROM quarantine").fetchall()
    assert kept == [("gw-0", "tb/gw-0/v1/gateway/telemetry", "out_of_range")]
