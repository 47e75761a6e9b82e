"""RabbitMQ with our definitions: the format, and a real node that keeps gateways apart."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.provisioning.brokers import rabbitmq_definitions
from monitor.provisioning.credentials import Credential
from monitor.provisioning.hashes import mosquitto_hash, rabbitmq_hash
from tests.monitor.provisioning.client import Client
from tests.support.rabbitmq import SERVER, RabbitMQ
from tests.support.wait import until

WORDS = {"gw-0": "first word of many", "gw-1": "another word", "gw-1@2": "a third"}


def given() -> list[Credential]:
    return [
        Credential(
            number, name.partition("@")[0], name, "password", mosquitto_hash(word),
            rabbitmq_hash(word), None, None, 1, "test", None, None, None, None,
        )
        for number, (name, word) in enumerate(WORDS.items())
    ]  # fmt: skip


def with_service(password: str) -> bytes:
    told = json.loads(rabbitmq_definitions(given()))
    told["vhosts"] = [{"name": "/"}]
    told["users"].append(
        {"name": "liftwatch", "password_hash": rabbitmq_hash(password), "tags": [],
         "hashing_algorithm": "rabbit_password_hashing_sha256"}
    )  # fmt: skip
    told["permissions"].append(
        {"user": "liftwatch", "vhost": "/", "configure": ".*", "write": ".*", "read": ".*"}
    )
    return json.dumps(told).encode()


def test_the_hash_is_salt_and_sha256() -> None:
    raw = base64.b64decode(rabbitmq_hash("word"))
    assert len(raw) == 4 + 32
    assert raw[4:] == hashlib.sha256(raw[:4] + b"word").digest()


def test_a_gateways_keys_are_its_own() -> None:
    told = json.loads(rabbitmq_definitions(given()))
    assert {user["name"] for user in told["users"]} == set(WORDS)
    first, second, newer = told["topic_permissions"]
    assert re.match(first["write"], "lift.v1.gw-0.telemetry")
    assert not re.match(first["write"], "lift.v1.gw-0.ack")
    assert not re.match(first["write"], "lift.v1.gw-00.telemetry")
    assert not re.match(first["write"], "lift.v1.gwx0.telemetry")
    assert re.match(first["read"], "lift.v1.gw-0.ack")
    assert not re.match(first["read"], "lift.v1.gw-1.ack")
    assert re.match(second["read"], "lift.v1.gw-1.ack")
    assert newer["read"] == second["read"]
    dotted = [dataclasses.replace(given()[0], gateway="a.b", username="a.b")]
    assert json.loads(rabbitmq_definitions(dotted))["users"] == []


@pytest.fixture
def node(tmp_path: Path) -> Iterator[RabbitMQ]:
    assert SERVER.exists(), "no RabbitMQ here: bash scripts/system.sh rabbitmq-server"
    node = RabbitMQ(tmp_path / "rabbitmq", with_service("the service's own"))
    try:
        yield node.start()
    finally:
        node.end()


def test_a_real_node_keeps_gateways_apart(node: RabbitMQ) -> None:
    service = Client(node, "liftwatch", "the service's own", name="liftwatch").up()
    service.hear("lift/v1/+/telemetry")
    one = Client(node, "gw-0", WORDS["gw-0"], name="gateway-gw-0").up()
    two = Client(node, "gw-1@2", WORDS["gw-1@2"], name="gateway-gw-1").up()
    one.hear("lift/v1/gw-0/ack")
    two.hear("lift/v1/gw-1/ack")
    try:
        one.say("lift/v1/gw-0/telemetry", "mine")
        two.say("lift/v1/gw-1/telemetry", "and mine")
        service.say("lift/v1/gw-0/ack", "to the first")
        until(lambda: len(service.got) == 2 and one.got, what="what is allowed")
        assert {payload for _, payload in service.got} == {b"mine", b"and mine"}
        two.forge("lift/v1/gw-0/telemetry")
        spy = Client(node, "gw-1", WORDS["gw-1"], name="gateway-gw-1").up()
        spy.client.subscribe("lift/v1/gw-0/ack", 1)
        until(lambda: spy.lost or spy.subscribed, what="an answer to the spy")
        assert spy.lost or spy.subscribed[0][3][0].is_failure
        spy.close()
        wrong = Client(node, "gw-0", WORDS["gw-1"], name="gateway-gw-0x")
        until(lambda: wrong.reason is not None, what="an answer to a wrong password")
        assert wrong.reason.is_failure
        wrong.close()
        one.say("lift/v1/gw-0/telemetry", "goes on")
        until(lambda: service.got[-1][1] == b"goes on", what="the honest one goes on")
        assert len(service.got) == 3
    finally:
        for client in (service, one, two):
            client.close()
