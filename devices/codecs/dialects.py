"""The routes of a site: the wire contract always, dialects by name, mappings by file.

A new dialect is a file with a builder and a line in DIALECTS. A builder gets the `Setup` and
returns a Dialect; it raises ConfigError for a file of the site that is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from config.errors import ConfigError
from config.text import Text
from devices.batch import Decoded
from devices.codecs import gaps, json_columns, json_rows, message, packed, thingsboard, waveform
from devices.codecs.context import Context
from devices.codecs.mapping.dialect import dialect_names, platform_dialect, read_map
from devices.codecs.parse import Fields, parse
from devices.codecs.routes import GATEWAY, Codec, Dialect, Route, Routes
from devices.codecs.setup import Setup
from devices.codecs.sparkplug import site_names, sparkplug
from devices.codecs.topics import BACKFILL, topic

Careful = Callable[[bytes, Context], Decoded]
Build = Callable[[Setup], Dialect]
ReadMap = Callable[[Path, Setup], Dialect]


def _parsed(careful: Callable[[Fields, Context], Decoded]) -> Careful:
    return lambda payload, context: careful(parse(payload), context)


def _has_columns(payload: bytes) -> bool:
    start = payload.find(b"[")  # most messages without columns need no longer look
    return payload[max(0, start - 10) : start] != b'"samples":' and b'"columns"' in payload


CODECS: Mapping[str, tuple[Codec, ...]] = {
    "telemetry": (
        Codec("packed", packed.careful, packed.fast, packed.claims, packed.numbers),
        Codec("json_columns", _parsed(json_columns.careful), json_columns.fast, _has_columns),
        Codec("json_rows", _parsed(json_rows.careful), json_rows.fast),
    ),
    "message": (
        Codec("gaps", _parsed(gaps.careful), claims=gaps.claims),
        Codec("message", _parsed(message.careful)),
    ),
    "waveform": (Codec("waveform", _parsed(waveform.careful), waveform.fast),),
}
_OURS = Dialect(
    "lift",
    (
        *(Route(topic(GATEWAY, kind), codecs, numbered=True) for kind, codecs in CODECS.items()),
        Route(topic(GATEWAY, BACKFILL), CODECS["telemetry"], numbered=True, backfill=True),
    ),
)
OURS = Routes((_OURS,))


def _platform(name: str, setup: Setup) -> Dialect:
    return platform_dialect(name, setup.vocab)


# name in `ingest.dialects` → builder
DIALECTS: Mapping[str, Build] = {
    "sparkplug": lambda setup: sparkplug(
        setup.ingest.sparkplug, site_names(setup.site, setup.vocab)
    ),
    "thingsboard": thingsboard.build,
    "thingsboard-bare": thingsboard.build_bare,
    **{name: partial(_platform, name) for name in dialect_names()},
}
# reads a file of `ingest.maps`
READ_MAP: ReadMap = lambda file, setup: read_map(file, setup.vocab)  # noqa: E731


def build_routes(setup: Setup) -> Routes:
    """Return the routes that a site's settings ask for.

    Raises ConfigError for a dialect nobody knows and for a mapping that is wrong.
    """
    dialects = [_OURS]
    for name in setup.ingest.dialects:
        build = DIALECTS.get(name)
        if build is None:
            known = ", ".join(DIALECTS) or "none"
            way_out = Text(f"可用：{known}", f"there are: {known}")
            raise ConfigError("settings", "ingest.dialects", name, way_out)
        dialects.append(build(setup))
    for file in setup.ingest.maps:
        dialects.append(READ_MAP(file, setup))
    return Routes(tuple(dialects))
