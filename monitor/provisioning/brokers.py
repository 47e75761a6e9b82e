"""What each kind of broker must be told so that a gateway can be itself and nobody else.

One place says what a gateway may do; each broker's own words are made from it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import orjson

from devices.codecs.topics import ACK, topic
from monitor.provisioning.credentials import PASSWORD, Credential
from monitor.provisioning.hashes import RABBITMQ_ALGORITHM

MAY_WRITE = ("telemetry", "backfill", "message", "waveform", "status", "packed")
BROKERS = ("mosquitto", "rabbitmq", "embedded")
HEAD = "# Made by `liftwatch gateway`: changes here are lost. docs/provisioning.md\n"
# As in deploy/mosquitto.acl: what the service itself needs.
SERVICE = (
    "topic read lift/v1/+/telemetry",
    "topic read lift/v1/+/backfill",
    "topic read lift/v1/+/message",
    "topic read lift/v1/+/waveform",
    "topic read lift/v1/+/packed",
    "topic read lift/v1/+/status",
    "topic write lift/v1/+/ack",
    "topic write liftwatch/v1/pages/#",
    "topic read liftwatch/v1/replies/+/+",
    "topic write liftwatch/v1/replies/+/+/answer",
)


def writes(gateway: str) -> list[str]:
    """Return the topics a gateway may write."""
    return [topic(gateway, kind) for kind in MAY_WRITE]


def acl_of(username: str, gateway: str) -> str:
    """Return a gateway's block of a mosquitto ACL file."""
    lines = [f"user {username}", *(f"topic write {name}" for name in writes(gateway))]
    return "\n".join([*lines, f"topic read {topic(gateway, ACK)}"]) + "\n"


def mosquitto_acl(good: Iterable[Credential], service: str | None) -> str:
    """Return the whole ACL file: the service, then every gateway."""
    blocks = ["\n".join([f"user {service}", *SERVICE]) + "\n"] if service else []
    blocks += [acl_of(one.username, one.gateway) for one in good]
    return HEAD + "\n" + "\n".join(blocks)


def mosquitto_passwords(good: Iterable[Credential], service: str | None) -> str:
    """Return the whole password file; `service`: its own line, name:hash."""
    lines = [service] if service else []
    lines += [f"{one.username}:{one.mosquitto_hash}" for one in good if one.mosquitto_hash]
    return "".join(f"{line}\n" for line in lines)


def rabbitmq_definitions(good: Sequence[Credential], vhost: str = "/") -> bytes:
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
                "write": _keys(writes(one.gateway)),
                "read": _keys([topic(one.gateway, ACK)]),
            }
        )
    told = {"users": users, "permissions": permissions, "topic_permissions": topics}
    return orjson.dumps(told, option=orjson.OPT_INDENT_2)


def _keys(topics: Sequence[str]) -> str:
    return f"^({'|'.join(re.escape(t.replace('/', '.')) for t in topics)})$"


def embedded_entry(username: str, password: str) -> str:
    """Return a gateway's line of the embedded broker's `gateways.toml`."""
    return f'"{username}" = "{password}"\n'
