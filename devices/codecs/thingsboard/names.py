"""What a ThingsBoard site calls its devices and keys: `thingsboard.toml` of the site folder.

    ignore = ["rssi"]               # keys that are no channel and need no word
    [devices]
    "Lift A" = "31105001992014000001"
    [channels]
    velocity = "speed"              # key → channel of docs/wire.md

All of it is optional: a device named by its registration code and a key named as our channel
need no line.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from config.errors import ConfigError
from config.text import Text
from config.toml_file import read_toml
from devices.registry import REG_CODE, Registry
from devices.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True, eq=False)
class Names:
    """`devices`: device → registration code. `wire`: key → channel, None to pass over."""

    devices: Mapping[str, str] = field(default_factory=dict)
    wire: Mapping[str, str | None] = field(default_factory=dict)

    def code(self, device: str) -> str:
        """Return the registration code of a device: its alias, else its own name."""
        return self.devices.get(device, device)


def load_names(file: Path, vocab: Vocabulary) -> Names:
    """Read the file; where there is none, only our own names count.

    Raises ConfigError for a code that is not 20 digits, a channel nobody knows, another key.
    """
    own: dict[str, str | None] = {channel.name: channel.name for channel in vocab.channels}
    if not file.exists():
        return Names({}, own)
    data = read_toml(file)
    if unknown := sorted(set(data) - {"ignore", "devices", "channels"}):
        way_out = Text("只能有 ignore、devices、channels", "there are ignore, devices, channels")
        raise ConfigError(file, unknown[0], "…", way_out)
    devices = _strings(file, data, "devices")
    for device, code in devices.items():
        if REG_CODE.fullmatch(code) is None:
            way_out = Text("注册代码应为 20 位数字", "a registration code has 20 digits")
            raise ConfigError(file, f"devices.{device}", code, way_out)
    channels = _strings(file, data, "channels")
    for key, name in channels.items():
        if name not in vocab.by_name:
            way_out = Text("应为 docs/wire.md 中的通道", "must be a channel of docs/wire.md")
            raise ConfigError(file, f"channels.{key}", name, way_out)
    ignore = data.get("ignore", [])
    if not isinstance(ignore, list) or not all(isinstance(key, str) for key in ignore):
        raise ConfigError(file, "ignore", ignore, Text("应为文本数组", "an array of texts"))
    return Names(devices, own | channels | dict.fromkeys(ignore))


def _strings(file: Path, data: Mapping[str, Any], table: str) -> dict[str, str]:
    found = data.get(table, {})
    if not isinstance(found, dict) or not all(isinstance(v, str) for v in found.values()):
        raise ConfigError(file, table, "…", Text("应为 名称 = 文本", 'must be name = "text"'))
    return found


def sender(payload: bytes, names: Names, registry: Registry) -> str | None:
    """Return the gateway that the first known device of a message is registered with.

    Lifts of other gateways in the same message are then refused as `wrong_gateway`.
    """
    try:
        message = orjson.loads(payload)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(message, dict):
        return None
    device = message.get("device")
    for name in (device,) if isinstance(device, str) else message:
        lift = registry.find(names.code(name))
        if lift is not None:
            return lift.gateway
    return None
