"""Modbus TCP and RTU (Modbus Application Protocol V1.1b3) by pymodbus; functions 1–4, reading."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pymodbus.client import AsyncModbusSerialClient, AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException

from devices.fieldbus.plan import Point, Raw, ReadError, Source

AREAS = ("coil", "discrete", "input", "holding")
BITS = ("coil", "discrete")
AT = re.compile(r"(coil|discrete|input|holding):(\d{1,5})")
TYPES = {"int16": 1, "uint16": 1, "int32": 2, "uint32": 2, "float32": 2, "int64": 4, "uint64": 4,
         "float64": 4}  # fmt: skip
MOST_BITS, MOST_REGISTERS = 2000, 125  # of one request, as the specification has it


@dataclass(frozen=True, slots=True)
class _Place:
    area: str
    address: int
    size: int
    type: str
    bit: int | None
    little: bool

    @staticmethod
    def of(point: Point) -> _Place:
        match = AT.fullmatch(point.at)
        if match is None:
            raise ValueError(point.at)
        area, kind = match[1], str(point.options.get("type", "uint16"))
        size = 1 if area in BITS else TYPES[kind]
        bit = point.options.get("bit")
        little = point.options.get("words", "big") == "little"
        return _Place(area, int(match[2]), size, kind, bit, little)


@dataclass(frozen=True, slots=True)
class _Block:
    """One request: neighbours are read together, holes are not (they may not be readable)."""

    area: str
    start: int
    count: int


def blocks(places: Sequence[_Place]) -> list[_Block]:
    """Return the requests that cover these places."""
    found: list[_Block] = []
    for place in sorted(places, key=lambda p: (p.area, p.address)):
        most = MOST_BITS if place.area in BITS else MOST_REGISTERS
        last = found[-1] if found else None
        end = place.address + place.size
        if (
            last is not None
            and last.area == place.area
            and place.address <= last.start + last.count
            and end - last.start <= most
        ):
            count = max(last.count, end - last.start)
            found[-1] = _Block(last.area, last.start, count)
        else:
            found.append(_Block(place.area, place.address, place.size))
    return found


class ModbusReader:
    """One device (unit id) on one line or connection."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._unit = int(source.where.get("unit", 1))
        self._places = [_Place.of(point) for point in source.points]
        self._blocks = blocks(self._places)
        self._client: Any = None

    async def open(self) -> None:
        """Connect. Raises ReadError."""
        where, timeout = self._source.where, self._source.timeout_s
        # reconnecting is ours: the source's state is told anew after it
        common = {"timeout": timeout, "retries": 1, "reconnect_delay": 0.0}
        if self._source.kind == "modbus-rtu":
            self._client = AsyncModbusSerialClient(
                str(where["port"]),
                baudrate=int(where.get("baud", 9600)),
                parity=str(where.get("parity", "N")),
                stopbits=int(where.get("stopbits", 1)),
                **common,  # type: ignore[arg-type]
            )
        else:
            self._client = AsyncModbusTcpClient(
                str(where["host"]),
                port=int(where.get("port", 502)),
                **common,  # type: ignore[arg-type]
            )
        if not await self._client.connect():
            raise ReadError(f"{where.get('host', '')}:{where.get('port', 502)}: no connection")

    async def read(self) -> Sequence[Raw]:
        """Read every block; a block the device refuses leaves its points unread."""
        client = self._client
        ask = {
            "coil": client.read_coils,
            "discrete": client.read_discrete_inputs,
            "input": client.read_input_registers,
            "holding": client.read_holding_registers,
        }
        memory: dict[tuple[str, int], Any] = {}
        refused = []
        for block in self._blocks:
            try:
                answer = await ask[block.area](block.start, count=block.count, device_id=self._unit)
            except ModbusException as error:
                raise ReadError(str(error)) from None
            if answer.isError():
                refused.append(f"{block.area}:{block.start}+{block.count}: {answer}")
                continue
            cells = answer.bits if block.area in BITS else answer.registers
            memory |= {(block.area, block.start + i): c for i, c in enumerate(cells[: block.count])}
        if refused and not memory:
            raise ReadError("; ".join(refused))
        return [self._value(place, memory) for place in self._places]

    def _value(self, place: _Place, memory: dict[tuple[str, int], Any]) -> Raw:
        cells = [memory.get((place.area, place.address + i)) for i in range(place.size)]
        if None in cells:
            return None
        first: Any = cells[0]
        if place.area in BITS:
            return bool(first)
        if place.bit is not None:
            return bool(int(first) >> place.bit & 1)
        kind = self._client.DATATYPE[place.type.upper()]
        order = "little" if place.little else "big"
        value = self._client.convert_from_registers(cells, kind, word_order=order)
        return value if isinstance(value, int | float) else None

    async def close(self) -> None:
        """Close the connection or line."""
        if self._client is not None:
            self._client.close()
            self._client = None
