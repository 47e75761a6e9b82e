"""OPC UA (IEC 62541) by asyncua: one read a turn for all nodes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from asyncua import ua
from asyncua.client.client import Client
from asyncua.ua.uaerrors import UaError

from devices.fieldbus.plan import Raw, ReadError, Source

ATTRIBUTE_VALUE = 13  # Part 4, AttributeIds
BROKEN = (OSError, asyncio.TimeoutError, ConnectionError, UaError)


class OpcUaReader:
    """One server. `user` and `password` (a secret) where the server asks for them."""

    def __init__(self, source: Source, password: str | None) -> None:
        self._source, self._password = source, password
        self._client: Client | None = None
        self._nodes: list[Any] = []

    async def open(self) -> None:
        """Connect and open a session. Raises ReadError."""
        client = Client(str(self._source.where["url"]), timeout=self._source.timeout_s)
        user = self._source.where.get("user")
        if user is not None:
            client.set_user(str(user))
            client.set_password(self._password or "")
        try:
            await client.connect()
        except BROKEN as error:
            raise ReadError(
                f"{self._source.where['url']}: {error or type(error).__name__}"
            ) from None
        self._client = client
        self._nodes = [client.get_node(point.at) for point in self._source.points]

    async def read(self) -> Sequence[Raw]:
        """Read all nodes at once; a node without a good value says nothing."""
        if self._client is None:
            raise ReadError("not connected")
        try:
            found = await self._client.uaclient.read_attributes(
                [node.nodeid for node in self._nodes], ATTRIBUTE_VALUE
            )
        except BROKEN as error:
            raise ReadError(
                f"{self._source.where['url']}: {error or type(error).__name__}"
            ) from None
        return [_plain(one) for one in found]

    async def close(self) -> None:
        """End the session."""
        client, self._client = self._client, None
        if client is not None:
            try:
                await asyncio.wait_for(client.disconnect(), self._source.timeout_s)
            except BROKEN:
                return  # the other end is gone already


def _plain(found: ua.DataValue) -> Raw:
    if found.StatusCode is not None and not found.StatusCode.is_good():
        return None
    value = found.Value.Value if found.Value is not None else None
    return value if isinstance(value, bool | int | float | str) else None
