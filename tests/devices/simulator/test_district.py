from __future__ import annotations

import filecmp
import re
import tomllib
from pathlib import Path

import numpy as np
import pytest

from devices.registry import Registry
from devices.simulator.district import write_district
from devices.simulator.errors import SimulatorError
from devices.simulator.vendors import load_vendors
from devices.vocabulary import Vocabulary

FILES = ["lifts.csv", "gateways.csv", "directory.toml", "outlines.geojson"]


def test_the_district_is_as_large_as_promised(registry: Registry, district: Path) -> None:
    assert (len(registry.lifts), len(registry.gateways)) == (200, 12)
    units = tomllib.loads((district / "directory.toml").read_text("utf-8"))["unit"]
    kinds = [unit["kind"] for unit in units]
    assert (kinds.count("street_office"), kinds.count("town")) == (9, 3)
    assert kinds.count("maintenance") == 8
    assert kinds.count("use_unit") == 40
    assert {"operator", "bureau", "rescue_station", "public_rescue"} <= set(kinds)


def test_every_lift_is_plausible(registry: Registry) -> None:
    lifts = registry.lifts
    assert len({lift.rescue_code for lift in lifts}) == 200
    for lift in lifts:
        assert re.fullmatch(r"\d{20}", lift.reg_code)
        assert re.fullmatch(r"\d{6}", lift.rescue_code)
        assert 1.0 <= lift.rated_speed <= 2.5
        assert lift.floor_lo < 1 < lift.floor_hi <= 33
        assert 29.5 < lift.lat < 29.7 and 106.6 < lift.lon < 106.8
    assert {lift.type for lift in lifts} == {"residential", "office", "hospital", "mall"}


def test_everybody_a_lift_names_is_in_the_directory(registry: Registry, district: Path) -> None:
    book = tomllib.loads((district / "directory.toml").read_text("utf-8"))
    units = {unit["id"] for unit in book["unit"]}
    contacts = {contact["id"] for contact in book["contact"]}
    for lift in registry.lifts:
        assert {lift.street_office, lift.use_unit, lift.maintenance} <= units
    assert {duty["unit"] for duty in book["duty"]} == units
    for duty in book["duty"]:
        assert duty["contacts"] and {*duty["contacts"], *duty["deputies"]} <= contacts


def test_nobody_can_be_reached_by_accident(district: Path) -> None:
    book = tomllib.loads((district / "directory.toml").read_text("utf-8"))
    assert all(contact["email"].endswith(".example") for contact in book["contact"])
    assert all(row["phone"].startswith("0100-") for row in [*book["unit"], *book["contact"]])


def test_a_feeder_feeds_one_site(registry: Registry) -> None:
    feeders: dict[str, set[str]] = {}
    for lift in registry.lifts:
        feeders.setdefault(lift.feeder, set()).add(lift.use_unit)
    assert all(len(units) == 1 for units in feeders.values())


def test_same_seed_same_bytes_other_seed_other_district(district: Path, tmp_path: Path) -> None:
    write_district(tmp_path / "same")
    write_district(tmp_path / "other", seed=7)
    assert filecmp.cmpfiles(district, tmp_path / "same", FILES, shallow=False)[0] == FILES
    assert (tmp_path / "other" / "lifts.csv").read_bytes() != (district / "lifts.csv").read_bytes()


def test_vendors_differ_and_name_only_known_channels(registry: Registry, vocab: Vocabulary) -> None:
    vendors = load_vendors()
    assert {gateway.vendor for gateway in registry.gateways} == set(vendors)
    assert len({(vendor.lacks, vendor.period_s) for vendor in vendors.values()}) == len(vendors)
    for vendor in vendors.values():
        assert vendor.lacks <= set(vocab.by_name)
    assert len(np.unique([lift.period_s for lift in registry.lifts])) >= 3


@pytest.mark.parametrize(("lifts", "gateways"), [(0, 1), (3, 4), (5, 0)])
def test_impossible_sizes_are_refused_by_name(lifts: int, gateways: int, tmp_path: Path) -> None:
    with pytest.raises(SimulatorError, match="lifts, gateways"):
        write_district(tmp_path, lifts=lifts, gateways=gateways)


def test_an_unknown_vendor_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(SimulatorError, match=r"acme.*yunzhi"):
        write_district(tmp_path, lifts=1, gateways=1, vendors=["acme"])
