"""Each protocol against its library's own server: every kind of place, holes, refusals, silence."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.errors import ConfigError
from config.secrets import Secrets
from devices.fieldbus.modbus import blocks
from devices.fieldbus.plan import Plan, Raw, ReadError
from devices.fieldbus.plan_file import load_plan
from devices.fieldbus.running import read_once
from devices.vocabulary import load_vocabulary
from tests.devices.fieldbus.controllers import BacnetController, ModbusController, OpcUaController
from tests.support.ports import free_port

VOCAB = load_vocabulary()
HEAD = '[gateway]\nname = "gw-0"\nurl = "mqtt://127.0.0.1:1"\n'
LIFT = "31105001002015010001"


def plan(folder: Path, text: str) -> Plan:
    file = folder / "plan.toml"
    file.write_text(HEAD + text.replace("LIFT", LIFT), "utf-8")
    return load_plan(file, VOCAB)


async def told(plan: Plan) -> dict[str, float]:
    (source,) = plan.sources
    found: list[Raw] = await read_once(source, Secrets(None, {}))
    rules = source.channels
    return {
        rule.channel.name: rule.of(raw)
        for rule, raw in zip(rules, found[: len(rules)], strict=True)
    }


@pytest.fixture
def modbus() -> Iterator[ModbusController]:
    controller = ModbusController()
    yield controller
    controller.end()


MODBUS = """
[[source]]
kind = "modbus-tcp"
lift = "LIFT"
host = "127.0.0.1"
port = {port}
[[source.point]]
channel = "car_position"
at = "holding:100"
type = "int16"
[[source.point]]
channel = "speed"
at = "holding:101"
type = "int16"
unit = "mm/s"
[[source.point]]
channel = "service_mode"
at = "holding:102"
values = {{ "0" = "normal", "1" = "inspection", "9" = "" }}
[[source.point]]
channel = "load"
at = "holding:110"
type = "float32"
words = "{words}"
[[source.point]]
channel = "door_zone"
at = "holding:103"
bit = 4
[[source.point]]
channel = "door_closed"
at = "coil:2"
[[source.point]]
channel = "total_running_time"
at = "holding:{far}"
[[source.alarm]]
code = 8
at = "coil:12"
"""


@pytest.mark.parametrize("words", ["big", "little"])
async def test_modbus_registers_bits_and_coils(
    tmp_path: Path, modbus: ModbusController, words: str
) -> None:
    modbus.hold(100, 0x10000 - 2, 1750, 1, 0b1_0000)
    high, low = struct.unpack(">HH", struct.pack(">f", 42.5))
    modbus.hold(110, *((high, low) if words == "big" else (low, high)))
    modbus.coil(2, True)
    found = await told(plan(tmp_path, MODBUS.format(port=modbus.port, words=words, far=115)))
    assert found["car_position"] == -2
    assert found["speed"] == pytest.approx(1.75)
    assert found["service_mode"] == 2  # inspection
    assert found["load"] == pytest.approx(42.5)
    assert found["door_zone"] == 1 and found["door_closed"] == 1
    assert found["total_running_time"] == 0


async def test_a_register_that_is_not_there_leaves_the_others(
    tmp_path: Path, modbus: ModbusController
) -> None:
    modbus.hold(102, 9)
    found = await told(plan(tmp_path, MODBUS.format(port=modbus.port, words="big", far=9000)))
    assert math.isnan(found["total_running_time"]) and found["car_position"] == 0
    assert math.isnan(found["service_mode"]), "the table says: 9 says nothing"


async def test_nobody_there_is_told_with_the_address(tmp_path: Path) -> None:
    port = free_port()
    with pytest.raises(ReadError, match=str(port)):
        await told(plan(tmp_path, MODBUS.format(port=port, words="big", far=115)))


def test_neighbours_are_read_together_and_holes_are_not(tmp_path: Path) -> None:
    from devices.fieldbus.modbus import ModbusReader

    (source,) = plan(tmp_path, MODBUS.format(port=1, words="big", far=115)).sources
    asked = blocks(ModbusReader(source)._places)
    assert [(b.area, b.start, b.count) for b in asked] == [
        ("coil", 2, 1), ("coil", 12, 1), ("holding", 100, 4), ("holding", 110, 2),
        ("holding", 115, 1),
    ]  # fmt: skip


async def test_opc_ua(tmp_path: Path) -> None:
    controller = OpcUaController()
    try:
        controller.say("Speed", 1.25)
        text = f"""
[[source]]
kind = "opcua"
lift = "LIFT"
url = "{controller.url}"
[[source.point]]
channel = "speed"
at = "ns=2;s=Lift1.Speed"
[[source.point]]
channel = "car_position"
at = "ns=2;s=Lift1.Floor"
[[source.point]]
channel = "door_closed"
at = "ns=2;s=Lift1.DoorClosed"
[[source.point]]
channel = "service_mode"
at = "ns=2;s=Lift1.Mode"
values = {{ "AUTO" = "normal", "INSP" = "inspection" }}
[[source.point]]
channel = "load"
at = "ns=2;s=Lift1.NotThere"
"""
        found = await told(plan(tmp_path, text))
    finally:
        controller.end()
    assert found["speed"] == 1.25 and found["car_position"] == 3
    assert found["door_closed"] == 1 and found["service_mode"] == 1
    assert math.isnan(found["load"])


async def test_bacnet(tmp_path: Path) -> None:
    controller = BacnetController()
    try:
        text = f"""
[[source]]
kind = "bacnet"
lift = "LIFT"
address = "{controller.address}"
local = "{controller.local}"
[[source.point]]
channel = "speed"
at = "analog-value,1"
[[source.point]]
channel = "door_closed"
at = "binary-value,1 present-value"
[[source.point]]
channel = "service_mode"
at = "multi-state-value,1"
values = {{ "1" = "normal", "2" = "inspection" }}
[[source.point]]
channel = "load"
at = "analog-value,99"
"""
        found = await told(plan(tmp_path, text))
    finally:
        controller.end()
    assert found["speed"] == 1.5 and found["door_closed"] == 1 and found["service_mode"] == 2
    assert math.isnan(found["load"])


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ('kind = "modbus-tcp"', 'kind = "profibus"', "kind"),
        ('at = "holding:100"', 'at = "400100"', "at"),
        ('channel = "speed"', 'channel = "sped"', "channel"),
        ('host = "127.0.0.1"', 'url = "opc.tcp://x"', "url"),
        ('unit = "mm/s"', 'unit = "knots"', "unit"),
        ("code = 8", "code = 4711", "code"),
        ('lift = "LIFT"', 'lift = "7"', "lift"),
        ("bit = 4", "bit = 16", "bit"),
        ('"0" = "normal"', '"0" = "nomal"', "values"),
    ],
)
def test_mistakes_are_told_with_key_and_way_out(
    tmp_path: Path, old: str, new: str, key: str
) -> None:
    text = MODBUS.format(port=1, words="big", far=115)
    assert old in text
    with pytest.raises(ConfigError) as error:
        plan(tmp_path, text.replace(old, new))
    assert key in error.value.key


def test_readers_can_only_read() -> None:
    """No code of this room calls anything that writes to a controller."""
    room = Path(__file__).parents[3] / "devices" / "fieldbus"
    for file in room.glob("*.py"):
        text = file.read_text("utf-8")
        assert "write_" not in text and "call_method" not in text, file.name


def test_the_plan_of_the_guide_is_one(tmp_path: Path) -> None:
    text = (Path(__file__).parents[3] / "docs" / "gateway-run.md").read_text("utf-8")
    file = tmp_path / "gw-01.toml"
    file.write_text(text.partition("```toml\n")[2].partition("```")[0], "utf-8")
    made = load_plan(file, VOCAB)
    (source,) = made.sources
    assert len(source.channels) == 4 and source.alarms[0].code == 8
    assert made.password == "broker"
