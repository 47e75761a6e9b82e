"""An edge node and a device by mqtt-spb-wrapper, moved by lines on standard input.

Run with the interpreter of the peer's own venv: PORT GROUP NODE DEVICE.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from mqtt_spb_wrapper import MqttSpbEntityDevice, MqttSpbEntityEdgeNode

PORT, GROUP, NODE, DEVICE = sys.argv[1:5]


def tell(**what: Any) -> None:
    print(json.dumps(what), flush=True)


def commanded(payload: dict[str, Any]) -> None:
    asked = [(one["name"], one["value"]) for one in payload["metrics"]]
    tell(saw="NCMD", metrics=asked)
    births()


def births() -> None:
    node.publish_birth()
    device.publish_birth()
    tell(did="births")


# its own include_spb_rebirth sets the *result* of publish_birth as call-back, and falls over it
node = MqttSpbEntityEdgeNode(GROUP, NODE, include_spb_rebirth=False)
node.commands.set_value("Node Control/Rebirth", False)
node.on_command = commanded
node.attributes.set_value("vendor", "acme")
device = MqttSpbEntityDevice(GROUP, NODE, DEVICE)
device.attributes.set_value("serial", "7")
device.data.set_value("speed", 0.25)
device.data.set_value("people", 0)
device.data.set_value("service_mode", "normal")
if not (node.connect("127.0.0.1", int(PORT)) and device.connect("127.0.0.1", int(PORT))):
    sys.exit("no connection")
births()

for line in sys.stdin:
    name, _, rest = line.strip().partition(" ")
    if name == "die":
        os._exit(1)
    elif name == "bye":
        device.disconnect()
        node.disconnect()
        break
    else:
        device.data.set_value(name, json.loads(rest))
        device.publish_data()
        tell(did="data", name=name)
