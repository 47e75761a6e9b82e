"""ThingsBoard's MQTT gateway API: gateways that speak it publish here unchanged.

Source: thingsboard.io, "MQTT Gateway API Reference" (topics v1/gateway/telemetry, attributes,
connect, disconnect). Who a gateway is does not stand in those topics: the broker has to add it,
`tb/{gateway}/v1/gateway/…` (mosquitto: `mount_point`, one listener a gateway; EMQX and others:
a mount point with the user's name; or a bridge with a prefix). That is the dialect `thingsboard`.

`thingsboard-bare` reads the topics as they are and takes a device's registered gateway for the
sender. Whoever may publish there speaks for every lift, so it is a dialect of its own that a
site must name, for a broker that nobody else can reach.
"""

from __future__ import annotations

from devices.codecs.routes import GATEWAY, Codec, Dialect, Route
from devices.codecs.setup import Setup
from devices.codecs.thingsboard.facts import attributes, connect, disconnect
from devices.codecs.thingsboard.names import Names, load_names, sender
from devices.codecs.thingsboard.telemetry import careful, fast

PREFIX = f"tb/{GATEWAY}"
_TOPIC = "v1/gateway"
_CODECS = {
    "telemetry": Codec("thingsboard_telemetry", careful, fast),
    "attributes": Codec("thingsboard_attributes", attributes),
    "connect": Codec("thingsboard_connect", connect),
    "disconnect": Codec("thingsboard_disconnect", disconnect),
}


def _names(setup: Setup) -> Names:
    return load_names(setup.site / "thingsboard.toml", setup.vocab)


def build(setup: Setup) -> Dialect:
    """Return the routes below `tb/{gateway}/`. Raises ConfigError for a wrong thingsboard.toml."""
    names = _names(setup)
    return Dialect(
        "thingsboard",
        tuple(
            Route(f"{PREFIX}/{_TOPIC}/{kind}", (codec,), memory=names)
            for kind, codec in _CODECS.items()
        ),
    )


def build_bare(setup: Setup) -> Dialect:
    """Return the routes of ThingsBoard's own topics, the gateway told by the registry."""
    names, registry = _names(setup), setup.registry

    def told(topic: str, payload: bytes) -> str | None:
        return sender(payload, names, registry)

    return Dialect(
        "thingsboard-bare",
        tuple(
            Route(f"{_TOPIC}/{kind}", (codec,), names=told, memory=names)
            for kind, codec in _CODECS.items()
        ),
    )
