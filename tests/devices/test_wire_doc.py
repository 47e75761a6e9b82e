"""docs/wire.md says what the code does, and its examples run as they stand."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from devices.codecs import decode_ack, decode_status
from devices.codecs.refuse import REASONS
from devices.registry import Gateway, Registry
from devices.wire_tables import EXAMPLE_LIFT, EXAMPLE_MS, EXAMPLES, _lift, answer, update
from tests.devices.responder import Responder
from tests.devices.wire import GW, LIMITS, VOCAB, code, reasons, send, taken
from tests.support.brokers import TestBroker
from tests.support.wait import until

ROOT = Path(__file__).parents[2]
DOC = (ROOT / "docs" / "wire.md").read_text("utf-8")
SITE = Registry([_lift(EXAMPLE_LIFT, GW), _lift("31105001992014000002", GW)], [Gateway(GW, "", "")])


def test_the_tables_are_up_to_date() -> None:
    assert update(DOC, VOCAB) == DOC, "run: python -m devices.wire_tables docs/wire.md"


def test_every_reason_is_documented_with_a_real_answer() -> None:
    told_elsewhere = {"unmapped_value", "not_csv", "internal_error", "seq_back"}
    told_elsewhere |= {"not_protobuf", "no_birth"}  # docs/sparkplug.md
    assert set(EXAMPLES) == set(REASONS) - told_elsewhere
    for reason in EXAMPLES:
        assert answer(reason).reason == reason


def test_every_json_example_is_taken_as_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.devices.wire.REGISTRY", SITE)
    blocks = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", DOC, re.DOTALL)]
    kinds = []
    for block in blocks:
        payload = json.dumps(block).encode()
        if "durable" in block:
            kinds.append("ack")
            ack = decode_ack(payload)
            assert ack is not None and ack.refused[0].field == "speed"
        elif block.get("state") == "online":
            kinds.append("status")
            topic = f"lift/v1/{GW}/status"
            assert decode_status(topic, payload, EXAMPLE_MS, SITE, LIMITS).online
        else:
            told = block.keys() & {"code", "messages", "gaps"}
            kind = "message" if told else "telemetry"
            kinds.append(kind)
            assert taken(block, kind, now_ms=EXAMPLE_MS).refusals == []
    expected = ["telemetry"] * 3 + ["message"] * 3 + ["status", "ack"]
    assert kinds == expected


@pytest.fixture
def service(mosquitto: TestBroker) -> Iterator[Responder]:
    one = Responder(mosquitto)
    yield one
    one.close()


def _example(name: str) -> str:
    found = re.search(rf"<!-- try: {name} -->\n```(?:sh|python)\n(.*?)```", DOC, re.DOTALL)
    assert found is not None, name
    return found[1]


def _around(broker: TestBroker, folder: Path) -> dict[str, str]:
    mine = {
        "BROKER_HOST": broker.host,
        "BROKER_PORT": str(broker.port),
        "MQTT_USER": "gateway",
        "MQTT_PASSWORD": "unused",
        "LIFT": code(1),
        "GATEWAY": GW,
        "SAMPLES": "2",
        "PERIOD": "0",
        "STORE": str(folder / "gw.db"),
        "PYTHONPATH": str(ROOT),
    }
    return {**os.environ, **mine}


@pytest.mark.parametrize(
    ("name", "count", "refused"),
    [
        ("alarm", 1, []),
        ("telemetry", 2, []),
        ("broken", 1, [("out_of_range", "speed")]),
        ("over", 1, []),
    ],
)
def test_the_commands_run_as_they_stand(
    mosquitto: TestBroker,
    service: Responder,
    tmp_path: Path,
    name: str,
    count: int,
    refused: list[tuple[str, str]],
) -> None:
    script = ["sh", "-euc", _example(name)]
    subprocess.run(script, check=True, env=_around(mosquitto, tmp_path), timeout=30)
    until(lambda: service.total() == count)
    ((boot, messages),) = service.kept.items()
    assert sorted(messages) == list(range(1, count + 1))
    for body in messages.values():
        kind = "message" if "code" in body else "telemetry"
        outcome = send(body, kind, now_ms=boot + 5000)
        assert reasons(outcome) == refused


def test_the_sdk_example_runs_as_it_stands(
    mosquitto: TestBroker, service: Responder, tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _example("sdk")],
        check=True,
        env=_around(mosquitto, tmp_path),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "durable" in done.stdout and len(service.times()) == 10
    assert any(body.get("code") == 43 for body in next(iter(service.kept.values())).values())
    assert len(_example("sdk").strip().splitlines()) <= 35
