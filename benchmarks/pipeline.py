"""The whole way through a real broker: publish → broker → service → alert row, on one machine.

Broker, load generator and service share the machine's cores. The load is flow-controlled by the
service's own confirmations, so it runs as fast as everything together can, and nothing is lost.

    python -m benchmarks pipeline [--seconds 12] [--lifts 1000 10000 100000]
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import duckdb
import numpy as np
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from benchmarks._district import python, rss_mb, say, wait_until, write_site
from benchmarks._load import CHANNELS, LIFTS_A_MESSAGE
from benchmarks._service import service
from monitor.broker import GATEWAY_USER, HOST, SERVICE_USER, EmbeddedBroker, free_port

GATEWAYS = 20


def bare(broker: EmbeddedBroker, seconds: float) -> float:
    """Lift-samples a second that a bare paho subscriber receives, QoS 1, same payloads."""
    times: list[float] = []
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="bare")
    client.username_pw_set(SERVICE_USER, broker.credentials.service)
    ready = threading.Event()
    client.on_subscribe = lambda *_: ready.set()
    client.on_message = lambda *_: times.append(time.monotonic())
    client.connect(HOST, broker.port)
    client.loop_start()
    client.subscribe("lift/v1/+/telemetry", 1)
    if not ready.wait(10):
        raise TimeoutError("not subscribed")
    load = run_load(broker, seconds, 1000, "--bare")
    wait_until(lambda: len(times) >= load["messages"], 30, "bare receive")
    client.disconnect()
    client.loop_stop()
    return (len(times) - 1) * LIFTS_A_MESSAGE / (times[-1] - times[0])


def run_load(broker: EmbeddedBroker, seconds: float, lifts: int, *more: str) -> dict[str, Any]:
    """Run the load generator to its end and return what it printed."""
    args = ("-m", "benchmarks._load", broker.url, GATEWAY_USER)
    options = ("--seconds", str(seconds), "--lifts", str(lifts), "--gateways", str(GATEWAYS))
    env = {"LOAD_PASSWORD": broker.credentials.gateway}
    process = python(*args, *options, *more, env=env, stdout=subprocess.PIPE)
    out, _ = process.communicate(timeout=seconds + 120)
    if process.returncode:
        raise RuntimeError("the load generator failed")
    return dict(json.loads(out))


class AlertWatch(threading.Thread):
    """Notes when each alert row becomes visible to another process."""

    def __init__(self, file: Path) -> None:
        super().__init__(daemon=True)
        self.file, self.seen = file, dict[str, float]()
        self.stopping = threading.Event()

    def run(self) -> None:
        """Poll for rows with a number above the last."""
        db = sqlite3.connect(f"file:{self.file}?mode=ro", uri=True)
        last = 0
        while not self.stopping.wait(0.005):
            query = "SELECT id, subject FROM alert WHERE id > ? ORDER BY id"
            for number, subject in db.execute(query, (last,)):
                last = number
                self.seen.setdefault(subject, time.time())
        db.close()


def one_fleet(folder: Path, lifts: int, seconds: float) -> dict[str, Any]:
    """Measure with `lifts` registered lifts."""
    broker = EmbeddedBroker(folder / "broker", free_port(0))
    broker.start()
    try:
        write_site(folder / "site", lifts, GATEWAYS)
        with service(folder, broker.url, broker.credentials.service) as running:
            result = loaded(folder, broker, running.process.pid, lifts, seconds)
        result["stored"] = stored(folder)
        result["lost"] = result.pop("sent") - result["stored"]
        return result | {"ready_s": round(running.ready_s, 2)}
    finally:
        broker.stop()


def loaded(
    folder: Path, broker: EmbeddedBroker, pid: int, lifts: int, seconds: float
) -> dict[str, Any]:
    """Run the load against a ready service."""
    # warm: first-time costs are not what is asked for; its probes are other lifts
    run_load(broker, 2, lifts, "--first-probe", "20")
    warm = stored_live(folder)
    watch = AlertWatch(folder / "var" / "liftwatch.db")
    watch.start()
    before = cpu_s(pid)
    load = run_load(broker, seconds, lifts)
    cpu = cpu_s(pid) - before
    wait_until(lambda: all(code in watch.seen for code, _ in load["probes"]), 20, "all alerts")
    watch.stopping.set()
    delays = [watch.seen[code] - at for code, at in load["probes"]]
    return {
        "lifts": lifts,
        "lift_samples_per_s": round(load["samples"] / load["seconds"]),
        "p50_s": round(float(np.percentile(delays, 50)), 3),
        "p99_s": round(float(np.percentile(delays, 99)), 3),
        "alerts": len(delays),
        "refused": load["refused"],
        "sent": load["samples"] + warm,
        "cpu_us_per_sample": round(cpu / load["samples"] * 1e6, 2),
        "rss_mb": round(rss_mb(pid)),
    }


def stored_live(folder: Path) -> int:
    """Samples confirmed so far, as the service counts them (its history file is locked)."""
    text = (folder / "liftwatch.toml").read_text("utf-8")
    port = int(text.split("port = ")[1].split()[0])
    with urlopen(f"http://{HOST}:{port}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    total = next(line for line in lines if line.startswith("liftwatch_samples_total"))
    return int(float(total.split()[-1]))


def stored(folder: Path) -> int:
    """Samples in history, counted in the file itself after the service has ended."""
    db = duckdb.connect(str(folder / "var" / "history" / "history.duckdb"), read_only=True)
    try:
        row = db.execute("SELECT count(*) FROM sample").fetchone()
    finally:
        db.close()
    return int(row[0]) if row else 0


def cpu_s(pid: int) -> float:
    """Processor seconds a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100


def run(argv: list[str]) -> dict[str, Any]:
    """Measure; the headline figures are those of the first fleet size."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks pipeline", description=__doc__)
    parser.add_argument("--seconds", type=float, default=12)
    parser.add_argument("--lifts", type=int, nargs="+", default=[1000, 10_000, 100_000])
    args = parser.parse_args(argv)
    fleets = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        say("bare paho receive ...")
        broker = EmbeddedBroker(folder / "bare", free_port(0))
        broker.start()
        try:
            bare_rate = bare(broker, min(6, args.seconds))
        finally:
            broker.stop()
        for lifts in args.lifts:
            say(f"{lifts} lifts ...")
            fleets.append(one_fleet(folder / str(lifts), lifts, args.seconds))
            say(json.dumps(fleets[-1]))
    first = fleets[0]
    return {
        "lift_samples_per_s": first["lift_samples_per_s"],
        "p99_s": max(fleet["p99_s"] for fleet in fleets),
        "lost": sum(fleet["lost"] for fleet in fleets),
        "ratio_bare": round(first["lift_samples_per_s"] / bare_rate, 3),
        "bare_lift_samples_per_s": round(bare_rate),
        "rss_mb": first["rss_mb"],
        "channels": len(CHANNELS),
        "lifts_a_message": LIFTS_A_MESSAGE,
        "fleets": fleets,
    }
