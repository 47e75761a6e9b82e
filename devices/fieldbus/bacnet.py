"""BACnet/IP (ISO 16484-5) by bacpypes3: ReadProperty, and nothing that writes."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from typing import Any

from bacpypes3.apdu import AbortPDU, ErrorPDU, ErrorRejectAbortNack, RejectPDU
from bacpypes3.ipv4.app import NormalApplication
from bacpypes3.local.device import DeviceObject
from bacpypes3.pdu import Address, IPv4Address
from bacpypes3.primitivedata import ObjectIdentifier

from devices.fieldbus.plan import Raw, ReadError, Source

AT = re.compile(r"([a-z-]+),(\d{1,7})(?: ([a-z0-9-]+)(?:\[(\d+)\])?)?")
OURS = 4_194_302  # device instance; the highest that is not the wild card


class BacnetReader:
    """One device by its address. `local`: address and port we speak from, HOST:PORT."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._places = []
        for point in source.points:
            match = AT.fullmatch(point.at)
            if match is None:
                raise ValueError(point.at)
            index = int(match[4]) if match[4] else None
            self._places.append((f"{match[1]},{match[2]}", match[3] or "present-value", index))
        self._app: NormalApplication | None = None

    async def open(self) -> None:
        """Bind our own address; BACnet/IP has no connection. Raises ReadError."""
        device = DeviceObject(
            objectIdentifier=ObjectIdentifier(("device", OURS)),
            objectName="liftwatch-gateway",
            vendorIdentifier=999,
            maxApduLengthAccepted=1476,
            segmentationSupported="noSegmentation",
        )
        local = str(self._source.where.get("local", "127.0.0.1:0"))
        try:
            self._app = NormalApplication(device, IPv4Address(local))
        except (OSError, ValueError) as error:
            raise ReadError(f"local {local}: {error}") from None

    async def read(self) -> Sequence[Raw]:
        """Read property by property; one that the device does not have says nothing."""
        address = Address(str(self._source.where["address"]))
        told = [await self._one(address, *place) for place in self._places]
        if all(one is None for one in told):
            raise ReadError(f"{address}: no property could be read")
        return told

    async def _one(self, address: Address, thing: str, name: str, index: int | None) -> Raw:
        if self._app is None:
            raise ReadError("not open")
        try:
            async with asyncio.timeout(self._source.timeout_s):
                value = await self._app.read_property(address, thing, name, index)
        except TimeoutError:
            raise ReadError(f"{address}: no answer to {thing} {name}") from None
        except ErrorRejectAbortNack as error:
            if isinstance(error, AbortPDU):
                raise ReadError(f"{address}: {error}") from None
            return None
        return _plain(value)

    async def close(self) -> None:
        """Let go of our address."""
        app, self._app = self._app, None
        if app is not None:
            app.close()


def _plain(value: Any) -> Raw:
    if isinstance(value, ErrorPDU | RejectPDU) or value is None:
        return None
    if isinstance(value, bool):
        return value
    if isinstance(value, float):
        return float(value)
    if isinstance(value, int):  # enumerations too: their number is what a code map knows
        return int(value)
    return str(value)
