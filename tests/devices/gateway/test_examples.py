"""The examples run as they are printed, against a real broker."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import devices.gateway.examples as examples
from tests.devices.responder import Responder
from tests.devices.wire import code
from tests.support.brokers import TestBroker
from tests.support.process import Spawn


@pytest.mark.parametrize("name", ["threads", "tasks"])
def test_an_example_publishes_and_everything_is_durable(
    mosquitto: TestBroker, spawn: Spawn, tmp_path: Path, name: str
) -> None:
    service = Responder(mosquitto)
    env = {"SECONDS_TO_RUN": "5", "PERIOD": "0.02", "STORE": str(tmp_path / "gw-01.db")}
    program = (sys.executable, "-m", f"devices.gateway.examples.{name}")
    run = spawn(*program, mosquitto.url, "gw-01", code(0), code(1), env=env)
    assert run.wait(30.0) == 0, run.output
    assert "durable" in run.output
    assert len(service.times()) == 10
    service.close()


@pytest.mark.parametrize("name", ["threads", "tasks"])
def test_an_example_is_short(name: str) -> None:
    lines = (Path(examples.__file__).parent / f"{name}.py").read_text("utf-8").splitlines()
    assert len([line for line in lines if line.strip()]) <= 40
