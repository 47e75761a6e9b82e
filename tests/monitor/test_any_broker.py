"""A broker that is not ours: TLS, users, MQTT 5; the service and the SDK meet there."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

from devices.gateway import Gateway
from monitor.broker import GATEWAY_USER, SERVICE_USER, EmbeddedBroker, free_port
from tests.support.brokers import BrokerFactory
from tests.support.certs import make_certs
from tests.support.process import Spawn
from tests.support.site import ServiceProcess, reg_code, write_small_site
from tests.support.wait import until

USERS = {"liftwatch": "service secret", "gw-0": "gateway secret"}


def samples_taken(service: ServiceProcess) -> int:
    lines = service.get("/metrics")[1].splitlines()
    return int(float(next(x for x in lines if x.startswith("liftwatch_samples_total")).split()[1]))


def test_mosquitto_with_tls_and_users(
    tmp_path: Path, spawn: Spawn, broker_factory: BrokerFactory
) -> None:
    certs = make_certs(tmp_path / "certs")
    broker = broker_factory("mosquitto", users=USERS, certs=certs)
    write_small_site(tmp_path / "site")
    env = {
        "LIFTWATCH_MQTT__USERNAME": "liftwatch",
        "LIFTWATCH_MQTT__PASSWORD": USERS["liftwatch"],
        "LIFTWATCH_MQTT__CA_FILE": str(certs.ca),
    }
    service = ServiceProcess(spawn, tmp_path, broker.url, env).start()
    gateway = Gateway(
        "gw-0", store=tmp_path / "gw.db", url=broker.url, username="gw-0",
        password=USERS["gw-0"], ca_file=certs.ca,
    )  # fmt: skip
    with gateway:
        gateway.publish_columns(int(time.time() * 1000), [reg_code(0)], {"speed": [0.0]})
        assert gateway.flush(30), "confirmed by the service"
    assert samples_taken(service) == 1
    assert USERS["liftwatch"] not in (service.program.output if service.program else "")
    assert service.stop() == 0


def test_mqtt_5_into_the_embedded_broker(tmp_path: Path, spawn: Spawn) -> None:
    broker = EmbeddedBroker(tmp_path / "broker", free_port(0))
    broker.start()
    try:
        write_small_site(tmp_path / "site")
        env = {
            "LIFTWATCH_MQTT__USERNAME": SERVICE_USER,
            "LIFTWATCH_MQTT__PASSWORD": broker.credentials.service,
        }
        service = ServiceProcess(spawn, tmp_path, broker.url, env).start()
        now_ms = int(time.time() * 1000)
        said = (
            f'{{"v":1,"boot":{now_ms},"seq":1,"lift":"{reg_code(0)}","ts":{now_ms},'
            '"values":{"speed":0}}'
        )
        subprocess.run(
            ["mosquitto_pub", "-V", "5", "-h", "127.0.0.1", "-p", str(broker.port5), "-q", "1",
             "-u", GATEWAY_USER, "-P", broker.credentials.gateway,
             "-t", "lift/v1/gw-0/telemetry", "-m", said],
            check=True,
        )  # fmt: skip
        until(lambda: samples_taken(service) == 1, 20, "the sample of an MQTT 5 sender")
        assert service.stop() == 0
    finally:
        broker.stop()
