"""Expiry, overlap and revocation on a clock of our own; the embedded broker; the authority."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from structlog.testing import capture_logs

from alerts.database.access import open_engine, reading
from alerts.database.tables import journal
from alerts.migrations import migrate
from alerts.model import Actor, Role
from config.errors import ConfigError
from config.settings import Mqtt, Provisioning, Settings
from devices.registry import Registry
from monitor.broker import EmbeddedBroker, free_port, real_gateways
from monitor.metrics import Metrics
from monitor.provisioning.authority import Authority
from monitor.provisioning.issuer import DAY_MS, HOUR_MS, Issuer
from monitor.provisioning.watch import Watch
from monitor.registry.states import Book
from tests.monitor.provisioning.client import Client
from tests.support.wait import until

ADMIN = Actor("admin", Role.ADMIN)
START_MS = 1_790_000_000_000


class Clock:
    now_ms = START_MS

    def __call__(self) -> int:
        return self.now_ms


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def issuer(tmp_path: Path, clock: Clock) -> Iterator[Issuer]:
    settings = Settings(
        data_dir=tmp_path,
        mqtt=Mqtt(url="mqtt://127.0.0.1:1"),
        provisioning=Provisioning(password_days=90, overlap_hours=72, warn_days=30),
    )
    migrate(settings.database)
    engine = open_engine(settings.database)
    yield Issuer(engine, settings, clock)
    engine.dispose()


def watch(issuer: Issuer, clock: Clock) -> Watch:
    book = Book(Registry([], []), {}, {}, 0, 0)
    return Watch(issuer, Metrics(), clock, lambda: book)


def users(issuer: Issuer) -> list[str]:
    text = (issuer.folder / "mosquitto.passwd").read_text("utf-8")
    return [line.partition(":")[0] for line in text.splitlines()]


def test_an_overlap_ends_by_itself(issuer: Issuer, clock: Clock) -> None:
    issuer.give("gw-1", "password", ADMIN)
    issuer.rotate("gw-1", ADMIN)
    assert users(issuer) == ["gw-1", "gw-1@2"]
    clock.now_ms += 72 * HOUR_MS
    watch(issuer, clock).look()
    assert users(issuer) == ["gw-1@2"]
    assert [c.state(clock.now_ms) for c in issuer.credentials()] == ["ended", "good"]


def test_what_ends_soon_is_told_once_a_day_and_not_when_replaced(
    issuer: Issuer, clock: Clock
) -> None:
    issuer.give("gw-1", "password", ADMIN)
    issuer.give("gw-2", "password", ADMIN)
    looking = watch(issuer, clock)
    looking.look()
    assert looking.verdict()[0]
    clock.now_ms += 70 * DAY_MS
    with capture_logs() as said:
        looking.look()
        looking.look()
    told = [(line["gateway"], line["days"]) for line in said if line["event"] == "credential.ends"]
    assert told == [("gw-1", 20.0), ("gw-2", 20.0)]
    issuer.rotate("gw-1", ADMIN)
    looking.look()
    ok, text = looking.verdict()
    assert not ok
    assert "gw-2" in text.en and "gw-1" not in text.en
    clock.now_ms += 30 * DAY_MS
    looking.look()
    assert users(issuer) == ["gw-1@2"], "an expired one lets nobody in"
    assert "gw-2 0 d" in looking.verdict()[1].zh, "and is still told"


def test_who_did_what_stands_in_the_journal_without_secrets(issuer: Issuer) -> None:
    given = issuer.give("gw-1", "password", ADMIN)
    issuer.revoke("gw-1", ADMIN, "stolen")
    assert given.password and given.password not in repr(given)
    with reading(issuer._engine) as conn:
        lines = [row.data for row in conn.execute(journal.select())]
    assert len(lines) == 2
    assert "stolen" in lines[1]
    assert given.password not in "".join(lines)
    with pytest.raises(ConfigError, match="gw-1"):
        issuer.revoke("gw-1", ADMIN)
    with pytest.raises(ConfigError, match="gateway add"):
        issuer.rotate("gw-1", ADMIN)
    with pytest.raises(ConfigError, match="letters"):
        issuer.give("gw 1/#", "password", ADMIN)


def test_the_embedded_broker_knows_a_gateway_by_name_but_not_by_topic(issuer: Issuer) -> None:
    first = issuer.give("gw-1", "password", ADMIN, embedded=True)
    issuer.give("gw-2", "password", ADMIN, embedded=True)
    issuer.revoke("gw-2", ADMIN)
    folder = issuer.folder.parent / "broker"
    assert (folder / "gateways.toml").stat().st_mode & 0o777 == 0o600
    assert "gw-2" not in (folder / "gateways.toml").read_text("utf-8")
    assert real_gateways(folder) == ["gw-1"]  # the demo's simulator is not this one
    broker = EmbeddedBroker(folder, free_port(0))
    broker.start()
    broker.host = "127.0.0.1"  # type: ignore[attr-defined]
    clients = []
    try:
        one = Client(broker, first.username, first.password).up()  # type: ignore[arg-type]
        service = Client(broker, "service", broker.credentials.service).up()  # type: ignore[arg-type]
        clients += [one, service]
        service.hear("lift/v1/+/telemetry")
        one.say("lift/v1/gw-1/telemetry", "mine")
        one.say("lift/v1/gw-2/telemetry", "not mine")
        until(lambda: len(service.got) == 2, what="it has no rules by topic: docs/provisioning.md")
        wrong = Client(broker, "gw-1", "guess", name="w")  # type: ignore[arg-type]
        clients.append(wrong)
        until(lambda: wrong.lost or wrong.reason is not None, what="an answer")
        assert wrong.lost or wrong.reason.is_failure
    finally:
        for client in clients:
            client.close()
        broker.stop()


def test_the_authority_vouches_within_its_own_time(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "ca")
    with pytest.raises(ConfigError, match="ca init"):
        authority.client("gw-1", "gw-1", START_MS, 30)
    authority.init("test", START_MS, days=100)
    long = authority.client("gw-1", "gw-1", START_MS, 825)
    assert long.expires_ms == authority.expires_ms()
    short = authority.client("gw-1@2", "gw-1", START_MS, 30)
    assert short.expires_ms == START_MS + 30 * DAY_MS
    assert long.serial != short.serial
    authority.write_crl([(int(short.serial, 16), START_MS)], START_MS)
    before = authority.crl_file.read_bytes()
    authority.write_crl([(int(short.serial, 16), START_MS)], START_MS + 1000)
    assert authority.crl_file.read_bytes() == before, "what says the same stays"
    crl = x509.load_pem_x509_crl(before)
    ca = x509.load_pem_x509_certificate(authority.pem().encode())
    assert crl.is_signature_valid(ca.public_key())  # type: ignore[arg-type]
    assert [f"{one.serial_number:x}" for one in crl] == [short.serial]
