"""The invented geography of the demo district: its areas, a river, parks, roads, as GeoJSON.

The district is a lattice of cells, one for each street office or town, with corners moved and
edges bent by a seeded hand; neighbours share their edges, so no gap shows. Nothing of it is a
real place.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
"""float64[n, 2]: longitude, latitude, in degrees (WGS-84)."""
COLUMNS: Final = 4
_BENDS: Final = 5  # an edge is halved so often
_INSIDE: Final = 0.30  # how far from the middle of a cell places lie: its edges bend


class Land:
    """Cells, edges and the river of a district with so many areas around a centre."""

    def __init__(
        self, areas: int, centre: Sequence[float], extent: Sequence[float], seed: int = 2012
    ) -> None:
        """centre, extent: (lat, lon) of the middle and half the extent, degrees."""
        self.columns = min(COLUMNS, areas)
        self.rows = -(-areas // self.columns)
        self._rng = np.random.default_rng([seed, 7])
        u, v = np.meshgrid(np.linspace(-1, 1, self.columns + 1), np.linspace(-1, 1, self.rows + 1))
        jitter = self._rng.uniform(-0.22, 0.22, (2, *u.shape))
        lon = centre[1] + extent[1] * 1.12 * (u + jitter[0] * 2 / self.columns)
        lat = centre[0] + extent[0] * 1.12 * (v + jitter[1] * 2 / self.rows)
        self.corners = np.stack([lon, lat], -1)
        self._across: dict[tuple[int, int], Points] = {}
        self._up: dict[tuple[int, int], Points] = {}
        for row in range(self.rows + 1):
            for column in range(self.columns):
                ends = self.corners[row, column], self.corners[row, column + 1]
                self._across[row, column] = self._bent(*ends)
        for row in range(self.rows):
            for column in range(self.columns + 1):
                ends = self.corners[row, column], self.corners[row + 1, column]
                self._up[row, column] = self._bent(*ends)

    def _bent(self, start: Points, end: Points) -> Points:
        """Return a line between two points that no ruler drew: midpoints moved, again and again."""
        line, size = np.array([start, end]), 0.10
        for _ in range(_BENDS):
            middle = (line[:-1] + line[1:]) / 2
            along = line[1:] - line[:-1]
            side = np.stack([-along[:, 1], along[:, 0]], 1)
            middle += side * self._rng.uniform(-size, size, (len(middle), 1))
            joined = np.empty((len(line) + len(middle), 2))
            joined[::2], joined[1::2] = line, middle
            line = joined
        return line

    def place(self, area: int, u: float, v: float) -> tuple[float, float]:
        """Return (lat, lon) of a place well inside an area; u and v in −1..1."""
        row, column = divmod(area, self.columns)
        a, b = 0.5 + _INSIDE * u, 0.5 + _INSIDE * v
        low = self.corners[row, column] * (1 - a) + self.corners[row, column + 1] * a
        high = self.corners[row + 1, column] * (1 - a) + self.corners[row + 1, column + 1] * a
        lon, lat = low * (1 - b) + high * b
        return float(lat), float(lon)

    def ring(self, area: int) -> Points:
        """Return the closed outline of an area, counter-clockwise."""
        row, column = divmod(area, self.columns)
        parts = [
            self._across[row, column][:-1],
            self._up[row, column + 1][:-1],
            self._across[row + 1, column][::-1][:-1],
            self._up[row, column][::-1],
        ]
        return np.concatenate(parts)

    def border(self, row: int) -> Points:
        """Return the line between two rows of areas, from west to east."""
        return np.concatenate([self._across[row, c] for c in range(self.columns)])

    def meridian(self, column: int) -> Points:
        """Return the line between two columns of areas, from south to north."""
        return np.concatenate([self._up[row, column] for row in range(self.rows)])

    def roads(self) -> list[Points]:
        """Return roads: through the middle of each row and column of areas, gently bent."""
        found = []
        for row in range(self.rows):
            ends = [(self.corners[row, c] + self.corners[row + 1, c]) / 2 for c in (0, -1)]
            found.append(self._bent(*ends))
        for column in range(self.columns):
            ends = [(self.corners[r, column] + self.corners[r, column + 1]) / 2 for r in (0, -1)]
            found.append(self._bent(*ends))
        return found

    def park(self, area: int) -> Points:
        """Return a closed patch of green in the corner of an area."""
        lat, lon = self.place(area, 1.15, 1.1)
        turn = np.linspace(0, 2 * np.pi, 25)
        wide = self._rng.uniform(0.7, 1.0, 24)
        wide = np.append(wide, wide[0])[:, None] * np.array([0.0052, 0.0038])
        ring: Points = np.array([lon, lat]) + wide * np.stack([np.cos(turn), np.sin(turn)], 1)
        return ring


def outlines_json(land: Land, areas: Sequence[dict[str, str]], name: dict[str, str]) -> str:
    """Return the GeoJSON text of a district; the same land gives the same text.

    areas: `zh`, `en` and `id` of each, in the order of the cells; name: `zh`, `en`.
    """
    features = [_feature("road", "LineString", road, {}) for road in land.roads()]
    features += [_feature("office", "Polygon", land.ring(i), area) for i, area in enumerate(areas)]
    features += [_feature("green", "Polygon", land.park(i), {}) for i in range(1, len(areas), 5)]
    if land.rows > 1:
        river = {"zh": "渝澜江（虚构）", "en": "Yulan River (fictive)"}
        features.append(_feature("water", "Polygon", _banks(land.border(1), 0.0016), river))
    found = {"type": "FeatureCollection", "name": name, "features": features}
    return json.dumps(found, ensure_ascii=False, separators=(",", ":")) + "\n"


def _banks(middle: Points, half: float) -> Points:
    """Return the closed outline of a river along a line; it narrows and widens a little."""
    wide = half * (1 + 0.35 * np.sin(np.linspace(0, 9, len(middle))))
    offset = np.stack([np.zeros(len(middle)), wide], 1)
    ring = np.concatenate([middle - offset, (middle + offset)[::-1]])
    return np.concatenate([ring, ring[:1]])


def _feature(kind: str, shape: str, points: Points, named: dict[str, str]) -> dict[str, Any]:
    line: Any = np.round(points, 6).tolist()
    told = {"kind": kind, **{f"name_{k}": named[k] for k in ("zh", "en") if k in named}}
    told |= {"id": named["id"]} if "id" in named else {}
    coordinates = [line] if shape == "Polygon" else line
    geometry = {"type": shape, "coordinates": coordinates}
    return {"type": "Feature", "properties": told, "geometry": geometry}
