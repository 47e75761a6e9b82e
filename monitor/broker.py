"""The embedded broker: rumqttd inside the iotcore wheel, a process of its own on loopback.

It keeps nothing over its own restart; the gateways' stores do (docs/decisions/). It is there so
that one command runs everything; a city runs its own broker and names it in the settings.
"""

from __future__ import annotations

import secrets
import socket
import tomllib
from dataclasses import dataclass
from pathlib import Path

from iotcore import Broker

HOST = "127.0.0.1"
SERVICE_USER, GATEWAY_USER = "service", "gateway"
# One message in flight may be as large as the largest we name a refusal for.
MAX_PAYLOAD = 16 * 1024 * 1024

_CONFIG = """\
id = 0
[router]
id = 0
max_connections = 10010
max_outgoing_packet_count = 200
max_segment_size = 33554432
max_segment_count = 8
"""
_LISTENER = """\
[{version}.1]
name = "{version}"
listen = "{host}:{port}"
next_connection_delay_ms = 1
    [{version}.1.connections]
    connection_timeout_ms = 60000
    max_payload_size = {payload}
    max_inflight_count = 100
    dynamic_filters = true
    [{version}.1.connections.auth]
    {service_user} = "{service}"
    {gateway_user} = "{gateway}"
{gateways}"""
GATEWAYS_FILE = "gateways.toml"


@dataclass(frozen=True, slots=True)
class Credentials:
    """The two passwords of the embedded broker, made at its first start."""

    service: str
    gateway: str


def credentials(folder: Path) -> Credentials:
    """Read the passwords kept in `folder`, or make them, readable by this user only."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "credentials.toml"
    if file.exists():
        return Credentials(**tomllib.loads(file.read_text("utf-8")))
    made = Credentials(secrets.token_urlsafe(18), secrets.token_urlsafe(18))
    write_private(file, f'service = "{made.service}"\ngateway = "{made.gateway}"\n')
    return made


def _known(folder: Path) -> dict[str, str]:
    file = folder / GATEWAYS_FILE
    return tomllib.loads(file.read_text("utf-8")) if file.exists() else {}


def gateways_of(folder: Path) -> str:
    """Return the entries of gateways that were given a password of their own, as TOML lines.

    rumqttd compares readable passwords and knows no rules by topic (docs/decisions/0001).
    """
    return "".join(f'    "{name}" = "{word}"\n' for name, word in _known(folder).items())


def real_gateways(folder: Path) -> list[str]:
    """Return the ids of gateways that have a password of their own: devices, not simulated."""
    return sorted({name.partition("@")[0] for name in _known(folder)})


def write_private(file: Path, text: str) -> None:
    """Write a file that only this user can read, from its first byte on."""
    file.unlink(missing_ok=True)
    file.touch(mode=0o600)
    file.write_text(text, "utf-8")


def free_port(wanted: int) -> int:
    """Return `wanted` where it is free, else a port the system gives us."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError("no free port on loopback")


class EmbeddedBroker:
    """MQTT 3.1.1 on `port`, MQTT 5 on `port5`; it ends with us, however we end."""

    def __init__(self, folder: Path, port: int = 1883) -> None:
        """Write the broker's configuration into `folder`; `start` starts it."""
        self.credentials = credentials(folder)
        self.port = free_port(port)
        self.port5 = free_port(self.port + 1 if self.port < 65535 else 0)
        file = folder / "broker.toml"
        common = {
            "host": HOST,
            "payload": MAX_PAYLOAD,
            "service_user": SERVICE_USER,
            "gateway_user": GATEWAY_USER,
            "service": self.credentials.service,
            "gateway": self.credentials.gateway,
            "gateways": gateways_of(folder),
        }
        listeners = [
            _LISTENER.format(version=version, port=port, **common)
            for version, port in (("v4", self.port), ("v5", self.port5))
        ]
        write_private(file, _CONFIG + "".join(listeners))
        self._broker = Broker(config_path=str(file))

    @property
    def url(self) -> str:
        """Address for MQTT 3.1.1 clients."""
        return f"mqtt://{HOST}:{self.port}"

    def start(self) -> None:
        """Start and wait until it listens. Raises OSError or RuntimeError if it does not."""
        self._broker.start()

    def stop(self) -> None:
        """Stop the broker's process."""
        self._broker.stop()
