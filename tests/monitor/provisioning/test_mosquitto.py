"""A real mosquitto with what we print: a gateway can be itself and nobody else, until revoked."""

from __future__ import annotations

import json
import os
import shutil
import signal
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from monitor.cli import build
from monitor.provisioning.hashes import mosquitto_fits, mosquitto_hash
from tests.monitor.provisioning.client import Client
from tests.support.brokers import BrokerFactory, TestBroker
from tests.support.site import write_small_site
from tests.support.wait import until

SERVICE = "liftwatch"
PASSWORD = "the service's own secret"


@dataclass
class Site:
    """A site folder and the command line on it."""

    folder: Path

    def run(self, *command: str, fails: bool = False) -> str:
        line = ["gateway", *command, "--config", str(self.folder / "site.toml")]
        done = CliRunner().invoke(build(["gateway"]), line)
        assert (done.exception is not None) == fails, done.output
        return str(done.exception) if fails else done.stdout

    def give(self, name: str, *options: str) -> dict[str, Any]:
        told = self.run("add", name, "--broker", "mosquitto", "--json", *options)
        return dict(json.loads(told))

    @property
    def files(self) -> Path:
        return self.folder / "var" / "provisioning"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    write_small_site(tmp_path / "site")
    (tmp_path / "site.toml").write_text(
        'data_dir = "var"\n[site]\nfolder = "site"\n[mqtt]\nurl = "mqtt://127.0.0.1:1"\n', "utf-8"
    )
    monkeypatch.setenv("LIFTWATCH_MQTT__USERNAME", SERVICE)
    monkeypatch.setenv("LIFTWATCH_MQTT__PASSWORD", PASSWORD)
    return Site(tmp_path)


def refused(broker: TestBroker, user: str, password: str) -> bool:
    client = Client(broker, user, password, name="nobody")
    try:
        until(lambda: client.reason is not None, what="an answer to CONNECT")
        return bool(client.reason.is_failure)
    finally:
        client.close()


@pytest.fixture
def clients() -> Iterator[list[Client]]:
    made: list[Client] = []
    yield made
    for one in made:
        one.close()


def test_our_hash_is_mosquittos(tmp_path: Path) -> None:
    tool = shutil.which("mosquitto_passwd")
    assert tool
    file = tmp_path / "theirs"
    subprocess.run([tool, "-b", "-c", file, "gw", "密码 word"], check=True, capture_output=True)
    stored = file.read_text("utf-8").strip().partition(":")[2]
    assert stored.startswith("$7$")
    assert mosquitto_fits("密码 word", stored)
    assert not mosquitto_fits("another", stored)
    assert not mosquitto_fits("x", "$6$abc")
    assert [len(x) for x in mosquitto_hash("w").split("$")] == [len(x) for x in stored.split("$")]


def test_with_what_is_printed_a_gateway_can_only_be_itself(
    site: Site, broker_factory: BrokerFactory, clients: list[Client]
) -> None:
    one, two = site.give("gw-0"), site.give("gw-1")
    assert one["password"] not in (site.files / "mosquitto.passwd").read_text("utf-8")
    assert one["rules"] in (site.files / "mosquitto.acl").read_text("utf-8")
    broker = broker_factory(
        "mosquitto", allow_anonymous=False, password_file=site.files / "mosquitto.passwd",
        acl_file=site.files / "mosquitto.acl",
    )  # fmt: skip
    service = Client(broker, SERVICE, PASSWORD).up()
    a = Client(broker, one["username"], one["password"]).up()
    b = Client(broker, two["username"], two["password"]).up()
    clients += [service, a, b]
    service.hear(*(f"lift/v1/+/{k}" for k in ("telemetry", "message", "waveform", "status")))
    a.hear("lift/v1/gw-0/ack")
    b.hear("lift/v1/gw-1/ack", "lift/v1/gw-0/ack", "lift/v1/+/ack", "#")

    for kind in ("telemetry", "message", "waveform", "status"):
        a.say(f"lift/v1/gw-0/{kind}", kind)
        Client(broker, two["username"], two["password"], name="f").up().forge(
            f"lift/v1/gw-0/{kind}"
        )
    for topic in ("lift/v1/gw-0/ack", "lift/v1/gw-1/ack", "lift/v1/gw-1/other"):
        Client(broker, two["username"], two["password"], name="f").up().forge(topic)
    service.say("lift/v1/gw-0/ack", "answer")
    until(lambda: len(service.got) >= 4 and a.got, what="what is allowed")
    assert sorted(payload.decode() for _, payload in service.got) == [
        "message", "status", "telemetry", "waveform",
    ]  # fmt: skip
    assert a.got == [("lift/v1/gw-0/ack", b"answer")]
    assert b.got == []
    assert refused(broker, one["username"], two["password"])


def test_rotation_overlaps_and_a_revoked_one_is_out_after_a_reload(
    site: Site, broker_factory: BrokerFactory, clients: list[Client]
) -> None:
    old = site.give("gw-0")
    broker = broker_factory(
        "mosquitto", allow_anonymous=False, password_file=site.files / "mosquitto.passwd",
        acl_file=site.files / "mosquitto.acl",
    )  # fmt: skip
    first = Client(broker, old["username"], old["password"]).up()
    new = json.loads(site.run("rotate", "gw-0", "--broker", "mosquitto", "--json"))
    assert new["username"] == "gw-0@2"
    os.kill(broker.pid, signal.SIGHUP)
    until(lambda: not refused(broker, new["username"], new["password"]), what="the new one is in")
    service = Client(broker, SERVICE, PASSWORD).up().hear("lift/v1/+/telemetry")
    second = Client(broker, new["username"], new["password"]).up()
    clients += [first, service, second]
    first.say("lift/v1/gw-0/telemetry", "old")
    second.say("lift/v1/gw-0/telemetry", "new")
    until(lambda: {p for _, p in service.got} == {b"old", b"new"}, what="both are good meanwhile")

    site.run("revoke", "gw-0", "--user", old["username"], "--reason", "stolen")
    os.kill(broker.pid, signal.SIGHUP)
    until(lambda: first.lost, what="the revoked one is thrown out")
    assert refused(broker, old["username"], old["password"])
    second.say("lift/v1/gw-0/telemetry", "still")
    until(lambda: service.got[-1][1] == b"still", what="the newer one goes on")
    assert "stolen" in site.run("show", "gw-0")


def context(folder: Path, user: str | None) -> ssl.SSLContext:
    made = ssl.create_default_context(cafile=folder / "ca.crt")
    if user:
        made.load_cert_chain(folder / f"{user}.crt", folder / f"{user}.key")
    return made


def test_certificates_over_tls(
    site: Site, broker_factory: BrokerFactory, clients: list[Client]
) -> None:
    site.run("ca", "init")
    assert (site.folder / "var" / "ca" / "ca.key").stat().st_mode & 0o777 == 0o600
    assert "ca.key" in site.run("ca", "init", fails=True), "it is not made twice"
    certs, tls = site.folder / "certs", site.folder / "tls"
    for name in ("gw-0", "gw-1"):
        site.give(name, "--auth", "certificate", "--out", str(certs))
        assert (certs / f"{name}.key").stat().st_mode & 0o777 == 0o600
    site.run("ca", "server", "127.0.0.1", "localhost", "--out", str(tls))
    site.run("ca", "service", "--out", str(tls))
    shutil.copy(certs / "ca.crt", tls)
    options = {
        "cafile": site.files / "ca.crt", "certfile": tls / "server.crt",
        "keyfile": tls / "server.key", "crlfile": site.files / "crl.pem",
        "require_certificate": True, "use_identity_as_username": True,
        "acl_file": site.files / "mosquitto.acl", "allow_anonymous": False,
    }  # fmt: skip
    broker = broker_factory("mosquitto", **options)
    a = Client(broker, "gw-0", tls=context(certs, "gw-0")).up()
    b = Client(broker, "gw-1", tls=context(certs, "gw-1")).up()
    service = Client(broker, SERVICE, tls=context(tls, "service")).up()
    service.hear("lift/v1/+/telemetry")
    clients += [a, b, service]
    Client(broker, "", tls=context(certs, "gw-1"), name="f").up().forge("lift/v1/gw-0/telemetry")
    a.say("lift/v1/gw-0/telemetry", "mine")
    until(lambda: service.got, what="what is allowed")
    assert service.got == [("lift/v1/gw-0/telemetry", b"mine")]
    with pytest.raises((ssl.SSLError, OSError)):
        stranger = Client(broker, "x", tls=context(certs, None))
        clients.append(stranger)
        until(lambda: stranger.lost or stranger.reason, 3, "no certificate, no way in")
        raise OSError("thrown out")

    site.run("revoke", "gw-0")
    os.kill(broker.pid, signal.SIGHUP)

    def out() -> bool:
        try:
            again = Client(broker, "gw-0", tls=context(certs, "gw-0"), name="again")
        except (ssl.SSLError, OSError):
            return True
        try:
            until(lambda: again.reason is not None or again.lost, 3, "an answer")
            return again.reason is None or bool(again.reason.is_failure)
        except AssertionError:
            return True
        finally:
            again.close()

    until(out, what="its handshake is refused once the list was read again")
    a.forge("lift/v1/gw-0/telemetry")
    b.say("lift/v1/gw-1/telemetry", "goes on")
    until(lambda: service.got[-1][1] == b"goes on", what="others go on")
    assert len(service.got) == 2, "what is still connected may do nothing any more"
