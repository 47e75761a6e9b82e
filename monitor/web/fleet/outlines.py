"""The site's own map: outlines of a GeoJSON file, checked before they are drawn.

RFC 7946, WGS-84, longitude first. `properties.kind` says how a feature is drawn: district, office,
water, green, road; `name_zh` and `name_en` (or `name`) are written on it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import structlog

from config.errors import ConfigError
from config.settings import Settings
from config.text import Text
from monitor.web.fleet.datum import Datum, to_gcj02

KINDS = ("district", "office", "water", "green", "road")
FILE = "outlines.geojson"
MOST_BYTES = 8 * 1024 * 1024
MOST_POINTS = 200_000
_DEPTH = {
    "LineString": 1, "MultiLineString": 2, "Polygon": 2, "MultiPolygon": 3,
}  # fmt: skip
Feature = dict[str, Any]
log = structlog.get_logger()


def file_of(settings: Settings) -> Path | None:
    """Return the site's file of outlines: as set, or the site folder's own; None without one."""
    if settings.site.outlines is not None:
        return settings.site.outlines
    own = settings.site.folder / FILE
    return own if own.exists() else None


def load_outlines(file: Path) -> list[Feature]:
    """Read a file; return features `{kind, name: {zh, en}, lines: [[[lon, lat], …], …], closed}`.

    Raises ConfigError naming file, feature, value, limit and what would be right.
    """
    try:
        raw = file.read_bytes()
    except OSError as error:
        raise _refused(file, "file", error.strerror, "应为可读文件", "a readable file") from None
    if len(raw) > MOST_BYTES:
        way_out = ("不超过 8 MiB：请简化轮廓", "8 MiB at most: simplify the outlines")
        raise _refused(file, "size", len(raw), *way_out)
    try:
        data = json.loads(raw)
    except ValueError as error:
        raise _refused(file, "JSON", str(error), "应为 JSON", "JSON") from None
    if not isinstance(data, dict) or data.get("type") != "FeatureCollection":
        found = data.get("type") if isinstance(data, dict) else type(data).__name__
        raise _refused(file, "type", found, "应为 FeatureCollection", "a FeatureCollection")
    crs = data.get("crs")
    if crs is not None and "CRS84" not in json.dumps(crs) and "4326" not in json.dumps(crs):
        raise _refused(file, "crs", crs, "须为 WGS-84（RFC 7946）", "WGS-84 only (RFC 7946)")
    features = data.get("features")
    if not isinstance(features, list) or not features:
        raise _refused(file, "features", features, "至少一个要素", "at least one feature")
    found = [_feature(file, f"features[{i}]", one) for i, one in enumerate(features)]
    points = sum(len(line) for one in found for line in one["lines"])
    if points > MOST_POINTS:
        way_out = (f"不超过 {MOST_POINTS} 个点", f"{MOST_POINTS:,} points at most: simplify")
        raise _refused(file, "features", points, *way_out)
    return found


def _refused(file: Path, key: str, value: object, zh: str, en: str) -> ConfigError:
    shown = value if isinstance(value, int | float) or value is None else str(value)[:80]
    return ConfigError(file, key, shown, Text(zh, en))


def _feature(file: Path, key: str, one: Any) -> Feature:
    if not isinstance(one, dict) or not isinstance(one.get("geometry"), dict):
        raise _refused(file, key, one, "要素须有 geometry", "a feature with a geometry")
    told = one.get("properties") or {}
    kind = told.get("kind", "district")
    if kind not in KINDS:
        options = ", ".join(KINDS)
        raise _refused(file, f"{key}.properties.kind", kind, f"应为 {options}", f"one of {options}")
    shape = one["geometry"].get("type")
    if shape not in _DEPTH:
        options = ", ".join(_DEPTH)
        raise _refused(file, f"{key}.geometry.type", shape, f"应为 {options}", f"one of {options}")
    closed = "Polygon" in shape
    place = f"{key}.geometry.coordinates"
    lines = list(_lines(file, place, one["geometry"].get("coordinates"), _DEPTH[shape]))
    for line in lines:
        if closed and (len(line) < 4 or line[0] != line[-1]):
            way_out = ("多边形的环须闭合且至少四点", "a closed ring of at least four points")
            raise _refused(file, place, line[:2], *way_out)
        if len(line) < 2:
            raise _refused(file, place, line, "至少两点", "at least two points")
    name = str(told.get("name") or told.get("name_zh") or "")
    both = {"zh": str(told.get("name_zh") or name), "en": str(told.get("name_en") or name)}
    return {"kind": kind, "name": both, "lines": lines, "closed": closed}


def _lines(file: Path, key: str, found: Any, depth: int) -> Iterator[list[list[float]]]:
    if not isinstance(found, list) or not found:
        raise _refused(file, key, found, "应为坐标数组", "an array of coordinates")
    if depth > 1:
        for i, part in enumerate(found):
            yield from _lines(file, f"{key}[{i}]", part, depth - 1)
        return
    yield [_point(file, f"{key}[{i}]", point) for i, point in enumerate(found)]


def _point(file: Path, key: str, point: Any) -> list[float]:
    right = isinstance(point, list) and len(point) >= 2
    if not right or not all(
        isinstance(x, int | float) and math.isfinite(x) and not isinstance(x, bool)
        for x in point[:2]
    ):
        raise _refused(file, key, point, "应为 [经度, 纬度]", "[longitude, latitude]")
    lon, lat = float(point[0]), float(point[1])
    if not (-180 <= lon <= 180 and -85 <= lat <= 85):
        way_out = ("经度在前，±180；纬度 ±85", "longitude first within ±180, latitude within ±85")
        raise _refused(file, key, point, *way_out)
    return [lon, lat]


def drawn(features: list[Feature], datum: Datum) -> list[Feature]:
    """Return features as they are drawn on tiles of a datum, to the fifth decimal (a metre)."""
    return [one | {"lines": [_moved(line, datum) for line in one["lines"]]} for one in features]


def _moved(line: list[list[float]], datum: Datum) -> list[list[float]]:
    points = np.array(line, np.float64)
    if datum == "gcj02":
        lat, lon = to_gcj02(points[:, 1], points[:, 0])
        points = np.stack([lon, lat], 1)
    told: list[list[float]] = np.round(points, 5).tolist()
    return told


class Outlines:
    """The site's outlines: read at the start, and again when the file is another one."""

    def __init__(self, settings: Settings) -> None:
        """Raises ConfigError for a file with a mistake: a start is the time to be told."""
        self._settings = settings
        self._features: list[Feature] = []
        self._seen = self._stamp()
        if self._seen is not None:
            self._features = load_outlines(self._seen[0])

    def _stamp(self) -> tuple[Path, int] | None:
        file = file_of(self._settings)
        if file is None:
            return None
        try:
            return file, file.stat().st_mtime_ns
        except OSError:
            return file, 0

    def now(self) -> list[Feature]:
        """Return the features; a file that has become wrong is told in the log, and the last good
        one goes on."""
        stamp = self._stamp()
        if stamp != self._seen:
            self._seen = stamp
            try:
                self._features = load_outlines(stamp[0]) if stamp else []
            except ConfigError as error:
                log.error("outlines.refused", reason=str(error))
        return self._features
