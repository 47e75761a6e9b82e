"""The demo district: an invented place with lifts, gateways, and people on duty.

Written as an ordinary site folder, so that the demo goes the same way as any real site. Numbers
start with 0, addresses end in `.example`: nobody can be reached by accident.
"""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np

from config.text import Text
from devices.registry import Gateway, Lift
from devices.simulator.directory import directory_toml
from devices.simulator.errors import SimulatorError
from devices.simulator.outlines import Land, outlines_json
from devices.simulator.vendors import DEMO, Vendor, load_vendors

# 3110: passenger traction lift; 500199: an administrative code that is not in use
_REG_PREFIX: Final = "3110500199"
_PER_USE_UNIT: Final = 5


@lru_cache(maxsize=1)
def names() -> Mapping[str, Any]:
    """Read district.toml: the invented names of the demo."""
    return tomllib.loads((DEMO / "district.toml").read_text("utf-8"))


@dataclass(frozen=True, slots=True)
class Site:
    """One use unit's site: buildings of one kind in one street, on few feeders."""

    unit: str
    zh: str
    en: str
    kind: Mapping[str, Any]
    area: int
    lat: float
    lon: float
    firm: str


def write_district(
    folder: Path, seed: int = 2012, lifts: int = 200, gateways: int = 12,
    vendors: Sequence[str] | None = None,
) -> None:  # fmt: skip
    """Write the site folder of a seeded district: lifts, gateways, directory, outlines.

    vendors: ids of vendors.toml for the gateways in turn (default: all of them). The same
    arguments write the same bytes. Raises SimulatorError for a number or vendor out of range.
    """
    if not 1 <= gateways <= lifts <= 1_000_000:
        way_out = Text("1 ≤ 网关数 ≤ 电梯数 ≤ 1000000", "1 ≤ gateways ≤ lifts ≤ 1,000,000")
        raise SimulatorError("lifts, gateways", (lifts, gateways), way_out)
    makes = _makes(vendors)
    rng = np.random.default_rng(seed)
    sites = _sites(rng, max(1, -(-lifts // _PER_USE_UNIT)))
    areas = [*names()["office"], *names()["town"]]
    devices = [
        Gateway(f"gw-{i + 1:02d}", makes[i % len(makes)].id, areas[i % len(areas)]["zh"])
        for i in range(gateways)
    ]
    rows = [
        _lift(rng, i, sites, devices[i * gateways // lifts], makes[(i * gateways // lifts)
        % len(makes)]) for i in range(lifts)
    ]  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    _csv(folder / "lifts.csv", Lift, rows)
    _csv(folder / "gateways.csv", Gateway, devices)
    units = [(site.unit, f"{site.zh}{site.kind['manager_zh']}",
              f"{site.en} {site.kind['manager_en']}") for site in sites]  # fmt: skip
    called = {"zh": names()["name_zh"], "en": names()["name_en"]}
    text = outlines_json(land_of(), areas, called)
    (folder / "outlines.geojson").write_text(text, "utf-8")
    (folder / "directory.toml").write_text(directory_toml(names(), units), "utf-8")


def land_of() -> Land:
    """Return the geography of the district, which is the same for every seed."""
    data = names()
    return Land(len(data["office"]) + len(data["town"]), data["centre"], data["extent"])


def _makes(vendors: Sequence[str] | None) -> list[Vendor]:
    known = load_vendors()
    for name in vendors or ():
        if name not in known:
            options = ", ".join(known)
            way_out = Text(f"应为 {options}", f"must be one of {options}")
            raise SimulatorError("vendors", name, way_out)
    return [known[name] for name in (vendors or known)]


def _sites(rng: np.random.Generator, count: int) -> list[Site]:
    data = names()
    kinds, places = data["kind"], data["places"]
    areas, land = [*data["office"], *data["town"]], land_of()
    quota = np.cumsum([kind["share"] for kind in kinds])
    sites = []
    for i in range(count):
        # low-discrepancy walk: every kind keeps its share even in a small district
        kind = kinds[min(int(np.searchsorted(quota, (i * 0.618 + 0.3) % 1.0)), len(kinds) - 1)]
        first, second = i % len(places["first"]), (i * 7 // 3) % len(kind["second"])
        number = i // len(places["first"])
        suffix_zh = "" if number == 0 else f"{number + 1}期"
        suffix_en = "" if number == 0 else f" Phase {number + 1}"
        zh = f"{places['first'][first]}{kind['second'][second]}{suffix_zh}"
        en = f"{places['first_en'][first]} {kind['second_en'][second]}{suffix_en}"
        v, u = float(rng.uniform(-1, 1)), float(rng.uniform(-1, 1))
        lat, lon = land.place(i % len(areas), u, v)
        firm = data["firm"][int(rng.integers(len(data["firm"])))]["id"]
        sites.append(Site(f"uu-{i + 1:03d}", zh, en, kind, i % len(areas), lat, lon, firm))
    return sites


def _lift(
    rng: np.random.Generator, i: int, sites: Sequence[Site], gateway: Gateway, vendor: Vendor
) -> Lift:
    site = sites[i // _PER_USE_UNIT]
    areas = [*names()["office"], *names()["town"]]
    kind, number = site.kind, i % _PER_USE_UNIT
    # the lifts of one building are alike: floors and speed follow the site, not the lift
    plan = np.random.default_rng([i // _PER_USE_UNIT, 97])
    top = int(plan.integers(kind["floors"][0], kind["floors"][1] + 1))
    below = int(plan.integers(kind["basements"][0], kind["basements"][1] + 1))
    speeds = kind["speeds"]
    speed = speeds[min(len(speeds) - 1, (top - kind["floors"][0]) * len(speeds) // 20)]
    building, letter = number // 2 + 1, "AB"[number % 2]
    year = 2008 + int(plan.integers(0, 14))
    return Lift(
        reg_code=f"{_REG_PREFIX}{year}{i + 1:06d}",
        rescue_code=f"{(100_003 + i * 7_919) % 900_000 + 100_000:06d}",
        name=f"{site.zh}{building}栋{letter}梯",
        place=f"{areas[site.area]['zh']}{site.zh}{building}栋",
        street_office=areas[site.area]["id"],
        use_unit=site.unit,
        maintenance=site.firm,
        gateway=gateway.id,
        type=kind["type"],
        rated_speed=speed,
        rated_load_kg=kind["loads"][int(plan.integers(len(kind["loads"])))],
        floor_lo=1 - below,
        floor_hi=top,
        feeder=f"fd-{site.area + 1:02d}-{site.unit[3:]}",
        period_s=vendor.period_s[i % len(vendor.period_s)],
        lat=round(site.lat + float(rng.uniform(-1, 1)) * 0.0008, 6),
        lon=round(site.lon + float(rng.uniform(-1, 1)) * 0.0008, 6),
    )


def _csv(file: Path, kind: type[Lift] | type[Gateway], rows: Iterable[Lift | Gateway]) -> None:
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, [field.name for field in fields(kind)])
        writer.writeheader()
        writer.writerows(asdict(row) for row in rows)
