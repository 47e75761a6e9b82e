"""An edge node by pysparkplug, moved by lines on standard input; tells what it sees as JSON lines.

Run with the interpreter of the peer's own venv: PORT GROUP NODE DEVICE HOST.
"""

from __future__ import annotations

import itertools
import json
import os
import sys
from typing import Any

import pysparkplug as psp

PORT, GROUP, NODE, DEVICE, HOST = sys.argv[1:6]
ALIASES = {"speed": 1, "people": 2, "code/93": 3}
TYPES = {"speed": psp.DataType.FLOAT, "people": psp.DataType.INT32, "code/93": psp.DataType.BOOLEAN}
values: dict[str, Any] = {"speed": 0.25, "people": 0, "code/93": False}


def tell(**what: Any) -> None:
    print(json.dumps(what), flush=True)


def now() -> int:
    return int(psp.get_current_timestamp())


def metric(name: str, *, birth: bool) -> psp.Metric:
    return psp.Metric(
        timestamp=now(),
        name=name if birth else None,
        datatype=TYPES[name],
        value=values[name],
        alias=ALIASES[name],
    )


def publish(verb: psp.MessageType, made: Any, device: str | None) -> None:
    topic = psp.Topic(group_id=GROUP, message_type=verb, edge_node_id=NODE, device_id=device)
    message = psp.Message(topic=topic, payload=made, qos=psp.QoS.AT_MOST_ONCE, retain=False)
    node._client.publish(message, include_dtypes=False)


def rebirth(_node: psp.EdgeNode, message: psp.Message) -> None:
    asked = [(one.name, one.value) for one in message.payload.metrics]
    tell(saw="NCMD", metrics=asked, qos=int(message.qos), retain=message.retain)
    if asked == [("Node Control/Rebirth", True)]:
        node._EdgeNode__seq_cycler = itertools.cycle(range(256))
        births()


def births() -> None:
    own = (
        psp.Metric(now(), "bdSeq", psp.DataType.INT64, value=BD_SEQ),
        psp.Metric(now(), "Node Control/Rebirth", psp.DataType.BOOLEAN, value=False),
    )
    publish(psp.MessageType.NBIRTH, psp.NBirth(now(), node._seq, own), None)
    device = tuple(metric(name, birth=True) for name in ALIASES)
    publish(psp.MessageType.DBIRTH, psp.DBirth(now(), node._seq, device), DEVICE)
    tell(did="births")


def state(_client: psp.Client, message: psp.Message) -> None:
    tell(saw="STATE", online=message.payload.online, ts=message.payload.timestamp)


client = psp.Client(client_id=f"edge-{NODE}")
own = [psp.Metric(now(), "Node Control/Rebirth", psp.DataType.BOOLEAN, value=False)]
node = psp.EdgeNode(GROUP, NODE, own, client=client, cmd_callback=rebirth)
BD_SEQ = 0  # of pysparkplug's first connection
device = psp.Device(DEVICE, [metric(name, birth=True) for name in ALIASES])
node.register(device)
client.subscribe(
    psp.Topic(message_type=psp.MessageType.STATE, sparkplug_host_id=HOST),
    psp.QoS.AT_LEAST_ONCE,
    state,
)
node.connect("127.0.0.1", port=int(PORT))

for line in sys.stdin:
    name, _, rest = line.strip().partition(" ")
    if name == "die":
        os._exit(1)  # the socket breaks: the broker publishes the will
    elif name == "bye":
        node.disconnect()
        break
    else:
        said = json.loads(rest)
        values[name] = said
        data = psp.DData(now(), node._seq, (metric(name, birth=False),))
        publish(psp.MessageType.DDATA, data, DEVICE)
        tell(did="data", name=name)
