"""Controllers for tests: the simulators of the protocols' own libraries, on free loopback ports."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any

from asyncua import Server, ua
from bacpypes3.ipv4.app import NormalApplication
from bacpypes3.local.analog import AnalogValueObject
from bacpypes3.local.binary import BinaryValueObject
from bacpypes3.local.device import DeviceObject
from bacpypes3.local.multistate import MultiStateValueObject
from bacpypes3.pdu import IPv4Address
from pymodbus.datastore import (
    ModbusDeviceContext,
    ModbusSequentialDataBlock,
    ModbusServerContext,
)
from pymodbus.server import ModbusTcpServer

from tests.support.ports import free_port
from tests.support.wait import until


class Loop:
    """An event loop in a thread of its own, so that a test can be a plain function or not."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(90)

    def call(self, work: Callable[[], Any]) -> Any:
        async def inside() -> Any:
            return work()

        return self.do(inside())

    def end(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(10)
        self.loop.close()


class ModbusController:
    """Unit 1: holding registers from 100, coils from 0."""

    def __init__(self) -> None:
        self.port = free_port()
        self._loop = Loop()
        self._words, self._coils = [0] * 32, [False] * 32
        self._start()

    def _start(self) -> None:
        device = ModbusDeviceContext(
            hr=ModbusSequentialDataBlock(101, self._words),
            co=ModbusSequentialDataBlock(1, self._coils),
        )

        async def begin() -> ModbusTcpServer:
            context = ModbusServerContext(devices={1: device}, single=False)
            server = ModbusTcpServer(context, address=("127.0.0.1", self.port))
            await server.serve_forever(background=True)
            return server

        self._server = self._loop.do(begin())

    def hold(self, address: int, *words: int) -> None:
        self._words[address - 100 : address - 100 + len(words)] = words  # it outlives a restart
        self._loop.do(self._server.async_setValues(1, 16, address, list(words)))

    def coil(self, address: int, on: bool) -> None:
        self._coils[address] = on
        self._loop.do(self._server.async_setValues(1, 15, address, [on]))

    def stop(self) -> None:
        self._loop.do(self._server.shutdown())

    def restart(self) -> None:
        self._start()

    def end(self) -> None:
        self.stop()
        self._loop.end()


class OpcUaController:
    """Lift1 with a few variables; user `gw` with a password."""

    def __init__(self) -> None:
        self._loop = Loop()
        self.url = f"opc.tcp://127.0.0.1:{free_port()}/lift/"
        self._nodes: dict[str, Any] = {}
        self._loop.do(self._begin())

    async def _begin(self) -> None:
        self._server = Server()
        await self._server.init()
        self._server.set_endpoint(self.url)
        self._server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
        space = await self._server.register_namespace("urn:lift")
        lift = await self._server.nodes.objects.add_object(space, "Lift1")
        for name, value in {"Speed": 0.0, "Floor": 3, "Mode": "AUTO", "DoorClosed": True}.items():
            node_id = ua.NodeId(f"Lift1.{name}", space)
            self._nodes[name] = await lift.add_variable(node_id, name, value)
        await self._server.start()

    def say(self, name: str, value: Any) -> None:
        self._loop.do(self._nodes[name].write_value(value))

    def end(self) -> None:
        self._loop.do(self._server.stop())
        self._loop.end()


class BacnetController:
    """A device with an analog, a binary and a multi-state value."""

    def __init__(self) -> None:
        self._loop = Loop()
        self.address = f"127.0.0.1:{free_port()}"
        self.local = f"127.0.0.1:{free_port()}"
        self._loop.do(self._begin())

    async def _begin(self) -> None:
        device = DeviceObject(
            objectIdentifier=("device", 7), objectName="controller", vendorIdentifier=999,
            maxApduLengthAccepted=1476, segmentationSupported="noSegmentation",
        )  # fmt: skip
        self._app = NormalApplication(device, IPv4Address(self.address))
        self.speed = AnalogValueObject(
            objectIdentifier=("analog-value", 1), objectName="speed", presentValue=1.5
        )
        self.closed = BinaryValueObject(
            objectIdentifier=("binary-value", 1), objectName="closed", presentValue="active"
        )
        self.mode = MultiStateValueObject(
            objectIdentifier=("multi-state-value", 1), objectName="mode", presentValue=2,
            numberOfStates=5,
        )  # fmt: skip
        for thing in (self.speed, self.closed, self.mode):
            self._app.add_object(thing)

    def end(self) -> None:
        self._loop.call(self._app.close)
        self._loop.end()


__all__ = ["BacnetController", "Loop", "ModbusController", "OpcUaController", "until"]
