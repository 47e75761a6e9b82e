"""What each kind of broker must be told so that a gateway can be itself and nobody else.

One place says what a gateway may do; each broker's own words are made from it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import orjson

from devices.codecs.routes import Rights
from devices.codecs.topics import ACK, topic
from monitor.provisioning.credentials import PASSWORD, Credential
from monitor.provisioning.hashes import RABBITMQ_ALGORITHM

MAY_WRITE = ("telemetry", "backfill", "message", "waveform", "status")
BROKERS = ("mosquitto", "rabbitmq", "embedded")
HEAD = "# Made by `liftwatch gateway`: changes here are lost. docs/provisioning.md\n"
# As in deploy/mosquitto.acl: what the service itself needs, whatever is switched on.
SERVICE = Rights(
    (topic("+", ACK), "liftwatch/v1/pages/#", "liftwatch/v1/replies/+/+/answer"),
    (*(topic("+", kind) for kind in MAY_WRITE), "liftwatch/v1/replies/+/+"),
)
RightsOf = Callable[[str], Rights]
# RabbitMQ's MQTT plugin with `mqtt.sparkplug = true` writes the namespace's dot so
_SPARKPLUG = (r"spBv1\.0\.", r"spBv1(?:\.|___)0\.")


def ours(gateway: str) -> Rights:
    """Return what a gateway of the wire contract may do."""
    return Rights(tuple(topic(gateway, kind) for kind in MAY_WRITE), (topic(gateway, ACK),))


def acl_of(username: str, rights: Rights) -> str:
    """Return a user's block of a mosquitto ACL file."""
    lines = [f"user {username}", *(f"topic write {name}" for name in rights.write)]
    return "\n".join([*lines, *(f"topic read {name}" for name in rights.read)]) + "\n"


def mosquitto_acl(
    good: Iterable[Credential], service: str | None, rights: RightsOf = ours, own: Rights = SERVICE
) -> str:
    """Return the whole ACL file: the service with what it may do, then every gateway."""
    blocks = [acl_of(service, own)] if service else []
    blocks += [acl_of(one.username, rights(one.gateway)) for one in good]
    return HEAD + "\n" + "\n".join(blocks)


def mosquitto_passwords(good: Iterable[Credential], service: str | None) -> str:
    """Return the whole password file; `service`: its own line, name:hash."""
    lines = [service] if service else []
    lines += [f"{one.username}:{one.mosquitto_hash}" for one in good if one.mosquitto_hash]
    return "".join(f"{line}\n" for line in lines)


def rabbitmq_definitions(
    good: Sequence[Credential], rights: RightsOf = ours, vhost: str = "/"
) -> bytes:
    """Return RabbitMQ definitions (JSON) of these users, to be imported.

    MQTT topics are routing keys of `amq.topic` there, with `.` for `/`: a gateway whose id has a
    dot would come out of it as two levels, and is left out. A subscription is a queue named by
    client id, so a gateway's must be `gateway-ID`, as docs/wire.md recommends.
    """
    users: list[dict[str, Any]] = []
    permissions: list[dict[str, Any]] = []
    topics: list[dict[str, Any]] = []
    for one in (one for one in good if "." not in one.gateway):
        secret = (
            {"password_hash": one.rabbitmq_hash, "hashing_algorithm": RABBITMQ_ALGORITHM}
            if one.kind == PASSWORD
            else {"password_hash": "", "hashing_algorithm": RABBITMQ_ALGORITHM}
        )
        users.append({"name": one.username, **secret, "tags": []})
        queue = rf"mqtt-subscription-gateway-{re.escape(one.gateway)}qos[01]"
        permissions.append(
            {
                "user": one.username,
                "vhost": vhost,
                "configure": f"^{queue}$",
                "write": rf"^(amq\.topic|{queue})$",
                "read": rf"^(amq\.topic|{queue})$",
            }
        )
        topics.append(
            {
                "user": one.username,
                "vhost": vhost,
                "exchange": "amq.topic",
                "write": _keys(rights(one.gateway).write),
                "read": _keys(rights(one.gateway).read),
            }
        )
    told = {"users": users, "permissions": permissions, "topic_permissions": topics}
    return orjson.dumps(told, option=orjson.OPT_INDENT_2)


def _keys(filters: Sequence[str]) -> str:
    return f"^({'|'.join(_key(one) for one in filters)})$"


def _key(one: str) -> str:
    """Return an MQTT filter as a pattern of routing keys: `+` is one level, `#` the rest."""
    levels = {"+": "[^.]+", "#": ".*"}
    made = r"\.".join(levels.get(level) or re.escape(level) for level in one.split("/"))
    return made.replace(*_SPARKPLUG, 1) if made.startswith(_SPARKPLUG[0]) else made


def embedded_entry(username: str, password: str) -> str:
    """Return a gateway's line of the embedded broker's `gateways.toml`."""
    return f'"{username}" = "{password}"\n'
