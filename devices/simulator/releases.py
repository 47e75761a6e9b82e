"""Help that has come: the demo tells the simulator that people were freed, over MQTT.

Topic `liftwatch/demo/release`, payload the reg_code of the lift. A real lift needs no such
message; there the door opens because somebody opened it.
"""

from __future__ import annotations

import queue
from typing import Any, Final

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from devices.gateway import Address

TOPIC: Final = "liftwatch/demo/release"


class Releases:
    """Listens for releases in a thread of its own; `take()` returns what came."""

    def __init__(self, address: Address) -> None:
        """Connect in the background and keep trying."""
        self._came: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._client = client = mqtt.Client(CallbackAPIVersion.VERSION2, clean_session=True)
        if address.username is not None:
            client.username_pw_set(address.username, address.password)
        if address.tls:
            paths = (address.ca_file, address.cert_file, address.key_file)
            ca, cert, key = (None if path is None else str(path) for path in paths)
            client.tls_set(ca, cert, key)
        client.on_connect = self._connected
        client.on_message = self._message
        client.connect_async(address.host, address.port)
        client.loop_start()

    def take(self) -> list[str]:
        """Return the reg_codes that came since the last call."""
        came = []
        while not self._came.empty():
            came.append(self._came.get_nowait())
        return came

    def close(self) -> None:
        """Disconnect and end the thread."""
        self._client.disconnect()
        self._client.loop_stop()

    def _connected(self, client: mqtt.Client, *_rest: Any) -> None:
        client.subscribe(TOPIC, qos=1)

    def _message(self, _client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        self._came.put(message.payload.decode("utf-8", "replace").strip())
