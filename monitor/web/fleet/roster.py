"""The roster: the lifts of a site in the order people see them, and the groups they belong to.

Built once whenever the registry or the directory changes; everything else about the fleet is a
column beside it, so that ten thousand lifts cost what one array operation costs.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alerts.directory.units import Directory
from config.text import Text
from devices.registry import Lift, Registry
from monitor.web.ports import stale_after_ms
from monitor.web.words import LIFT_TYPES

Index = NDArray[np.int32]
UNITS = ("street_office", "maintenance", "use_unit")
"""Dimensions that name a unit of the directory."""
STORED = (*UNITS, "type")
"""Dimensions that the registry fixes; `state` is the one that moves."""
DIMENSIONS = (*STORED, "state")
_NUMBERS = re.compile(r"(\d+)")


@dataclass(frozen=True, slots=True)
class Group:
    """One street office, firm, use unit or type: its id and what it is called."""

    id: str
    name: Text


@dataclass(frozen=True, slots=True, eq=False)
class Roster:
    """N lifts by street office, place and name.

    rows int32[N]: each one's row in the registry · of_group int32[N] by dimension: which of
    `groups` · fresh_ms int64[N]: the age beyond which its values are stale · lat, lon float64[N],
    WGS-84 degrees · version: a short hash that changes with anything of it.
    """

    version: str
    lifts: Sequence[Lift]
    rows: Index
    at: Mapping[str, int]
    groups: Mapping[str, Sequence[Group]]
    of_group: Mapping[str, Index]
    gateway: Index
    fresh_ms: NDArray[np.int64]
    lat: NDArray[np.float64]
    lon: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.lifts)

    def seen_by(self, scope: str | None) -> NDArray[np.bool_]:
        """Return bool[N]: the lifts that a unit maintains or uses; all for the desk (None)."""
        if scope is None:
            return np.ones(len(self), np.bool_)
        return self.members("maintenance", scope) | self.members("use_unit", scope)

    def members(self, dimension: str, group: str) -> NDArray[np.bool_]:
        """Return bool[N]: the lifts of a group; none for a group that there is not."""
        names = self.groups[dimension]
        number = next((i for i, one in enumerate(names) if one.id == group), -1)
        return np.asarray(self.of_group[dimension] == number, np.bool_)


def natural(text: str) -> tuple[tuple[int, int, str], ...]:
    """Return a key by which `2栋` comes before `10栋`."""
    parts = _NUMBERS.split(text)
    return tuple((1, int(x), "") if x.isdecimal() else (0, 0, x) for x in parts if x)


def build(registry: Registry, directory: Directory) -> Roster:
    """Order the lifts of a registry and number their groups."""
    lifts = registry.lifts
    texts = {text for lift in lifts for text in (lift.place, lift.name)}
    rank = {text: i for i, text in enumerate(sorted(texts, key=natural))}
    lifts.sort(key=lambda x: (x.street_office, rank[x.place], rank[x.name], x.reg_code))
    groups: dict[str, list[Group]] = {}
    of_group: dict[str, Index] = {}
    for dimension in STORED:
        ids = [str(getattr(lift, dimension)) for lift in lifts]
        known = {one: i for i, one in enumerate(sorted(set(ids)))}
        groups[dimension] = [Group(one, _name(directory, dimension, one)) for one in known]
        of_group[dimension] = np.fromiter((known[one] for one in ids), np.int32, len(ids))
    gateways = registry.gateway_index
    return Roster(
        version=_version(lifts, groups),
        lifts=lifts,
        rows=np.fromiter((registry.row_of[x.reg_code] for x in lifts), np.int32, len(lifts)),
        at={lift.reg_code: i for i, lift in enumerate(lifts)},
        groups=groups,
        of_group=of_group,
        gateway=np.fromiter((gateways[x.gateway] for x in lifts), np.int32, len(lifts)),
        fresh_ms=np.array([stale_after_ms(x.period_s) for x in lifts], np.int64),
        lat=np.array([x.lat for x in lifts], np.float64),
        lon=np.array([x.lon for x in lifts], np.float64),
    )


def _name(directory: Directory, dimension: str, one: str) -> Text:
    if dimension == "type":
        return LIFT_TYPES.get(one, Text(one, one))
    unit = directory.units.get(one)
    return unit.name if unit else Text(one, one)


def _version(lifts: Sequence[Lift], groups: Mapping[str, Sequence[Group]]) -> str:
    digest = hashlib.sha256(repr(groups).encode())
    for x in lifts:
        told = (x.reg_code, x.rescue_code, x.name, x.place, x.street_office, x.use_unit)
        more = (x.maintenance, x.type, x.period_s, x.lat, x.lon)
        digest.update(repr((told, more)).encode())
    return digest.hexdigest()[:16]
