"""A gateway that polls controllers, through a real broker: what changed, what is on, and back again."""

from __future__ import annotations

import os
import pty
import sys
import threading
import time
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest
from pymodbus.client import ModbusTcpClient

from tests.devices.fieldbus.controllers import ModbusController
from tests.devices.fieldbus.test_readers import LIFT
from tests.devices.responder import Responder
from tests.support.brokers import TestBroker
from tests.support.process import Program, Spawn
from tests.support.wait import until

PLAN = """
[gateway]
name = "gw-0"
url = "{url}"
[[source]]
name = "car"
kind = "modbus-tcp"
lift = "LIFT"
host = "127.0.0.1"
port = {port}
period_s = 0.05
heartbeat_s = 3600
timeout_s = 1
[[source.point]]
channel = "car_position"
at = "holding:100"
[[source.point]]
channel = "door_closed"
at = "coil:2"
[[source.alarm]]
code = 8
at = "coil:12"
"""


@pytest.fixture
def modbus() -> Iterator[ModbusController]:
    controller = ModbusController()
    yield controller
    controller.end()


def started(spawn: Spawn, folder: Path, text: str) -> Program:
    (folder / "plan.toml").write_text(text.replace("LIFT", LIFT), "utf-8")
    command = ("-m", "monitor", "gateway", "run", "--config", str(folder / "plan.toml"))
    return spawn(sys.executable, *command, env={"PYTHONUNBUFFERED": "1"})
