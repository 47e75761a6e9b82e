"""The real service: strangers are seen, a lift changes its gateway under load, nothing is lost."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from devices.gateway import Gateway
from monitor.broker import GATEWAY_USER, SERVICE_USER, EmbeddedBroker, free_port
from tests.support.process import Spawn
from tests.support.site import ServiceProcess, reg_code, write_small_site
from tests.support.wait import until

PASSWORD = "a word for the test"


class Api:
    def __init__(self, service: ServiceProcess) -> None:
        self.url = service.url + "/api/v1/registry/"
        token = base64.b64encode(f"boss:{PASSWORD}".encode()).decode()
        self.headers = {"Authorization": f"Basic {token}", "Content-Type": "application/json"}

    def call(self, path: str, body: dict[str, Any] | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, self.headers)
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:
            raise AssertionError(error.read().decode()) from None

    def state(self, ident: str, kind: str = "lift") -> str | None:
        rows = self.call(f"{kind}s?q={ident}")["entries"]
        return next((row["state"] for row in rows if row["id"] == ident), None)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[EmbeddedBroker]:
    broker = EmbeddedBroker(tmp_path / "broker", free_port(0))
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture
def service(tmp_path: Path, spawn: Spawn, broker: EmbeddedBroker) -> Iterator[ServiceProcess]:
    write_small_site(tmp_path / "site", lifts=6, gateways=2)
    env = {
        "LIFTWATCH_MQTT__USERNAME": SERVICE_USER,
        "LIFTWATCH_MQTT__PASSWORD": broker.credentials.service,
    }
    running = ServiceProcess(spawn, tmp_path, broker.url, env)
    add = [sys.executable, "-m", "monitor", "user", "add", "boss", "--role", "admin",
           "--config", str(running.config)]  # fmt: skip
    subprocess.run(add, input=f"{PASSWORD}\n", text=True, check=True, capture_output=True)
    yield running.start()
    assert running.stop() == 0


def gateway(name: str, folder: Path, broker: EmbeddedBroker) -> Gateway:
    return Gateway(
        name, store=folder / f"{name}.db", url=broker.url, username=GATEWAY_USER,
        password=broker.credentials.gateway, resend_s=5,
    )  # fmt: skip


class Sending(threading.Thread):
    """Sends a sample of some lifts again and again; counts what it sent."""

    def __init__(self, sender: Gateway, lifts: list[int]) -> None:
        super().__init__(daemon=True)
        self.sender, self.sent = sender, dict.fromkeys(map(reg_code, lifts), 0)
        self.over = threading.Event()

    def run(self) -> None:
        while not self.over.is_set():
            for code in self.sent:
                self.sender.publish_rows(code, [(int(time.time() * 1000), {"speed": 0.0})])
                self.sent[code] += 1
            time.sleep(0.01)

    def finish(self) -> None:
        self.over.set()
        self.join(10)
        assert self.sender.flush(60)


def counter(service: ServiceProcess, name: str) -> float:
    lines = service.get("/metrics")[1].splitlines()
    return sum(float(x.rsplit(" ", 1)[1]) for x in lines if x.startswith(name))


def test_a_lift_changes_its_gateway_under_load(
    service: ServiceProcess, broker: EmbeddedBroker, tmp_path: Path
) -> None:
    api = Api(service)
    assert api.call("summary")["lifts"] == {"never_seen": 6}
    with gateway("gw-0", tmp_path, broker) as zero, gateway("gw-1", tmp_path, broker) as one:
        # lift 0 is gw-0's; gw-1 speaks for it too, and for one nobody knows
        threads = [Sending(zero, [0, 2, 4]), Sending(one, [1, 3, 5, 0, 99])]
        for thread in threads:
            thread.start()
        until(
            lambda: api.state(reg_code(0)) == "two_gateways",
            timeout_s=30,
            what="two gateways are seen",
        )
        until(
            lambda: api.state(reg_code(99)) == "unregistered",
            timeout_s=30,
            what="a stranger is seen",
        )
        assert api.state(reg_code(2)) == "ok"
        api.call(f"lifts/{reg_code(0)}/move", {"gateway": "gw-1", "baseline": "fresh"})
        until(
            lambda: api.state(reg_code(0)) == "two_gateways", timeout_s=30, what="it is wrong now"
        )
        (row,) = api.call(f"lifts?q={reg_code(0)}")["entries"]
        assert row["gateway"] == "gw-1"
        assert {by["gateway"] for by in row["seen_by"]} == {"gw-0"}
        assert row["device_since_ms"]
        for thread in threads:
            thread.finish()
    assert service.stop() == 0
    with duckdb.connect(str(service.history), read_only=True) as db:
        rows = db.execute(
            "SELECT reg_code, count(*) FROM sample JOIN lift ON lift = slot GROUP BY reg_code"
        ).fetchall()
    stored, (zero_sent, one_sent) = dict(rows), (thread.sent for thread in threads)
    disputed = stored.pop(reg_code(0))
    assert stored == {code: number for code, number in (zero_sent | one_sent).items()
                      if code not in (reg_code(0), reg_code(99))}, "all, and once"  # fmt: skip
    assert 0 < disputed < zero_sent[reg_code(0)] + one_sent[reg_code(0)]


def test_an_unknown_gateway_is_registered_and_its_store_is_taken(
    service: ServiceProcess, broker: EmbeddedBroker, tmp_path: Path
) -> None:
    api = Api(service)
    with gateway("gw-7", tmp_path, broker) as stranger:
        for number in range(20):
            at_ms = int(time.time() * 1000) - 20 + number
            stranger.publish_rows(reg_code(3), [(at_ms, {"speed": 0.5})])
        until(lambda: api.state("gw-7", "gateway") == "unregistered", what="it is seen")
        (row,) = api.call("gateways?q=gw-7")["entries"]
        assert row["seen_by"][0]["topic"] == "lift/v1/gw-7/telemetry"
        assert '"speed"' in row["seen_by"][0]["sample"]
        assert stranger.pending > 0, "nothing of it is settled"
        api.call("gateways", {"id": "gw-7", "vendor": "acme"})
        api.call(f"lifts/{reg_code(3)}/move", {"gateway": "gw-7"})
        assert stranger.flush(60), "what it held is taken, without a restart of anybody"
    assert counter(service, "liftwatch_samples_total") == 20
    until(lambda: api.state("gw-7", "gateway") == "ok", what="it is as registered")
    assert api.state(reg_code(3)) == "ok"
    health = json.loads(urllib.request.urlopen(
        urllib.request.Request(service.url + "/api/v1/health", headers=api.headers), timeout=10
    ).read())  # fmt: skip
    (told,) = [part for part in health["parts"] if part["name"] == "credentials"]
    assert told["ok"]
    assert 'liftwatch_registry{kind="lift",state="never_seen"}' in service.get("/metrics")[1]
