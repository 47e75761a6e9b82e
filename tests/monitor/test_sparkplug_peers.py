"""Edge nodes that we did not write, a real broker, the real service: birth to history."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.support.brokers import TestBroker
from tests.support.process import Spawn
from tests.support.site import ServiceProcess, reg_code, write_small_site
from tests.support.wait import until

SCRIPTS = Path(__file__).parents[1] / "peers"
GROUP = "city"


class Peer:
    """A peer's script in its own interpreter; `seen` is what it told, in order."""

    def __init__(self, name: str, *arguments: str) -> None:
        python = Path(sys.prefix) / "peers" / name / "bin" / "python"
        script = SCRIPTS / f"edge_{name}.py"
        self._process = subprocess.Popen(
            [python, script, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.seen: list[dict[str, Any]] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self._process.stdout or ():
            if line.startswith("{"):
                self.seen.append(json.loads(line))

    def do(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()

    def count(self, **what: Any) -> int:
        return sum(all(one.get(k) == v for k, v in what.items()) for one in self.seen)

    def end(self) -> None:
        self._process.kill()
        self._process.wait(10)


Start = Callable[..., Peer]


@pytest.fixture
def peer() -> Iterator[Start]:
    made: list[Peer] = []

    def start(name: str, *arguments: str) -> Peer:
        made.append(Peer(name, *arguments))
        return made[-1]

    yield start
    for one in made:
        one.end()


@pytest.fixture
def service(tmp_path: Path, spawn: Spawn, mosquitto: TestBroker) -> Iterator[ServiceProcess]:
    write_small_site(tmp_path / "site")
    env = {
        "LIFTWATCH_INGEST__DIALECTS": '["sparkplug"]',
        "LIFTWATCH_INGEST__SPARKPLUG__REBIRTH_S": "1",
    }
    running = ServiceProcess(spawn, tmp_path, mosquitto.url, env).start()
    yield running
    if running.program is not None and running.program.running:
        running.stop()


def samples(service: ServiceProcess) -> float:
    lines = service.get("/metrics")[1].splitlines()
    return sum(float(one.split()[-1]) for one in lines if one.startswith("liftwatch_samples_total"))


def alerts(service: ServiceProcess) -> list[tuple[str, str]]:
    db = sqlite3.connect(service.database)
    found = db.execute("SELECT rule, subject FROM alert ORDER BY id").fetchall()
    db.close()
    return found


def history(service: ServiceProcess, lift: str, channel: str) -> list[float]:
    db = duckdb.connect(str(service.history), read_only=True)
    rows = db.execute(
        f"SELECT {channel} FROM sample JOIN lift ON slot = lift"
        f" WHERE reg_code = ? AND {channel} IS NOT NULL ORDER BY ts_ms",
        [lift],
    ).fetchall()
    db.close()
    return [row[0] for row in rows]


def test_pysparkplug_from_birth_to_death(
    service: ServiceProcess, mosquitto: TestBroker, peer: Start
) -> None:
    lift = reg_code(0)
    edge = peer("pysparkplug", str(mosquitto.port), GROUP, "gw-0", lift, "liftwatch")
    # tck-id-host-topic-phid-birth-payload, -birth-retain: {"online": true, "timestamp": …},
    # retained, so that a node which comes later sees it too
    until(lambda: edge.count(saw="STATE", online=True), what="STATE online")
    until(lambda: samples(service) >= 1, what="the births' present values")
    edge.do("speed 0.5")
    until(lambda: samples(service) >= 2, what="data by alias")
    edge.do("code/93 true")
    until(lambda: ("2", lift) in alerts(service), what="the alert for trapped passengers")
    assert edge.count(saw="NCMD") <= 1  # births before we listened, at most

    service.kill()
    # tck-id-operational-behavior-host-application-connect-will-payload, -will-retained
    until(lambda: edge.count(saw="STATE", online=False), what="our will")
    before, commands = edge.count(did="births"), edge.count(saw="NCMD")
    service.start()
    until(lambda: edge.seen[-1].get("online") is True, what="STATE online again")
    stamps = [one["ts"] for one in edge.seen if one.get("saw") == "STATE"]
    assert stamps == sorted(stamps)  # a later STATE has a later timestamp
    edge.do("speed 0.75")  # by an alias that nobody knows any more
    until(lambda: edge.count(saw="NCMD") > commands, what="the request for a rebirth")
    asked = [one for one in edge.seen if one.get("saw") == "NCMD"]
    assert all(one["metrics"] == [["Node Control/Rebirth", True]] for one in asked)
    assert all((one["qos"], one["retain"]) == (0, False) for one in asked)
    until(lambda: edge.count(did="births") > before, what="births again")
    until(lambda: samples(service) >= 1, what="present values")
    edge.do("speed 1.25")
    until(lambda: samples(service) >= 2, what="data by alias again")

    edge.do("die")
    silent = ("23", lift)
    until(lambda: silent in alerts(service), 10, "rule 23 at once: the broker told of the death")
    assert service.stop() == 0
    spoken = history(service, lift, "speed")
    assert spoken[:2] == [0.25, 0.5]
    assert spoken[-2:] == [0.75, 1.25]  # what was lost meanwhile came as the present value
    assert history(service, lift, "people")[0] == 0


def test_mqtt_spb_wrapper_from_birth_to_goodbye(
    service: ServiceProcess, mosquitto: TestBroker, peer: Start
) -> None:
    """Its births prefix every name (DATA/speed), its data does not; both are understood."""
    lift = reg_code(1)
    edge = peer("spbwrapper", str(mosquitto.port), GROUP, "gw-1", lift)
    until(lambda: edge.count(did="births"), what="births")
    until(lambda: samples(service) >= 1, what="present values")
    edge.do("speed 0.5")
    edge.do("people 2")
    until(lambda: edge.count(did="data") == 2 and samples(service) >= 3, what="data")
    # in order: edge nodes are told first, and what came until then is committed. (A kill loses
    # what was not committed yet, 100 ms: QoS 0, docs/sparkplug.md.)
    assert service.stop() == 0
    service.start()
    edge.do("speed 0.75")
    until(lambda: edge.count(saw="NCMD"), what="the request for a rebirth")
    asked = [one for one in edge.seen if one.get("saw") == "NCMD"]
    assert asked[0]["metrics"] == [["Node Control/Rebirth", True]]
    until(lambda: edge.count(did="births") >= 2, what="births again")
    until(lambda: samples(service) >= 2, what="present values")
    edge.do("bye")
    until(lambda: ("23", lift) in alerts(service), 10, "rule 23 at once: it said goodbye")
    assert service.stop() == 0
    assert set(history(service, lift, "speed")) == {0.25, 0.5, 0.75}
    assert set(history(service, lift, "people")) == {0.0, 2.0}
    assert set(history(service, lift, "service_mode")) == {1.0}
