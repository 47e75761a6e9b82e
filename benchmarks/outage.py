"""A night without network, then everything at once: the SDK's store, back-fill beside live data.

A thousand lifts at one sample a second, twenty gateways of the SDK, no broker for ten hours of
simulated time; then the broker is back, and the real service takes it all while the lifts go on
and alarms keep coming. Gateways, broker and service share this machine. At the end the lifts go on
for a while alone: `live_p99_ratio` is what the back-fill cost them, on a machine of any speed.

    python -m benchmarks outage [--hours 10] [--lifts 1000] [--gateways 20] [--processes 2]
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import sqlite3
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from benchmarks._broker import Broker, broker_of
from benchmarks._district import python, say, wait_until, write_site
from benchmarks._outage_gateways import CHANNELS
from benchmarks._outage_progress import Progress, metric
from benchmarks._service import ready
from benchmarks.pipeline import AlertWatch, cpu_s
from monitor.broker import GATEWAY_USER, SERVICE_USER, free_port

RAW_BYTES = 4 * len(CHANNELS)  # a sample as float32, without lift and time


class Fleet:
    """The processes of gateways."""

    def __init__(self, args: argparse.Namespace, broker: Broker, folder: Path) -> None:
        cuts = np.linspace(0, args.gateways, args.processes + 1).astype(int).tolist()
        (folder / "gateways").mkdir(parents=True)
        self.processes = [
            python(
                *("-m", "benchmarks._outage_gateways", broker.url, GATEWAY_USER),
                *(str(folder / "gateways"), "--hours", str(args.hours)),
                *("--first", str(low), "--last", str(high - 1), "--lifts", str(args.lifts)),
                *("--gateways", str(args.gateways), "--max-mb", "2048"),
                *("--encoding", args.encoding, "--quiet-s", str(args.quiet_s)),
                env={"GATEWAY_PASSWORD": broker.credentials.gateway},
                stdout=subprocess.PIPE,
                stdin=subprocess.PIPE,
            )
            for low, high in itertools.pairwise(cuts)
            if high > low
        ]

    def hear(self) -> list[dict[str, Any]]:
        """Return the next line of each."""
        lines = [process.stdout.readline() for process in self.processes if process.stdout]
        if not all(lines):
            raise RuntimeError("a process of gateways failed")
        return [json.loads(line) for line in lines]

    def go(self) -> None:
        """Let all go on."""
        for process in self.processes:
            if process.stdin:
                process.stdin.write("go\n")
                process.stdin.flush()

    def end(self) -> None:
        """Leave none behind."""
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait(30)


def total(lines: list[dict[str, Any]], key: str) -> Any:
    """Sum one figure, or join one list, over the processes."""
    found = [line[key] for line in lines]
    return list(itertools.chain(*found)) if isinstance(found[0], list) else sum(found)


def outage(args: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """The whole story."""
    broker = broker_of(args.broker, folder / "broker")
    write_site(folder / "site", args.lifts, args.gateways)
    web = free_port(0)
    (folder / "liftwatch.toml").write_text(
        f'data_dir = "var"\n[site]\nfolder = "site"\n[web]\nport = {web}\n'
        f'[mqtt]\nurl = "{broker.url}"\nusername = "{SERVICE_USER}"\n',
        "utf-8",
    )
    fleet = Fleet(args, broker, folder)
    service = None
    try:
        filled = fleet.hear()
        fleet.go()
        said = fleet.hear()  # the last seconds of the outage
        figures = store_figures(args, filled)
        say(json.dumps(figures))
        env = {"LIFTWATCH_MQTT__PASSWORD": broker.credentials.service}
        program = (args.program,) if args.program else ("-m", "monitor")
        service = python(*program, "run", "--config",
                         str(folder / "liftwatch.toml"), env=env)  # fmt: skip
        wait_until((folder / "var" / "liftwatch.db").exists, 120, "the service")
        broker.start()
        wait_until(lambda: ready(web), 300, "the service to be ready")
        held = total(said, "outage")
        progress = Progress(web, service.pid, folder, held)
        progress.start()
        watch = AlertWatch(folder / "var" / "liftwatch.db")
        watch.start()
        cpu = cpu_s(service.pid)
        fleet.go()
        back = fleet.hear()
        figures |= link_figures(back, held, watch)
        say(json.dumps(figures))
        begun = time.monotonic()
        wait_until(lambda: metric(web, "liftwatch_late_batches_behind") == 0, 7200, "the late lane")
        figures["late_lane_after_s"] = round(time.monotonic() - begun, 1)
        cpu = cpu_s(service.pid) - cpu
        fleet.go()
        ended = fleet.hear()
        rows = total(ended, "samples")
        figures["service_cpu_us_per_sample"] = round(cpu / held * 1e6, 2)
        figures |= end_figures(ended, figures["live_p99_s"])
        watch.stopping.set()
        progress.stopping.set()
        progress.join()
        figures |= progress.figures()
        figures |= late_figures(folder, total(filled, "late"))
        service.terminate()
        service.wait(120)
        service = None
        return counted(folder, args.lifts, rows) | figures
    finally:
        fleet.end()
        if service is not None:
            service.kill()
        broker.stop()


def store_figures(args: argparse.Namespace, filled: list[dict[str, Any]]) -> dict[str, Any]:
    """What the stores hold and what it cost."""
    samples, size = total(filled, "filled"), total(filled, "held_bytes")
    return {
        "broker": args.broker,
        "encoding": args.encoding,
        "hours": args.hours,
        "lifts": args.lifts,
        "held_samples": samples,
        "store_bytes_per_sample": round(size / samples, 2),
        "file_bytes_per_sample": round(total(filled, "file_bytes") / samples, 2),
        "ratio_raw_float32": round(size / samples / RAW_BYTES, 4),
        "stored_per_s": round(samples / max(line["seconds"] for line in filled)),
    }


def link_figures(back: list[dict[str, Any]], held: int, watch: AlertWatch) -> dict[str, Any]:
    """How it went once the link was back."""
    probes = total(back, "probes")
    wait_until(lambda: all(code in watch.seen for code, _ in probes), 60, "all alerts")
    waits = [watch.seen[code] - at for code, at in probes] or [0.0]
    delays = total(back, "delays") or [0.0]
    seconds = max(line["seconds"] for line in back)
    return {
        "backfill_s": round(seconds, 1),
        "backfill_per_s": round(held / seconds),
        "live_p50_s": round(float(np.percentile(delays, 50)), 3),
        "live_p99_s": round(float(np.percentile(delays, 99)), 3),
        "alarm_p50_s": round(float(np.percentile(waits, 50)), 3),
        "alarm_p99_s": round(float(np.percentile(waits, 99)), 3),
        "alarms": len(probes),
    }


def end_figures(ended: list[dict[str, Any]], p99_s: float) -> dict[str, Any]:
    """What the gateways counted, and how long what is live takes without a backlog."""
    alone, judging = (total(ended, which) or [float("nan")] for which in ("alone", "judging"))
    alone_s = float(np.percentile(alone, 99))
    return {
        "live_p99_while_judging_s": round(float(np.percentile(judging, 99)), 3),
        "live_p50_alone_s": round(float(np.percentile(alone, 50)), 3),
        "live_p99_alone_s": round(alone_s, 3),
        "live_p99_ratio": round(p99_s / alone_s, 2),
        "messages": total(ended, "published"),
        "resent": total(ended, "resent"),
        "refused": total(ended, "refused"),
        "given_up": total(ended, "given_up"),
        "durable": all(line["durable"] for line in ended),
    }


def late_figures(folder: Path, late: list[str]) -> dict[str, Any]:
    """Alerts for what happened during the outage: all there, all marked."""
    db = sqlite3.connect(f"file:{folder / 'var' / 'liftwatch.db'}?mode=ro", uri=True)
    try:
        rows = db.execute("SELECT subject, late FROM alert WHERE code = 93").fetchall()
    finally:
        db.close()
    told = set(late)
    marked = {subject for subject, is_late in rows if is_late}
    return {
        "late_alarms": len(told),
        "late_alarms_missing": len(told - marked),
        "late_alarms_unmarked": len(told & {subject for subject, is_late in rows if not is_late}),
        "late_alerts": sum(1 for _, is_late in rows if is_late),
    }


def counted(folder: Path, lifts: int, published: int) -> dict[str, Any]:
    """Count history lift by lift, in the file itself, after the service has ended."""
    db = duckdb.connect(str(folder / "var" / "history" / "history.duckdb"), read_only=True)
    stored = distinct = 0
    try:
        for low in range(0, lifts, 50):
            row = db.execute(
                "SELECT sum(n), sum(d) FROM (SELECT count(*) n, count(DISTINCT ts_ms) d"
                " FROM sample WHERE lift >= ? AND lift < ? GROUP BY lift)",
                (low, low + 50),
            ).fetchone()
            if row and row[0]:
                stored, distinct = stored + int(row[0]), distinct + int(row[1])
    finally:
        db.close()
    size = sum(file.stat().st_size for file in (folder / "var" / "history").rglob("*.*"))
    return {
        "lost": published - distinct,
        "doubled": stored - distinct,
        "stored": stored,
        "history_bytes_per_sample": round(size / max(1, stored), 2),
    }


def run(argv: list[str]) -> dict[str, Any]:
    """Measure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks outage", description=__doc__)
    parser.add_argument("--hours", type=float, default=10.0)
    parser.add_argument("--lifts", type=int, default=1000)
    parser.add_argument("--gateways", type=int, default=20)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--encoding", choices=("packed", "json"), default="packed")
    parser.add_argument("--broker", choices=("any", "mosquitto", "embedded"), default="any")
    parser.add_argument("--quiet-s", type=float, default=20.0, help="live alone, at the end")
    parser.add_argument("--program", help="run this as the service, e.g. one that profiles it")
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(dir=os.environ.get("OUTAGE_FOLDER")) as name:
        return outage(args, Path(name)) | {"channels": len(CHANNELS)}
