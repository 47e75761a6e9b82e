"""A site's mapping files as dialects: what `ingest.maps` lists."""

from __future__ import annotations

from pathlib import Path

from config.toml_file import read_toml
from devices.codecs import gbt24476
from devices.codecs.mapping import codec_of
from devices.codecs.mapping.load import load_mapping
from devices.codecs.mapping.model import Mapping
from devices.codecs.mapping.paths import KEYED
from devices.codecs.routes import Codec, Dialect, Rights, Route
from devices.codes import find_code_map, load_code_map
from devices.codes import shipped as shipped_codes
from devices.vocabulary import Vocabulary


def dialect_names() -> list[str]:
    """Return the names of the GB/T 24476 style dialects: one a shipped code map."""
    return [f"{gbt24476.NAME}-{name}" for name in shipped_codes()]


def platform_dialect(name: str, vocab: Vocabulary) -> Dialect:
    """Return the GB/T 24476 style dialect of a shipped code map. Raises ConfigError."""
    codes = find_code_map(name.removeprefix(f"{gbt24476.NAME}-"), vocab)
    return gbt24476.dialect(codes, vocab)


def read_map(file: Path, vocab: Vocabulary) -> Dialect:
    """Return the dialect of a file of `ingest.maps`: a mapping, or a code map of the site.

    Raises ConfigError.
    """
    if "platform" in read_toml(file):
        return gbt24476.dialect(load_code_map(file, vocab), vocab)
    return dialect_of(load_mapping(file, vocab))


def dialect_of(one: Mapping) -> Dialect:
    """Return the route of a mapping."""
    codec = codec_of(one)
    topic = one.topic.replace(KEYED, "+")
    reader = (Codec(f"map-{one.name}", codec.careful, codec.fast),)
    if one.gateway is None:
        return Dialect(f"map-{one.name}", (Route(topic, reader),))
    fixed = one.gateway
    route = Route(topic, reader, names=lambda topic, payload: fixed)
    grants = lambda gateway: Rights((topic,) if gateway == fixed else ())  # noqa: E731
    return Dialect(f"map-{one.name}", (route,), grants=grants)
