"""A gateway that polls controllers, by a real broker: what changed, what is on, what comes back."""

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


def columns(responder: Responder, name: str) -> list[float]:
    """Values of a channel in the order in which they were read."""
    bodies = [body for boot in responder.kept.values() for _, body in sorted(boot.items())]
    return [v for b in bodies for v in b.get("columns", {}).get(name, []) if v is not None]


def messages(responder: Responder) -> list[tuple[int, str]]:
    bodies = [body for boot in responder.kept.values() for _, body in sorted(boot.items())]
    return [(body["code"], body["state"]) for body in bodies if "code" in body]


def test_what_changes_is_published_and_a_silence_is_silent(
    tmp_path: Path, spawn: Spawn, modbus: ModbusController, mosquitto: TestBroker
) -> None:
    responder = Responder(mosquitto)
    modbus.hold(100, 3)
    program = started(spawn, tmp_path, PLAN.format(url=mosquitto.url, port=modbus.port))
    until(lambda: columns(responder, "car_position") == [3], 30)
    modbus.hold(100, 4)
    until(lambda: columns(responder, "car_position") == [3, 4], 30)
    assert columns(responder, "door_closed") == [0], "what did not change is not told again"
    modbus.coil(12, True)
    until(lambda: messages(responder) == [(8, "off"), (8, "on")], 30)
    modbus.stop()
    until(lambda: "connection" in program.output or "No response" in program.output, 30)
    modbus.restart()
    until(lambda: columns(responder, "car_position") == [3, 4, 4], 60, "the whole state anew")
    modbus.coil(12, False)
    until(lambda: messages(responder) == [(8, "off"), (8, "on"), (8, "off")], 30)
    assert program.stop(15) == 0
    responder.close()


def test_a_serial_line(tmp_path: Path, spawn: Spawn, modbus: ModbusController) -> None:
    """RTU over a pseudo terminal: a bridge of bytes to frames, as a converter on the wall does."""
    ours, theirs = pty.openpty()
    for end in (ours, theirs):
        tty.setraw(end)
    modbus.hold(100, 7)
    over = threading.Event()
    bridge = threading.Thread(target=_bridge, args=(ours, modbus.port, over), daemon=True)
    bridge.start()
    text = PLAN.format(url="mqtt://127.0.0.1:1", port=0).replace('"modbus-tcp"', '"modbus-rtu"')
    text = text.replace('host = "127.0.0.1"\nport = 0', f'port = "{os.ttyname(theirs)}"')
    (tmp_path / "plan.toml").write_text(text.replace("LIFT", LIFT), "utf-8")
    command = ("-m", "monitor", "gateway", "read", "--config", str(tmp_path / "plan.toml"))
    program = spawn(sys.executable, *command, env={"COLUMNS": "120"})
    until(lambda: not program.running, 30)
    over.set()
    bridge.join(5)
    assert "car_position 7 floor" in program.output, program.output
    os.close(ours)
    os.close(theirs)


def _bridge(line: int, port: int, over: threading.Event) -> None:
    """Answer RTU requests on a line from a Modbus TCP device."""
    from pymodbus.framer import FramerRTU

    client = ModbusTcpClient("127.0.0.1", port=port)
    client.connect()
    os.set_blocking(line, False)
    held = b""
    while not over.is_set():
        try:
            held += os.read(line, 256)
        except BlockingIOError:
            time.sleep(0.002)
            continue
        if len(held) < 8:
            continue
        unit, function = held[0], held[1]
        address, count = int.from_bytes(held[2:4]), int.from_bytes(held[4:6])
        held = held[8:]
        if function == 1:
            bits = client.read_coils(address, count=count, device_id=unit).bits[:count]
            size = (count + 7) // 8
            number = sum(1 << i for i, bit in enumerate(bits) if bit)
            body = bytes([unit, function, size]) + number.to_bytes(size, "little")
        else:
            words = client.read_holding_registers(address, count=count, device_id=unit).registers
            data = b"".join(word.to_bytes(2) for word in words)
            body = bytes([unit, function, len(data)]) + data
        os.write(line, body + FramerRTU.compute_CRC(body).to_bytes(2))
    client.close()


def test_a_secret_that_is_missing_is_named(tmp_path: Path, spawn: Spawn) -> None:
    text = PLAN.format(url="mqtt://127.0.0.1:1", port=1)
    text = text.replace('name = "gw-0"', 'name = "gw-0"\nusername = "gw-0"\npassword = "broker"')
    program = started(spawn, tmp_path, text)
    until(lambda: not program.running, 30)
    assert "LIFTWATCH_KEY_BROKER" in program.output
