"""Sparkplug B 3.0 as a dialect: edge nodes are gateways, devices are lifts (docs/sparkplug.md)."""

from __future__ import annotations

from pathlib import Path

from config.settings import Sparkplug
from devices.codecs.routes import Codec, Dialect, Rights, Route
from devices.codecs.sparkplug import codec
from devices.codecs.sparkplug.names import Names, load_names
from devices.codecs.sparkplug.session import Sessions
from devices.codecs.sparkplug.topics import (
    filters,
    node_filters,
    parse_topic,
    rebirth_topic,
    state_topic,
)
from devices.vocabulary import Vocabulary

NAME = "sparkplug"
FILE = "sparkplug.toml"


def site_names(site: Path, vocab: Vocabulary) -> Names:
    """Return the site's map, an empty one where it has none. Raises ConfigError."""
    file = site / FILE
    return load_names(file, vocab) if file.exists() else Names()


def sparkplug(settings: Sparkplug, names: Names | None = None) -> Dialect:
    """Return the dialect.

    It keeps a connection of its own: a host's session is clean, has STATE as its will, and
    subscribes before it says that it is there.
    """
    names = names or Names()
    sessions = Sessions(
        names,
        round(settings.reorder_s * 1000),
        round(settings.rebirth_s * 1000),
        settings.rebirths_per_s,
    )
    reader = (Codec(NAME, codec.careful, codec.fast),)

    def gateway(topic: str, payload: bytes) -> str | None:
        found = parse_topic(topic)
        return names.gateway(found.group, found.node) if found else None

    routes = tuple(
        Route(one, reader, names=gateway, memory=sessions)
        for one in filters(tuple(settings.groups))
    )
    groups, state = tuple(settings.groups) or ("+",), state_topic(settings.host_id)

    def grants(gateway: str) -> Rights:
        nodes = names.nodes(gateway, groups)
        write = tuple(one for group, node in nodes for one in node_filters(group, node))
        return Rights(write, (*(rebirth_topic(*one) for one in nodes), state) if nodes else ())

    own = Rights((*(rebirth_topic(group, "+") for group in groups), state), (state,))
    return Dialect(NAME, routes, apart=True, grants=grants, own=own)
