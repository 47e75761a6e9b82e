"""The derived copy, against a real time-series engine that speaks InfluxDB's write API."""

from __future__ import annotations

import json
import shutil
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from config.settings import Influx
from devices.batch import TelemetryBatch
from devices.registry import load_registry
from devices.vocabulary import load_vocabulary
from monitor.store.compact import DAY_MS, compact
from monitor.store.history import History
from monitor.store.influx import InfluxCopy
from tests.support.ports import free_port
from tests.support.process import Program, Spawn
from tests.support.site import reg_code, write_small_site
from tests.support.wait import until

VOCAB = load_vocabulary()
NOW_MS = 1_795_000_000_000


class Engine:
    """victoria-metrics on a loopback port: it accepts InfluxDB's /api/v2/write."""

    def __init__(self, spawn: Spawn, folder: Path) -> None:
        self.spawn, self.folder, self.port = spawn, folder, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.program: Program | None = None

    def start(self) -> None:
        self.program = self.spawn(
            "victoria-metrics", f"-storageDataPath={self.folder}", "-retentionPeriod=100y",
            f"-httpListenAddr=127.0.0.1:{self.port}",
        )  # fmt: skip
        until(lambda: self.get("/health"), 20, "victoria-metrics")

    def get(self, path: str) -> str:
        with urllib.request.urlopen(self.url + path, timeout=5) as answer:
            return str(answer.read().decode())

    def points(self, metric: str) -> dict[str, list[tuple[int, float]]]:
        self.get("/internal/force_flush")
        found = {}
        for line in self.get(f"/api/v1/export?match={metric}").splitlines():
            row = json.loads(line)
            pairs = zip(row["timestamps"], row["values"], strict=True)
            found[row["metric"]["reg_code"]] = sorted(pairs)
        return found


@pytest.fixture
def engine(spawn: Spawn, tmp_path: Path) -> Iterator[Engine]:
    assert shutil.which("victoria-metrics"), "make test installs victoria-metrics"
    one = Engine(spawn, tmp_path / "vm")
    one.start()
    yield one


def batch(lift: int, ts_ms: int, speed: float) -> TelemetryBatch:
    values = np.full((1, len(VOCAB)), np.nan, np.float32)
    values[0, VOCAB.index("speed")] = speed
    return TelemetryBatch(
        np.array([lift], np.int32), np.array([ts_ms], np.int64), values, np.array([False])
    )


def test_the_copy_catches_up_survives_an_outage_and_doubles_nothing(
    engine: Engine, tmp_path: Path
) -> None:
    registry = load_registry(write_small_site(tmp_path / "site"))
    history = History(tmp_path / "history", VOCAB)
    for i in range(120):
        history.append(batch(i % 3, NOW_MS + i * 1000, i / 10), NOW_MS, {})
    copy = InfluxCopy(Influx(url=engine.url), history, registry)
    copy.worker.start()
    until(lambda: copy.behind == 0, 20, "the copy to catch up")
    assert engine.program is not None
    engine.program.stop()
    history.append(batch(0, NOW_MS + 500_000, 9.0), NOW_MS, {})
    until(lambda: copy.worker.trouble, 20, "the outage to be noticed")
    assert copy.behind == 1
    engine.start()
    until(lambda: copy.behind == 0, 30, "the copy to catch up again")
    found = until(
        lambda: (p := engine.points("lift_speed")) and len(p[reg_code(0)]) == 41 and p, 20
    )
    assert [ts for ts, _ in found[reg_code(1)]] == [NOW_MS + i * 1000 for i in range(1, 120, 3)]
    assert found[reg_code(0)][-1] == (NOW_MS + 500_000, 9.0)
    copy.stop()

    # a new process goes on behind the cursor; days that were compacted are still copied
    history.append(batch(2, NOW_MS + 600_000, 1.5), NOW_MS, {})
    compact(history, NOW_MS + 2 * DAY_MS, history.last_batch, 400, 1)
    again = InfluxCopy(Influx(url=engine.url), history, registry)
    assert again.behind == 1
    assert again.copy_some() == 1
    assert again.behind == 0
    again.stop()
    history.close()
