"""What their names mean: edge node → gateway, device → lift, metric → channel or message code.

A site whose devices already speak our names needs no file. Otherwise a small TOML file says:

    folders = ["Lift", "DATA"]           # leading folders of a metric name that say nothing
    [gateways]
    "district-7/edge-12" = "gw-12"       # group/edge node = id in gateways.csv
    [devices]
    "A2" = "31105001992014000002"        # device = registration code or rescue code
    [metrics]
    "Car/Geschwindigkeit" = "speed"      # metric = channel; "code/93" = message code 93
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from config.errors import ConfigError
from config.text import Text
from config.toml_file import read_toml
from devices.registry import Registry
from devices.vocabulary import Vocabulary

# Folders of our own, of mqtt-spb-wrapper's births, and none.
FOLDERS = ("Lift", "DATA")
# What edge nodes tell of themselves by convention: no channel, and nothing to complain about.
THEIRS = ("Node Control/", "Device Control/", "Node Info/", "Properties/", "ATTR/", "CMD/")
BDSEQ = "bdSeq"
_FORBIDDEN = frozenset("+#\n\r")  # no wildcard and no second line gets into a broker's rules
_CODE = re.compile(r"code/(\d{1,4})")


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a metric of a device is to us: a channel (its column), a message code, or neither."""

    column: int = -1
    code: int = 0

    @property
    def known(self) -> bool:
        """True for a channel or a code."""
        return self.column >= 0 or self.code > 0


NOTHING = Meaning()


@dataclass(frozen=True, slots=True)
class Names:
    """The site's map; all empty means that their names are ours."""

    folders: tuple[str, ...] = FOLDERS
    gateways: Mapping[str, str] = field(default_factory=dict)
    devices: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, str] = field(default_factory=dict)

    def gateway(self, group: str, node: str) -> str:
        """Return the gateway's id that an edge node speaks for."""
        return self.gateways.get(f"{group}/{node}", node)

    def nodes(self, gateway: str, groups: Sequence[str]) -> list[tuple[str, str]]:
        """Return the (group, edge node) pairs that speak for a gateway; a group may be `+`.

        An id that the map gives to another gateway is not its own, in no group.
        """
        mapped = [name.partition("/") for name, ours in self.gateways.items() if ours == gateway]
        named = [(group, node) for group, _, node in mapped if not _FORBIDDEN & {*group, *node}]
        taken = any(name.partition("/")[2] == gateway for name in self.gateways)
        return named if named or taken else [(group, gateway) for group in groups]

    def meaning(self, metric: str, vocab: Vocabulary) -> Meaning:
        """Return what a metric's name means, NOTHING where it is not ours."""
        name = self.metrics.get(metric)
        if name is None:
            name = self.bare(metric)
            name = self.metrics.get(name, name)
        channel = vocab.by_name.get(name)
        if channel is not None:
            return Meaning(channel.index)
        code = _CODE.fullmatch(name)
        if code and int(code[1]) in vocab.messages:
            return Meaning(code=int(code[1]))
        return NOTHING

    def bare(self, metric: str) -> str:
        """Drop leading folders that say nothing."""
        while True:
            folder, slash, rest = metric.partition("/")
            if not slash or folder not in self.folders:
                return metric
            metric = rest


class Lifts:
    """Devices → rows of a registry: by the site's map, registration code or rescue code."""

    def __init__(self, names: Names, registry: Registry) -> None:
        self._names, self.row_of = names, registry.row_of
        self._by_rescue_code: dict[str, int] = {}
        for row, lift in enumerate(registry.slots):
            if lift and lift.rescue_code:  # one that two lifts share names neither
                shared = lift.rescue_code in self._by_rescue_code
                self._by_rescue_code[lift.rescue_code] = -1 if shared else row

    def find(self, device: str) -> int | None:
        """Return the row of a device's lift, None where nobody knows it."""
        name = self._names.devices.get(device, device)
        row = self.row_of.get(name)
        if row is None:
            row = self._by_rescue_code.get(name, -1)
        return row if row >= 0 else None


def is_theirs(metric: str) -> bool:
    """True for what a node tells of itself by convention."""
    return metric == BDSEQ or metric.startswith(THEIRS)


def load_names(file: Path, vocab: Vocabulary) -> Names:
    """Read a site's map. Raises ConfigError with file, key, value and what would be right."""
    data = read_toml(file)
    tables = {name: data.pop(name, {}) for name in ("gateways", "devices", "metrics")}
    folders = data.pop("folders", list(FOLDERS))
    for key, value in data.items():
        way_out = Text(
            "只有 folders、gateways、devices、metrics",
            "there are folders, gateways, devices and metrics only",
        )
        raise ConfigError(file, key, value, way_out)
    if not isinstance(folders, list) or not all(isinstance(f, str) and f for f in folders):
        way_out = Text("应为文件夹名的列表", "must be a list of names of folders")
        raise ConfigError(file, "folders", folders, way_out)
    for table, rows in tables.items():
        wrong = [k for k, v in rows.items() if not isinstance(v, str)] if _is_table(rows) else [""]
        if wrong:
            way_out = Text("应为“名称 = 名称”", "must be lines of name = name, both in quotes")
            raise ConfigError(file, f"{table}.{wrong[0]}", rows, way_out)
    names = Names(tuple(folders), *tables.values())
    for theirs, ours in names.metrics.items():
        if not names.meaning(theirs, vocab).known:
            way_out = Text("应为通道名或 code/代码", "must be a channel, or code/NUMBER")
            raise ConfigError(file, f"metrics.{theirs}", ours, way_out)
    return names


def _is_table(rows: object) -> bool:
    return isinstance(rows, dict)
