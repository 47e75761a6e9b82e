"""Lifts, gateways and sensor sets of a site, and their rows."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

REG_CODE = re.compile(r"[0-9]{20}")
NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")


@dataclass(frozen=True, slots=True)
class Lift:
    """One lift. Unit fields hold ids of the directory; speed in m/s, load in kg.

    What has a default may be missing in lifts.csv, as a column or as a cell: it is then unknown,
    and no rule that needs it ever rings. Days are days of the site's calendar: `inspection_due`
    the day from which the lift may not be used without a new inspection (下次检验日期),
    `last_visit` and `planned_visit` of maintenance (维保). `voice_link`: the device reports the
    tests of its voice link (对讲); unknown: once it has reported one. `group`: whatever the site
    calls together lifts with the same arrival limit, contract or duty line, e.g. "rural".
    `sensor_set`: id of what is fitted to it; empty: nobody has said.
    """

    reg_code: str
    rescue_code: str
    name: str
    place: str
    street_office: str
    use_unit: str
    maintenance: str
    gateway: str
    type: str
    rated_speed: float
    rated_load_kg: float
    floor_lo: int
    floor_hi: int
    feeder: str
    period_s: float
    lat: float
    lon: float
    inspection_due: date | None = None
    last_visit: date | None = None
    planned_visit: date | None = None
    voice_link: bool | None = None
    group: str = ""
    sensor_set: str = ""


@dataclass(frozen=True, slots=True)
class Gateway:
    """One acquisition and transmission device (采集传输装置) and who made it."""

    id: str
    vendor: str
    place: str


@dataclass(frozen=True, slots=True)
class SensorSet:
    """What is fitted to lifts of one kind: the channels that they are to send."""

    id: str
    name: str
    channels: tuple[str, ...]


_EPOCH = date(1970, 1, 1).toordinal()


def _shared(place: str, name: str) -> int:
    """Return how many characters a name begins with that its place ends with; one is chance."""
    longest = min(len(place), len(name))
    return next((n for n in range(longest, 1, -1) if place.endswith(name[:n])), 0)


@lru_cache(maxsize=10_000)  # a page says it three times, and a flood of one lift again and again
def place_and_name(place: str, name: str) -> str:
    """Return place and lift in one, without saying twice what they share."""
    shared = _shared(place, name)
    return place + name[shared:] if shared else f"{place} {name}".strip()


def short_name(place: str, name: str) -> str:
    """Return what a lift's name tells beyond its place: `A梯` of `锦云花园2栋A梯`."""
    return name[_shared(place, name) :].strip() or name


class Registry:
    """All lifts and gateways of a site; `lifts[row]` is the lift of that row."""

    def __init__(
        self,
        lifts: Sequence[Lift | None],
        gateways: Sequence[Gateway],
        sensor_sets: Sequence[SensorSet] = (),
    ) -> None:
        """Rows of lifts that left the site stay reserved as None, so no row is used twice."""
        self.slots = list(lifts)
        self.gateways = list(gateways)
        self.sensor_sets = {one.id: one for one in sensor_sets}
        self.row_of = {lift.reg_code: i for i, lift in enumerate(self.slots) if lift}
        self.gateway_index = {gateway.id: i for i, gateway in enumerate(self.gateways)}
        owners = [self.gateway_index[lift.gateway] if lift else -1 for lift in self.slots]
        self.lift_gateway: NDArray[np.int32] = np.array(owners, np.int32)
        self._own = self._by_gateway()

    def _by_gateway(self) -> list[dict[str, int]]:
        own: list[dict[str, int]] = [{} for _ in self.gateways]
        for code, row in self.row_of.items():
            own[int(self.lift_gateway[row])][code] = row
        return own

    def own_rows(self, gateway: int) -> Mapping[str, int]:
        """Return registration code → row of the lifts of one gateway, by its index."""
        return self._own[gateway]

    def __len__(self) -> int:
        return len(self.slots)

    @property
    def lifts(self) -> list[Lift]:
        """The lifts of the site, without rows that are only reserved."""
        return [lift for lift in self.slots if lift]

    def lift(self, row: int) -> Lift:
        """Return the lift of a row. Raises KeyError for a row that is only reserved."""
        lift = self.slots[row]
        if lift is None:
            raise KeyError(row)
        return lift

    def find(self, reg_code: str) -> Lift | None:
        """Return the lift with this registration code, or None."""
        row = self.row_of.get(reg_code)
        return None if row is None else self.slots[row]

    def take_up(self, newer: Registry) -> None:
        """Become the newer one in place: for a site that changes while the service runs.

        Rows and numbers of gateways stay, new ones follow; so whoever reads in another thread
        meanwhile sees the old or the new lift, never another one. Raises ValueError for a
        registry that moves a row.
        """
        moved = [
            i
            for i, (old, new) in enumerate(zip(self.slots, newer.slots, strict=False))
            if old and new and old.reg_code != new.reg_code
        ]
        if moved or len(newer) < len(self):
            raise ValueError(f"rows {moved or 'at the end'} would move")
        told = {gateway.id: gateway for gateway in newer.gateways}
        self.gateways[:] = [told.pop(gateway.id, gateway) for gateway in self.gateways]
        self.gateways.extend(told.values())
        fresh = Registry(newer.slots, self.gateways)
        self._own = fresh._own  # before who looks for it can find a new gateway's number
        self.gateway_index.update(fresh.gateway_index)
        self.slots[:] = fresh.slots
        self.lift_gateway, self.row_of = fresh.lift_gateway, fresh.row_of
        self.sensor_sets = newer.sensor_sets

    def columns(self) -> dict[str, NDArray[np.float32]]:
        """Return what rules may know of a lift: float32[N] each, NaN on a reserved row."""
        names = ("rated_speed", "rated_load_kg", "floor_lo", "floor_hi", "period_s")
        table = {
            name: np.array(
                [getattr(lift, name) if lift else np.nan for lift in self.slots], np.float32
            )
            for name in names
        }
        table["gateway_row"] = self.lift_gateway.astype(np.float32)
        # whole days since 1970-01-01 of the site's calendar: exact in float32 to 16 million
        for name in ("inspection_due", "last_visit", "planned_visit"):
            table[f"{name}_day"] = np.array([_days(lift, name) for lift in self.slots], np.float32)
        links = [lift.voice_link if lift else None for lift in self.slots]
        table["voice_link"] = np.array([np.nan if x is None else x for x in links], np.float32)
        table["peer_row"] = self._peers()
        return table

    def _peers(self) -> NDArray[np.float32]:
        """Number the groups of lifts of the same type and rated speed, in order of appearance."""
        kinds: dict[tuple[str, float], int] = {}
        rows = np.full(len(self.slots), np.nan, np.float32)
        for row, lift in enumerate(self.slots):
            if lift:
                rows[row] = kinds.setdefault((lift.type, lift.rated_speed), len(kinds))
        return rows


def _days(lift: Lift | None, name: str) -> float:
    day = getattr(lift, name) if lift else None
    return np.nan if day is None else day.toordinal() - _EPOCH
