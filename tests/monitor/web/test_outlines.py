"""The site's outlines, tiles by setting, and coordinates of Chinese maps."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from pydantic import ValidationError

from config.errors import ConfigError
from config.settings import Tiles
from devices.simulator.district import write_district
from monitor.web.app import create_app
from monitor.web.fleet.datum import to_gcj02
from monitor.web.fleet.outlines import FILE, drawn, load_outlines
from monitor.web.sessions import COOKIE
from tests.monitor.web.conftest import Enter, cookie_of
from tests.monitor.web.house import House

RING = [[106.4, 29.5], [106.6, 29.5], [106.6, 29.7], [106.4, 29.5]]


def written(folder: Path, geometry: Any = None, **more: Any) -> Path:
    shape = geometry or {"type": "Polygon", "coordinates": [RING]}
    told = {"kind": "office", "name_zh": "石桥铺街道", "name_en": "Shiqiaopu"} | more.pop(
        "told", {}
    )
    feature = {"type": "Feature", "properties": told, "geometry": shape}
    file = folder / FILE
    body = {"type": "FeatureCollection", "features": [feature]} | more
    file.write_text(json.dumps(body), "utf-8")
    return file


def polygon(ring: Any) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": [ring]}


@pytest.mark.parametrize(
    ("made", "key", "right"),
    [
        ({"type": "Feature"}, "type", "FeatureCollection"),
        ({"features": []}, "features", "at least one"),
        ({"crs": {"properties": {"name": "EPSG:3857"}}}, "crs", "WGS-84"),
        ({"told": {"kind": "lake"}}, "features[0].properties.kind", "one of district"),
        ({"geometry": {"type": "Point", "coordinates": [1, 2]}}, "geometry.type", "LineString"),
        ({"geometry": polygon(RING[:3])}, "coordinates", "closed ring"),
        ({"geometry": polygon([[29.5, 106.4], *RING])}, "coordinates[0][0]", "longitude first"),
        ({"geometry": polygon([["a", 1], *RING])}, "coordinates[0][0]", "[longitude, latitude]"),
        ({"geometry": polygon([[float("nan"), 1], *RING])}, "coordinates[0][0]", "[longitude"),
    ],
)
def test_a_wrong_file_is_refused_by_name(
    made: dict[str, Any], key: str, right: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError) as refused:
        load_outlines(written(tmp_path, **made))
    assert key in refused.value.key
    assert right in refused.value.way_out.en


async def test_outlines_are_served_taken_up_anew_and_the_last_good_ones_stay(
    enter: Enter, house: House
) -> None:
    desk = enter("operator")
    assert (await desk.get("/api/v1/fleet/outlines")).json()["features"] == []
    file = written(house.settings.site.folder)
    told = (await desk.get("/api/v1/fleet/outlines")).json()["features"]
    assert told[0]["name"] == {"zh": "石桥铺街道", "en": "Shiqiaopu"} and told[0]["lines"] == [RING]
    file.write_text("{", "utf-8")
    assert (await desk.get("/api/v1/fleet/outlines")).json()["features"] == told
    with pytest.raises(ConfigError, match="JSON"):
        create_app(house)


def test_the_demo_districts_outlines_hold_its_lifts(tmp_path: Path) -> None:
    write_district(tmp_path, lifts=60, gateways=3)
    features = load_outlines(tmp_path / FILE)
    kinds = [one["kind"] for one in features]
    assert (kinds.count("office"), kinds.count("water")) == (12, 1)
    offices = {
        one["name"]["zh"]: np.array(one["lines"][0]) for one in features if one["kind"] == "office"
    }
    lines = (tmp_path / "lifts.csv").read_text("utf-8").splitlines()
    head = lines[0].split(",")
    for line in lines[1:]:
        row = dict(zip(head, line.split(","), strict=True))
        area = next(ring for name, ring in offices.items() if row["place"].startswith(name))
        assert _inside(area, float(row["lon"]), float(row["lat"])), row["place"]


def _inside(ring: Any, x: float, y: float) -> bool:
    ends = np.roll(ring, -1, 0)
    crosses = (ring[:, 1] > y) != (ends[:, 1] > y)
    with np.errstate(divide="ignore", invalid="ignore"):
        at = ring[:, 0] + (y - ring[:, 1]) * (ends[:, 0] - ring[:, 0]) / (ends[:, 1] - ring[:, 1])
    return bool(np.count_nonzero(crosses & (x < at)) % 2)


def test_gcj02_is_where_chinese_maps_draw_it() -> None:
    # Tian'anmen: published pairs of the two systems agree to some metres
    lat, lon = to_gcj02(np.array([39.907333]), np.array([116.391083]))
    assert abs(lat[0] - 39.908735) < 3e-5 and abs(lon[0] - 116.397327) < 3e-5
    abroad = to_gcj02(np.array([48.85]), np.array([2.35]))
    assert (abroad[0][0], abroad[1][0]) == (48.85, 2.35)
    one = {"kind": "road", "name": {}, "lines": [[[116.391083, 39.907333]]], "closed": False}
    assert drawn([one], "gcj02")[0]["lines"][0][0] != one["lines"][0][0]


@pytest.mark.parametrize(
    "url", ["ftp://a/{z}/{x}/{y}", "https://a/{z}/{x}", "https://{s}.a/{z}/{x}/{y}",
            "https://u:p@a/{z}/{x}/{y}", "https://a;b/{z}/{x}/{y}"],
)  # fmt: skip
def test_tiles_are_one_host_named_whole(url: str) -> None:
    with pytest.raises(ValidationError, match="one"):
        Tiles(url=url)


@pytest.fixture
def tiled(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path, tiles=Tiles(url="https://tiles.example/{z}/{x}/{y}.png", datum="gcj02"))
    house.users()
    yield house
    house.engine.dispose()


async def test_tiles_widen_the_policy_for_pictures_of_the_map_alone(tiled: House) -> None:
    app = create_app(tiled)
    value, _ = cookie_of(app, tiled, "operator")
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(
            transport=transport, base_url="http://test", cookies={COOKIE: value}
        ) as client,
    ):
        page = await client.get("/lifts/map", headers={"Accept-Language": "en"})
        policy = page.headers["content-security-policy"]
        assert "img-src 'self' data: https://tiles.example;" in policy
        assert policy.count("tiles.example") == 1
        assert "https://tiles.example by your browser" in page.text
        other = await client.get("/lifts")
        assert "tiles.example" not in other.headers["content-security-policy"]
        plain = (await client.get("/api/v1/lifts/roster")).json()
        moved = (await client.get("/api/v1/lifts/roster?datum=gcj02")).json()
    assert plain["lat"] != moved["lat"] and moved["datum"] == "gcj02"
