"""Where a place is drawn on tiles whose coordinates are not WGS-84.

Chinese maps are drawn in GCJ-02, which is off by some hundred metres. The conversion is the public
approximation that mapping libraries use (Krasovsky 1940 ellipsoid and a sum of sines); its error
is some metres, which is less than a mark on the map.
"""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

Datum = Literal["wgs84", "gcj02"]
Degrees = NDArray[np.float64]
_A: Final = 6378245.0
_EE: Final = 0.00669342162296594323


def _waves(x: Degrees, *pairs: tuple[float, float]) -> Degrees:
    total: Degrees = sum((size * np.sin(x * rate * np.pi) for size, rate in pairs), 0.0 * x)
    return total * 2 / 3


def to_gcj02(lat: Degrees, lon: Degrees) -> tuple[Degrees, Degrees]:
    """Return GCJ-02 degrees of WGS-84 degrees; the same outside of China's bounding box."""
    x, y = lon - 105.0, lat - 35.0
    root = np.sqrt(np.abs(x))
    ripple = _waves(x, (20, 6), (20, 2))
    north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + ripple
    north += _waves(y, (20, 1), (40, 1 / 3)) + _waves(y, (160, 1 / 12), (320, 1 / 30))
    east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + ripple
    east += _waves(x, (20, 1), (40, 1 / 3)) + _waves(x, (150, 1 / 12), (300, 1 / 30))
    phi = np.radians(lat)
    magic = 1 - _EE * np.sin(phi) ** 2
    d_lat = np.degrees(north * magic * np.sqrt(magic) / (_A * (1 - _EE)))
    d_lon = np.degrees(east * np.sqrt(magic) / (_A * np.cos(phi)))
    inside = (lon > 72.004) & (lon < 137.8347) & (lat > 0.8293) & (lat < 55.8271)
    return np.where(inside, lat + d_lat, lat), np.where(inside, lon + d_lon, lon)
